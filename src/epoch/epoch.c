/* epoch.c: life and names of an epoch; see epoch.h. */
#include "epoch/epoch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "epoch/names.h"

static const char *const state_names[] = {
#define X(name, text) text,
    EPOCH_STATES(X)
#undef X
};

static const char *const question_names[] = {
#define X(name, text) text,
    EPOCH_QUESTIONS(X)
#undef X
};

int name_index(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

const char *epoch_state_name(enum epoch_state state)
{
    CHECK(state < EPOCH_STATE_COUNT);
    return state_names[state];
}

bool epoch_state_from_name(const char *name, enum epoch_state *ret_state)
{
    int index = name_index(state_names, ARRAY_LENGTH(state_names), name);
    if (index >= 0)
        *ret_state = (enum epoch_state)index;
    return index >= 0;
}

const char *epoch_question_name(enum epoch_question question)
{
    CHECK(question < EPOCH_QUESTION_COUNT);
    return question_names[question];
}

bool epoch_question_from_name(const char *name, enum epoch_question *ret_question)
{
    int index = name_index(question_names, ARRAY_LENGTH(question_names), name);
    if (index >= 0)
        *ret_question = (enum epoch_question)index;
    return index >= 0;
}

void epoch_init(struct epoch *epoch)
{
    memset(epoch, 0, sizeof *epoch);
    epoch->attempt = 1;
}

void epoch_fini(struct epoch *epoch)
{
    json_decref(epoch->settings);
    json_decref(epoch->members);
    json_decref(epoch->moment);
    json_decref(epoch->transfer);
    json_decref(epoch->commit);
    json_decref(epoch->history);
    json_decref(epoch->asked);
    json_decref(epoch->approvals);
    epoch_init(epoch);
}

bool epoch_is_final(const struct epoch *epoch)
{
    return epoch->state == EPOCH_RETIRED || epoch->state == EPOCH_ABANDONED;
}

void snapshot_name_of(const struct epoch *epoch, unsigned attempt, int64_t t_us,
                      char ret_name[EPOCH_NAME_SIZE])
{
    char moment[TIMESTAMP_TEXT_SIZE];
    CHECK(t_us != 0);
    timestamp_format_basic(t_us, moment);
    snprintf(ret_name, EPOCH_NAME_SIZE, "coeval.%.8s.%.8s.g%" PRIu64 ".e%" PRIu64 ".a%u.%s",
             epoch->pair, epoch->service, epoch->generation, epoch->number, attempt, moment);
}

void epoch_snapshot_name(const struct epoch *epoch, char ret_name[EPOCH_NAME_SIZE])
{
    snapshot_name_of(epoch, epoch->attempt, epoch->t_us, ret_name);
}

struct epoch_base epoch_as_base(const struct epoch *epoch)
{
    struct epoch_base base = {
        .generation = epoch->generation, .number = epoch->number, .attempt = epoch->attempt};
    CHECK(epoch->state == EPOCH_SEALED || epoch->state == EPOCH_RETIRED);
    epoch_snapshot_name(epoch, base.snapshot_a);
    const char *sealed =
        json_string_or(json_object_get(epoch->commit, "seal"), "snapshot", base.snapshot_a);
    snprintf(base.snapshot_b, sizeof base.snapshot_b, "%s", sealed);
    return base;
}
