/* store_util.c: see store_util.h; the walk is in store_walk.c. */
#include "component/store_util.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/path.h"

#define PIECE_BYTES ((size_t)1 << 20)

bool store_exists(struct store_ref ref, const struct call *call, const char *path, bool *ret_exists,
                  struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct entry entry = {0};
    bool there = ref.component->stat(ref.store, call, path, &arena, &entry, error);
    arena_fini(&arena);
    if (!there && error->code != ERROR_NOT_FOUND)
        return false;
    *error = there ? *error : ERROR_NONE;
    *ret_exists = there;
    return true;
}

/* True when a directory lies there, also when another thread made it first. */
static bool make_one(struct store_ref ref, const struct call *call, const char *path, uint32_t mode,
                     struct error *error)
{
    if (ref.component->make_directory(ref.store, call, path, mode, error))
        return true;
    if (error->code != ERROR_EXISTS)
        return false;
    struct arena arena;
    arena_init(&arena);
    struct entry entry = {0};
    *error = ERROR_NONE;
    bool asked = ref.component->stat(ref.store, call, path, &arena, &entry, error);
    arena_fini(&arena);
    if (asked && entry.type != ENTRY_DIRECTORY)
        return error_set(error, ERROR_EXISTS, "%s is there and is no directory", path);
    return asked;
}

bool store_make_directories(struct store_ref ref, const struct call *call, const char *path,
                            uint32_t mode, struct error *error)
{
    CHECK(path_is_clean(path));
    struct error first = ERROR_NONE;
    if (path[1] == '\0' || make_one(ref, call, path, mode, &first))
        return true;
    if (first.code != ERROR_NOT_FOUND) {
        *error = first;
        return false;
    }
    struct arena arena;
    arena_init(&arena);
    bool made = store_make_directories(ref, call, path_parent(&arena, path), mode, error) &&
                make_one(ref, call, path, mode, error);
    arena_fini(&arena);
    return made;
}

bool store_remove_all(struct store_ref ref, const struct call *call, const char *path,
                      struct error *error)
{
    if (ref.component->remove(ref.store, call, path, true, error))
        return true;
    if (error->code != ERROR_NOT_FOUND)
        return false;
    *error = ERROR_NONE;
    return true;
}

/* Hands every piece of a file to fn, paying the limiter for it: of its first bytes up to length. */
typedef bool piece_fn(void *context, const void *data, size_t size, struct error *error);

static bool read_pieces(struct store_ref ref, const struct call *call, const char *path,
                        uint64_t length, piece_fn *fn, void *context, struct error *error)
{
    struct store_reader *reader = NULL;
    if (!ref.component->read_open(ref.store, call, path, 0, &reader, error))
        return false;
    char *piece = memory_resize(NULL, PIECE_BYTES); /* not zeroed: dear to many small files */
    bool going_on = true;
    for (size_t size = 1; going_on && size > 0 && length > 0; length -= size) {
        size = length < PIECE_BYTES ? (size_t)length : PIECE_BYTES;
        going_on =
            call_may_go_on(call, error) && ref.component->read(reader, piece, size, &size, error) &&
            call_take_bytes(call, size, error) && (size == 0 || fn(context, piece, size, error));
    }
    free(piece);
    ref.component->read_close(reader);
    return going_on;
}

static bool append_piece(void *context, const void *data, size_t size, struct error *error)
{
    struct buffer *content = context;
    buffer_append(content, data, size);
    return !content->failed ||
           error_set(error, ERROR_LIMIT, "larger than %zu bytes", content->limit);
}

bool store_read_file(struct store_ref ref, const struct call *call, const char *path,
                     size_t limit_bytes, struct buffer *ret_content, struct error *error)
{
    struct buffer content;
    buffer_init(&content, limit_bytes);
    if (!read_pieces(ref, call, path, UINT64_MAX, append_piece, &content, error)) {
        buffer_fini(&content);
        return error_wrap(error, "read %s", path);
    }
    buffer_clear(ret_content);
    buffer_append(ret_content, content.data, content.size);
    buffer_fini(&content);
    if (ret_content->failed)
        return error_set(error, ERROR_LIMIT, "read %s: larger than %zu bytes", path,
                         ret_content->limit);
    return true;
}

static bool write_whole(struct store_ref ref, const struct call *call, const char *path,
                        const void *data, size_t size, struct error *error)
{
    struct store_writer *writer = NULL;
    if (!ref.component->write_open(ref.store, call, path, 0600, &writer, error))
        return false;
    bool written = true;
    for (size_t at = 0; written && at < size; at += PIECE_BYTES) {
        size_t piece = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
        written = call_take_bytes(call, piece, error) &&
                  ref.component->write(writer, (const char *)data + at, piece, error);
    }
    struct error ignored = ERROR_NONE; /* the first failure is the one to tell */
    return ref.component->write_close(writer, written, written ? error : &ignored) && written;
}

static bool read_back(struct store_ref ref, const struct call *call, const char *path,
                      const void *data, size_t size, struct error *error)
{
    struct buffer content;
    buffer_init(&content, size + 1);
    bool same = store_read_file(ref, call, path, size + 1, &content, error);
    if (same && (content.size != size || memcmp(buffer_text(&content), data, size) != 0))
        same = error_set(error, ERROR_CORRUPT, "%s does not read back as it was written", path);
    buffer_fini(&content);
    return same;
}

static const char *fresh_name(struct arena *arena, const char *path)
{
    return arena_format(arena, "%s.new", path);
}

bool store_withdraw_file(struct store_ref ref, const struct call *call, const char *path,
                         struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    bool gone = store_remove_all(ref, call, fresh_name(&arena, path), error);
    arena_fini(&arena);
    return gone;
}

bool store_write_file(struct store_ref ref, const struct call *call, const char *path,
                      const void *data, size_t size, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *fresh = fresh_name(&arena, path);
    bool written = store_remove_all(ref, call, fresh, error) && /* a crash left it */
                   write_whole(ref, call, fresh, data, size, error) &&
                   read_back(ref, call, fresh, data, size, error) &&
                   ref.component->rename(ref.store, call, fresh, path, true, error);
    arena_fini(&arena);
    return written || error_wrap(error, "write %s", path);
}

struct content {
    const struct component *target; /* NULL: only read */
    struct store_writer *writer;
    uint32_t crc32c;
    uint64_t length;
};

static bool take_piece(void *context, const void *data, size_t size, struct error *error)
{
    struct content *content = context;
    content->crc32c = crc32c(content->crc32c, data, size);
    content->length += size;
    return content->target == NULL || content->target->write(content->writer, data, size, error);
}

bool store_read_crc(struct store_ref ref, const struct call *call, const char *path,
                    uint32_t *ret_crc32c, uint64_t *ret_length, struct error *error)
{
    struct content content = {0};
    if (!read_pieces(ref, call, path, UINT64_MAX, take_piece, &content, error))
        return error_wrap(error, "read %s", path);
    *ret_crc32c = content.crc32c;
    *ret_length = content.length;
    return true;
}

bool store_same_content(struct store_ref ref, const struct call *call, const char *first,
                        const char *second, bool *ret_same, struct error *error)
{
    char checksums[2][96];
    uint32_t crcs[2];
    uint64_t lengths[2];
    if (!ref.component->checksum(ref.store, call, first, checksums[0], error) ||
        !ref.component->checksum(ref.store, call, second, checksums[1], error))
        return false;
    if (checksums[0][0] != '\0') {
        *ret_same = strcmp(checksums[0], checksums[1]) == 0;
        return true;
    }
    if (!store_read_crc(ref, call, first, &crcs[0], &lengths[0], error) ||
        !store_read_crc(ref, call, second, &crcs[1], &lengths[1], error))
        return false;
    *ret_same = crcs[0] == crcs[1] && lengths[0] == lengths[1];
    return true;
}

uint64_t store_copy_length(const struct copy_order *order)
{
    bool may_grow = (order->source_component->features & COMPONENT_SNAPSHOT_ATOMIC) != 0;
    return may_grow ? order->entry->length : UINT64_MAX;
}

bool store_copy_stream(struct store_ref target, const struct call *call,
                       const struct copy_order *order, struct copy_result *ret_result,
                       struct error *error)
{
    struct content content = {.target = target.component};
    struct store_ref source = {.component = order->source_component, .store = order->source};
    if (!target.component->write_open(target.store, call, order->target_path, 0600, &content.writer,
                                      error))
        return false;
    struct error ignored = ERROR_NONE;
    bool copied = read_pieces(source, call, order->source_path, store_copy_length(order),
                              take_piece, &content, error);
    if (!target.component->write_close(content.writer, copied, copied ? error : &ignored) ||
        !copied)
        return error_wrap(error, "copy %s", order->source_path);
    struct copy_result result = {.length = content.length, .crc32c = content.crc32c};
    if (!target.component->checksum(target.store, call, order->target_path, result.checksum, error))
        return false;
    if (call->counters != NULL)
        atomic_fetch_add(&call->counters->files_done, 1);
    *ret_result = result;
    return true;
}
