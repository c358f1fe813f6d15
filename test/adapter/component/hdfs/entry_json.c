/* entry_json.c: see entry_json.h. */
#include "entry_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

json_t *entry_json(const struct entry *entry)
{
    json_t *object = json_object();
    json_set_string(object, "path", entry->path);
    json_set_string(object, "type",
                    entry->type == ENTRY_FILE        ? "FILE"
                    : entry->type == ENTRY_DIRECTORY ? "DIRECTORY"
                                                     : "SYMLINK");
    json_set_integer(object, "length", (int64_t)entry->length);
    json_set_integer(object, "mode", entry->mode);
    json_set_string(object, "owner", entry->owner);
    json_set_string(object, "group", entry->group);
    json_set_integer(object, "mtime_ms", entry->mtime_ns / 1000000);
    json_set_string(object, "acl", entry->acl);
    json_set_integer(object, "replication", entry->replication);
    json_set_integer(object, "block_size", (int64_t)entry->block_size);
    json_set_string(object, "policy", entry->storage_policy);
    json_set_integer(object, "file_id", (int64_t)entry->file_id);
    json_set_boolean(object, "has_acl", entry->has_acl);
    json_t *xattrs = json_object();
    for (size_t i = 0; i < entry->xattr_count; i++) {
        char *hex = memory_new(2 * entry->xattrs[i].size + 1);
        hex_format(entry->xattrs[i].value, entry->xattrs[i].size, hex);
        json_set_string(xattrs, entry->xattrs[i].name, hex);
        free(hex);
    }
    json_set_take(object, "xattrs", xattrs);
    return object;
}

struct entry json_entry(const json_t *object, struct arena *arena)
{
    struct entry entry = {.path = "", .type = ENTRY_FILE};
    entry.mode = (uint32_t)json_integer_or(object, "mode", 0644);
    entry.owner = json_string_or(object, "owner", "");
    entry.group = json_string_or(object, "group", "");
    entry.mtime_ns = json_integer_or(object, "mtime_ms", 0) * 1000000;
    entry.acl = json_string_or(object, "acl", NULL);
    entry.replication = (uint32_t)json_integer_or(object, "replication", 0);
    entry.block_size = (uint64_t)json_integer_or(object, "block_size", 0);
    entry.length = (uint64_t)json_integer_or(object, "length", 0);
    entry.storage_policy = json_string_or(object, "policy", NULL);
    json_t *xattrs = json_object_get(object, "xattrs"), *value;
    const char *name;
    struct entry_xattr *list = arena_new(arena, (json_object_size(xattrs) + 1) * sizeof *list);
    json_object_foreach(xattrs, name, value) {
        const char *hex = json_string_value(value);
        void *bytes = arena_new(arena, strlen(hex) / 2 + 1);
        CHECK(hex_parse(hex, bytes, strlen(hex) / 2));
        list[entry.xattr_count++] =
            (struct entry_xattr){.name = name, .value = bytes, .size = strlen(hex) / 2};
    }
    entry.xattrs = list;
    return entry;
}
