/* webhdfs_write.c: writing a file as a stream, and copying one. A body that is cut leaves a closed,
 * shorter file behind: so the length is read back, and what did not become whole is removed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "component/hdfs/webhdfs/datanode.h"
#include "component/store_util.h"

#define COPY_BYTES ((size_t)1 << 20)
#define GRACE_MS 5000
#define CLEANUP_MS 5000 /* behind a failure: not aborted, short */

struct hdfs_writer {
    struct hdfs_session *session;
    struct call call;
    char *path;
    struct transfer *transfer;
    struct buffer url; /* of the DataNode; empty: none was found */
    struct datanodes_avoided avoided;
    uint64_t written;
    bool foreign;                /* what lies at the path is not ours: never remove it */
    bool refused;                /* the DataNode said no */
    bool maybe_made;             /* but since it lost somebody else: the file may lie there */
    bool failed;                 /* a write failed */
    bool broken;                 /* and the connection with it */
    struct hdfs_problem problem; /* of the last refusal */
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
static bool was_told_to_stop(const struct hdfs_writer *writer)
{
    struct error ignored = ERROR_NONE;
    return !call_may_go_on(&writer->call, &ignored);
}

/* An answer in the middle of the body: a refusal. */
static bool take_refusal(struct hdfs_writer *writer, struct error *error)
{
    writer->problem = datanode_refusal(writer->transfer, "CREATE", writer->path, error);
    writer->foreign = writer->foreign || error->code == ERROR_EXISTS;
    writer->refused = true;
    writer->maybe_made = writer->problem.refusal == HDFS_FINAL && error->code == ERROR_UNAVAILABLE;
    return false;
}

/* The connection failed. The next file shall not wait for this DataNode too. */
static bool lose_datanode(struct hdfs_writer *writer, struct error *error)
{
    error_wrap(error, "CREATE %s", writer->path);
    if (!was_told_to_stop(writer) && writer->url.size > 0)
        datanodes_avoid(writer->session, &writer->call, &writer->avoided, buffer_text(&writer->url),
                        true);
    return false;
}

static bool start_sending(struct hdfs_writer *writer, struct error *error)
{
    static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
    struct transfer_order order =
        datanode_order(writer->session, &writer->call, HTTP_PUT, buffer_text(&writer->url));
    order.headers = headers;
    if (!transfer_send_begin(writer->transfer, &order, -1, error))
        return lose_datanode(writer, error);
    if (transfer_status(writer->transfer) >= 400)
        return take_refusal(writer, error);
    return true;
}

/* None was found: also what a NameNode says whose DataNodes have no room. */
static bool tell_full(struct hdfs_writer *writer, uint64_t block_size, struct error *error)
{
    if (error->code == ERROR_UNAVAILABLE && writer->avoided.count == 0 &&
        datanodes_are_full(writer->session, &writer->call, block_size))
        error->code = ERROR_NO_SPACE;
    return false;
}

/* A DataNode that cannot be reached has done nothing yet: try another one. */
static bool find_and_start(struct hdfs_writer *writer, const struct hdfs_create *create,
                           const char *query, struct error *error)
{
    do {
        buffer_clear(&writer->url);
        if (!datanode_find(writer->session, &writer->call, HTTP_PUT, "CREATE", writer->path, query,
                           &writer->avoided, &writer->url, &writer->problem, error))
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
static bool remove_rest(struct hdfs_writer *writer)
{
    struct error why = ERROR_NONE;
    struct call cleanup = {
        .wait_ms = CLEANUP_MS, .counters = writer->call.counters, .scope = writer->call.scope};
    struct hdfs_mutation mutation = {.node = HDFS_NODE_ANY}; /* its id would go nowhere */
    bool removed;
    return webhdfs_remove(writer->session, &cleanup, &mutation, writer->path, false, &removed, NULL,
                          &why) ||
           why.code == ERROR_NOT_FOUND;
}

static void free_writer(struct hdfs_writer *writer)
{
    buffer_fini(&writer->url);
    free(writer->path);
    free(writer);
}

/* Ends a writer whose file shall not be, for the reason in *error. Where that is UNAVAILABLE,
 * nothing was done, which must be true. */
static void abandon(struct hdfs_writer *writer, struct error *error)
{
    namenodes_give_transfer(&writer->session->namenodes, writer->transfer);
    bool gone = writer->foreign || remove_rest(writer);
    if (!gone && error->code == ERROR_UNAVAILABLE)
        error->code = ERROR_UNCERTAIN;
    free_writer(writer);
}

bool webhdfs_write_open(HDFS_DO, const struct hdfs_create *create, struct hdfs_writer **ret_writer,
                        HDFS_TOLD)
{
    struct hdfs_writer *writer = memory_new(sizeof *writer);
    writer->session = session;
    writer->call = *call;
    (void)mutation; /* a CREATE has no place for an id */
    writer->path = memory_copy_string(create->path);
    writer->transfer = namenodes_take_transfer(&session->namenodes);
    char *query = create_query(create);
    buffer_init(&writer->url, 0);
    bool done = find_and_start(writer, create, query, error);
    free(query);
    if (problem != NULL)
        *problem = writer->problem;
    if (done) {
        *ret_writer = writer;
        return true;
    }
    /* No answer, or a DataNode that lost its NameNode: only these may have left something. */
    writer->foreign = writer->foreign || (error->code != ERROR_UNCERTAIN && !writer->maybe_made);
    abandon(writer, error);
    return false;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static bool send_some(struct hdfs_writer *writer, const void *data, size_t size,
                      struct error *error)
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

bool webhdfs_write(struct hdfs_writer *writer, const void *data, size_t size, HDFS_TOLD)
{
    bool done = send_some(writer, data, size, error);
    if (!done && problem != NULL)
        *problem = writer->problem;
    return done;
}

static bool finish_sending(struct hdfs_writer *writer, struct error *error)
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

static bool check_length(struct hdfs_writer *writer, struct error *error)
{
    struct arena arena;
    struct hdfs_status status;
    arena_init(&arena);
    bool done =
        webhdfs_status(writer->session, &writer->call, writer->path, &arena, &status, NULL, error);
    if (done && status.entry.length != writer->written)
        done = error_set(error, ERROR_CORRUPT,
                         "CREATE %s: %" PRIu64 " bytes were sent, the file has %" PRIu64,
                         writer->path, writer->written, status.entry.length);
    arena_fini(&arena);
    return done;
}

/* A body that is merely cut leaves the DataNode free to make the file after we have removed it: so
 * it is ended in order, which the DataNode answers when the file is there. */
static void give_up(struct hdfs_writer *writer)
{
    struct error ignored = ERROR_NONE;
    transfer_grace(writer->transfer, GRACE_MS);
    (void)transfer_send_end(writer->transfer, &ignored);
}

bool webhdfs_write_close(struct hdfs_writer *writer, bool commit, HDFS_TOLD)
{
    if (commit && writer->failed)
        error_set(error, ERROR_IO, "CREATE %s: a write before failed", writer->path);
    bool done =
        commit && !writer->failed && finish_sending(writer, error) && check_length(writer, error);
    if ((!commit || writer->failed) && !writer->broken && !writer->foreign)
        give_up(writer);
    if (!done) {
        if (problem != NULL)
            *problem = writer->problem;
        abandon(writer, error);
        return !commit;
    }
    datanode_works(writer->session, &writer->avoided, buffer_text(&writer->url));
    namenodes_give_transfer(&writer->session->namenodes, writer->transfer);
    free_writer(writer);
    return true;
}

/* --- copying -----------------------------------------------------------------------------------
 */

/* A byte is paid for here, once for both ends. */
static bool pump(const struct call *call, const struct copy_order *order,
                 struct store_reader *reader, struct hdfs_writer *writer,
                 struct copy_result *result, struct error *error)
{
    char *data = memory_new(COPY_BYTES);
    uint64_t left = store_copy_length(order);
    bool done = true;
    for (size_t size = 1; done && left > 0 && size > 0; left -= size) {
        size = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        done = order->source_component->read(reader, data, size, &size, error) &&
               call_take_bytes(call, size, error) && send_some(writer, data, size, error);
        if (!done)
            break;
        result->crc32c = crc32c(result->crc32c, data, size);
        result->length += size;
    }
    free(data);
    return done;
}

bool webhdfs_copy_file(HDFS_DO, const struct hdfs_create *create, const struct hdfs_copy *copy,
                       struct copy_result *ret_result, HDFS_TOLD)
{
    struct store_reader *reader;
    struct hdfs_writer *writer;
    struct copy_result result = {.length = 0};
    const struct copy_order *order = copy->order;
    if (problem != NULL)
        *problem = (struct hdfs_problem){.refusal = HDFS_FINAL};
    if (!order->source_component->read_open(order->source, call, order->source_path, 0, &reader,
                                            error))
        return false;
    if (!webhdfs_write_open(session, call, mutation, create, &writer, problem, error)) {
        order->source_component->read_close(reader);
        return false;
    }
    bool done = pump(call, order, reader, writer, &result, error);
    order->source_component->read_close(reader);
    if (!webhdfs_write_close(writer, done, problem, error) || !done)
        return false;
    *ret_result = result;
    return true;
}
