/* commit_foreign.c: what others wrote on the target between the look for touches and the renames of
 * the commit, and what they wrote into things that a roll-back takes away again: it lies in staging
 * then, which goes, and is moved out of it first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/area_file.h"
#include "agent/commit.h"
#include "agent/tree_stream.h"
#include "base/check.h"
#include "base/log.h"
#include "base/path.h"
#include "base/size.h"
#include "plan/listing_difference.h"
#include "plan/receipt.h"

#define FOREIGN_BYTES_MAX ((size_t)2 << 30)

/* ---- moving it out of staging --------------------------------------------------------------- */

/* <area>/saved/<service>/<epoch>.<member>.<kind>/<number>; moved before a crash is fine. */
static bool save_object(struct commit *commit, struct commit_member *item, const char *from,
                        const char *kind, uint32_t number, const char *place, struct error *error)
{
    const char *directory = arena_format(&commit->arena, "%s.%s", item->saved, kind);
    const char *to = arena_format(&commit->arena, "%s/%u", directory, number);
    if (!store_make_directories(item->target, &commit->call, directory, 0700, error) ||
        !commit_move(commit, item, from, to, error))
        return error_wrap(error, "save what others wrote in %.80s", place);
    log_warning(LOG_AGENT, "target.saved", "service=%s epoch=%d target=%s place=\"%s\" saved=%s",
                commit->task->instruction.service_name, (int)commit->task->instruction.number,
                item->member->target_path, place, to);
    return true;
}

bool commit_save_in_the_way(struct commit *commit, struct commit_member *item,
                            const struct plan_step *step, const char *path, struct error *error)
{
    return save_object(commit, item, path, "way", step->staged, step->place, error) &&
           commit_list_saved(commit, item, "way", error);
}

/* ---- parked: as in the base seal? ----------------------------------------------------------- */

struct parked {
    struct commit *commit;
    struct commit_member *item;
    const char *top; /* in staging */
    bool foreign;
};

/* What is missing was parked by itself, or deleted by others: there is nothing to save. A
 * directory's own change shows in its children. */
static bool judge_inside(void *context, const struct difference *difference, struct error *error)
{
    struct parked *parked = context;
    struct arena arena;
    struct entry entry;
    if (difference->kind == DIFFERENCE_DELETE || parked->foreign)
        return true;
    if (difference->kind == DIFFERENCE_CREATE) {
        parked->foreign = true;
        return true;
    }
    arena_init(&arena);
    bool looked = parked->item->target.component->stat(
        parked->item->target.store, &parked->commit->call,
        path_join(&arena, parked->top, difference->path), &arena, &entry, error);
    parked->foreign = looked && entry.type != ENTRY_DIRECTORY;
    arena_fini(&arena);
    return looked;
}

/* By lengths and times, which cost no reading of what goes anyway. */
static bool look_into_parked(struct commit *commit, struct commit_member *item,
                             const struct plan_step *step, const char *top, bool *ret_foreign,
                             struct error *error)
{
    struct parked parked = {commit, item, top, false};
    struct tree_options options = {.described = false};
    struct listing_options how = {.identity = LISTING_BY_PATH, .fields = ENTRY_TIMES};
    struct tree_stream *then =
        tree_stream_new(item->target, &commit->call,
                        path_join(&commit->arena, item->base_top, step->place), &options);
    struct tree_stream *now = tree_stream_new(item->target, &commit->call, top, &options);
    struct listing old = {tree_stream_next, then}, new = {tree_stream_next, now};
    bool looked = listing_difference(&old, &new, &how, judge_inside, &parked, error);
    tree_stream_free(then);
    tree_stream_free(now);
    *ret_foreign = parked.foreign;
    return looked;
}

/* The top itself: a listing says nothing of its times. */
static bool top_is_foreign(struct commit *commit, struct commit_member *item,
                           const struct plan_step *step, const struct entry *entry,
                           bool *ret_foreign, struct error *error)
{
    struct arena arena;
    struct entry then;
    struct error absent = ERROR_NONE;
    arena_init(&arena);
    bool there = item->target.component->stat(item->target.store, &commit->call,
                                              path_join(&arena, item->base_top, step->place),
                                              &arena, &then, &absent);
    unsigned fields = entry->type == ENTRY_DIRECTORY ? ENTRY_CONTENT : ENTRY_CONTENT | ENTRY_TIMES;
    *ret_foreign = !there || entry_compare(&then, entry, fields) != 0;
    arena_fini(&arena);
    if (!there && absent.code != ERROR_NOT_FOUND) {
        *error = absent;
        return false;
    }
    return true;
}

struct looking {
    struct commit *commit;
    struct commit_member *item;
    const struct plan_step **steps; /* that park something for good, by its name in staging */
    uint32_t count;
};

static bool look_at_parked(void *context, const struct entry *entry, struct error *error)
{
    struct looking *looking = context;
    struct commit *commit = looking->commit;
    struct commit_member *item = looking->item;
    const char *name = path_name(entry->path);
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    if (*end != '\0' || number >= looking->count || looking->steps[number] == NULL)
        return true;
    const struct plan_step *step = looking->steps[number];
    const char *top = arena_format(&commit->arena, "%s/park/%s", item->staging, name);
    bool foreign = item->touched;
    if (!call_may_go_on(&commit->call, error))
        return false;
    if (!foreign && !top_is_foreign(commit, item, step, entry, &foreign, error))
        return false;
    if (!foreign && entry->type == ENTRY_DIRECTORY &&
        !look_into_parked(commit, item, step, top, &foreign, error))
        return false;
    return !foreign ||
           save_object(commit, item, top, "during", (uint32_t)number, step->place, error);
}

bool commit_save_foreign(struct commit *commit, struct commit_member *item, struct error *error)
{
    struct looking looking = {commit, item, NULL, 0};
    struct error absent = ERROR_NONE;
    if (item->base != INTAKE_SEAL || item->base_top == NULL)
        return true;
    for (size_t i = 0; i < item->plan.step_count; i++)
        if (item->plan.steps[i].staged >= looking.count)
            looking.count = item->plan.steps[i].staged + 1;
    looking.steps = memory_new((looking.count + 1) * sizeof *looking.steps);
    for (size_t i = 0; i < item->plan.step_count; i++)
        if (item->plan.steps[i].kind == PLAN_PARK && item->plan.steps[i].other == NULL)
            looking.steps[item->plan.steps[i].staged] = &item->plan.steps[i];
    bool done = item->target.component->list(item->target.store, &commit->call,
                                             path_join(&commit->arena, item->staging, "park"),
                                             look_at_parked, &looking, &absent) ||
                absent.code == ERROR_NOT_FOUND;
    if (!done)
        *error = absent;
    free(looking.steps);
    return done;
}

/* ---- placed and taken away again: as it came? ------------------------------------------------ */

/* What the receipt says of one object; 10 M of them are 320 MB. */
struct came {
    unsigned char name[16]; /* of "<step>/<inside>" */
    uint64_t length;
    int64_t mtime_ns;
};

struct arrivals {
    struct came *list;
    size_t count, capacity;
};

static void name_of(uint32_t step, const char *inside, unsigned char ret_name[16])
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_append_format(&text, "%u/%s", step, inside);
    struct digest digest = digest_of(buffer_text(&text), text.size);
    memcpy(ret_name, digest.bytes, 16);
    buffer_fini(&text);
}

static int compare_came(const void *a, const void *b)
{
    return memcmp(((const struct came *)a)->name, ((const struct came *)b)->name, 16);
}

static bool note_arrival(void *context, const struct receipt_record *record, struct error *error)
{
    struct arrivals *arrivals = context;
    if ((arrivals->count + 1) * sizeof *arrivals->list > FOREIGN_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, "more than %s of receipts to compare",
                         size_text(FOREIGN_BYTES_MAX).text);
    if (arrivals->count == arrivals->capacity) {
        arrivals->capacity = arrivals->capacity == 0 ? 256 : arrivals->capacity * 2;
        arrivals->list = memory_resize(arrivals->list, arrivals->capacity * sizeof *arrivals->list);
    }
    struct came *came = &arrivals->list[arrivals->count++];
    *came = (struct came){.length = record->entry.length, .mtime_ns = record->entry.mtime_ns};
    name_of(record->step, record->inside, came->name);
    return true;
}

struct returning {
    const struct arrivals *arrivals;
    uint32_t step;
    bool foreign;
};

static bool look_at_returning(void *context, const struct entry *entry, struct error *error)
{
    struct returning *returning = context;
    struct came wanted;
    (void)error;
    if (returning->foreign)
        return true;
    name_of(returning->step, entry->path, wanted.name);
    const struct came *came =
        returning->arrivals->count == 0
            ? NULL
            : bsearch(&wanted, returning->arrivals->list, returning->arrivals->count, sizeof wanted,
                      compare_came);
    returning->foreign =
        came == NULL || (entry->type == ENTRY_FILE &&
                         (came->length != entry->length || came->mtime_ns != entry->mtime_ns));
    return true;
}

static bool save_returning(struct commit *commit, struct commit_member *item,
                           const struct arrivals *arrivals, struct error *error)
{
    for (size_t i = 0; i < item->plan.step_count; i++) {
        const struct plan_step *step = &item->plan.steps[i];
        struct returning returning = {.arrivals = arrivals, .step = step->number};
        struct error absent = ERROR_NONE;
        if (step->kind != PLAN_PLACE || step->area != PLAN_AREA_NEW)
            continue;
        const char *top = arena_format(&commit->arena, "%s/new/%u", item->staging, step->staged);
        if (!store_walk(item->target, &commit->call, top, false, NULL, look_at_returning,
                        &returning, &absent) &&
            absent.code != ERROR_NOT_FOUND) {
            *error = absent;
            return false;
        }
        if (returning.foreign &&
            !save_object(commit, item, top, "back", step->staged, step->place, error))
            return false;
    }
    return true;
}

bool commit_save_returning(struct commit *commit, struct commit_member *item, struct error *error)
{
    struct arrivals arrivals = {0};
    struct receipt_reader reader;
    if ((item->marks & PLAN_MARK_PARKED) == 0)
        return true; /* nothing was placed yet */
    const char *path =
        commit_path(commit, arena_format(&commit->arena, "receipt.%s", item->member->id));
    receipt_reader_init(&reader, note_arrival, &arrivals);
    bool done = receipt_file_read(commit->home, &commit->call, path, &reader, error);
    receipt_reader_fini(&reader);
    if (done && arrivals.count > 0)
        qsort(arrivals.list, arrivals.count, sizeof *arrivals.list, compare_came);
    done = done && save_returning(commit, item, &arrivals, error);
    free(arrivals.list);
    return done;
}
