/* policy_parse.c: a document becomes a policy. Defaults first, then whatever the document says. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "policy/duration.h"
#include "policy/policy_parts.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_US (86400 * SECOND_US)

bool refuse_because(const struct node *node, struct error *error)
{
    struct error reason = *error;
    return node_refuse(node, error, "%s", reason.text);
}

bool read_text(const struct node *object, const char *key, struct arena *arena,
               const char **ret_text, struct error *error)
{
    struct node member = node_member(object, key);
    const char *text;
    if (member.value == NULL)
        return true;
    if (!node_string(&member, &text, error))
        return false;
    *ret_text = arena_string(arena, text);
    return true;
}

bool read_name(const struct node *object, const char *key, struct arena *arena,
               const char **ret_name, struct error *error)
{
    const char *name = NULL;
    if (!read_text(object, key, arena, &name, error))
        return false;
    if (name == NULL)
        return true;
    struct node member = node_member(object, key);
    if (!name_is_plain(name))
        return node_refuse(&member, error,
                           "'%.70s' is not a name: up to 63 letters, digits, '.', '_', '-'", name);
    *ret_name = name;
    return true;
}

bool require_name(const struct node *object, const char *key, struct arena *arena,
                  const char **ret_name, struct error *error)
{
    struct node member;
    return node_require(object, key, &member, error) &&
           read_name(object, key, arena, ret_name, error);
}

bool read_duration(const struct node *object, const char *key, int64_t *ret_us, struct error *error)
{
    struct node member = node_member(object, key);
    const char *text;
    if (member.value == NULL)
        return true;
    if (!node_string(&member, &text, error))
        return false;
    return duration_parse(text, ret_us, error) || refuse_because(&member, error);
}

bool read_choice(const struct node *object, const char *key, const struct policy_names *names,
                 int *ret_index, struct error *error)
{
    struct node member = node_member(object, key);
    size_t index;
    if (member.value == NULL)
        return true;
    if (!node_choice(&member, names->names, names->count, &index, error))
        return false;
    *ret_index = (int)index;
    return true;
}

bool read_unsigned(const struct node *object, const char *key, uint64_t minimum, uint64_t maximum,
                   uint64_t *ret_value, struct error *error)
{
    struct node member = node_member(object, key);
    int64_t value;
    if (member.value == NULL)
        return true;
    if (!node_integer(&member, (int64_t)minimum, (int64_t)maximum, &value, error))
        return false;
    *ret_value = (uint64_t)value;
    return true;
}

/* Bytes: an integer, or text for the given parser. */
static bool read_bytes(const struct node *object, const char *key,
                       bool (*parse)(const char *, uint64_t *, struct error *), uint64_t *ret_bytes,
                       struct error *error)
{
    struct node member = node_member(object, key);
    if (member.value != NULL && json_is_string(member.value))
        return parse(json_string_value(member.value), ret_bytes, error) ||
               refuse_because(&member, error);
    return read_unsigned(object, key, 1, INT64_MAX, ret_bytes, error);
}

static void set_defaults(struct policy *policy)
{
    *policy = (struct policy){
        .schedule = {.zone_name = "UTC",
                     .lead_us = 10 * SECOND_US,
                     .grace_us = 30 * SECOND_US,
                     .overrun = SCHEDULE_OVERRUN_SKIP,
                     .missed = SCHEDULE_MISSED_RUN_ONCE},
        .direction = POLICY_PULL,
        .mode = POLICY_INCREMENTAL,
        .executors = 1,
        .consistency = GRADE_BOUNDED,
        .max_skew = {5 * SECOND_US, POLICY_SKEW_RETRY},
        .max_removed = {true, 20},
        .adopt = POLICY_ADOPT_EMPTY,
        .touched = POLICY_TOUCHED_REFUSE,
        .sweep = 24,
        .scrub_us = 7 * 86400 * SECOND_US,
        .hold_max = {14 * DAY_US, 0, POLICY_HOLD_KEEP},
        .retention = {.source = {.last = 2}, .target = {.last = 7}},
        .hooks = {.before = {.timeout_us = 5 * SECOND_US}, .after = {.timeout_us = 5 * SECOND_US}},
        .barrier_wait_us = 10 * SECOND_US,
        .retries = 2,
    };
    arena_init(&policy->arena);
}

static bool parse_kind(const struct node *root, struct error *error)
{
    static const char *const versions[] = {"coeval/v1"}, *const kinds[] = {"Policy"};
    struct node version, kind;
    size_t index;
    return node_require(root, "apiVersion", &version, error) &&
           node_choice(&version, versions, ARRAY_LENGTH(versions), &index, error) &&
           node_require(root, "kind", &kind, error) &&
           node_choice(&kind, kinds, ARRAY_LENGTH(kinds), &index, error);
}

static bool parse_pair(const struct node *root, struct policy *policy, struct error *error)
{
    static const char *const keys[] = {"name", "primary", "secondary"};
    struct node pair;
    return node_require(root, "pair", &pair, error) &&
           node_check_keys(&pair, keys, ARRAY_LENGTH(keys), error) &&
           require_name(&pair, "name", &policy->arena, &policy->pair.name, error) &&
           require_name(&pair, "primary", &policy->arena, &policy->pair.primary, error) &&
           require_name(&pair, "secondary", &policy->arena, &policy->pair.secondary, error);
}

static bool parse_max_skew(const struct node *root, struct policy *policy, struct error *error)
{
    static const char *const keys[] = {"limit", "action"};
    struct node skew = node_member(root, "max_skew");
    int action = (int)policy->max_skew.action;
    if (skew.value == NULL)
        return true;
    if (!node_check_keys(&skew, keys, ARRAY_LENGTH(keys), error) ||
        !read_duration(&skew, "limit", &policy->max_skew.limit_us, error) ||
        !read_choice(&skew, "action", &policy_skew_actions, &action, error))
        return false;
    policy->max_skew.action = (enum policy_skew_action)action;
    return true;
}

/* 1000, or "20%". */
static bool parse_max_removed(const struct node *root, struct policy *policy, struct error *error)
{
    struct node removed = node_member(root, "max_removed");
    if (removed.value == NULL)
        return true;
    policy->max_removed.is_percent = json_is_string(removed.value);
    if (!policy->max_removed.is_percent)
        return read_unsigned(root, "max_removed", 0, INT64_MAX, &policy->max_removed.value, error);
    const char *text = json_string_value(removed.value);
    size_t digits = strspn(text, "0123456789");
    uint64_t percent = digits >= 1 && digits <= 3 ? strtoul(text, NULL, 10) : 101;
    if (percent > 100 || strcmp(text + digits, "%") != 0)
        return node_refuse(&removed, error,
                           "'%.60s' is neither a percentage up to 100%% nor a number of entries",
                           text);
    policy->max_removed.value = percent;
    return true;
}

/* "every", "off", or a number. */
static bool parse_sweep(const struct node *root, struct policy *policy, struct error *error)
{
    struct node sweep = node_member(root, "sweep");
    uint64_t number = policy->sweep;
    if (sweep.value == NULL)
        return true;
    if (json_is_string(sweep.value)) {
        const char *text = json_string_value(sweep.value);
        if (strcmp(text, "every") != 0 && strcmp(text, "off") != 0)
            return node_refuse(&sweep, error, "'%.60s' is not one of every|off or a number", text);
        policy->sweep = text[0] == 'e';
        return true;
    }
    if (!read_unsigned(root, "sweep", 1, 1000000, &number, error))
        return false;
    policy->sweep = (unsigned)number;
    return true;
}

/* "off", or how often. */
static bool parse_scrub(const struct node *root, struct policy *policy, struct error *error)
{
    struct node scrub = node_member(root, "scrub");
    if (json_is_string(scrub.value) && strcmp(json_string_value(scrub.value), "off") == 0) {
        policy->scrub_us = 0;
        return true;
    }
    if (!read_duration(root, "scrub", &policy->scrub_us, error))
        return false;
    return policy->scrub_us >= POLICY_SCRUB_US_MIN ||
           node_refuse(&scrub, error, "'%.40s' is neither 'off' nor PT1H or longer",
                       json_string_value(scrub.value));
}

static bool parse_hold_max(const struct node *root, struct policy *policy, struct error *error)
{
    static const char *const keys[] = {"age", "bytes", "action"};
    struct node hold = node_member(root, "hold_max");
    int action = (int)policy->hold_max.action;
    if (hold.value == NULL)
        return true;
    if (!node_check_keys(&hold, keys, ARRAY_LENGTH(keys), error))
        return false;
    struct node age = node_member(&hold, "age");
    if (json_is_string(age.value) && strcmp(json_string_value(age.value), "none") == 0)
        policy->hold_max.age_us = 0;
    else if (!read_duration(&hold, "age", &policy->hold_max.age_us, error))
        return false;
    if (!read_bytes(&hold, "bytes", size_parse, &policy->hold_max.bytes, error) ||
        !read_choice(&hold, "action", &policy_hold_actions, &action, error))
        return false;
    policy->hold_max.action = (enum policy_hold_action)action;
    return true;
}

/* A side that is named replaces its default as a whole. */
static bool parse_side(const struct node *retention, const char *key, struct retention_rule *rule,
                       struct error *error)
{
    static const char *const keys[] = {"last", "age"};
    struct node side = node_member(retention, key);
    struct retention_rule read = {0, 0};
    if (side.value == NULL)
        return true;
    if (!node_check_keys(&side, keys, ARRAY_LENGTH(keys), error) ||
        !read_unsigned(&side, "last", 1, 1000000, &read.last, error) ||
        !read_duration(&side, "age", &read.age_us, error))
        return false;
    if (read.last == 0 && read.age_us == 0)
        return node_refuse(&side, error, "'%s' needs 'last', 'age' or both", key);
    *rule = read;
    return true;
}

static bool parse_retention(const struct node *root, struct policy *policy, struct error *error)
{
    static const char *const keys[] = {"source", "target"};
    struct node retention = node_member(root, "retention");
    return retention.value == NULL ||
           (node_check_keys(&retention, keys, ARRAY_LENGTH(keys), error) &&
            parse_side(&retention, "source", &policy->retention.source, error) &&
            parse_side(&retention, "target", &policy->retention.target, error));
}

static bool parse_limits(const struct node *root, struct policy *policy, struct error *error)
{
    static const char *const keys[] = {"bytes_per_second", "operations_per_second"};
    struct node limits = node_member(root, "limits");
    return limits.value == NULL || (node_check_keys(&limits, keys, ARRAY_LENGTH(keys), error) &&
                                    read_bytes(&limits, "bytes_per_second", rate_parse,
                                               &policy->limits.bytes_per_second, error) &&
                                    read_unsigned(&limits, "operations_per_second", 1, INT64_MAX,
                                                  &policy->limits.operations_per_second, error));
}

static bool parse_command(const struct node *command, struct arena *arena, struct policy_hook *hook,
                          struct error *error)
{
    size_t count;
    if (!node_array(command, &count, error))
        return false;
    if (count == 0 || count > POLICY_ARGUMENTS_MAX)
        return node_refuse(command, error, "a command has 1 to %d words", POLICY_ARGUMENTS_MAX);
    hook->arguments = arena_new(arena, (count + 1) * sizeof hook->arguments[0]);
    for (size_t i = 0; i < count; i++) {
        struct node word = node_element(command, i);
        const char *text;
        if (!node_string(&word, &text, error))
            return false;
        if (i == 0 && text[0] != '/')
            return node_refuse(&word, error, "the program must be an absolute path, as in /bin/sh");
        hook->arguments[i] = arena_string(arena, text);
    }
    hook->argument_count = count;
    return true;
}

static bool parse_hook(const struct node *hooks, const char *key, struct arena *arena,
                       struct policy_hook *hook, struct error *error)
{
    static const char *const keys[] = {"command", "timeout"};
    struct node node = node_member(hooks, key), command;
    return node.value == NULL || (node_check_keys(&node, keys, ARRAY_LENGTH(keys), error) &&
                                  node_require(&node, "command", &command, error) &&
                                  parse_command(&command, arena, hook, error) &&
                                  read_duration(&node, "timeout", &hook->timeout_us, error));
}

static bool parse_hooks(const struct node *root, struct policy *policy, struct error *error)
{
    static const char *const keys[] = {"before", "after"};
    struct node hooks = node_member(root, "hooks");
    return hooks.value == NULL ||
           (node_check_keys(&hooks, keys, ARRAY_LENGTH(keys), error) &&
            parse_hook(&hooks, "before", &policy->arena, &policy->hooks.before, error) &&
            parse_hook(&hooks, "after", &policy->arena, &policy->hooks.after, error));
}

/* The members that are one word or one number. */
static bool parse_words(const struct node *root, struct policy *policy, struct error *error)
{
    int direction = (int)policy->direction, mode = (int)policy->mode;
    int grade = (int)policy->consistency, adopt = (int)policy->adopt;
    int touched = (int)policy->touched;
    uint64_t executors = policy->executors, retries = policy->retries;
    if (!read_choice(root, "direction", &policy_directions, &direction, error) ||
        !read_choice(root, "mode", &policy_modes, &mode, error) ||
        !read_unsigned(root, "executors", 1, POLICY_EXECUTORS_MAX, &executors, error) ||
        !read_choice(root, "consistency", &policy_grades, &grade, error) ||
        !read_choice(root, "adopt", &policy_adopts, &adopt, error) ||
        !read_choice(root, "touched", &policy_toucheds, &touched, error) ||
        !read_duration(root, "barrier_wait", &policy->barrier_wait_us, error) ||
        !read_unsigned(root, "retries", 0, POLICY_RETRIES_MAX, &retries, error))
        return false;
    policy->direction = (enum policy_direction)direction;
    policy->mode = (enum policy_mode)mode;
    policy->executors = (unsigned)executors;
    policy->consistency = (enum grade)grade;
    policy->adopt = (enum policy_adopt)adopt;
    policy->touched = (enum policy_touched)touched;
    policy->retries = (unsigned)retries;
    return true;
}

static bool parse_members(const struct node *root, struct policy *policy, struct error *error)
{
    static const char *const keys[] = {
        "apiVersion",  "kind",      "name",         "pair",      "group",       "t0",
        "period",      "direction", "mode",         "executors", "consistency", "max_skew",
        "max_removed", "adopt",     "touched",      "sweep",     "scrub",       "hold_max",
        "retention",   "limits",    "target_map",   "hooks",     "overrun",     "missed",
        "lead_time",   "grace",     "barrier_wait", "retries"};
    struct node group;
    struct node map;
    if (!node_check_keys(root, keys, ARRAY_LENGTH(keys), error) || !parse_kind(root, error) ||
        !require_name(root, "name", &policy->arena, &policy->name, error) ||
        !parse_pair(root, policy, error) || !node_require(root, "group", &group, error) ||
        !parse_group(&group, &policy->arena, &policy->group, error) ||
        !parse_schedule(root, &policy->arena, &policy->schedule, error))
        return false;
    map = node_member(root, "target_map");
    return parse_words(root, policy, error) && parse_max_skew(root, policy, error) &&
           parse_max_removed(root, policy, error) && parse_sweep(root, policy, error) &&
           parse_scrub(root, policy, error) && parse_hold_max(root, policy, error) &&
           parse_retention(root, policy, error) && parse_limits(root, policy, error) &&
           parse_hooks(root, policy, error) &&
           (map.value == NULL ||
            parse_target_map(&map, &policy->arena, &policy->target_map, error));
}

bool policy_parse(const struct document *document, struct policy *ret_policy, struct error *error)
{
    struct policy policy;
    struct node root = node_root(document);
    set_defaults(&policy);
    if (!parse_members(&root, &policy, error)) {
        policy_fini(&policy);
        return false;
    }
    if (!policy_check(&policy, error)) {
        policy_fini(&policy);
        if (document->name != NULL)
            error_wrap(error, "%s", document->name);
        return false;
    }
    *ret_policy = policy;
    return true;
}
