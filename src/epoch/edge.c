/* edge.c: changes of state and effects, one of each kind; see edge.h. */
#include "epoch/edge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

struct epoch_effect *step_add(struct step *step, enum epoch_effect_kind kind)
{
    struct epoch_effects *effects = step->effects;
    CHECK(effects->count < EPOCH_EFFECTS_MAX);
    struct epoch_effect *effect = &effects->effects[effects->count++];
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    return effect;
}

void step_enter(struct step *step, enum epoch_state state)
{
    CHECK(!epoch_is_final(step->epoch));
    step->epoch->state = state;
    step->epoch->entered_us[state] = step->now_us;
    step->changed = true;
}

static void add_instruction_effect(struct step *step, enum epoch_effect_kind effect_kind,
                                   enum epoch_instruction_kind kind, enum epoch_side side)
{
    struct epoch_effect *effect = step_add(step, effect_kind);
    effect->instruction = kind;
    effect->side = side;
    effect->attempt = step->epoch->attempt;
    effect->try = instruction_of(step->epoch, kind, side)->try;
}

void step_instruct(struct step *step, enum epoch_instruction_kind kind, enum epoch_side side)
{
    struct epoch_instruction *instruction = instruction_of(step->epoch, kind, side);
    CHECK(instruction->status != EPOCH_INSTRUCTION_SENT);
    instruction->status = EPOCH_INSTRUCTION_SENT;
    instruction->retry_at_us = 0;
    instruction->try++;
    step->changed = true;
    add_instruction_effect(step, EPOCH_EFFECT_INSTRUCT, kind, side);
}

void step_forget(struct step *step, enum epoch_instruction_kind kind, enum epoch_side side)
{
    struct epoch_instruction *instruction = instruction_of(step->epoch, kind, side);
    bool sent = instruction->status == EPOCH_INSTRUCTION_SENT;
    if (!is_open(step->epoch, kind, side) && instruction->status != EPOCH_INSTRUCTION_WAITING)
        return;
    instruction->status = EPOCH_INSTRUCTION_FORGOTTEN;
    instruction->retry_at_us = 0;
    step->changed = true;
    if (sent)
        add_instruction_effect(step, EPOCH_EFFECT_FORGET, kind, side);
}

void step_forget_all(struct step *step)
{
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            step_forget(step, (enum epoch_instruction_kind)kind, (enum epoch_side)side);
}

static int64_t pause_us(const struct epoch_limits *limits, unsigned failures)
{
    int64_t pause = limits->backoff_us;
    for (unsigned i = 1; i < failures && pause < limits->backoff_max_us; i++)
        pause *= 2;
    return pause < limits->backoff_max_us ? pause : limits->backoff_max_us;
}

void step_retry(struct step *step, enum epoch_instruction_kind kind, enum epoch_side side,
                const struct error *why)
{
    struct epoch *epoch = step->epoch;
    struct epoch_instruction *instruction = instruction_of(epoch, kind, side);
    int64_t pause = pause_us(&epoch->limits, ++instruction->failures);
    instruction->status = EPOCH_INSTRUCTION_RETRY;
    instruction->retry_at_us = step->now_us + pause;
    step->changed = true;
    step_tell(step, "epoch.retry", EPOCH_NOTICE, "%s on %s failed (%s); try %u in %" PRId64 " ms",
              epoch_instruction_name(kind), side == EPOCH_SIDE_A ? "A" : "B", why->text,
              instruction->try + 1, pause / 1000);
}

struct epoch_tell *step_tell(struct step *step, const char *name, enum epoch_severity severity,
                             const char *format, ...)
{
    const struct epoch *epoch = step->epoch;
    struct epoch_tell *tell = &step_add(step, EPOCH_EFFECT_TELL)->tell;
    va_list arguments;
    tell->name = name;
    tell->severity = severity;
    int used = snprintf(tell->text, sizeof tell->text, "epoch %" PRIu64 " of %s: ", epoch->number,
                        epoch->service_name);
    va_start(arguments, format);
    vsnprintf(tell->text + used, sizeof tell->text - (size_t)used, format, arguments);
    va_end(arguments);
    return tell;
}

void step_command(const struct step *step, struct epoch_tell *tell, const char *verb)
{
    size_t i = tell->commands[0][0] == '\0' ? 0 : 1;
    CHECK(tell->commands[i][0] == '\0');
    snprintf(tell->commands[i], sizeof tell->commands[i], "coeval epoch %s %s %" PRIu64, verb,
             step->epoch->service_name, step->epoch->number);
}

void step_ask_no_more(struct step *step)
{
    step->epoch->question = EPOCH_QUESTION_NONE;
    json_decref(step->epoch->asked);
    step->epoch->asked = NULL;
}

void step_refuse(struct step *step, const char *format, ...)
{
    char text[sizeof step->effects->refused.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(&step->effects->refused, ERROR_CONFLICT, "epoch %" PRIu64 " of %s %s",
              step->epoch->number, step->epoch->service_name, text);
}

bool is_open(const struct epoch *epoch, enum epoch_instruction_kind kind, enum epoch_side side)
{
    enum epoch_instruction_status status = epoch->instructions[kind][side].status;
    return status == EPOCH_INSTRUCTION_SENT || status == EPOCH_INSTRUCTION_RETRY;
}

bool has_ended(const struct epoch *epoch, enum epoch_instruction_kind kind, enum epoch_side side)
{
    enum epoch_instruction_status status = epoch->instructions[kind][side].status;
    return status == EPOCH_INSTRUCTION_DONE || status == EPOCH_INSTRUCTION_FAILED;
}

enum epoch_side transfer_side(const struct epoch *epoch)
{
    return epoch->direction == EPOCH_PULL ? EPOCH_SIDE_B : EPOCH_SIDE_A;
}

bool may_retry(const struct step *step, enum epoch_instruction_kind kind, enum epoch_side side,
               enum error_code code)
{
    const struct epoch *epoch = step->epoch;
    return error_is_retriable(code) &&
           epoch->instructions[kind][side].failures + 1 < epoch->limits.tries_max;
}
