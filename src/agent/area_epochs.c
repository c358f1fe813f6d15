/* area_epochs.c: see area_epochs.h. */
#include "agent/area_epochs.h"

#include <stdlib.h>
#include <string.h>

#include "agent/seal_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/path.h"

#define EPOCHS_MAX 200000

struct names {
    struct arena *arena;
    struct area_epoch *list;
    size_t count, capacity;
};

static bool take_name(void *context, const struct entry *entry, struct error *error)
{
    struct names *names = context;
    struct area_epoch epoch = {0};
    if (entry->type != ENTRY_DIRECTORY ||
        !area_parse_epoch_name(path_name(entry->path), &epoch.generation, &epoch.number))
        return true;
    if (names->count == EPOCHS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d epochs in one area", EPOCHS_MAX);
    if (names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 64 : names->capacity * 2;
        names->list = memory_resize(names->list, names->capacity * sizeof *names->list);
    }
    names->list[names->count++] = epoch;
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct area_epoch *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return left->generation < right->generation ? -1 : left->generation > right->generation;
}

struct files {
    struct area_epoch *epoch;
};

static bool take_file(void *context, const struct entry *entry, struct error *error)
{
    struct area_epoch *epoch = ((struct files *)context)->epoch;
    const char *name = path_name(entry->path);
    (void)error;
    epoch->sealed = epoch->sealed || strcmp(name, "seal.json") == 0;
    epoch->retired = epoch->retired || strcmp(name, "phase.retired") == 0;
    epoch->released = epoch->released || strcmp(name, "phase.released") == 0;
    epoch->received = epoch->received || strcmp(name, "received.json") == 0;
    size_t length = strlen(name);
    bool is_mark = strncmp(name, "phase.", 6) == 0 && length > 5 + 6;
    epoch->back = epoch->back || (is_mark && strcmp(name + length - 5, ".back") == 0);
    epoch->proven = epoch->proven || strncmp(name, "manifest.", 9) == 0;
    epoch->begun = epoch->begun || strcmp(name, "phase.begun") == 0;
    return true;
}

/* Ascending, nothing but generation and number known; free() the list. */
static bool list_names(struct store_ref ref, const struct call *call, const char *pair,
                       const char *service, struct names *names, struct error *error)
{
    struct error failure = ERROR_NONE;
    if (!ref.component->list(ref.store, call, area_service(names->arena, ref.area, pair, service),
                             take_name, names, &failure) &&
        failure.code != ERROR_NOT_FOUND) {
        *error = failure;
        return false;
    }
    if (names->count > 0)
        qsort(names->list, names->count, sizeof *names->list, by_number);
    return true;
}

static bool look_into(struct store_ref ref, const struct call *call, const char *pair,
                      const char *service, struct arena *arena, struct area_epoch *epoch,
                      struct error *error)
{
    struct files files = {epoch};
    struct error failure = ERROR_NONE;
    const char *directory =
        area_epoch(arena, ref.area, pair, service, epoch->generation, epoch->number);
    if (ref.component->list(ref.store, call, directory, take_file, &files, &failure) ||
        failure.code == ERROR_NOT_FOUND)
        return true;
    *error = failure;
    return false;
}

bool area_list_epochs(struct store_ref ref, const struct call *call, const char *pair,
                      const char *service, struct arena *arena, struct area_epochs *ret_epochs,
                      struct error *error)
{
    struct names names = {.arena = arena};
    bool done = list_names(ref, call, pair, service, &names, error);
    for (size_t i = 0; done && i < names.count; i++)
        done = look_into(ref, call, pair, service, arena, &names.list[i], error);
    if (done) {
        size_t size = names.count * sizeof *names.list;
        ret_epochs->list = arena_new(arena, size);
        if (size > 0)
            memcpy(ret_epochs->list, names.list, size);
        ret_epochs->count = names.count;
    }
    free(names.list);
    return done;
}

bool area_newest_seal(struct store_ref ref, const struct call *call, const char *pair,
                      const char *service, int64_t below, struct area_epoch *ret_epoch,
                      bool *ret_found, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct names names = {.arena = &arena};
    bool done = list_names(ref, call, pair, service, &names, error), found = false;
    for (size_t i = names.count; done && !found && i-- > 0;) {
        struct area_epoch *epoch = &names.list[i];
        if (epoch->number >= below)
            continue;
        done = look_into(ref, call, pair, service, &arena, epoch, error);
        found = done && epoch->sealed && !epoch->retired;
        if (found)
            *ret_epoch = *epoch;
    }
    free(names.list);
    arena_fini(&arena);
    if (done)
        *ret_found = found;
    return done;
}

bool area_epochs_have(const struct area_epochs *epochs, int64_t generation, int64_t number)
{
    for (size_t i = 0; i < epochs->count; i++)
        if (epochs->list[i].generation == generation && epochs->list[i].number == number)
            return true;
    return false;
}

/* ---- what is still needed ------------------------------------------------------------------- */

/* What is asked of the epochs of one service's area. */
struct survey {
    struct store_ref ref;
    const struct call *call;
    const char *pair, *service;
    struct arena *arena;
    struct area_epochs epochs;
    bool *needed; /* by index in epochs */
};

static bool survey_init(struct survey *survey, struct error *error)
{
    if (!area_list_epochs(survey->ref, survey->call, survey->pair, survey->service, survey->arena,
                          &survey->epochs, error))
        return false;
    survey->needed = arena_new(survey->arena, survey->epochs.count + 1);
    return true;
}

static const char *directory_of(const struct survey *survey, size_t index)
{
    const struct area_epoch *epoch = &survey->epochs.list[index];
    return area_epoch(survey->arena, survey->ref.area, survey->pair, survey->service,
                      epoch->generation, epoch->number);
}

static bool read_of(const struct survey *survey, size_t index, const char *name,
                    json_t **ret_document, struct error *error)
{
    return area_read_json(survey->ref, survey->call,
                          path_join(survey->arena, directory_of(survey, index), name), ret_document,
                          error);
}

bool area_bases(struct store_ref ref, const struct call *call, const char *pair,
                const char *service, struct arena *arena, struct area_epochs *ret_bases,
                struct error *error)
{
    struct survey survey = {ref, call, pair, service, arena, .needed = NULL};
    if (!survey_init(&survey, error))
        return false;
    size_t count = 0;
    struct area_epoch *list = arena_new(arena, (survey.epochs.count + 1) * sizeof *list);
    for (size_t i = 0; i < survey.epochs.count; i++) {
        const struct area_epoch *epoch = &survey.epochs.list[i];
        json_t *received;
        if (!epoch->received || epoch->sealed || epoch->retired)
            continue;
        if (!read_of(&survey, i, "received.json", &received, error))
            return false;
        const json_t *order = json_object_get(received, "order");
        const json_t *base = json_object_get(json_object_get(order, "body"), "base");
        if (json_is_object(base))
            list[count++] =
                (struct area_epoch){.generation = json_integer_or(base, "generation", 0),
                                    .number = json_integer_or(base, "number", 0)};
        json_decref(received);
    }
    *ret_bases = (struct area_epochs){list, count};
    return true;
}

static bool need(struct survey *survey, int64_t generation, int64_t number, struct error *error);

/* The epochs that the manifests of this one's seal are deltas to are needed with it. */
static bool need_with_parents(struct survey *survey, size_t index, struct error *error)
{
    json_t *seal, *member;
    size_t i;
    if (survey->needed[index])
        return true;
    survey->needed[index] = true;
    if (!survey->epochs.list[index].sealed || !survey->epochs.list[index].proven)
        return true; /* A keeps seals without manifests */
    if (!seal_read(survey->ref, survey->call, directory_of(survey, index), &seal, error)) {
        if (error->code != ERROR_CORRUPT)
            return false;
        /* Nobody knows what it stands on: nothing goes. */
        memset(survey->needed, true, survey->epochs.count * sizeof *survey->needed);
        *error = ERROR_NONE;
        return true;
    }
    bool done = true;
    json_array_foreach(json_object_get(seal, "members"), i, member) {
        const char *parent = json_string_or(json_object_get(member, "manifest"), "parent", NULL);
        int64_t generation, number;
        if (done && parent != NULL && area_parse_epoch_name(parent, &generation, &number))
            done = need(survey, generation, number, error);
    }
    json_decref(seal);
    return done;
}

static bool need(struct survey *survey, int64_t generation, int64_t number, struct error *error)
{
    for (size_t i = 0; i < survey->epochs.count; i++)
        if (survey->epochs.list[i].generation == generation &&
            survey->epochs.list[i].number == number)
            return need_with_parents(survey, i, error);
    return true;
}

/* The listing decides what is destroyed: the store must vouch for it. */
static bool remove_the_rest(struct survey *survey, struct error *error)
{
    bool confirmed = false;
    for (size_t i = 0; i < survey->epochs.count; i++) {
        if (!survey->epochs.list[i].retired || survey->needed[i])
            continue;
        if (!confirmed && !survey->ref.component->confirm(survey->ref.store, survey->call, error))
            return false;
        confirmed = true;
        if (!store_remove_all(survey->ref, survey->call, directory_of(survey, i), error))
            return false;
    }
    return true;
}

bool area_collect(struct store_ref ref, const struct call *call, const char *pair,
                  const char *service, const struct area_epochs *bases, struct error *error)
{
    struct arena arena;
    struct survey survey = {ref, call, pair, service, &arena, .needed = NULL};
    arena_init(&arena);
    bool done = survey_init(&survey, error);
    for (size_t i = 0; done && i < survey.epochs.count; i++)
        if (!survey.epochs.list[i].retired)
            done = need_with_parents(&survey, i, error);
    for (size_t i = 0; done && i < bases->count; i++)
        done = need(&survey, bases->list[i].generation, bases->list[i].number, error);
    done = done && remove_the_rest(&survey, error);
    arena_fini(&arena);
    return done;
}

/* Not recursive: what another service stages there keeps it. */
bool area_remove_staging_top(struct store_ref ref, const struct call *call, const char *root,
                             struct error *error)
{
    struct arena arena;
    struct error failure = ERROR_NONE;
    arena_init(&arena);
    const char *top = path_join(&arena, root, STAGING_NAME);
    bool done = ref.component->remove(ref.store, call, top, false, &failure) ||
                failure.code == ERROR_NOT_FOUND || failure.code == ERROR_EXISTS;
    if (!done)
        *error = failure;
    arena_fini(&arena);
    return done;
}
