/* hdfs_content.c: files: reading, writing, copying, and the proof that a copy is one. How bytes
 * move is the table's business; that nothing is overwritten, and what equal content is, is ours. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"

#define CLEANUP_MS 5000

struct store_reader {
    const struct hdfs_ops *ops;
    struct hdfs_reader *reader;
};

struct store_writer {
    struct store *store;
    struct hdfs_writer *writer;
    struct hdfs_mutation mutation;
    char *path;
};

/* --- reading -----------------------------------------------------------------------------------
 */

bool hdfs_read_open(struct store *store, const struct call *call, const char *path, uint64_t offset,
                    struct store_reader **ret_reader, struct error *error)
{
    struct hdfs_reader *inner;
    if (!hdfs_path_check(path, error) ||
        !store->ops->read_open(store->session, call, path, offset, &inner, NULL, error))
        return false;
    struct store_reader *reader = memory_new(sizeof *reader);
    *reader = (struct store_reader){.ops = store->ops, .reader = inner};
    *ret_reader = reader;
    return true;
}

bool hdfs_read(struct store_reader *reader, void *data, size_t size, size_t *ret_size,
               struct error *error)
{
    return reader->ops->read(reader->reader, data, size, ret_size, NULL, error);
}

void hdfs_read_close(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    reader->ops->read_close(reader->reader);
    free(reader);
}

bool hdfs_checksum(struct store *store, const struct call *call, const char *path,
                   char ret_checksum[96], struct error *error)
{
    return hdfs_path_check(path, error) &&
           store->ops->checksum(store->session, call, path, ret_checksum, NULL, error);
}

/* --- writing -----------------------------------------------------------------------------------
 */

bool hdfs_write_open(struct store *store, const struct call *call, const char *path, uint32_t mode,
                     struct store_writer **ret_writer, struct error *error)
{
    struct hdfs_create create = {.path = path, .mode = mode};
    struct hdfs_mutation mutation = hdfs_mutation(store);
    struct hdfs_writer *inner;
    if (!hdfs_path_check(path, error) || !hdfs_check_place(store, call, path, error))
        return false;
    bool done =
        store->ops->write_open(store->session, call, &mutation, &create, &inner, NULL, error);
    if (!hdfs_settle(store, &mutation, "write", path, done, error))
        return false;
    struct store_writer *writer = memory_new(sizeof *writer);
    *writer = (struct store_writer){store, inner, mutation, memory_copy_string(path)};
    *ret_writer = writer;
    return true;
}

bool hdfs_write(struct store_writer *writer, const void *data, size_t size, struct error *error)
{
    return writer->store->ops->write(writer->writer, data, size, NULL, error);
}

bool hdfs_write_close(struct store_writer *writer, bool commit, struct error *error)
{
    struct store *store = writer->store;
    bool done = store->ops->write_close(writer->writer, commit, NULL, error);
    (void)hdfs_settle(store, &writer->mutation, "write", writer->path, done, error);
    free(writer->path);
    free(writer);
    return done;
}

/* --- copying -----------------------------------------------------------------------------------
 */

/* The part of a checksum that names its layout: equal layouts make equal sums for equal bytes. */
static bool same_layout(const char *a, const char *b)
{
    size_t length = strcspn(a, ":");
    return a[length] == ':' && strncmp(a, b, length + 1) == 0;
}

/* Its sum is then of more than what was copied. */
static bool has_grown_since(const struct call *call, const struct copy_order *order,
                            bool *ret_grown, struct error *error)
{
    struct arena arena;
    struct entry now;
    arena_init(&arena);
    bool done = hdfs_stat(order->source, call, order->source_path, &arena, &now, error);
    *ret_grown = done && now.length > order->entry->length;
    arena_fini(&arena);
    return done;
}

/* What arrived against what the source says of itself: also finds bytes that changed on the way. */
static bool compare_checksums(struct store *store, const struct call *call,
                              const struct copy_order *order, struct copy_result *result,
                              struct error *error)
{
    char source[96];
    if (result->length == 0)
        return true;
    if (!hdfs_checksum(store, call, order->target_path, result->checksum, error))
        return false;
    if (order->source_component != &hdfs_component || order->entry->erasure_coding != NULL)
        return true;
    if (!hdfs_checksum(order->source, call, order->source_path, source, error))
        return false;
    if (!same_layout(source, result->checksum) || strcmp(source, result->checksum) == 0)
        return true;
    bool grown;
    if (!has_grown_since(call, order, &grown, error))
        return false;
    if (!grown)
        return error_set(error, ERROR_CORRUPT, "copy of %s: checksum %s instead of %s",
                         order->source_path, result->checksum, source);
    return true;
}

/* A task that finds the rest later removes it as well. */
static void remove_copy(struct store *store, const struct call *call, const char *path)
{
    struct error ignored = ERROR_NONE;
    struct call cleanup = {.wait_ms = CLEANUP_MS, .counters = call->counters, .scope = call->scope};
    (void)hdfs_remove(store, &cleanup, path, false, &ignored);
}

bool hdfs_copy_file(struct store *store, const struct call *call, const struct copy_order *order,
                    struct copy_result *ret_result, struct error *error)
{
    struct copy_result result;
    struct hdfs_mutation mutation = hdfs_mutation(store);
    struct hdfs_create create = {.path = order->target_path,
                                 .mode = order->entry->mode,
                                 .block_size = order->entry->block_size,
                                 .replication = order->entry->replication};
    struct hdfs_copy copy = {.order = order};
    if (order->source_component == &hdfs_component) {
        copy.source_ops = order->source->ops;
        copy.source = order->source->session;
    }
    if (!hdfs_path_check(order->target_path, error))
        return false;
    bool done = store->ops->copy_file(store->session, call, &mutation, &create, &copy, &result,
                                      NULL, error);
    if (!hdfs_settle(store, &mutation, "copy_file", order->target_path, done, error))
        return false;
    if (!compare_checksums(store, call, order, &result, error)) {
        remove_copy(store, call, order->target_path);
        return false;
    }
    if (call->counters != NULL)
        atomic_fetch_add(&call->counters->files_done, 1);
    *ret_result = result;
    return true;
}
