/* task_orphans.c: orphans: snapshots by our names that no epoch has: of an attempt whose side was
 * away or lost when it was discarded. The device says which epochs it knows; what a seal names
 * here, what was received or is under way by this agent is none, whatever the device says. Older
 * ones are removed when it orders so. */
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/json.h"
#include "base/path.h"

#define ORPHANS_MAX 1000 /* in one answer; the rest is found by the next */

struct search {
    struct task *task;
    const struct call *call;
    struct store_ref home; /* where the area lies */
    json_t *found;
    int64_t remove_before_us; /* INT64_MIN: only look */
};

/* One service of the order, and what its area here holds. */
struct known {
    const char *pair, *service;
    struct area_epochs epochs;
};

static bool is_meant(const char *name, const char *kept)
{
    size_t length = strlen(kept);
    bool is_beginning = length > 0 && kept[length - 1] == '.';
    return is_beginning ? strncmp(name, kept, length) == 0 : strcmp(name, kept) == 0;
}

/* The order's "keep": names; one that ends with a dot is how names begin. */
static bool is_kept(const struct search *search, const char *name)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(search->task->instruction.body, "keep"), index, item)
        if (json_is_string(item) && is_meant(name, json_string_value(item)))
            return true;
    return false;
}

static const struct area_epoch *epoch_of(const struct known *known, int64_t generation,
                                         int64_t number)
{
    for (size_t i = 0; i < known->epochs.count; i++)
        if (known->epochs.list[i].generation == generation &&
            known->epochs.list[i].number == number)
            return &known->epochs.list[i];
    return NULL;
}

/* A's snapshot, or B's. */
static bool is_of_member(const json_t *member, const char *name)
{
    const json_t *sealed = json_object_get(member, "snapshot");
    return strcmp(json_string_or(sealed, "name", ""), name) == 0 ||
           strcmp(json_string_or(member, "source_snapshot", ""), name) == 0;
}

static bool is_named(const struct search *search, const struct known *known,
                     const struct area_epoch *epoch, const char *name, bool *ret_named,
                     struct error *error)
{
    struct arena arena;
    json_t *seal, *member;
    size_t index;
    arena_init(&arena);
    const char *directory = area_epoch(&arena, search->home.area, known->pair, known->service,
                                       epoch->generation, epoch->number);
    bool read = area_read_json(search->home, search->call,
                               path_join(&arena, directory, "seal.json"), &seal, error);
    *ret_named = false;
    if (read) {
        json_array_foreach(json_object_get(seal, "members"), index, member)
            *ret_named = *ret_named || is_of_member(member, name);
        json_decref(seal);
    }
    arena_fini(&arena);
    return read;
}

/* Nothing here speaks for it. */
static bool is_orphan(const struct search *search, const struct known *known, const char *name,
                      bool *ret_orphan, struct error *error)
{
    int64_t generation, number, attempt;
    bool named = false;
    *ret_orphan = false;
    if (!area_parse_snapshot_name(name, known->pair, known->service, &generation, &number,
                                  &attempt) ||
        is_kept(search, name))
        return true;
    const struct area_epoch *epoch = epoch_of(known, generation, number);
    if (epoch != NULL && !epoch->sealed && (epoch->received || epoch->begun || epoch->back))
        return true;
    if (epoch != NULL && epoch->sealed && !epoch->retired &&
        !is_named(search, known, epoch, name, &named, error))
        return false;
    *ret_orphan = !named;
    return true;
}

/* ---- one root ------------------------------------------------------------------------------- */

struct snapshots {
    struct arena *arena;
    struct snapshot *list;
    size_t count;
};

static bool take_snapshot(void *context, const struct snapshot *snapshot, struct error *error)
{
    struct snapshots *snapshots = context;
    (void)error;
    if (strncmp(snapshot->name, "coeval.", 7) != 0)
        return true;
    snapshots->list = memory_resize(snapshots->list, (snapshots->count + 1) * sizeof *snapshot);
    snapshots->list[snapshots->count] = *snapshot;
    snapshots->list[snapshots->count++].name = arena_string(snapshots->arena, snapshot->name);
    return true;
}

static void note(struct search *search, const char *instance, const char *root,
                 const struct snapshot *snapshot, bool removed)
{
    json_t *item = json_object();
    json_set_string(item, "instance", instance);
    json_set_string(item, "root", root);
    json_set_string(item, "snapshot", snapshot->name);
    json_set_time(item, "instant_us", snapshot->instant_us);
    json_set_boolean(item, "removed", removed);
    json_append_take(search->found, item);
}

static bool judge(struct search *search, const struct known *known, struct store_ref ref,
                  const char *instance, const char *root, const struct snapshot *snapshot,
                  struct error *error)
{
    bool orphan;
    struct error gone = ERROR_NONE;
    if (!is_orphan(search, known, snapshot->name, &orphan, error))
        return false;
    if (!orphan || json_array_size(search->found) >= ORPHANS_MAX)
        return true;
    bool old = snapshot->instant_us < search->remove_before_us;
    bool removed = old && (ref.component->snapshot_remove(ref.store, search->call, root,
                                                          snapshot->name, &gone) ||
                           gone.code == ERROR_NOT_FOUND);
    if (old && !removed) {
        *error = gone;
        return error_wrap(error, "remove snapshot %s of %s", snapshot->name, root);
    }
    note(search, instance, root, snapshot, removed);
    return true;
}

static bool search_root(struct search *search, const struct known *known, const json_t *item,
                        struct error *error)
{
    const char *instance, *root;
    struct store_ref ref;
    struct arena arena;
    struct error failure = ERROR_NONE;
    if (!json_get_string(item, "instance", &instance, error) ||
        !json_get_string(item, "root", &root, error) ||
        !task_store(search->task, task_scope(search->task), instance, &ref, error))
        return false;
    arena_init(&arena);
    struct snapshots snapshots = {.arena = &arena};
    /* A root that is gone, or never was one, has none. */
    bool done = ref.component->snapshot_list(ref.store, search->call, root, take_snapshot,
                                             &snapshots, &failure) ||
                failure.code == ERROR_NOT_FOUND || failure.code == ERROR_CONFLICT;
    if (!done) {
        *error = failure;
        error_wrap(error, "snapshots of %s:%s", instance, root);
    }
    for (size_t i = 0; done && i < snapshots.count; i++)
        done = judge(search, known, ref, instance, root, &snapshots.list[i], error);
    free(snapshots.list);
    arena_fini(&arena);
    return done;
}

/* ---- the task ------------------------------------------------------------------------------- */

static bool search_service(struct search *search, const json_t *item, struct error *error)
{
    struct arena arena;
    struct known known = {0};
    size_t index;
    json_t *root;
    if (!json_get_string(item, "pair", &known.pair, error) ||
        !json_get_string(item, "service", &known.service, error))
        return false;
    arena_init(&arena);
    bool done = area_list_epochs(search->home, search->call, known.pair, known.service, &arena,
                                 &known.epochs, error);
    json_array_foreach(json_object_get(search->task->instruction.body, "roots"), index, root)
        done = done && search_root(search, &known, root, error);
    arena_fini(&arena);
    return done;
}

static bool orphans(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct search search = {
        .task = task,
        .call = &call,
        .remove_before_us = json_time_or(task->instruction.body, "remove_before_us", INT64_MIN)};
    size_t index;
    json_t *item;
    if (!task_area_store(task, task_scope(task), &search.home, error))
        return false;
    search.found = json_array();
    bool done = true;
    json_array_foreach(json_object_get(task->instruction.body, "services"), index, item)
        done = done && search_service(&search, item, error);
    task_result_take(task, "orphans", search.found);
    return done;
}

static const struct task_stage orphans_stages[] = {{.phase = "orphans", .run = orphans}};
const struct task_kind task_kind_orphans = {
    .name = "orphans", .stages = orphans_stages, .stage_count = ARRAY_LENGTH(orphans_stages)};
