/* instruction.c: names, keys and bodies of instructions; see instruction.h. */
#include "epoch/instruction.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/json.h"
#include "epoch/epoch.h"
#include "epoch/names.h"

#define INSTRUCTION_SCHEMA 1

static const char *const kind_names[] = {
#define X(name, text) text,
    EPOCH_INSTRUCTIONS(X)
#undef X
};

static const char *const status_names[] = {
#define X(name, text) text,
    EPOCH_INSTRUCTION_STATUSES(X)
#undef X
};

const char *epoch_side_name(enum epoch_side side)
{
    CHECK(side < EPOCH_SIDE_COUNT);
    return side == EPOCH_SIDE_A ? "a" : "b";
}

const char *epoch_instruction_name(enum epoch_instruction_kind kind)
{
    CHECK(kind < EPOCH_INSTRUCTION_COUNT);
    return kind_names[kind];
}

bool epoch_instruction_from_name(const char *name, enum epoch_instruction_kind *ret_kind)
{
    int index = name_index(kind_names, ARRAY_LENGTH(kind_names), name);
    if (index >= 0)
        *ret_kind = (enum epoch_instruction_kind)index;
    return index >= 0;
}

const char *instruction_status_name(enum epoch_instruction_status status)
{
    CHECK(status < EPOCH_INSTRUCTION_STATUS_COUNT);
    return status_names[status];
}

bool instruction_status_from_name(const char *name, enum epoch_instruction_status *ret_status)
{
    int index = name_index(status_names, ARRAY_LENGTH(status_names), name);
    if (index >= 0)
        *ret_status = (enum epoch_instruction_status)index;
    return index >= 0;
}

void epoch_instruction_key(const struct epoch *epoch, enum epoch_instruction_kind kind,
                           enum epoch_side side, unsigned attempt, unsigned try,
                           char ret_key[DIGEST_TEXT_SIZE])
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_append_format(&text,
                         "coeval instruction\n%s\n%" PRIu64 "\n%" PRIu64 "\n%u\n%s\n%s\n%u\n",
                         epoch->service, epoch->generation, epoch->number, attempt,
                         epoch_instruction_name(kind), epoch_side_name(side), try);
    struct digest digest = digest_of(text.data, text.size);
    digest_format(&digest, ret_key);
    buffer_fini(&text);
}

static json_t *approved_names(const struct epoch *epoch)
{
    json_t *names = json_array();
    for (unsigned i = 0; i < EPOCH_QUESTION_COUNT; i++)
        if (epoch->approved & 1u << i)
            json_append_take(names, json_string(epoch_question_name((enum epoch_question)i)));
    return names;
}

static void append_attempt(json_t *attempts, const struct epoch *epoch, unsigned attempt,
                           int64_t t_us)
{
    char name[EPOCH_NAME_SIZE];
    json_t *item = json_object();
    snapshot_name_of(epoch, attempt, t_us, name);
    json_set_integer(item, "attempt", attempt);
    json_set_string(item, "snapshot", name);
    json_append_take(attempts, item);
}

/* Everything that this epoch may have named on a side: earlier attempts could not always be
 * discarded when they failed. */
static json_t *attempts_of(const struct epoch *epoch)
{
    json_t *attempts = json_array(), *earlier;
    size_t i;
    json_array_foreach(epoch->history, i, earlier) {
        int64_t attempt = json_integer_or(earlier, "attempt", 0);
        int64_t t_us = json_time_or(earlier, "t_us", 0);
        if (attempt > 0 && attempt < epoch->attempt && t_us != 0)
            append_attempt(attempts, epoch, (unsigned)attempt, t_us);
    }
    if (epoch->t_us != 0)
        append_attempt(attempts, epoch, epoch->attempt, epoch->t_us);
    return attempts;
}

static void add_moment(json_t *body, const struct epoch *epoch)
{
    set_known(body, "moment", epoch->moment);
    if (epoch->moment == NULL)
        return;
    json_set_string(body, "grade", grade_name(epoch->grade));
    json_set_integer(body, "skew_us", epoch->skew_us);
}

json_t *epoch_instruction_body(const struct epoch *epoch, enum epoch_instruction_kind kind,
                               enum epoch_side side)
{
    json_t *body = json_object();
    json_set_integer(body, "schema", INSTRUCTION_SCHEMA);
    json_set_string(body, "kind", epoch_instruction_name(kind));
    json_set_string(body, "side", epoch_side_name(side));
    json_set_integer(body, "try", epoch->instructions[kind][side].try);
    set_identity(body, epoch);
    json_set_time(body, "grace_us", epoch->limits.grace_us);
    json_set_boolean(body, "base_lost", epoch->base_lost);
    json_set_take(body, "approved", approved_names(epoch));
    set_known(body, "approvals", epoch->approvals);
    if (epoch->t_us != 0) {
        char name[EPOCH_NAME_SIZE];
        epoch_snapshot_name(epoch, name);
        json_set_string(body, "snapshot", name);
    }
    set_known(body, "members", epoch->members);
    if (kind == EPOCH_INSTRUCTION_TRANSFER || kind == EPOCH_INSTRUCTION_COMMIT ||
        kind == EPOCH_INSTRUCTION_SETTLE)
        add_moment(body, epoch);
    if (kind == EPOCH_INSTRUCTION_COMMIT)
        set_known(body, "transfer", epoch->transfer);
    if (kind == EPOCH_INSTRUCTION_SETTLE)
        set_known(body, "seal", json_object_get(epoch->commit, "seal"));
    if (kind == EPOCH_INSTRUCTION_DISCARD || kind == EPOCH_INSTRUCTION_RETIRE)
        json_set_take(body, "attempts", attempts_of(epoch));
    return body;
}
