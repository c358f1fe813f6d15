/* behind.c: a device that was restored from an older journal counts numbers that were used already.
 * Its agents tell: the key of a new epoch's first order is taken, or B has a seal, or has given up
 * an epoch, that the device never came to. It stops there; what happened since is in the areas, and
 * `coeval recover` reads it.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "control/control_private.h"

/* An order of a first moment that nothing of this device has followed yet. */
static bool is_taken(const struct run *run, const struct epoch_report *report)
{
    const struct epoch *epoch = &run->epoch;
    const struct epoch_instruction *now = &epoch->instructions[report->kind][report->side];
    enum epoch_instruction_status disarm =
        epoch->instructions[EPOCH_INSTRUCTION_DISARM][EPOCH_SIDE_A].status;
    bool is_first =
        report->kind == EPOCH_INSTRUCTION_RESOLVE || report->kind == EPOCH_INSTRUCTION_SNAPSHOT;
    return is_first && report->error.code == ERROR_CONFLICT && report->attempt == 1 &&
           report->try == 1 && now->status == EPOCH_INSTRUCTION_SENT && epoch->attempt == 1 &&
           disarm == EPOCH_INSTRUCTION_NONE;
}

static bool is_past(const struct run *run, const struct epoch_report *report)
{
    static const char *const keys[] = {"newest_seal", "newest_given_up"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        int64_t newest = json_integer_or(report->result, keys[i], 0);
        if (newest > 0 && (uint64_t)newest >= run->service->next_number)
            return true;
    }
    return false;
}

/* The whole way back, as it is typed: who reads this has just lost a machine. */
static void tell_behind(const struct run *run, const char *why)
{
    const struct service *service = run->service;
    const char *directory = service->control->options.journal_directory;
    struct arena arena;
    arena_init(&arena);
    directory = directory == NULL ? "ITS_JOURNAL" : directory;
    const char *commands[] = {arena_format(&arena, "mv %s %s.old", directory, directory),
                              "coeval recover --reason TEXT",
                              arena_format(&arena, "coeval policy resume %s", service->name), NULL};
    const char *text = arena_format(
        &arena,
        "the agents know epochs of this service that this device does not (%s): its journal is "
        "older than they are. The service is paused. Stop coevald; `%s`; start coevald; `%s`; look "
        "at `coeval status`, then `%s`",
        why, commands[0], commands[1], commands[2]);
    event_tell(service->control, service, run->epoch.number, "alarm", "device.behind", text,
               commands);
    arena_fini(&arena);
}

void behind_check(struct run *run, const struct epoch_report *report, bool refused)
{
    struct service *service = run->service;
    if (report->status != EPOCH_REPORT_FAILED ||
        !((refused && is_taken(run, report)) || is_past(run, report)))
        return;
    schedule_pause(&service->schedule);
    service_save(service);
    tell_behind(run, report->error.text);
}
