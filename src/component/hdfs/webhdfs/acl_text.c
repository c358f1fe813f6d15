/* acl_text.c: see acl_text.h. The group bits of a mode are the mask wherever access entries beyond
 * the three basic ones exist; the owning group's own permissions then stand in "group::". */
#include "component/hdfs/webhdfs/acl_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define ACL_ENTRIES_MAX 64 /* HDFS keeps at most 32 access and 32 default entries */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool said_by_mode(const char *text)
{
    return starts_with(text, "user::") || starts_with(text, "mask::") ||
           starts_with(text, "other::");
}

bool acl_from_entries(const json_t *entries, struct arena *arena, const char **ret_acl,
                      struct error *error)
{
    const char *texts[ACL_ENTRIES_MAX];
    size_t count = 0, size = json_array_size(entries);
    for (size_t i = 0; i < size; i++) {
        const char *text = json_string_value(json_array_get(entries, i));
        if (text == NULL || strchr(text, ',') != NULL)
            return error_set(error, ERROR_PROTOCOL, "the ACL holds something that is no entry");
        if (said_by_mode(text))
            continue;
        if (count == ACL_ENTRIES_MAX)
            return error_set(error, ERROR_LIMIT, "an ACL of more than %d entries", ACL_ENTRIES_MAX);
        texts[count++] = text;
    }
    if (count == 0) {
        *ret_acl = NULL;
        return true;
    }
    qsort(texts, count, sizeof *texts, compare_texts);
    struct buffer joined;
    buffer_init(&joined, 0);
    for (size_t i = 0; i < count; i++)
        buffer_append_format(&joined, "%s%s", i > 0 ? "," : "", texts[i]);
    *ret_acl = arena_string(arena, buffer_text(&joined));
    buffer_fini(&joined);
    return true;
}

static void append_base(struct buffer *spec, const char *who, unsigned bits)
{
    buffer_append_format(spec, "%s%s%c%c%c", spec->size > 0 ? "," : "", who,
                         (bits & 4) != 0 ? 'r' : '-', (bits & 2) != 0 ? 'w' : '-',
                         (bits & 1) != 0 ? 'x' : '-');
}

/* Does acl have an access entry, and which is the owning group's? */
struct access {
    bool any, group;
};

static struct access access_of(const char *acl)
{
    struct access access = {.any = false};
    for (const char *text = acl; *text != '\0';) {
        bool is_default = starts_with(text, "default:");
        access.any = access.any || !is_default;
        access.group = access.group || starts_with(text, "group::");
        text += strcspn(text, ",");
        text += *text == ',';
    }
    return access;
}

bool acl_to_spec(const char *acl, unsigned mode, struct buffer *ret_spec, struct error *error)
{
    CHECK(acl != NULL && acl[0] != '\0');
    struct access access = access_of(acl);
    if (access.any && !access.group)
        return error_set(error, ERROR_INVALID, "the ACL \"%s\" lacks the owning group's entry",
                         acl);
    buffer_clear(ret_spec);
    append_base(ret_spec, "user::", mode >> 6 & 7);
    append_base(ret_spec, "other::", mode & 7);
    append_base(ret_spec, access.any ? "mask::" : "group::", mode >> 3 & 7);
    buffer_append_format(ret_spec, ",%s", acl);
    return true;
}
