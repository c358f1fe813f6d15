/* entry.c: comparing, copying and hashing entries; the record itself is in entry_codec.c. */
#include "plan/entry.h"

#include <string.h>

#include "base/timestamp.h"

#define NS_PER_MS 1000000
#define NS_PER_US 1000
#define EXPLAINED_MAX 4

/* An absent text and an empty one mean the same. */
static bool text_equal(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

/* Nanoseconds are compared only where both sides have them: a store that keeps milliseconds leaves
 * the rest 0. */
static bool times_equal(int64_t a_ns, int64_t b_ns)
{
    if (a_ns % NS_PER_MS != 0 && b_ns % NS_PER_MS != 0)
        return a_ns == b_ns;
    return a_ns - a_ns % NS_PER_MS == b_ns - b_ns % NS_PER_MS;
}

static bool xattrs_equal(const struct entry *a, const struct entry *b)
{
    if (a->xattr_count != b->xattr_count)
        return false;
    for (size_t i = 0; i < a->xattr_count; i++) {
        const struct entry_xattr *x = &a->xattrs[i], *y = &b->xattrs[i];
        if (strcmp(x->name, y->name) != 0 || x->size != y->size ||
            (x->size > 0 && memcmp(x->value, y->value, x->size) != 0))
            return false;
    }
    return true;
}

static bool content_equal(const struct entry *a, const struct entry *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == ENTRY_DIRECTORY)
        return true;
    if (a->type == ENTRY_SYMLINK)
        return text_equal(a->link_target, b->link_target);
    return a->length == b->length && (!a->crc_known || !b->crc_known || a->crc32c == b->crc32c);
}

static bool field_equal(const struct entry *a, const struct entry *b, unsigned field)
{
    switch (field) {
    case ENTRY_OWNER:
        return text_equal(a->owner, b->owner) && text_equal(a->group, b->group);
    case ENTRY_MODE: /* a symlink's mode means nothing and cannot be set */
        return a->mode == b->mode || (a->type == ENTRY_SYMLINK && b->type == ENTRY_SYMLINK);
    case ENTRY_TIMES:
        return times_equal(a->mtime_ns, b->mtime_ns);
    case ENTRY_ACL:
        return text_equal(a->acl, b->acl);
    case ENTRY_XATTRS:
        return xattrs_equal(a, b);
    case ENTRY_REPLICATION: /* 0: that store has none */
        return a->replication == b->replication || a->replication == 0 || b->replication == 0;
    case ENTRY_POLICY:
        return text_equal(a->storage_policy, b->storage_policy);
    default:
        return content_equal(a, b);
    }
}

unsigned entry_compare(const struct entry *a, const struct entry *b, unsigned fields)
{
    unsigned different = 0;
    for (unsigned field = 1; field <= ENTRY_CONTENT; field <<= 1)
        if ((fields & field) != 0 && !field_equal(a, b, field))
            different |= field;
    return different;
}

static const char *type_name(enum entry_type type)
{
    return type == ENTRY_FILE ? "file" : type == ENTRY_DIRECTORY ? "directory" : "symlink";
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text == NULL || text[0] == '\0' ? otherwise : text;
}

static void explain_time(struct buffer *text, int64_t time_ns)
{
    char stamp[TIMESTAMP_TEXT_SIZE];
    int64_t rest = time_ns % NS_PER_US;
    if (rest < 0)
        rest += NS_PER_US;
    timestamp_format((time_ns - rest) / NS_PER_US, stamp);
    buffer_append_text(text, stamp);
    if (rest != 0)
        buffer_append_format(text, " +%d ns", (int)rest);
}

static void explain_content(struct buffer *text, const struct entry *actual,
                            const struct entry *expected)
{
    if (actual->type != expected->type)
        buffer_append_format(text, "%s instead of %s", type_name(actual->type),
                             type_name(expected->type));
    else if (actual->type == ENTRY_SYMLINK)
        buffer_append_format(text, "link to %.100s instead of %.100s",
                             text_or(actual->link_target, "nothing"),
                             text_or(expected->link_target, "nothing"));
    else if (actual->length != expected->length)
        buffer_append_format(text, "length %llu instead of %llu",
                             (unsigned long long)actual->length,
                             (unsigned long long)expected->length);
    else
        buffer_append_format(text, "content CRC %08x instead of %08x", actual->crc32c,
                             expected->crc32c);
}

static void explain_field(struct buffer *text, const struct entry *actual,
                          const struct entry *expected, unsigned field)
{
    switch (field) {
    case ENTRY_OWNER:
        buffer_append_format(text, "owner %.60s:%.60s instead of %.60s:%.60s",
                             text_or(actual->owner, "?"), text_or(actual->group, "?"),
                             text_or(expected->owner, "?"), text_or(expected->group, "?"));
        break;
    case ENTRY_MODE:
        buffer_append_format(text, "mode %o instead of %o", actual->mode, expected->mode);
        break;
    case ENTRY_TIMES:
        buffer_append_text(text, "mtime ");
        explain_time(text, actual->mtime_ns);
        buffer_append_text(text, " instead of ");
        explain_time(text, expected->mtime_ns);
        break;
    case ENTRY_ACL:
        buffer_append_format(text, "ACL %.100s instead of %.100s", text_or(actual->acl, "none"),
                             text_or(expected->acl, "none"));
        break;
    case ENTRY_XATTRS:
        buffer_append_format(text, "other extended attributes (%zu instead of %zu)",
                             actual->xattr_count, expected->xattr_count);
        break;
    case ENTRY_REPLICATION:
        buffer_append_format(text, "replication %u instead of %u", actual->replication,
                             expected->replication);
        break;
    case ENTRY_POLICY:
        buffer_append_format(text, "storage policy %.40s instead of %.40s",
                             text_or(actual->storage_policy, "none"),
                             text_or(expected->storage_policy, "none"));
        break;
    default:
        explain_content(text, actual, expected);
    }
}

void entry_explain(const struct entry *actual, const struct entry *expected, unsigned fields,
                   struct buffer *text)
{
    unsigned different = entry_compare(actual, expected, fields), shown = 0;
    for (unsigned field = ENTRY_CONTENT; field > 0; field >>= 1) {
        if ((different & field) == 0)
            continue;
        if (shown++ == EXPLAINED_MAX) {
            buffer_append_text(text, ", ...");
            return;
        }
        buffer_append_text(text, shown > 1 ? ", " : "");
        explain_field(text, actual, expected, field);
    }
}

struct entry entry_copy(struct arena *arena, const struct entry *entry)
{
    struct entry copy = *entry;
    copy.path = arena_string(arena, entry->path);
    copy.owner = arena_string(arena, entry->owner);
    copy.group = arena_string(arena, entry->group);
    copy.acl = arena_string(arena, entry->acl);
    copy.link_target = arena_string(arena, entry->link_target);
    copy.storage_policy = arena_string(arena, entry->storage_policy);
    copy.erasure_coding = arena_string(arena, entry->erasure_coding);
    copy.xattrs = NULL;
    if (entry->xattr_count > 0) {
        struct entry_xattr *xattrs = arena_new(arena, entry->xattr_count * sizeof *xattrs);
        for (size_t i = 0; i < entry->xattr_count; i++) {
            const struct entry_xattr *from = &entry->xattrs[i];
            xattrs[i] = (struct entry_xattr){.name = arena_string(arena, from->name),
                                             .value = arena_copy(arena, from->value, from->size),
                                             .size = from->size};
        }
        copy.xattrs = xattrs;
    }
    return copy;
}

struct digest entry_hash(const struct entry *entry)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    entry_encode(entry, &buffer);
    struct digest digest = digest_of(buffer.data, buffer.size);
    buffer_fini(&buffer);
    return digest;
}

void set_hash_add(struct set_hash *set, const struct digest *element)
{
    unsigned carry = 0;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        unsigned sum = carry + set->bytes[i] + element->bytes[i];
        set->bytes[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
}

void set_hash_remove(struct set_hash *set, const struct digest *element)
{
    unsigned borrow = 0;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        unsigned difference = 256u + set->bytes[i] - element->bytes[i] - borrow;
        set->bytes[i] = (uint8_t)difference;
        borrow = difference < 256u;
    }
}
