/* task_commit.c: commit (to the seal) and rollback (to the base), by whichever agent serves B. What
 * is under way or done is found in the area, so a lost journal costs only the looking. */
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/commit.h"
#include "agent/passed.h"
#include "agent/precedence.h"
#include "agent/seal_file.h"
#include "agent/source_listing.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/path.h"

/* ---- what all stages begin with ------------------------------------------------------------- */

/* Sealed already (an answer was lost, or the journal): nothing is done again. */
static bool find_seal(struct commit *commit, json_t **ret_seal, struct error *error)
{
    struct error absent = ERROR_NONE;
    *ret_seal = NULL;
    if (seal_read(commit->home, &commit->call, commit->directory, ret_seal, &absent) ||
        absent.code == ERROR_NOT_FOUND)
        return true;
    *error = absent;
    return false;
}

/* That no seal is there, and which markers are, decides what is renamed and removed from here on.
 */
static bool begin(struct commit *commit, struct task *task, json_t **ret_seal, struct error *error)
{
    return (commit_load(commit, task, error) && find_seal(commit, ret_seal, error) &&
            (*ret_seal != NULL ||
             commit->home.component->confirm(commit->home.store, &commit->call, error))) ||
           error_wrap(error, "epoch %d", (int)task->instruction.number);
}

/* ---- committing ----------------------------------------------------------------------------- */

static bool clean(struct commit *commit, struct commit_member *item, struct error *error)
{
    if (item->cleaned)
        return true;
    if (!commit_save_parked(commit, item, error) || !commit_save_foreign(commit, item, error) ||
        !commit_list_saved(commit, item, "", error) ||
        !commit_list_saved(commit, item, "during", error))
        return false;
    crash_point("agent.commit.saved", task_scope(commit->task));
    /* Durable before the first removal: who comes later must not look for parked entries. */
    if (!area_mark(commit->home, &commit->call, commit->directory,
                   arena_format(&commit->arena, "%s.cleaned", item->member->id), error))
        return false;
    item->cleaned = true;
    crash_point("agent.commit.cleaning", task_scope(commit->task));
    return true;
}

static bool remove_staging(struct commit *commit, struct commit_member *item, struct error *error)
{
    return store_remove_all(item->target, &commit->call, item->staging, error) &&
           area_remove_staging_top(item->target, &commit->call, item->member->target_root, error);
}

/* Staging must be gone from a root before its seal snapshot. Removing it touches the root's mtime,
 * which nobody compares. */
static bool commit_all(struct commit *commit, struct error *error)
{
    if (!commit_begin(commit, error))
        return false;
    crash_point("agent.commit.begun", task_scope(commit->task));
    for (size_t i = 0; i < commit->members.count; i++) {
        struct commit_member *item = &commit->list[i];
        if (item->marks & PLAN_MARK_BACK)
            return error_set(error, ERROR_CONFLICT, "epoch %d is being rolled back",
                             (int)commit->task->instruction.number);
        if (!store_make_directories(item->target, &commit->call, item->member->target_path, 0755,
                                    error) ||
            !commit_run_phases(commit, item, error))
            return false;
    }
    for (size_t i = 0; i < commit->members.count; i++)
        if (!commit->list[i].cleaned && (!commit_compare(commit, &commit->list[i], NULL, error) ||
                                         !commit->list[i].target.component->confirm(
                                             commit->list[i].target.store, &commit->call, error)))
            return false;
    crash_point("agent.commit.compared", task_scope(commit->task));
    for (size_t i = 0; i < commit->members.count; i++)
        if (!clean(commit, &commit->list[i], error) ||
            !remove_staging(commit, &commit->list[i], error))
            return false;
    crash_point("agent.commit.cleaned", task_scope(commit->task));
    return true;
}

static bool committing(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct commit commit;
    json_t *seal = NULL;
    bool done = begin(&commit, task, &seal, error) && (seal != NULL || commit_all(&commit, error));
    json_decref(seal);
    commit_fini(&commit);
    return done;
}

/* ---- candidate ------------------------------------------------------------------------------ */

/* A server that another one has replaced would show what was there before. */
static bool confirm_roots(struct commit *commit, struct error *error)
{
    for (size_t i = 0; i < commit->roots.count; i++) {
        struct store_ref ref = commit->roots.list[i].ref;
        if (!ref.component->confirm(ref.store, &commit->call, error))
            return false;
    }
    return true;
}

static bool candidate(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct commit commit;
    json_t *seal = NULL;
    bool done = begin(&commit, task, &seal, error);
    if (done && seal == NULL) {
        done = commit_freeze(&commit, error);
        for (size_t i = 0; done && i < commit.members.count; i++)
            done = commit_write_manifest(&commit, &commit.list[i], error) &&
                   commit_verify(&commit, &commit.list[i], error) &&
                   commit_check_placed(&commit, &commit.list[i], error);
        done = done && confirm_roots(&commit, error);
    }
    crash_point("agent.commit.verified", task_scope(task));
    json_decref(seal);
    commit_fini(&commit);
    return done;
}

/* ---- sealing -------------------------------------------------------------------------------- */

/* As long as the manifest, and of no use to a sealed epoch. */
static bool forget_source_listing(struct commit *commit, const struct commit_member *item,
                                  struct error *error)
{
    const char *member = source_listing_member(&commit->arena, item->member->id);
    return store_remove_all(
        commit->home, &commit->call,
        commit_path(commit, arena_format(&commit->arena, "manifest.%s", member)), error);
}

/* The manifests are written again rather than remembered: the same bytes, and no state between. */
static bool sealing(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct commit commit;
    json_t *seal = NULL;
    bool done = begin(&commit, task, &seal, error);
    for (size_t i = 0; done && seal == NULL && i < commit.members.count; i++)
        done = commit_write_manifest(&commit, &commit.list[i], error);
    done = done && (seal != NULL || commit_write_seal(&commit, &seal, error));
    for (size_t i = 0; done && i < commit.members.count; i++)
        done = forget_source_listing(&commit, &commit.list[i], error);
    if (done)
        task_result_take(task, "seal", json_incref(seal));
    json_decref(seal);
    commit_fini(&commit);
    return done;
}

static const struct task_stage commit_stages[] = {
    {.phase = "committing", .run = committing},
    {.phase = "candidate", .run = candidate},
    {.phase = "sealing", .run = sealing},
};

const struct task_kind task_kind_commit = {
    .name = "commit",
    .stages = commit_stages,
    .stage_count = ARRAY_LENGTH(commit_stages),
    .is_long = true,
};

/* ---- rollback ------------------------------------------------------------------------------- */

static char waiting; /* task->own: the stage has begun and others still run */

static void stop_others(struct task *task)
{
    bool any = precedence_stop_earlier(task);
    task->own = any ? &waiting : NULL;
    if (!any)
        task_stage_done(task, &ERROR_NONE);
}

/* Not while the stage's own record is on its way: it would end before it began. */
static void other_over(struct task *task)
{
    if (task->own == &waiting)
        stop_others(task);
}

static bool roll_back_member(struct commit *commit, struct commit_member *item, struct error *error)
{
    return (item->marks & PLAN_MARK_BACK || commit_mark(commit, item, PLAN_MARK_BACK, error)) &&
           commit_prepare_back(commit, item, error) && commit_run_phases(commit, item, error) &&
           /* What others had written before it began is there still: the next epoch asks. */
           (item->touched || commit_is_base(commit, item, error)) &&
           (!item->restaged ||
            area_mark(commit->home, &commit->call, commit->base_directory,
                      area_restored_mark(&commit->arena, item->member->id), error));
}

/* The mark first: without it, markers of a commit that has no received.json tell of damage. Then
 * what makes it an epoch, what says that it had begun, and the rest in any order. */
static bool forget(struct commit *commit, struct error *error)
{
    if (!area_mark(commit->home, &commit->call, commit->directory, "gone-back", error) ||
        !store_remove_all(commit->home, &commit->call, commit_path(commit, "received.json"), error))
        return false;
    crash_point("agent.rollback.forgotten", task_scope(commit->task));
    return store_remove_all(commit->home, &commit->call, commit_path(commit, "phase.begun"),
                            error) &&
           store_remove_all(commit->home, &commit->call, commit->directory, error) &&
           passed_note(commit->home, &commit->call, &commit->task->instruction, error);
}

static bool roll_back_members(struct commit *commit, struct error *error)
{
    if (!commit_remove_candidate(commit, error))
        return false;
    for (size_t i = 0; i < commit->members.count; i++)
        if (!roll_back_member(commit, &commit->list[i], error))
            return false;
    return true;
}

/* Before it has begun nothing of the target was changed, whatever others do there. */
static bool roll_back_all(struct commit *commit, struct error *error)
{
    bool begun;
    if (!area_is_marked(commit->home, &commit->call, commit->directory, "begun", &begun, error) ||
        (begun && !roll_back_members(commit, error)))
        return false;
    /* What is parked goes now: the comparison with the base must have been with the present. */
    if (!confirm_roots(commit, error))
        return false;
    crash_point("agent.rollback.back", task_scope(commit->task));
    for (size_t i = 0; i < commit->members.count; i++)
        if (!commit_save_returning(commit, &commit->list[i], error) ||
            !commit_list_saved(commit, &commit->list[i], "back", error) ||
            !remove_staging(commit, &commit->list[i], error))
            return false;
    return forget(commit, error);
}

/* Nothing to load: rolled back before, or never begun. A received.json or a plan that somebody
 * removed is no proof of anything. */
static bool finish_rollback(struct commit *commit, const struct error *absent, struct error *error)
{
    struct store_ref home = commit->home;
    bool received, sealed, begun, back;
    if (commit->directory == NULL || absent->code != ERROR_NOT_FOUND) {
        *error = *absent;
        return false;
    }
    if (!store_exists(home, &commit->call, commit_path(commit, "received.json"), &received,
                      error) ||
        !store_exists(home, &commit->call, commit_path(commit, "seal.json"), &sealed, error) ||
        !area_is_marked(home, &commit->call, commit->directory, "begun", &begun, error) ||
        !area_is_marked(home, &commit->call, commit->directory, "gone-back", &back, error) ||
        !home.component->confirm(home.store, &commit->call, error))
        return false;
    if (received || sealed) {
        *error = *absent;
        return false;
    }
    if (begun && !back)
        return error_set(error, ERROR_CORRUPT,
                         "%.120s: the commit had begun, but received.json is gone: the target is "
                         "between two epochs, and what lies here cannot bring it back",
                         commit->directory);
    return store_remove_all(home, &commit->call, commit->directory, error) &&
           passed_note(home, &commit->call, &commit->task->instruction, error);
}

/* What a dead agent sent may be done much later: a renaming of the seal must find nothing. It may
 * have been done since we looked, too. */
static bool withdraw_seal(struct commit *commit, struct error *error)
{
    bool sealed;
    const char *seal = commit_path(commit, "seal.json");
    if (!store_withdraw_file(commit->home, &commit->call, seal, error) ||
        !store_exists(commit->home, &commit->call, seal, &sealed, error))
        return false;
    return !sealed || error_set(error, ERROR_UNAVAILABLE, "the seal has come meanwhile");
}

static bool rollback(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct commit commit;
    json_t *seal = NULL;
    struct error absent = ERROR_NONE;
    bool loaded = begin(&commit, task, &seal, &absent);
    bool done = loaded;
    if (loaded && seal != NULL) {
        task_result_take(task, "seal", json_incref(seal));
        done = error_set(error, ERROR_EXISTS, "epoch %d is sealed: it cannot be rolled back",
                         (int)task->instruction.number);
    } else if (loaded) {
        done = withdraw_seal(&commit, error) && roll_back_all(&commit, error);
    } else {
        done = finish_rollback(&commit, &absent, error);
    }
    json_decref(seal);
    commit_fini(&commit);
    return done;
}

static const struct task_stage rollback_stages[] = {
    {.phase = "stop", .start = stop_others},
    {.phase = "rolling-back", .run = rollback},
};

const struct task_kind task_kind_rollback = {
    .name = "rollback",
    .stages = rollback_stages,
    .stage_count = ARRAY_LENGTH(rollback_stages),
    /* Not long: it must not wait for a slot that the commit holds which it stops. */
    .stops_others = true,
    .other_over = other_over,
};
