/* commit_begin.c: before the first rename of a commit: is B still as it was when the plan was made?
 * Between the transfer's look and now anything may have been written there, and an epoch that was
 * forgotten may have been overtaken by others. */
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/commit.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"

/* The plan of an epoch that another one has overtaken leads back, not on. */
static bool refuse_overtaken(struct commit *commit, struct error *error)
{
    const struct instruction *order = &commit->task->instruction;
    const json_t *base = json_object_get(order->body, "base");
    int64_t number = json_integer_or(base, "number", 0);
    struct area_epoch newest;
    bool found, increment = false;
    for (size_t i = 0; i < commit->members.count; i++)
        increment = increment || commit->list[i].base == INTAKE_SEAL;
    if (!area_newest_seal(commit->home, &commit->call, order->pair, order->service, INT64_MAX,
                          &newest, &found, error))
        return false;
    if (found && (newest.number > order->number || (increment && newest.number > number)))
        return error_set(error, ERROR_CONFLICT,
                         "epoch %d was made for what B was at epoch %d, but epoch %d was sealed "
                         "since: roll it back",
                         (int)order->number, (int)number, (int)newest.number);
    return true;
}

static bool goes_on_touched(const struct intake *intake)
{
    return strcmp(json_string_or(task_settings(intake->task), "touched", ""), "restore") == 0 ||
           member_is_approved(intake->task, intake->member, "touched");
}

static bool look_at_member(struct commit *commit, struct commit_member *item, struct error *error)
{
    struct intake intake = {.task = commit->task,
                            .member = item->member,
                            .call = commit->call,
                            .target = item->target,
                            .home_b = commit->home,
                            .target_top = item->member->target_path,
                            .standing = {.snapshot = commit->base_snapshot, .top = item->base_top},
                            .fields = item->fields};
    char example[200] = "";
    bool touched;
    if (item->base != INTAKE_SEAL)
        return true; /* what lay there was compared itself, and is saved with what is parked */
    if (!intake_is_touched(&intake, &touched, example, error))
        return false;
    if (!touched)
        return true;
    if (!goes_on_touched(&intake))
        return member_ask(commit->task, item->member, "touched", error,
                          "target %s:%s was changed by somebody else after the epoch was received "
                          "(e.g. %.90s). Put it back and approve, or roll the epoch back: the next "
                          "one saves and restores what was changed",
                          item->member->target_instance, item->member->target_path, example);
    log_warning(LOG_AGENT, "target.touched",
                "service=%s target=%s example=\"%s\": what this epoch removes or replaces is saved",
                commit->task->instruction.service_name, item->member->target_path, example);
    item->touched = true;
    return area_mark(commit->home, &commit->call, commit->directory,
                     arena_format(&commit->arena, "%s.touched", item->member->id), error);
}

bool commit_begin(struct commit *commit, struct error *error)
{
    bool begun;
    if (!area_is_marked(commit->home, &commit->call, commit->directory, "begun", &begun, error))
        return false;
    if (begun)
        return true;
    if (!refuse_overtaken(commit, error))
        return false;
    for (size_t i = 0; i < commit->members.count; i++) {
        bool good = look_at_member(commit, &commit->list[i], error);
        if (!good && !task_asks(commit->task))
            return false;
        if (good && !commit->list[i].target.component->confirm(commit->list[i].target.store,
                                                               &commit->call, error))
            return false;
    }
    if (task_asks(commit->task)) /* of all that were touched, at once */
        return false;
    return area_mark(commit->home, &commit->call, commit->directory, "begun", error);
}
