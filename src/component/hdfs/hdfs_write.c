/* hdfs_write.c: writing a file as a stream, and copying one. A body that is cut leaves a closed,
 * shorter file behind: so the length is read back, and what did not become whole is removed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/path.h"
#include "component/hdfs/datanode.h"
#include "component/hdfs/webhdfs_url.h"
#include "component/store_util.h"

#define COPY_BYTES ((size_t)1 << 20)
#define GRACE_MS 5000

struct store_writer {
    struct store *store;
    struct call call;
    char *path;
    struct transfer *transfer;
    struct buffer url; /* of the DataNode; empty: none was found */
    struct datanodes_avoided avoided;
    uint64_t written;
    bool foreign;    /* what lies at the path is not ours: never remove it */
    bool refused;    /* the DataNode said no */
    bool maybe_made; /* but since it lost somebody else: the file may lie there */
    bool failed;     /* a write failed */
    bool broken;     /* and the connection with it */
};

/* --- opening -----------------------------------------------------------------------------------
 */

static char *create_query(const struct hdfs_create *create)
{
    struct buffer query;
    buffer_init(&query, 0);
    buffer_append_format(&query, "&overwrite=false&createparent=false&permission=%o",
                         create->mode & 0777);
    if (create->block_size != 0)
        buffer_append_format(&query, "&blocksize=%" PRIu64, create->block_size);
    if (create->replication != 0)
        buffer_append_format(&query, "&replication=%" PRIu32, create->replication);
    return buffer_take(&query);
}

/* Then the connection is as good as before. */
static bool was_told_to_stop(const struct store_writer *writer)
{
    struct error ignored = ERROR_NONE;
    return !call_may_go_on(&writer->call, &ignored);
}

/* An answer in the middle of the body: a refusal. */
static bool take_refusal(struct store_writer *writer, struct error *error)
{
    enum webhdfs_refusal refusal =
        datanode_refusal(writer->transfer, "CREATE", writer->path, error);
    writer->foreign = writer->foreign || error->code == ERROR_EXISTS;
    writer->refused = true;
    writer->maybe_made = refusal == WEBHDFS_FINAL && error->code == ERROR_UNAVAILABLE;
    return false;
}

/* The connection failed. The next file shall not wait for this DataNode too. */
static bool lose_datanode(struct store_writer *writer, struct error *error)
{
    error_wrap(error, "CREATE %s", writer->path);
    if (!was_told_to_stop(writer) && writer->url.size > 0)
        datanodes_avoid(writer->store, &writer->call, &writer->avoided, buffer_text(&writer->url),
                        true);
    return false;
}

static bool start_sending(struct store_writer *writer, struct error *error)
{
    static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
    struct transfer_order order =
        datanode_order(writer->store, &writer->call, HTTP_PUT, buffer_text(&writer->url));
    order.headers = headers;
    if (!transfer_send_begin(writer->transfer, &order, -1, error))
        return lose_datanode(writer, error);
    if (transfer_status(writer->transfer) >= 400)
        return take_refusal(writer, error);
    return true;
}

/* None was found: also what a NameNode says whose DataNodes have no room. */
static bool tell_full(struct store_writer *writer, uint64_t block_size, struct error *error)
{
    if (error->code == ERROR_UNAVAILABLE && writer->avoided.count == 0 &&
        datanodes_are_full(writer->store, &writer->call, block_size))
        error->code = ERROR_NO_SPACE;
    return false;
}

/* A DataNode that cannot be reached has done nothing yet: try another one. */
static bool find_and_start(struct store_writer *writer, const struct hdfs_create *create,
                           const char *query, struct error *error)
{
    do {
        buffer_clear(&writer->url);
        if (!datanode_find(writer->store, &writer->call, HTTP_PUT, "CREATE", writer->path, query,
                           &writer->avoided, &writer->url, error))
            return tell_full(writer, create->block_size, error);
        if (start_sending(writer, error)) {
            *error = ERROR_NONE; /* of those before */
            return true;
        }
    } while (error->code == ERROR_UNAVAILABLE && !writer->refused &&
             writer->avoided.failures < DATANODE_ATTEMPTS);
    return false;
}

/* True: nothing is there any more. A task that finds the rest later removes it as well. */
static bool remove_rest(struct store *store, const struct call *call, const char *path)
{
    struct error why = ERROR_NONE;
    struct call cleanup = hdfs_cleanup_call(call);
    return hdfs_remove(store, &cleanup, path, false, &why) || why.code == ERROR_NOT_FOUND;
}

static void free_writer(struct store_writer *writer)
{
    buffer_fini(&writer->url);
    free(writer->path);
    free(writer);
}

/* Ends a writer whose file shall not be, for the reason in *error. Where that is UNAVAILABLE,
 * nothing was done, which must be true. */
static void abandon(struct store_writer *writer, struct error *error)
{
    namenodes_give_transfer(&writer->store->namenodes, writer->transfer);
    bool gone = writer->foreign || remove_rest(writer->store, &writer->call, writer->path);
    if (!gone && error->code == ERROR_UNAVAILABLE)
        error->code = ERROR_UNCERTAIN;
    free_writer(writer);
}

bool hdfs_writer_open(struct store *store, const struct call *call,
                      const struct hdfs_create *create, struct store_writer **ret_writer,
                      struct error *error)
{
    struct store_writer *writer = memory_new(sizeof *writer);
    writer->store = store;
    writer->call = *call;
    writer->path = memory_copy_string(create->path);
    writer->transfer = namenodes_take_transfer(&store->namenodes);
    char *query = create_query(create);
    buffer_init(&writer->url, 0);
    bool done = find_and_start(writer, create, query, error);
    free(query);
    if (done) {
        *ret_writer = writer;
        return true;
    }
    /* No answer, or a DataNode that lost its NameNode: only these may have left something. */
    writer->foreign = writer->foreign || (error->code != ERROR_UNCERTAIN && !writer->maybe_made);
    abandon(writer, error);
    return false;
}

bool hdfs_write_open(struct store *store, const struct call *call, const char *path, uint32_t mode,
                     struct store_writer **ret_writer, struct error *error)
{
    struct hdfs_create create = {.path = path, .mode = mode};
    return webhdfs_path_check(path, error) && hdfs_check_place(store, call, path, error) &&
           hdfs_writer_open(store, call, &create, ret_writer, error);
}

/* --- writing -----------------------------------------------------------------------------------
 */

bool hdfs_write(struct store_writer *writer, const void *data, size_t size, struct error *error)
{
    if (size == 0)
        return true;
    CHECK(!writer->failed);
    writer->failed = true;
    if (!transfer_send(writer->transfer, data, size, error)) {
        writer->broken = !was_told_to_stop(writer);
        if (transfer_status(writer->transfer) >= 400)
            return take_refusal(writer, error);
        return lose_datanode(writer, error);
    }
    writer->failed = false;
    writer->written += size;
    if (writer->call.counters != NULL)
        atomic_fetch_add(&writer->call.counters->bytes_written, size);
    return true;
}

static bool finish_sending(struct store_writer *writer, struct error *error)
{
    if (!transfer_send_end(writer->transfer, error)) {
        writer->failed = true;
        writer->broken = !was_told_to_stop(writer);
        return lose_datanode(writer, error);
    }
    if (transfer_status(writer->transfer) >= 400)
        return take_refusal(writer, error);
    return true;
}

static bool check_length(struct store_writer *writer, struct error *error)
{
    struct arena arena;
    struct entry entry;
    arena_init(&arena);
    bool done = hdfs_stat(writer->store, &writer->call, writer->path, &arena, &entry, error);
    if (done && entry.length != writer->written)
        done = error_set(error, ERROR_CORRUPT,
                         "CREATE %s: %" PRIu64 " bytes were sent, the file has %" PRIu64,
                         writer->path, writer->written, entry.length);
    arena_fini(&arena);
    return done;
}

/* A body that is merely cut leaves the DataNode free to make the file after we have removed it: so
 * it is ended in order, which the DataNode answers when the file is there. */
static void give_up(struct store_writer *writer)
{
    struct error ignored = ERROR_NONE;
    transfer_grace(writer->transfer, GRACE_MS);
    (void)transfer_send_end(writer->transfer, &ignored);
}

bool hdfs_write_close(struct store_writer *writer, bool commit, struct error *error)
{
    if (commit && writer->failed)
        error_set(error, ERROR_IO, "CREATE %s: a write before failed", writer->path);
    bool done =
        commit && !writer->failed && finish_sending(writer, error) && check_length(writer, error);
    if ((!commit || writer->failed) && !writer->broken && !writer->foreign)
        give_up(writer);
    if (!done) {
        abandon(writer, error);
        return !commit;
    }
    datanode_works(writer->store, &writer->avoided, buffer_text(&writer->url));
    namenodes_give_transfer(&writer->store->namenodes, writer->transfer);
    free_writer(writer);
    return true;
}

/* --- copying -----------------------------------------------------------------------------------
 */

/* A byte is paid for here, once for both ends. */
static bool pump(const struct call *call, const struct copy_order *order,
                 struct store_reader *reader, struct store_writer *writer,
                 struct copy_result *result, struct error *error)
{
    char *data = memory_new(COPY_BYTES);
    uint64_t left = store_copy_length(order);
    bool done = true;
    for (size_t size = 1; done && left > 0 && size > 0; left -= size) {
        size = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        done = order->source_component->read(reader, data, size, &size, error) &&
               call_take_bytes(call, size, error) && hdfs_write(writer, data, size, error);
        if (!done)
            break;
        result->crc32c = crc32c(result->crc32c, data, size);
        result->length += size;
    }
    free(data);
    return done;
}

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

bool hdfs_copy_file(struct store *store, const struct call *call, const struct copy_order *order,
                    struct copy_result *ret_result, struct error *error)
{
    struct store_reader *reader;
    struct store_writer *writer;
    struct copy_result result = {.length = 0};
    struct hdfs_create create = {.path = order->target_path,
                                 .mode = order->entry->mode,
                                 .block_size = order->entry->block_size,
                                 .replication = order->entry->replication};
    if (!order->source_component->read_open(order->source, call, order->source_path, 0, &reader,
                                            error))
        return false;
    if (!hdfs_writer_open(store, call, &create, &writer, error)) {
        order->source_component->read_close(reader);
        return false;
    }
    bool done = pump(call, order, reader, writer, &result, error);
    order->source_component->read_close(reader);
    if (!hdfs_write_close(writer, done, error) || !done)
        return false;
    if (!compare_checksums(store, call, order, &result, error)) {
        remove_rest(store, call, order->target_path);
        return false;
    }
    if (call->counters != NULL)
        atomic_fetch_add(&call->counters->files_done, 1);
    *ret_result = result;
    return true;
}
