/* tree_stream.c: a stack of listings; the deepest one is being read. */
#include "agent/tree_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

#define LISTING_BYTES_MAX ((size_t)1 << 30) /* one directory of some five million names */

/* One directory: its entries, and how far we are. */
struct level {
    struct level *above;
    struct arena arena;
    char *path; /* relative to the top; in this level's arena */
    struct entry *entries;
    size_t count, capacity, next;
};

struct tree_stream {
    struct store_ref ref;
    struct call call;
    struct tree_options options;
    char *top;
    struct level *deepest;
    struct arena current; /* of the entry that was given out */
    struct entry entry;
    bool started;
};

struct tree_stream *tree_stream_new(struct store_ref ref, const struct call *call, const char *top,
                                    const struct tree_options *options)
{
    struct tree_stream *stream = memory_new(sizeof *stream);
    stream->ref = ref;
    stream->call = *call;
    stream->options = *options;
    stream->top = memory_copy_string(top);
    arena_init(&stream->current);
    return stream;
}

static void pop(struct tree_stream *stream)
{
    struct level *level = stream->deepest;
    stream->deepest = level->above;
    arena_fini(&level->arena);
    free(level->entries);
    free(level);
}

void tree_stream_free(struct tree_stream *stream)
{
    if (stream == NULL)
        return;
    while (stream->deepest != NULL)
        pop(stream);
    arena_fini(&stream->current);
    free(stream->top);
    free(stream);
}

static bool keep_entry(void *context, const struct entry *entry, struct error *error)
{
    struct level *level = context;
    if (level->arena.used_bytes > LISTING_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, "directory %.100s is too large to list", level->path);
    if (level->count == level->capacity) {
        level->capacity = level->capacity == 0 ? 32 : level->capacity * 2;
        level->entries = memory_resize(level->entries, level->capacity * sizeof *level->entries);
    }
    level->entries[level->count++] = entry_copy(&level->arena, entry);
    return true;
}

static bool push(struct tree_stream *stream, const char *relative, struct error *error)
{
    struct level *level = memory_new(sizeof *level);
    arena_init(&level->arena);
    level->path = arena_string(&level->arena, relative);
    level->above = stream->deepest;
    stream->deepest = level;
    const char *full = path_join(&level->arena, stream->top, relative);
    return stream->ref.component->list(stream->ref.store, &stream->call, full, keep_entry, level,
                                       error);
}

static bool is_left_out(const struct tree_stream *stream, const char *path)
{
    if (stream->options.skip_staging && path_is_under(path, STAGING_NAME))
        return true;
    return exclusions_match(stream->options.exclusions, path);
}

/* Fills in stream->entry for the object at relative, from its listing's entry. */
static bool give(struct tree_stream *stream, const char *relative, const struct entry *listed,
                 const struct entry **ret_entry, struct error *error)
{
    struct arena *arena = &stream->current;
    const char *full = path_join(arena, stream->top, relative);
    stream->entry = *listed;
    if (stream->options.described) {
        struct entry described;
        if (!stream->ref.component->describe(stream->ref.store, &stream->call, full, arena,
                                             &described, error))
            return false;
        stream->entry = described;
    }
    stream->entry.path = arena_string(arena, relative);
    if (stream->options.with_crc && stream->entry.type == ENTRY_FILE && !stream->entry.crc_known) {
        uint64_t length;
        if (!store_read_crc(stream->ref, &stream->call, full, &stream->entry.crc32c, &length,
                            error))
            return false;
        stream->entry.crc_known = true;
        stream->entry.length = length;
    }
    *ret_entry = &stream->entry;
    return true;
}

static bool give_top(struct tree_stream *stream, const struct entry **ret_entry,
                     struct error *error)
{
    struct entry top;
    struct error absent = ERROR_NONE;
    stream->started = true;
    if (!stream->ref.component->stat(stream->ref.store, &stream->call, stream->top,
                                     &stream->current, &top, &absent)) {
        *ret_entry = NULL;
        if (absent.code == ERROR_NOT_FOUND)
            return true;
        *error = absent;
        return false;
    }
    if (top.type != ENTRY_DIRECTORY)
        return error_set(error, ERROR_INVALID, "%.150s is not a directory", stream->top);
    return push(stream, "", error) && give(stream, "", &top, ret_entry, error);
}

bool tree_stream_next(void *context, const struct entry **ret_entry, struct error *error)
{
    struct tree_stream *stream = context;
    arena_fini(&stream->current);
    if (!stream->started)
        return give_top(stream, ret_entry, error);
    while (stream->deepest != NULL) {
        struct level *level = stream->deepest;
        if (level->next == level->count) {
            pop(stream);
            continue;
        }
        const struct entry *listed = &level->entries[level->next++];
        const char *relative = path_join(&level->arena, level->path, listed->path);
        if (is_left_out(stream, relative))
            continue;
        if (listed->type == ENTRY_DIRECTORY && !push(stream, relative, error))
            return false;
        return give(stream, relative, listed, ret_entry, error);
    }
    *ret_entry = NULL;
    return true;
}
