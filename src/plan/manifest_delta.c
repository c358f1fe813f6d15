/* manifest_delta.c: everything that happened to a path is sorted to it: first that it went, then
 * what came, then what was set; folded over what the chain has, this is its new entry. */
#include "plan/manifest_delta.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

/* Ranks among what happened to one path; the byte behind the NUL of a key. */
enum { WENT = 1, CAME = 2, ATTRIBUTES_SET = 3, TIME_SET = 4 };

int manifest_delta_compare(const struct sorter_key *a, const struct sorter_key *b)
{
    int order = path_compare(a->data, b->data);
    if (order != 0)
        return order;
    const uint8_t *x = a->data, *y = b->data;
    return x[a->size - 1] < y[b->size - 1] ? -1 : x[a->size - 1] > y[b->size - 1];
}

static bool add(struct manifest_delta *delta, const char *path, int rank, unsigned fields,
                const struct entry *entry, struct error *error)
{
    struct buffer key = {0}, value = {0};
    buffer_append(&key, path, strlen(path) + 1);
    buffer_append_byte(&key, (uint8_t)rank);
    if (rank != WENT) {
        struct entry at_path = *entry;
        at_path.path = path;
        buffer_append_u32(&value, fields);
        entry_encode(&at_path, &value);
    }
    struct sorter_record record = {{key.data, key.size}, value.data, value.size};
    bool ok = sorter_add(delta->sorter, &record, error);
    buffer_fini(&key);
    buffer_fini(&value);
    return ok;
}

static const char *number_of(struct manifest_delta *delta, uint32_t number)
{
    return arena_format(&delta->arena, "%u", number);
}

static void index_steps(struct manifest_delta *delta)
{
    for (size_t i = 0; i < delta->plan->step_count; i++) {
        struct plan_step *step = &delta->plan->steps[i];
        if (step->kind == PLAN_PARK)
            path_map_put(&delta->parks, step->place)->value = step;
        else if (step->area == PLAN_AREA_NEW)
            path_map_put(&delta->placed, number_of(delta, step->staged))->value = step;
    }
}

static bool add_moved(struct manifest_delta *delta, const struct plan_step *step,
                      const struct entry *entry, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *new_path = path_move(&arena, entry->path, step->place, step->other);
    bool ok = add(delta, new_path, CAME, 0, entry, error);
    arena_fini(&arena);
    return ok;
}

/* One entry below a parked place, unless a step below takes it. */
static bool take_parked(void *context, const struct entry *entry, struct error *error)
{
    struct manifest_delta *delta = context;
    const struct plan_step *step = delta->scanned;
    if (path_map_above(&delta->parks, entry->path, true)->value != step)
        return true;
    return add(delta, entry->path, WENT, 0, NULL, error) &&
           (step->other == NULL || add_moved(delta, step, entry, error));
}

static bool take_attributes(struct manifest_delta *delta, struct error *error)
{
    const struct plan *plan = delta->plan;
    for (size_t i = 0; i < plan->attribute_count; i++)
        if (!add(delta, plan->attributes[i].new_path, ATTRIBUTES_SET, plan->attributes[i].fields,
                 &plan->attributes[i].now, error))
            return false;
    for (size_t i = 0; i < plan->time_count; i++) {
        struct entry entry = {.type = ENTRY_DIRECTORY, .mtime_ns = plan->times[i].now_mtime_ns};
        if (plan->times[i].new_path != NULL &&
            !add(delta, plan->times[i].new_path, TIME_SET, ENTRY_TIMES, &entry, error))
            return false;
    }
    return true;
}

bool manifest_delta_begin(struct manifest_delta *delta, const struct plan *plan,
                          struct manifest_chain *chain, struct sorter *sorter, struct error *error)
{
    CHECK(!plan->inverse);
    *delta = (struct manifest_delta){.plan = plan, .chain = chain, .sorter = sorter};
    index_steps(delta);
    for (size_t i = 0; i < plan->park_count; i++) {
        const struct entry *entry;
        delta->scanned = &plan->steps[i];
        if (!manifest_chain_get(chain, delta->scanned->place, &entry, error))
            return false;
        if (entry == NULL)
            return error_set(error, ERROR_CORRUPT,
                             "manifest: '%.150s' was parked, but is not in it",
                             delta->scanned->place);
        if (!manifest_chain_scan(chain, delta->scanned->place, take_parked, delta, error))
            return false;
    }
    return take_attributes(delta, error);
}

bool manifest_delta_receive(void *context, const struct receipt_record *record, struct error *error)
{
    struct manifest_delta *delta = context;
    char number[16];
    struct arena arena;
    snprintf(number, sizeof number, "%u", record->step);
    const struct path_slot *slot = path_map_get(&delta->placed, number);
    if (slot == NULL)
        return error_set(error, ERROR_CORRUPT, "receipt: step %u is not in the plan", record->step);
    const struct plan_step *step = slot->value;
    if (record->inside[0] == '\0')
        path_map_put(&delta->received, slot->path);
    arena_init(&arena);
    const char *path = path_join(&arena, step->place, record->inside);
    bool ok = add(delta, path, CAME, 0, &record->entry, error);
    arena_fini(&arena);
    return ok;
}

bool manifest_delta_top(struct manifest_delta *delta, const struct entry *top, struct error *error)
{
    return add(delta, "", CAME, 0, top, error);
}

static void set_fields(struct entry *entry, const struct entry *from, unsigned fields)
{
    if ((fields & ENTRY_OWNER) != 0) {
        entry->owner = from->owner;
        entry->group = from->group;
    }
    if ((fields & ENTRY_MODE) != 0)
        entry->mode = from->mode;
    if ((fields & ENTRY_TIMES) != 0)
        entry->mtime_ns = from->mtime_ns;
    if ((fields & ENTRY_ACL) != 0)
        entry->acl = from->acl;
    if ((fields & ENTRY_XATTRS) != 0) {
        entry->xattrs = from->xattrs;
        entry->xattr_count = from->xattr_count;
    }
    if ((fields & ENTRY_REPLICATION) != 0)
        entry->replication = from->replication;
    if ((fields & ENTRY_POLICY) != 0)
        entry->storage_policy = from->storage_policy;
}

/* One path, its old entry, and what comes of it. */
struct fold {
    struct arena arena;
    const char *path;
    struct entry old, now;
    bool had, has;
};

static bool begin_fold(struct manifest_delta *delta, struct fold *fold, const char *path,
                       struct error *error)
{
    const struct entry *entry;
    arena_fini(&fold->arena);
    *fold = (struct fold){0};
    fold->path = arena_string(&fold->arena, path);
    if (!manifest_chain_get(delta->chain, path, &entry, error))
        return false;
    fold->had = fold->has = entry != NULL;
    if (fold->had)
        fold->old = fold->now = entry_copy(&fold->arena, entry);
    return true;
}

static bool apply(struct fold *fold, const struct sorter_record *record, struct error *error)
{
    const uint8_t *key = record->key.data;
    uint8_t rank = key[record->key.size - 1];
    struct reader reader;
    struct entry entry;
    if (rank == WENT) {
        fold->has = false;
        return true;
    }
    reader_init(&reader, record->value, record->value_size);
    unsigned fields = reader_u32(&reader);
    CHECK(entry_decode(&reader, &fold->arena, &entry)); /* we encoded it */
    if (rank == CAME) {
        fold->now = entry;
        fold->has = true;
        return true;
    }
    if (!fold->has)
        return error_set(error, ERROR_CORRUPT,
                         "manifest: attributes of '%.150s' were set, but it is not there",
                         fold->path);
    set_fields(&fold->now, &entry, fields);
    return true;
}

struct output {
    struct manifest_writer *writer;
    struct manifest_state *state;
    bool full;
};

static bool put_out(const struct output *output, const struct fold *fold, struct error *error)
{
    struct digest before, after;
    bool same = false;
    if (fold->had && fold->has) {
        before = entry_hash(&fold->old);
        after = entry_hash(&fold->now);
        same = digest_equal(&before, &after);
    }
    if (!same)
        manifest_state_apply(output->state, fold->had ? &fold->old : NULL,
                             fold->has ? &fold->now : NULL);
    struct manifest_record record = {.is_deletion = !fold->has, .entry = fold->now};
    record.entry.path = fold->path;
    bool wanted = output->full ? fold->has : !same && (fold->had || fold->has);
    return !wanted || manifest_writer_add(output->writer, &record, error);
}

/* The sorted happenings, a path at a time. */
struct happenings {
    struct manifest_delta *delta;
    struct sorter_record next; /* key.data NULL: no more */
    struct fold fold;
};

static bool next_fold(struct happenings *happenings, struct error *error)
{
    struct sorter *sorter = happenings->delta->sorter;
    if (!begin_fold(happenings->delta, &happenings->fold, happenings->next.key.data, error))
        return false;
    while (happenings->next.key.data != NULL &&
           strcmp(happenings->next.key.data, happenings->fold.path) == 0)
        if (!apply(&happenings->fold, &happenings->next, error) ||
            !sorter_next(sorter, &happenings->next, error))
            return false;
    return true;
}

static bool write_fold(struct happenings *happenings, const struct output *output,
                       struct error *error)
{
    return next_fold(happenings, error) && put_out(output, &happenings->fold, error);
}

static bool write_delta(struct happenings *happenings, const struct output *output,
                        struct error *error)
{
    while (happenings->next.key.data != NULL)
        if (!write_fold(happenings, output, error))
            return false;
    return true;
}

struct merge {
    struct happenings *happenings;
    const struct output *output;
};

/* An entry of the chain, with all that happened before and at its path. */
static bool merge_entry(void *context, const struct entry *entry, struct error *error)
{
    struct merge *merge = context;
    struct manifest_record record = {.entry = *entry};
    for (;;) {
        const char *path = merge->happenings->next.key.data;
        int order = path == NULL ? 1 : path_compare(path, entry->path);
        if (order > 0)
            return manifest_writer_add(merge->output->writer, &record, error);
        if (!write_fold(merge->happenings, merge->output, error))
            return false;
        if (order == 0)
            return true;
    }
}

/* The chain is read twice at once, so this reading has cursors of its own. */
static bool write_full(struct happenings *happenings, const struct output *output,
                       struct error *error)
{
    struct manifest *manifests[MANIFEST_CHAIN_MAX];
    const struct manifest_chain *chain = happenings->delta->chain;
    struct manifest_chain again;
    struct merge merge = {happenings, output};
    for (size_t i = 0; i < chain->count; i++)
        manifests[i] = chain->cursors[i].manifest;
    bool ok = manifest_chain_init(&again, manifests, NULL, chain->count, error) &&
              manifest_chain_scan(&again, "", merge_entry, &merge, error);
    manifest_chain_fini(&again);
    return ok && write_delta(happenings, output, error);
}

bool manifest_delta_finish(struct manifest_delta *delta, bool full, struct manifest_writer *writer,
                           struct manifest_state *state, struct error *error)
{
    struct output output = {writer, state, full};
    struct happenings happenings = {.delta = delta};
    if (delta->received.count < delta->placed.count)
        return error_set(error, ERROR_CORRUPT, "receipt: %zu of %zu staged objects are in it",
                         delta->received.count, delta->placed.count);
    bool ok =
        sorter_finish(delta->sorter, error) &&
        sorter_next(delta->sorter, &happenings.next, error) &&
        (full ? write_full(&happenings, &output, error) : write_delta(&happenings, &output, error));
    arena_fini(&happenings.fold.arena);
    return ok;
}

void manifest_delta_fini(struct manifest_delta *delta)
{
    path_map_fini(&delta->parks);
    path_map_fini(&delta->placed);
    path_map_fini(&delta->received);
    arena_fini(&delta->arena);
    *delta = (struct manifest_delta){0};
}
