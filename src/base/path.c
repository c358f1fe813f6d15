/* path.c: see path.h; nothing here allocates outside the caller's arena. */
#include "base/path.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

static bool names_are_clean(const char *path)
{
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0 || (length == 1 && path[0] == '.') ||
            (length == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (path[length] == '\0')
            return true;
        path += length + 1;
    }
}

bool path_is_clean(const char *path)
{
    if (path[0] != '/' || strlen(path) > PATH_LENGTH_MAX)
        return false;
    return path[1] == '\0' || names_are_clean(path + 1);
}

bool path_is_clean_relative(const char *path)
{
    return path[0] == '\0' || (strlen(path) <= PATH_LENGTH_MAX && names_are_clean(path));
}

bool path_clean(struct arena *arena, const char *path, const char **ret_path, struct error *error)
{
    size_t length = strlen(path);
    if (length > PATH_LENGTH_MAX)
        return error_set(error, ERROR_LIMIT, "path longer than %zu bytes", PATH_LENGTH_MAX);
    if (path[0] != '/')
        return error_set(error, ERROR_INVALID, "path '%.100s' does not start with '/'", path);
    char *clean = arena_new(arena, length + 1);
    size_t size = 0;
    for (size_t i = 0; i < length; i++)
        if (path[i] != '/' || size == 0 || clean[size - 1] != '/')
            clean[size++] = path[i];
    if (size > 1 && clean[size - 1] == '/')
        size--;
    clean[size] = '\0';
    if (!path_is_clean(clean))
        return error_set(error, ERROR_INVALID, "path '%.100s' has '.' or '..' in it", path);
    *ret_path = clean;
    return true;
}

bool path_is_under(const char *path, const char *ancestor)
{
    size_t length = strlen(ancestor);
    if (length == 0)
        return path[0] != '/';
    if (length == 1 && ancestor[0] == '/')
        return path[0] == '/';
    return strncmp(path, ancestor, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

const char *path_below(const char *path, const char *ancestor)
{
    CHECK(path_is_under(path, ancestor));
    const char *rest = path + strlen(ancestor);
    return *rest == '/' ? rest + 1 : rest;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

char *path_parent(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (path[0] == '\0' || strcmp(path, "/") == 0)
        return NULL;
    if (slash == NULL)
        return arena_string(arena, "");
    return slash == path ? arena_string(arena, "/")
                         : arena_copy(arena, path, (size_t)(slash - path));
}

char *path_join(struct arena *arena, const char *directory, const char *relative)
{
    if (relative[0] == '\0')
        return arena_string(arena, directory);
    if (directory[0] == '\0')
        return arena_string(arena, relative);
    size_t length = strlen(directory);
    bool has_slash = directory[length - 1] == '/';
    return arena_format(arena, has_slash ? "%s%s" : "%s/%s", directory, relative);
}

char *path_move(struct arena *arena, const char *path, const char *from, const char *to)
{
    return path_join(arena, to, path_below(path, from));
}

int path_compare(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    if (*a == *b)
        return 0;
    if (*a == '\0' || *b == '\0')
        return *a == '\0' ? -1 : 1;
    if (*a == '/' || *b == '/')
        return *a == '/' ? -1 : 1;
    return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

size_t path_depth(const char *path)
{
    size_t depth = 0;
    for (const char *p = path; *p != '\0'; p++)
        depth += *p != '/' && (p == path || p[-1] == '/');
    return depth;
}

/* Length of the UTF-8 sequence at p, 0 when it is none (over-long forms and surrogates included).
 */
static size_t utf8_length(const uint8_t *p)
{
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

bool path_is_utf8(const char *path)
{
    const uint8_t *p = (const uint8_t *)path;
    while (*p != '\0') {
        size_t length = utf8_length(p);
        if (length == 0)
            return false;
        p += length;
    }
    return true;
}

void path_print(struct buffer *buffer, const char *path)
{
    const uint8_t *p = (const uint8_t *)path;
    for (size_t shown = 0; *p != '\0'; shown++) {
        if (shown == 300) {
            buffer_append_text(buffer, "...");
            return;
        }
        size_t length = utf8_length(p);
        if (length > 1 || (length == 1 && *p >= 0x20 && *p != 0x7f && *p != '\\')) {
            buffer_append(buffer, p, length);
            p += length;
        } else {
            buffer_append_format(buffer, "\\x%02x", *p++);
        }
    }
}

void path_percent_encode(struct buffer *buffer, const char *text, bool keep_slash)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        bool plain = (*p < 0x80 && isalnum(*p)) || strchr("-._~", *p) != NULL;
        if (plain || (keep_slash && *p == '/'))
            buffer_append_byte(buffer, *p);
        else
            buffer_append_format(buffer, "%%%02X", *p);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool path_percent_decode(struct buffer *buffer, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%') {
            buffer_append_byte(buffer, (uint8_t)text[i]);
            continue;
        }
        if (length - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
            return false;
        uint8_t byte = (uint8_t)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
        if (byte == 0)
            return false;
        buffer_append_byte(buffer, byte);
        i += 2;
    }
    return true;
}

/* Greedy matching with one saved position for '*' and one for "**": linear in practice, bounded by
 * |path| * |pattern| steps in the worst case. */
static bool glob(const char *path, const char *end, const char *pattern)
{
    const char *star_pattern = NULL, *star_path = NULL;
    const char *wild_pattern = NULL, *wild_path = NULL;
    for (;;) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            wild_pattern = pattern += 2;
            wild_path = path;
            star_pattern = NULL;
            continue;
        }
        if (pattern[0] == '*') {
            star_pattern = ++pattern;
            star_path = path;
            continue;
        }
        if (path == end && *pattern == '\0')
            return true;
        if (path != end && (*pattern == *path || (*pattern == '?' && *path != '/'))) {
            path++;
            pattern++;
            continue;
        }
        if (star_pattern != NULL && star_path != end && *star_path != '/') {
            path = ++star_path;
            pattern = star_pattern;
            continue;
        }
        if (wild_pattern == NULL || wild_path == end)
            return false;
        path = ++wild_path;
        pattern = wild_pattern;
        star_pattern = NULL;
    }
}

bool path_matches(const char *path, const char *pattern)
{
    if (strchr(pattern, '/') != NULL) {
        if (pattern[0] == '/')
            pattern++;
        return glob(path, path + strlen(path), pattern);
    }
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        if (glob(path, path + length, pattern))
            return true;
        path += length + (path[length] == '/');
    }
    return false;
}
