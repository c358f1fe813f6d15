/* exclusion.c: see exclusion.h. */
#include "plan/exclusion.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

static bool any_pattern(const struct exclusions *exclusions, const char *path)
{
    for (size_t i = 0; i < exclusions->count; i++)
        if (path_matches(path, exclusions->patterns[i]))
            return true;
    return false;
}

bool exclusions_match(const struct exclusions *exclusions, const char *path)
{
    size_t length = strlen(path);
    if (exclusions == NULL || exclusions->count == 0 || length == 0)
        return false;
    char *above = memory_copy_string(path);
    bool matches = false;
    for (size_t i = 1; i <= length && !matches; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        above[i] = '\0';
        matches = any_pattern(exclusions, above);
        above[i] = path[i];
    }
    free(above);
    return matches;
}

/* Could the pattern match something below the directory? Its text up to the first wildcard and the
 * directory must agree as far as both go. */
static bool may_reach_below(const char *pattern, const char *directory)
{
    size_t literal, length = strlen(directory);
    if (pattern[0] == '/')
        pattern++;
    literal = strcspn(pattern, "*?");
    if (literal <= length)
        return strncmp(pattern, directory, literal) == 0;
    return strncmp(pattern, directory, length) == 0 && pattern[length] == '/';
}

bool exclusions_may_part(const struct exclusions *exclusions, const char *old_path,
                         const char *new_path)
{
    for (size_t i = 0; exclusions != NULL && i < exclusions->count; i++) {
        const char *pattern = exclusions->patterns[i];
        if (strchr(pattern, '/') == NULL) /* looks at names alone: the same at both paths */
            continue;
        if (may_reach_below(pattern, old_path) || may_reach_below(pattern, new_path))
            return true;
    }
    return false;
}
