/* entry_codec.c: the record of an entry as doc/formats.md has it. There is exactly one encoding of
 * an entry, so that its hash says what it is; the decoder refuses every other. */
#include <string.h>

#include "base/path.h"
#include "plan/entry.h"

#define ENTRY_VERSION 1
#define XATTRS_MAX 4096

enum {
    HAS_CRC = 1 << 0,
    HAS_ACL = 1 << 1,
    HAS_LINK_TARGET = 1 << 2,
    HAS_STORAGE_POLICY = 1 << 3,
    HAS_ERASURE_CODING = 1 << 4,
    FLAGS_KNOWN = (1 << 5) - 1
};

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static uint8_t flags_of(const struct entry *entry)
{
    unsigned flags = 0;
    flags |= entry->crc_known ? HAS_CRC : 0;
    flags |= is_given(entry->acl) ? HAS_ACL : 0;
    flags |= is_given(entry->link_target) ? HAS_LINK_TARGET : 0;
    flags |= is_given(entry->storage_policy) ? HAS_STORAGE_POLICY : 0;
    flags |= is_given(entry->erasure_coding) ? HAS_ERASURE_CODING : 0;
    return (uint8_t)flags;
}

static void encode_text(struct buffer *buffer, const char *text)
{
    buffer_append_block(buffer, text, text == NULL ? 0 : strlen(text));
}

static void encode_given(struct buffer *buffer, const char *text)
{
    if (is_given(text))
        encode_text(buffer, text);
}

void entry_encode(const struct entry *entry, struct buffer *buffer)
{
    buffer_append_byte(buffer, ENTRY_VERSION);
    buffer_append_byte(buffer, (uint8_t)entry->type);
    buffer_append_byte(buffer, flags_of(entry));
    encode_text(buffer, entry->path);
    buffer_append_u64(buffer, entry->length);
    buffer_append_u32(buffer, entry->mode);
    buffer_append_u64(buffer, (uint64_t)entry->mtime_ns);
    encode_text(buffer, entry->owner);
    encode_text(buffer, entry->group);
    buffer_append_u32(buffer, entry->replication);
    buffer_append_u64(buffer, entry->block_size);
    if (entry->crc_known)
        buffer_append_u32(buffer, entry->crc32c);
    encode_given(buffer, entry->acl);
    encode_given(buffer, entry->link_target);
    encode_given(buffer, entry->storage_policy);
    encode_given(buffer, entry->erasure_coding);
    buffer_append_u32(buffer, (uint32_t)entry->xattr_count);
    for (size_t i = 0; i < entry->xattr_count; i++) {
        encode_text(buffer, entry->xattrs[i].name);
        buffer_append_block(buffer, entry->xattrs[i].value, entry->xattrs[i].size);
    }
}

static const char *decode_given(struct reader *reader, struct arena *arena, bool given)
{
    const char *text = given ? reader_text(reader, arena) : NULL;
    if (given && !is_given(text))
        reader->failed = true;
    return text;
}

static const struct entry_xattr *decode_xattrs(struct reader *reader, struct arena *arena,
                                               size_t count)
{
    if (reader->failed || count > XATTRS_MAX) {
        reader->failed = true;
        return NULL;
    }
    if (count == 0)
        return NULL;
    struct entry_xattr *xattrs = arena_new(arena, count * sizeof *xattrs);
    for (size_t i = 0; i < count && !reader->failed; i++) {
        xattrs[i].name = reader_text(reader, arena);
        const void *value = reader_block(reader, &xattrs[i].size);
        if (value != NULL)
            xattrs[i].value = arena_copy(arena, value, xattrs[i].size);
        if (!reader->failed && i > 0 && strcmp(xattrs[i - 1].name, xattrs[i].name) >= 0)
            reader->failed = true;
    }
    return xattrs;
}

bool entry_decode(struct reader *reader, struct arena *arena, struct entry *ret_entry)
{
    struct entry entry = {0};
    uint8_t version = reader_u8(reader), type = reader_u8(reader), flags = reader_u8(reader);
    if (version != ENTRY_VERSION || type < ENTRY_FILE || type > ENTRY_SYMLINK ||
        (flags & ~FLAGS_KNOWN) != 0) {
        reader->failed = true;
        return false;
    }
    entry.type = (enum entry_type)type;
    entry.path = reader_text(reader, arena);
    entry.length = reader_u64(reader);
    entry.mode = reader_u32(reader);
    entry.mtime_ns = (int64_t)reader_u64(reader);
    entry.owner = reader_text(reader, arena);
    entry.group = reader_text(reader, arena);
    entry.replication = reader_u32(reader);
    entry.block_size = reader_u64(reader);
    entry.crc_known = (flags & HAS_CRC) != 0;
    entry.crc32c = entry.crc_known ? reader_u32(reader) : 0;
    entry.acl = decode_given(reader, arena, (flags & HAS_ACL) != 0);
    entry.link_target = decode_given(reader, arena, (flags & HAS_LINK_TARGET) != 0);
    entry.storage_policy = decode_given(reader, arena, (flags & HAS_STORAGE_POLICY) != 0);
    entry.erasure_coding = decode_given(reader, arena, (flags & HAS_ERASURE_CODING) != 0);
    entry.xattr_count = reader_u32(reader);
    entry.xattrs = decode_xattrs(reader, arena, entry.xattr_count);
    if (!reader->failed && (entry.mode > 07777 || !path_is_clean_relative(entry.path)))
        reader->failed = true;
    if (reader->failed)
        return false;
    *ret_entry = entry;
    return true;
}
