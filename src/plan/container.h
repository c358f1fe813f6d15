/* container.h: the form of every binary file in Coeval's area (doc/formats.md): magic "COEVAL",
 * kind, version, length of the payload, payload, SHA-256 of all before it. A file that is cut,
 * damaged, of another kind or of a newer version is refused, never half used. */
#ifndef COEVAL_PLAN_CONTAINER_H
#define COEVAL_PLAN_CONTAINER_H

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"

#define CONTAINER_HEADER_SIZE 24
#define CONTAINER_FOOTER_SIZE DIGEST_SIZE
/* Length of a payload that was written as a stream: it reaches to the digest at the file's end. */
#define CONTAINER_LENGTH_OPEN UINT64_MAX

/* name, number in the file, newest version that we write and read, text */
#define CONTAINER_KINDS(X)            \
    X(PLAN, 1, 1, "plan")             \
    X(RECEIPT, 2, 1, "receipt")       \
    X(MANIFEST, 3, 1, "manifest")     \
    X(MARKER, 4, 1, "marker")         \
    X(METADATA, 5, 1, "metadata")     \
    X(DIFFERENCE, 6, 1, "difference") \
    X(SUSPECTS, 7, 1, "suspects")     \
    X(INDEX, 8, 1, "index")           \
    X(TORN, 9, 1, "torn")

enum container_kind {
#define X(name, number, version, text) CONTAINER_##name = number,
    CONTAINER_KINDS(X)
#undef X
};

/* Whole files in memory. open checks everything; the reader borrows from data. */
void container_encode(enum container_kind kind, const void *payload, size_t size,
                      struct buffer *buffer);
bool container_open(enum container_kind kind, const void *data, size_t size,
                    struct reader *ret_payload, struct error *error);

/* Receives bytes in order; they are borrowed for the call. False stops, with *error set. */
typedef bool container_sink_fn(void *context, const void *data, size_t size, struct error *error);

/* Streams: begin writes the header, end the digest; ret_digest is that of the whole file (what a
 * seal names). After a false nothing but fini may follow. */
struct container_writer {
    container_sink_fn *sink;
    void *context;
    struct digest_stream *payload_digest; /* header and payload */
    struct digest_stream *file_digest;    /* the footer too */
    uint64_t offset;                      /* bytes of the file so far */
};
bool container_writer_begin(struct container_writer *writer, enum container_kind kind,
                            container_sink_fn *sink, void *context, struct error *error);
bool container_writer_add(struct container_writer *writer, const void *data, size_t size,
                          struct error *error);
bool container_writer_end(struct container_writer *writer, struct digest *ret_digest,
                          struct error *error);
/* Instead of begin: goes on writing a file of which some bytes are there already; adopt says which,
 * header included, so that the digests come out right. */
void container_writer_resume(struct container_writer *writer, container_sink_fn *sink,
                             void *context);
void container_writer_adopt(struct container_writer *writer, const void *data, size_t size);
void container_writer_fini(struct container_writer *writer);

/* Feed a file in pieces; its payload goes to the sink as it comes, so what the sink does must be
 * undone when end says that the digest is wrong. */
struct container_reader {
    enum container_kind kind;
    container_sink_fn *sink;
    void *context;
    struct digest_stream *payload_digest;
    struct digest_stream *file_digest;
    struct buffer held; /* a header not yet complete, or what may be the footer */
    uint64_t length;    /* of the payload, as the header says */
    uint64_t passed;    /* payload bytes given to the sink */
    bool header_read;
};
void container_reader_init(struct container_reader *reader, enum container_kind kind,
                           container_sink_fn *sink, void *context);
bool container_reader_feed(struct container_reader *reader, const void *data, size_t size,
                           struct error *error);
bool container_reader_end(struct container_reader *reader, struct digest *ret_digest,
                          struct error *error);
void container_reader_fini(struct container_reader *reader);

/* For those who read a container piecewise (manifest, receipt): checks the first
 * CONTAINER_HEADER_SIZE bytes. */
bool container_check_header(enum container_kind kind, const void *data, size_t size,
                            uint64_t *ret_length, struct error *error);
const char *container_kind_name(enum container_kind kind); /* "plan" */

#endif
