/* webhdfs_read.c: reading a file as a stream. A DataNode that dies is left for another one, from
 * the byte on that is missing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "component/hdfs/webhdfs/datanode.h"

struct hdfs_reader {
    struct hdfs_session *session;
    struct call call;
    char *path;
    struct transfer *transfer;
    struct buffer url;    /* of the DataNode */
    uint64_t offset, end; /* next byte; end of the file as the first answer said */
    unsigned failures;    /* since a byte came */
    bool started;
    struct datanodes_avoided avoided;
    struct hdfs_problem problem; /* of the last refusal */
};

/* Where this answer ends. Content-Length is exact for OPEN. */
static bool note_length(struct hdfs_reader *reader, struct error *error)
{
    const char *text = transfer_header(reader->transfer, "content-length");
    char *rest = NULL;
    uint64_t length = text != NULL ? strtoull(text, &rest, 10) : 0;
    if (rest == NULL || *rest != '\0')
        return error_set(error, ERROR_PROTOCOL, "OPEN %s: the DataNode tells no length",
                         reader->path);
    uint64_t end = reader->offset + length;
    if (reader->started && end != reader->end)
        return error_set(error, ERROR_CONFLICT,
                         "OPEN %s: the file has %" PRIu64 " bytes now, had %" PRIu64, reader->path,
                         end, reader->end);
    reader->end = end;
    reader->started = true;
    return true;
}

static bool connect_once(struct hdfs_reader *reader, struct error *error)
{
    char query[40] = "";
    if (reader->offset > 0)
        snprintf(query, sizeof query, "&offset=%" PRIu64, reader->offset);
    buffer_clear(&reader->url);
    return datanode_find(reader->session, &reader->call, HTTP_GET, "OPEN", reader->path, query,
                         &reader->avoided, &reader->url, &reader->problem, error) &&
           datanode_begin(reader->session, &reader->call, reader->transfer, HTTP_GET, "OPEN",
                          reader->path, buffer_text(&reader->url), &reader->problem, error) &&
           note_length(reader, error);
}

static void leave_datanode(struct hdfs_reader *reader, bool is_gone)
{
    datanodes_avoid(reader->session, &reader->call, &reader->avoided, buffer_text(&reader->url),
                    is_gone);
}

/* A DataNode that is gone: the next one, as long as there are some. */
static bool connect_somewhere(struct hdfs_reader *reader, struct error *error)
{
    while (!connect_once(reader, error)) {
        if (error->code != ERROR_UNAVAILABLE || reader->url.size == 0 ||
            ++reader->failures >= DATANODE_ATTEMPTS)
            return false;
        leave_datanode(reader, transfer_status(reader->transfer) == 0);
    }
    *error = ERROR_NONE;
    return true;
}

/* OPEN at or behind the end is refused, so an offset needs a look at the length first. */
static bool is_at_end(struct hdfs_reader *reader, bool *ret_at_end, struct error *error)
{
    struct arena arena;
    struct hdfs_status status;
    *ret_at_end = false;
    if (reader->offset == 0)
        return true;
    arena_init(&arena);
    bool done = webhdfs_status(reader->session, &reader->call, reader->path, &arena, &status,
                               &reader->problem, error);
    *ret_at_end = done && reader->offset >= status.entry.length;
    arena_fini(&arena);
    return done;
}

bool webhdfs_read_open(HDFS_ASK, const char *path, uint64_t offset, struct hdfs_reader **ret_reader,
                       HDFS_TOLD)
{
    struct hdfs_reader *reader = memory_new(sizeof *reader);
    bool at_end;
    reader->session = session;
    reader->call = *call;
    reader->path = memory_copy_string(path);
    reader->transfer = namenodes_take_transfer(&session->namenodes);
    reader->offset = reader->end = offset;
    buffer_init(&reader->url, 0);
    if (!is_at_end(reader, &at_end, error) || (!at_end && !connect_somewhere(reader, error))) {
        if (problem != NULL)
            *problem = reader->problem;
        webhdfs_read_close(reader);
        return false;
    }
    *ret_reader = reader;
    return true;
}

static bool read_some(struct hdfs_reader *reader, void *data, size_t size, size_t *ret_size,
                      struct error *error)
{
    size_t got = 0;
    if (reader->offset >= reader->end) {
        *ret_size = 0;
        return true;
    }
    while (got == 0) {
        bool done = transfer_read(reader->transfer, data, size, &got, error);
        if (done && got > 0)
            break;
        if (done) /* an end before Content-Length: curl tells, but nobody should rely on it */
            error_set(error, ERROR_UNAVAILABLE, "%s: ends too early", reader->path);
        if (error->code != ERROR_UNAVAILABLE || ++reader->failures >= DATANODE_ATTEMPTS)
            return error_wrap(error, "OPEN %s", reader->path);
        leave_datanode(reader, true);
        if (!connect_somewhere(reader, error))
            return false;
    }
    datanode_works(reader->session, &reader->avoided, buffer_text(&reader->url));
    reader->failures = 0;
    reader->offset += got;
    if (reader->call.counters != NULL)
        atomic_fetch_add(&reader->call.counters->bytes_read, got);
    *ret_size = got;
    return true;
}

bool webhdfs_read(struct hdfs_reader *reader, void *data, size_t size, size_t *ret_size, HDFS_TOLD)
{
    bool done = read_some(reader, data, size, ret_size, error);
    if (!done && problem != NULL)
        *problem = reader->problem;
    return done;
}

void webhdfs_read_close(struct hdfs_reader *reader)
{
    if (reader == NULL)
        return;
    namenodes_give_transfer(&reader->session->namenodes, reader->transfer);
    buffer_fini(&reader->url);
    free(reader->path);
    free(reader);
}

/* --- checksum ----------------------------------------------------------------------------------
 */

/* bytes: bytes per CRC (4), CRCs per block (8), MD5 (16), in hexadecimal; the algorithm's name says
 * the first two already. */
static bool format_checksum(const json_t *sum, char ret_checksum[96], struct error *error)
{
    const char *algorithm, *bytes;
    if (!json_get_string(sum, "algorithm", &algorithm, error) ||
        !json_get_string(sum, "bytes", &bytes, error))
        return false;
    if (strlen(bytes) < 56 || strlen(algorithm) > 60)
        return error_set(error, ERROR_PROTOCOL, "GETFILECHECKSUM: an unknown form");
    snprintf(ret_checksum, 96, "%s:%.32s", algorithm, bytes + 24);
    return true;
}

static bool checksum_at(struct hdfs_session *session, const struct call *call, const char *path,
                        struct datanodes_avoided *avoided, char ret_checksum[96], HDFS_TOLD)
{
    struct buffer url, body;
    json_t *document = NULL, *sum;
    struct transfer *transfer = namenodes_take_transfer(&session->namenodes);
    buffer_init(&url, 0);
    buffer_init(&body, 65536);
    bool done = datanode_find(session, call, HTTP_GET, "GETFILECHECKSUM", path, NULL, avoided, &url,
                              problem, error) &&
                datanode_begin(session, call, transfer, HTTP_GET, "GETFILECHECKSUM", path,
                               buffer_text(&url), problem, error) &&
                transfer_read_rest(transfer, &body, error) &&
                json_parse(buffer_text(&body), body.size, &document, error) &&
                json_get_object(document, "FileChecksum", &sum, error) &&
                format_checksum(sum, ret_checksum, error);
    if (done)
        datanode_works(session, avoided, buffer_text(&url));
    else if (url.size > 0 && error->code == ERROR_UNAVAILABLE)
        datanodes_avoid(session, call, avoided, buffer_text(&url), transfer_status(transfer) < 400);
    json_decref(document);
    buffer_fini(&body);
    buffer_fini(&url);
    namenodes_give_transfer(&session->namenodes, transfer);
    return done;
}

bool webhdfs_checksum(HDFS_ASK, const char *path, char ret_checksum[96], HDFS_TOLD)
{
    struct datanodes_avoided avoided = {.count = 0};
    unsigned failures = 0;
    while (!checksum_at(session, call, path, &avoided, ret_checksum, problem, error))
        if (error->code != ERROR_UNAVAILABLE || avoided.failures == failures ||
            ++failures >= DATANODE_ATTEMPTS)
            return false;
    *error = ERROR_NONE;
    return true;
}
