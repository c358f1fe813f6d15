/* group.c: see group.h. */
#include "policy/group.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/path.h"

const char *const group_default_excludes[] = {".Trash", ".snapshot", "_temporary",
                                              ".hive-staging*"};
const size_t group_default_exclude_count = ARRAY_LENGTH(group_default_excludes);

/* Coeval's own directories: whatever a group says, they are nobody's data. */
#define OWN_NAME ".coeval"

bool name_is_plain(const char *name)
{
    size_t length =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return length >= 1 && length <= 63 && name[length] == '\0' && isalnum((unsigned char)name[0]);
}

bool data_set_parse(const char *text, struct arena *arena, struct data_set *ret_data_set,
                    struct error *error)
{
    struct data_set data_set;
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon[1] != '/')
        return error_set(error, ERROR_INVALID,
                         "'%.100s' is not <instance>:<path>, as in hdfs:/bills", text);
    data_set.instance = arena_copy(arena, text, (size_t)(colon - text));
    if (!name_is_plain(data_set.instance))
        return error_set(error, ERROR_INVALID, "'%.70s' is not the name of an instance",
                         data_set.instance);
    if (!path_clean(arena, colon + 1, &data_set.path, error))
        return false;
    if (strcmp(data_set.path, "/") == 0)
        return error_set(error, ERROR_INVALID,
                         "'/' cannot be protected as one data set: use 'all: %s'",
                         data_set.instance);
    *ret_data_set = data_set;
    return true;
}

void member_id(const char *instance, const char *path, char ret_id[MEMBER_ID_SIZE])
{
    struct digest_stream *stream = digest_stream_new();
    digest_stream_add(stream, instance,
                      strlen(instance) + 1); /* NUL: no other pair says the same */
    digest_stream_add(stream, path, strlen(path));
    struct digest digest = digest_stream_end(stream);
    digest_stream_free(stream);
    hex_format(digest.bytes, (MEMBER_ID_SIZE - 1) / 2, ret_id);
}

/* A pattern that begins with '/' speaks of the absolute path, another of the path below the data
 * set. A pattern covers everything below what it matches, so all directories above are tried. */
static bool pattern_covers(const char *pattern, const char *absolute, const char *relative,
                           struct arena *arena)
{
    const char *path = pattern[0] == '/' ? absolute + 1 : relative;
    char *prefix = arena_string(arena, path);
    for (size_t length = strlen(prefix); length > 0; length--) {
        if (path[length] != '/' && path[length] != '\0')
            continue;
        prefix[length] = '\0';
        /* A leading '/' would be dropped by path_matches(), and a name alone tried everywhere. */
        bool anchored = pattern[0] == '/' && strchr(pattern + 1, '/') == NULL;
        if (anchored && strchr(prefix, '/') != NULL)
            continue;
        if (path_matches(prefix, pattern))
            return true;
    }
    return false;
}

static bool any_covers(const char *const *patterns, size_t count, const char *absolute,
                       const char *relative, struct arena *arena)
{
    for (size_t i = 0; i < count; i++)
        if (pattern_covers(patterns[i], absolute, relative, arena))
            return true;
    return false;
}

static bool excludes(const struct group *group, const char *absolute, const char *relative)
{
    struct arena arena;
    arena_init(&arena);
    bool excluded =
        path_matches(relative, OWN_NAME) ||
        (group->default_excludes && any_covers(group_default_excludes, group_default_exclude_count,
                                               absolute, relative, &arena)) ||
        any_covers(group->exclude, group->exclude_count, absolute, relative, &arena);
    arena_fini(&arena);
    return excluded;
}

bool group_excludes(const struct group *group, const char *data_set, const char *relative)
{
    struct arena arena;
    arena_init(&arena);
    bool excluded = excludes(group, path_join(&arena, data_set, relative), relative);
    arena_fini(&arena);
    return excluded;
}

static bool selector_fits(const struct group_selector *selector,
                          const struct catalogue_entry *entry)
{
    return (selector->instance == NULL || strcmp(selector->instance, entry->instance) == 0) &&
           (selector->owner == NULL || entry->owner == NULL ||
            strcmp(selector->owner, entry->owner) == 0) &&
           (selector->prefix == NULL || path_is_under(entry->path, selector->prefix));
}

bool group_selects(const struct group *group, const struct catalogue_entry *entry)
{
    CHECK(path_is_clean(entry->path));
    const char *path = entry->path + 1;
    bool fits = false;
    for (size_t i = 0; i < group->selector_count; i++)
        fits = fits || selector_fits(&group->selectors[i], entry);
    if (!fits || *path == '\0')
        return false;
    struct arena arena;
    arena_init(&arena);
    bool included = group->include_count == 0 ||
                    any_covers(group->include, group->include_count, entry->path, path, &arena);
    arena_fini(&arena);
    return included && !excludes(group, entry->path, path);
}

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int by_instance = strcmp(a->instance, b->instance);
    return by_instance != 0 ? by_instance : path_compare(a->path, b->path);
}

static struct member make_member(struct arena *arena, const char *instance, const char *path)
{
    struct member member = {.instance = arena_string(arena, instance),
                            .path = arena_string(arena, path)};
    member_id(instance, path, member.id);
    return member;
}

bool group_resolve(const struct group *group, const struct catalogue_entry *entries, size_t count,
                   struct arena *arena, struct member **ret_members, size_t *ret_count,
                   struct error *error)
{
    size_t found = 0, kept = 0;
    struct member *members =
        arena_new(arena, (group->data_set_count + count + 1) * sizeof *members);
    for (size_t i = 0; i < group->data_set_count; i++)
        members[found++] =
            make_member(arena, group->data_sets[i].instance, group->data_sets[i].path);
    for (size_t i = 0; i < count; i++)
        if (group_selects(group, &entries[i]))
            members[found++] = make_member(arena, entries[i].instance, entries[i].path);
    qsort(members, found, sizeof *members, compare_members);
    for (size_t i = 0; i < found; i++) {
        const struct member *last = &members[kept > 0 ? kept - 1 : 0];
        if (kept == 0 || strcmp(last->instance, members[i].instance) != 0 ||
            !path_is_under(members[i].path, last->path))
            members[kept++] = members[i];
    }
    if (kept > GROUP_DATA_SETS_MAX)
        return error_set(error, ERROR_LIMIT,
                         "the group has %zu data sets; the limit is %d: narrow "
                         "it by 'prefix', 'include' or 'exclude'",
                         kept, GROUP_DATA_SETS_MAX);
    if (kept == 0)
        return error_set(error, ERROR_NOT_FOUND, "the selectors of the group find no directory");
    *ret_members = members;
    *ret_count = kept;
    return true;
}
