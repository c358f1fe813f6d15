/* player_print.c: effects as lines; see player.h. */
#include <inttypes.h>

#include "base/json.h"
#include "player.h"

static const char *const severities[] = {"notice", "warning", "alarm"};

static void print_time(int64_t time_us, struct buffer *trace)
{
    if (time_us == 0)
        buffer_append_text(trace, "none");
    else
        buffer_append_format(trace, "%" PRId64 ".%03d", time_us / 1000000,
                             (int)(time_us / 1000 % 1000));
}

static void print_instruction(const struct epoch_effect *effect, struct buffer *trace)
{
    buffer_append_format(trace, " %s.%s attempt %u try %u",
                         epoch_instruction_name(effect->instruction), epoch_side_name(effect->side),
                         effect->attempt, effect->try);
}

/* What the body says of the operator's answers. */
static void print_approvals(const struct epoch *epoch, struct buffer *trace)
{
    size_t i, j;
    json_t *item, *member;
    json_array_foreach(epoch->approvals, i, item) {
        buffer_append_format(trace, " yes-to %s:", json_string_or(item, "question", "?"));
        json_array_foreach(json_object_get(item, "members"), j, member)
            buffer_append_format(trace, " %s", json_string_value(member));
    }
}

static void print_tell(const struct epoch_tell *tell, struct buffer *trace)
{
    buffer_append_format(trace, " %s %s: %s", severities[tell->severity], tell->name, tell->text);
    for (int i = 0; i < EPOCH_COMMANDS_MAX; i++)
        if (tell->commands[i][0] != '\0')
            buffer_append_format(trace, "\n        $ %s", tell->commands[i]);
}

static void print_effect(const struct epoch *epoch, const struct epoch_effect *effect,
                         struct buffer *trace)
{
    buffer_append_format(trace, "    %s", epoch_effect_name(effect->kind));
    switch (effect->kind) {
    case EPOCH_EFFECT_RECORD:
        buffer_append_format(trace, " %s", epoch_state_name(epoch->state));
        break;
    case EPOCH_EFFECT_INSTRUCT:
    case EPOCH_EFFECT_FORGET:
        print_instruction(effect, trace);
        print_approvals(epoch, trace);
        break;
    case EPOCH_EFFECT_TIMER:
        buffer_append_text(trace, " ");
        print_time(effect->at_us, trace);
        break;
    case EPOCH_EFFECT_TELL:
        print_tell(&effect->tell, trace);
        break;
    case EPOCH_EFFECT_BASE_MOVED:
    case EPOCH_EFFECT_FINISHED:
    case EPOCH_EFFECT_COUNT:
        break;
    }
    buffer_append_text(trace, "\n");
}

void print_effects(const struct epoch *epoch, const struct epoch_effects *effects,
                   struct buffer *trace)
{
    for (size_t i = 0; i < effects->count; i++)
        print_effect(epoch, &effects->effects[i], trace);
    if (effects->refused.code != ERROR_OK)
        buffer_append_format(trace, "    refused %s: %s\n", error_name(effects->refused.code),
                             effects->refused.text);
}
