/* epoch_json.c: the journal's document of an epoch. What is zero or absent is left out, except
 * what readers of the journal look for. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "epoch/names.h"

static const char *const mode_names[] = {"full", "incremental"};
static const char *const direction_names[] = {"pull", "push"};
static const char *const on_skew_names[] = {"fail", "retry", "accept"};

void set_known(json_t *document, const char *key, json_t *value)
{
    if (value != NULL)
        json_set_take(document, key, json_incref(value));
}

static json_t *base_to_json(const struct epoch_base *base)
{
    if (base->number == 0)
        return json_null();
    json_t *document = json_object();
    json_set_integer(document, "generation", (int64_t)base->generation);
    json_set_integer(document, "number", (int64_t)base->number);
    json_set_integer(document, "attempt", base->attempt);
    json_set_string(document, "snapshot_a", base->snapshot_a);
    json_set_string(document, "snapshot_b", base->snapshot_b);
    return document;
}

static json_t *limits_to_json(const struct epoch_limits *limits)
{
    json_t *document = json_object();
    json_set_time(document, "lead_us", limits->lead_us);
    json_set_time(document, "margin_us", limits->margin_us);
    json_set_time(document, "grace_us", limits->grace_us);
    json_set_time(document, "answer_us", limits->answer_us);
    json_set_time(document, "backoff_us", limits->backoff_us);
    json_set_time(document, "backoff_max_us", limits->backoff_max_us);
    json_set_integer(document, "tries_max", limits->tries_max);
    json_set_integer(document, "attempts_max", limits->attempts_max);
    json_set_string(document, "consistency", grade_name(limits->consistency));
    json_set_integer(document, "max_skew_us", limits->max_skew_us);
    json_set_string(document, "on_skew", on_skew_names[limits->on_skew]);
    json_set_boolean(document, "adopt_compare", limits->adopt_compare);
    return document;
}

void set_identity(json_t *document, const struct epoch *epoch)
{
    json_set_string(document, "pair", epoch->pair);
    json_set_string(document, "service", epoch->service);
    json_set_string(document, "service_name", epoch->service_name);
    json_set_integer(document, "generation", (int64_t)epoch->generation);
    json_set_integer(document, "number", (int64_t)epoch->number);
    json_set_integer(document, "attempt", epoch->attempt);
    json_set_time(document, "slot_us", epoch->slot_us);
    json_set_time(document, "t_us", epoch->t_us);
    json_set_string(document, "mode", mode_names[epoch->mode]);
    json_set_string(document, "direction", direction_names[epoch->direction]);
    json_set_take(document, "base", base_to_json(&epoch->base));
    json_set_integer(document, "group_revision", (int64_t)epoch->group_revision);
    json_set_take(document, "limits", limits_to_json(&epoch->limits));
    set_known(document, "settings", epoch->settings);
}

static json_t *instructions_to_json(const struct epoch *epoch)
{
    json_t *document = json_object();
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++) {
            const struct epoch_instruction *i = &epoch->instructions[kind][side];
            char key[32];
            if (i->try == 0 && i->status == EPOCH_INSTRUCTION_NONE)
                continue;
            snprintf(key, sizeof key, "%s.%s", epoch_instruction_name(kind), epoch_side_name(side));
            json_t *item = json_object();
            json_set_string(item, "status", instruction_status_name(i->status));
            json_set_integer(item, "try", i->try);
            json_set_integer(item, "failures", i->failures);
            json_set_time(item, "retry_at_us", i->retry_at_us);
            json_set_take(document, key, item);
        }
    return document;
}

static json_t *entered_to_json(const struct epoch *epoch)
{
    json_t *document = json_object();
    for (int state = 0; state < EPOCH_STATE_COUNT; state++)
        if (epoch->entered_us[state] != 0)
            json_set_time(document, epoch_state_name(state), epoch->entered_us[state]);
    return document;
}

json_t *epoch_to_json(const struct epoch *epoch)
{
    json_t *document = json_object();
    set_identity(document, epoch);
    json_set_string(document, "state", epoch_state_name(epoch->state));
    set_known(document, "members", epoch->members);
    set_known(document, "moment", epoch->moment);
    set_known(document, "transfer", epoch->transfer);
    set_known(document, "commit", epoch->commit);
    set_known(document, "history", epoch->history);
    json_set_string(document, "grade", epoch->moment == NULL ? NULL : grade_name(epoch->grade));
    json_set_integer(document, "skew_us", epoch->skew_us);
    if (epoch->cause.code != ERROR_OK)
        json_set_take(document, "cause", json_from_error(&epoch->cause));
    json_set_boolean(document, "missed", epoch->missed);
    json_set_string(document, "question", epoch_question_name(epoch->question));
    set_known(document, "asked", epoch->asked);
    set_known(document, "approvals", epoch->approvals);
    json_set_integer(document, "approved", epoch->approved);
    json_set_boolean(document, "base_lost", epoch->base_lost);
    json_set_boolean(document, "side_a_lost", epoch->side_a_lost);
    json_set_boolean(document, "forward", epoch->forward);
    json_set_boolean(document, "settled", epoch->settled);
    json_set_boolean(document, "retiring", epoch->retiring);
    json_set_take(document, "instructions", instructions_to_json(epoch));
    json_set_take(document, "entered_us", entered_to_json(epoch));
    return document;
}

static bool copy_name(const json_t *document, const char *key, char *ret_text, size_t size,
                      struct error *error)
{
    const char *text;
    if (!json_get_string(document, key, &text, error))
        return false;
    if (strlen(text) >= size)
        return error_set(error, ERROR_LIMIT, "member '%s' has more than %zu bytes", key, size - 1);
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

static bool get_count(const json_t *document, const char *key, int64_t least, uint64_t *ret_count,
                      struct error *error)
{
    int64_t count;
    if (!json_get_integer(document, key, &count, error))
        return false;
    if (count < least)
        return error_set(error, ERROR_INVALID, "member '%s' is less than %d", key, (int)least);
    *ret_count = (uint64_t)count;
    return true;
}

/* A name out of a table; missing or null leaves *ret_index alone, anything else is refused. */
static bool get_choice(const json_t *document, const char *key, const char *const *names,
                       size_t count, int *ret_index, struct error *error)
{
    json_t *value = json_object_get(document, key);
    if (value == NULL || json_is_null(value))
        return true;
    int index = name_index(names, count, json_string_value(value));
    if (index < 0)
        return error_set(error, ERROR_INVALID, "member '%s' has an unknown value", key);
    *ret_index = index;
    return true;
}

static bool get_grade(const json_t *document, const char *key, enum grade *ret_grade,
                      struct error *error)
{
    const char *name = json_string_or(document, key, NULL);
    if (name != NULL && !grade_from_name(name, ret_grade))
        return error_set(error, ERROR_INVALID, "member '%s' has an unknown value", key);
    return true;
}

static unsigned small_or_zero(const json_t *document, const char *key)
{
    int64_t value = json_integer_or(document, key, 0);
    return value < 0 || value > UINT16_MAX ? 0 : (unsigned)value;
}

static bool base_from_json(const json_t *document, struct epoch_base *base, struct error *error)
{
    uint64_t attempt = 0;
    if (document == NULL || json_is_null(document))
        return true;
    if (!get_count(document, "generation", 0, &base->generation, error) ||
        !get_count(document, "number", 1, &base->number, error) ||
        !get_count(document, "attempt", 1, &attempt, error) ||
        !copy_name(document, "snapshot_a", base->snapshot_a, sizeof base->snapshot_a, error) ||
        !copy_name(document, "snapshot_b", base->snapshot_b, sizeof base->snapshot_b, error))
        return error_wrap(error, "base");
    base->attempt = (unsigned)attempt;
    return true;
}

static bool limits_from_json(const json_t *document, struct epoch_limits *limits,
                             struct error *error)
{
    int on_skew = limits->on_skew;
    limits->lead_us = json_time_or(document, "lead_us", 0);
    limits->margin_us = json_time_or(document, "margin_us", 0);
    limits->grace_us = json_time_or(document, "grace_us", 0);
    limits->answer_us = json_time_or(document, "answer_us", 0);
    limits->backoff_us = json_time_or(document, "backoff_us", 0);
    limits->backoff_max_us = json_time_or(document, "backoff_max_us", 0);
    limits->tries_max = small_or_zero(document, "tries_max");
    limits->attempts_max = small_or_zero(document, "attempts_max");
    limits->max_skew_us = json_integer_or(document, "max_skew_us", 0);
    limits->adopt_compare = json_boolean_or(document, "adopt_compare", false);
    if (!get_grade(document, "consistency", &limits->consistency, error) ||
        !get_choice(document, "on_skew", on_skew_names, ARRAY_LENGTH(on_skew_names), &on_skew,
                    error))
        return error_wrap(error, "limits");
    limits->on_skew = (enum epoch_on_skew)on_skew;
    return true;
}

static bool instructions_from_json(const json_t *document, struct epoch *epoch, struct error *error)
{
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++) {
            struct epoch_instruction *i = &epoch->instructions[kind][side];
            char key[32];
            snprintf(key, sizeof key, "%s.%s", epoch_instruction_name(kind), epoch_side_name(side));
            const json_t *item = json_object_get(document, key);
            if (item == NULL)
                continue;
            if (!instruction_status_from_name(json_string_or(item, "status", NULL), &i->status))
                return error_set(error, ERROR_INVALID, "instruction '%s' has no known status", key);
            i->try = small_or_zero(item, "try");
            i->failures = small_or_zero(item, "failures");
            i->retry_at_us = json_time_or(item, "retry_at_us", 0);
        }
    return true;
}

static bool identity_from_json(const json_t *document, struct epoch *epoch, struct error *error)
{
    uint64_t attempt = 0;
    int mode = epoch->mode, direction = epoch->direction;
    if (!copy_name(document, "pair", epoch->pair, sizeof epoch->pair, error) ||
        !copy_name(document, "service", epoch->service, sizeof epoch->service, error) ||
        !copy_name(document, "service_name", epoch->service_name, sizeof epoch->service_name,
                   error) ||
        !get_count(document, "generation", 0, &epoch->generation, error) ||
        !get_count(document, "number", 1, &epoch->number, error) ||
        !get_count(document, "attempt", 1, &attempt, error) ||
        !get_choice(document, "mode", mode_names, ARRAY_LENGTH(mode_names), &mode, error) ||
        !get_choice(document, "direction", direction_names, ARRAY_LENGTH(direction_names),
                    &direction, error))
        return false;
    epoch->attempt = (unsigned)attempt;
    epoch->mode = (enum epoch_mode)mode;
    epoch->direction = (enum epoch_direction)direction;
    epoch->slot_us = json_time_or(document, "slot_us", 0);
    epoch->t_us = json_time_or(document, "t_us", 0);
    epoch->group_revision = (uint64_t)json_integer_or(document, "group_revision", 0);
    return base_from_json(json_object_get(document, "base"), &epoch->base, error) &&
           limits_from_json(json_object_get(document, "limits"), &epoch->limits, error);
}

static void documents_from_json(const json_t *document, struct epoch *epoch)
{
    epoch->settings = json_incref(json_object_get(document, "settings"));
    epoch->members = json_incref(json_object_get(document, "members"));
    epoch->moment = json_incref(json_object_get(document, "moment"));
    epoch->transfer = json_incref(json_object_get(document, "transfer"));
    epoch->commit = json_incref(json_object_get(document, "commit"));
    epoch->history = json_incref(json_object_get(document, "history"));
    epoch->asked = json_incref(json_object_get(document, "asked"));
    epoch->approvals = json_incref(json_object_get(document, "approvals"));
}

static void flags_from_json(const json_t *document, struct epoch *epoch)
{
    const json_t *cause = json_object_get(document, "cause");
    const json_t *entered = json_object_get(document, "entered_us");
    if (cause != NULL)
        json_to_error(cause, &epoch->cause);
    epoch->skew_us = json_integer_or(document, "skew_us", 0);
    epoch->missed = json_boolean_or(document, "missed", false);
    epoch->approved = small_or_zero(document, "approved");
    epoch->base_lost = json_boolean_or(document, "base_lost", false);
    epoch->side_a_lost = json_boolean_or(document, "side_a_lost", false);
    epoch->forward = json_boolean_or(document, "forward", false);
    epoch->settled = json_boolean_or(document, "settled", false);
    epoch->retiring = json_boolean_or(document, "retiring", false);
    for (int state = 0; state < EPOCH_STATE_COUNT; state++)
        epoch->entered_us[state] = json_time_or(entered, epoch_state_name(state), 0);
}

bool epoch_from_json(const json_t *document, struct epoch *ret_epoch, struct error *error)
{
    const char *state = json_string_or(document, "state", epoch_state_name(EPOCH_PLANNED));
    const char *question = json_string_or(document, "question", "none");
    epoch_init(ret_epoch);
    if (!identity_from_json(document, ret_epoch, error))
        return false;
    documents_from_json(document, ret_epoch);
    flags_from_json(document, ret_epoch);
    if (!epoch_state_from_name(state, &ret_epoch->state))
        return error_set(error, ERROR_INVALID, "epoch in unknown state '%.40s'", state);
    if (!epoch_question_from_name(question, &ret_epoch->question))
        return error_set(error, ERROR_INVALID, "unknown question '%.40s'", question);
    return get_grade(document, "grade", &ret_epoch->grade, error) &&
           instructions_from_json(json_object_get(document, "instructions"), ret_epoch, error);
}
