/* policy_parse_group.c: the members `group` and `target_map` of a policy. */
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "policy/policy_parts.h"

static bool parse_data_sets(const struct node *node, struct arena *arena, struct group *group,
                            struct error *error)
{
    size_t count;
    if (!node_array(node, &count, error))
        return false;
    if (count > GROUP_DATA_SETS_MAX)
        return node_refuse(node, error, "more than %d data sets: use 'select'",
                           GROUP_DATA_SETS_MAX);
    group->data_sets = arena_new(arena, (count + 1) * sizeof group->data_sets[0]);
    for (size_t i = 0; i < count; i++) {
        struct node element = node_element(node, i);
        const char *text;
        if (!node_string(&element, &text, error))
            return false;
        if (!data_set_parse(text, arena, &group->data_sets[i], error))
            return refuse_because(&element, error);
    }
    group->data_set_count = count;
    return true;
}

static bool parse_patterns(const struct node *node, struct arena *arena, const char ***ret_patterns,
                           size_t *ret_count, struct error *error)
{
    size_t count;
    if (!node_array(node, &count, error))
        return false;
    if (count > GROUP_PATTERNS_MAX)
        return node_refuse(node, error, "more than %d patterns", GROUP_PATTERNS_MAX);
    const char **patterns = arena_new(arena, (count + 1) * sizeof patterns[0]);
    for (size_t i = 0; i < count; i++) {
        struct node element = node_element(node, i);
        const char *text;
        if (!node_string(&element, &text, error))
            return false;
        if (text[0] == '\0' || strlen(text) > PATH_LENGTH_MAX)
            return node_refuse(&element, error, "a pattern has 1 to %zu bytes", PATH_LENGTH_MAX);
        patterns[i] = arena_string(arena, text);
    }
    *ret_patterns = patterns;
    *ret_count = count;
    return true;
}

static void add_selector(struct group *group, struct arena *arena, struct group_selector selector)
{
    struct group_selector *selectors =
        arena_new(arena, (group->selector_count + 1) * sizeof selectors[0]);
    for (size_t i = 0; i < group->selector_count; i++)
        selectors[i] = group->selectors[i];
    selectors[group->selector_count++] = selector;
    group->selectors = selectors;
}

static bool parse_selector(const struct node *node, struct arena *arena, struct group *group,
                           struct error *error)
{
    static const char *const keys[] = {"instance", "owner", "prefix"};
    struct group_selector selector = {NULL, NULL, NULL};
    if (!node_check_keys(node, keys, ARRAY_LENGTH(keys), error) ||
        !read_name(node, "instance", arena, &selector.instance, error) ||
        !read_text(node, "owner", arena, &selector.owner, error) ||
        !read_text(node, "prefix", arena, &selector.prefix, error))
        return false;
    if (selector.owner == NULL && selector.prefix == NULL)
        return node_refuse(node, error,
                           "a selector needs 'owner' or 'prefix'; 'all' takes everything");
    struct node prefix = node_member(node, "prefix");
    if (selector.prefix != NULL && !path_clean(arena, selector.prefix, &selector.prefix, error))
        return refuse_because(&prefix, error);
    add_selector(group, arena, selector);
    return true;
}

/* One selector, or a list of them. */
static bool parse_select(const struct node *node, struct arena *arena, struct group *group,
                         struct error *error)
{
    if (!json_is_array(node->value))
        return parse_selector(node, arena, group, error);
    size_t count = json_array_size(node->value);
    if (count > GROUP_PATTERNS_MAX)
        return node_refuse(node, error, "more than %d selectors", GROUP_PATTERNS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct node element = node_element(node, i);
        if (!parse_selector(&element, arena, group, error))
            return false;
    }
    return true;
}

static bool parse_all_of(const struct node *node, struct arena *arena, struct group *group,
                         struct error *error)
{
    const char *name;
    if (!node_string(node, &name, error))
        return false;
    if (!name_is_plain(name))
        return node_refuse(node, error, "'%.70s' is not the name of an instance", name);
    add_selector(group, arena, (struct group_selector){.instance = arena_string(arena, name)});
    return true;
}

/* true, an instance, or a list of instances. */
static bool parse_all(const struct node *node, struct arena *arena, struct group *group,
                      struct error *error)
{
    if (json_is_true(node->value)) {
        add_selector(group, arena, (struct group_selector){NULL, NULL, NULL});
        return true;
    }
    if (json_is_false(node->value))
        return node_refuse(node, error, "leave 'all' out instead");
    if (!json_is_array(node->value))
        return parse_all_of(node, arena, group, error);
    size_t count = json_array_size(node->value);
    if (count > GROUP_PATTERNS_MAX)
        return node_refuse(node, error, "more than %d instances", GROUP_PATTERNS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct node element = node_element(node, i);
        if (!parse_all_of(&element, arena, group, error))
            return false;
    }
    return true;
}

bool parse_group(const struct node *node, struct arena *arena, struct group *ret_group,
                 struct error *error)
{
    static const char *const keys[] = {"data_sets", "select",  "all",
                                       "include",   "exclude", "default_excludes"};
    struct group group = {.default_excludes = true};
    if (!node_check_keys(node, keys, ARRAY_LENGTH(keys), error))
        return false;
    struct node data_sets = node_member(node, "data_sets"), select = node_member(node, "select");
    struct node all = node_member(node, "all"), include = node_member(node, "include");
    struct node exclude = node_member(node, "exclude");
    struct node defaults = node_member(node, "default_excludes");
    if ((data_sets.value != NULL && !parse_data_sets(&data_sets, arena, &group, error)) ||
        (select.value != NULL && !parse_select(&select, arena, &group, error)) ||
        (all.value != NULL && !parse_all(&all, arena, &group, error)) ||
        (include.value != NULL &&
         !parse_patterns(&include, arena, &group.include, &group.include_count, error)) ||
        (exclude.value != NULL &&
         !parse_patterns(&exclude, arena, &group.exclude, &group.exclude_count, error)) ||
        (defaults.value != NULL && !node_boolean(&defaults, &group.default_excludes, error)))
        return false;
    if (group.data_set_count + group.selector_count == 0)
        return node_refuse(node, error, "the group is empty: give 'data_sets', 'select' or 'all'");
    *ret_group = group;
    return true;
}

static bool read_path(const struct node *object, const char *key, struct arena *arena,
                      const char **path, struct error *error)
{
    struct node member = node_member(object, key);
    if (!read_text(object, key, arena, path, error))
        return false;
    return path_clean(arena, *path, path, error) || refuse_because(&member, error);
}

static bool parse_rule(const struct node *node, struct arena *arena, struct target_rule *rule,
                       struct error *error)
{
    static const char *const keys[] = {"instance", "from", "to_instance", "to"};
    if (!node_check_keys(node, keys, ARRAY_LENGTH(keys), error) ||
        !require_name(node, "instance", arena, &rule->instance, error))
        return false;
    rule->from = rule->to = "/";
    rule->to_instance = rule->instance;
    if (node_member(node, "from").value == NULL && node_member(node, "to_instance").value == NULL)
        return node_refuse(node, error, "a rule needs 'from' and 'to', or 'to_instance'");
    if ((node_member(node, "from").value == NULL) != (node_member(node, "to").value == NULL))
        return node_refuse(node, error, "'from' and 'to' belong together");
    return read_path(node, "from", arena, &rule->from, error) &&
           read_path(node, "to", arena, &rule->to, error) &&
           read_name(node, "to_instance", arena, &rule->to_instance, error);
}

bool parse_target_map(const struct node *node, struct arena *arena, struct target_map *ret_map,
                      struct error *error)
{
    size_t count;
    if (!node_array(node, &count, error))
        return false;
    if (count > TARGET_RULES_MAX)
        return node_refuse(node, error, "more than %d rules", TARGET_RULES_MAX);
    struct target_map map = {arena_new(arena, (count + 1) * sizeof map.rules[0]), count};
    for (size_t i = 0; i < count; i++) {
        struct node element = node_element(node, i);
        if (!parse_rule(&element, arena, &map.rules[i], error))
            return false;
    }
    size_t wrong;
    if (!target_map_check(&map, &wrong, error)) {
        struct node element = node_element(node, wrong);
        return refuse_because(&element, error);
    }
    *ret_map = map;
    return true;
}
