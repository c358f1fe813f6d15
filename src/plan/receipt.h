/* receipt.h: the file "receipt" beside a plan: what was received into staging, an object a record.
 * Written as it comes, so a crash leaves a valid beginning, from which receiving goes on; complete
 * only with its end record and digest. Where an object is recorded twice, the later record counts.
 */
#ifndef COEVAL_PLAN_RECEIPT_H
#define COEVAL_PLAN_RECEIPT_H

#include "plan/container.h"
#include "plan/entry.h"

struct receipt_record {
    uint32_t step;        /* of the plan, which places it */
    const char *inside;   /* path below "new/<step>"; "": that itself */
    struct entry entry;   /* as it was received, CRC included; its path is not looked at */
    const char *checksum; /* the store's own proof of equal content; "": none */
};

/* Writing. After a false nothing but fini may follow. */
struct receipt_writer {
    struct container_writer container;
    struct buffer frame;
    uint64_t count;
};
bool receipt_writer_begin(struct receipt_writer *writer, container_sink_fn *sink, void *context,
                          struct error *error);
/* Instead of begin: goes on behind a valid beginning (receipt_reader.valid_size bytes, to which the
 * file has been cut). Feed those bytes with adopt, in pieces as they come, then add. */
void receipt_writer_resume(struct receipt_writer *writer, container_sink_fn *sink, void *context,
                           uint64_t count);
void receipt_writer_adopt(struct receipt_writer *writer, const void *data, size_t size);
bool receipt_writer_add(struct receipt_writer *writer, const struct receipt_record *record,
                        struct error *error);
/* ret_digest: of the whole file. */
bool receipt_writer_end(struct receipt_writer *writer, struct digest *ret_digest,
                        struct error *error);
void receipt_writer_fini(struct receipt_writer *writer);

/* Borrowed for the call. False stops the reader, which then fails with *error. */
typedef bool receipt_fn(void *context, const struct receipt_record *record, struct error *error);

/* Reading in pieces. What is damaged or cut ends it quietly: complete stays false. */
struct receipt_reader {
    receipt_fn *fn;
    void *context;
    struct buffer held;
    size_t at; /* in held: all before is understood */
    struct digest_stream *payload_digest;
    struct digest_stream *file_digest;
    int state;
    uint64_t count;       /* records so far */
    uint64_t valid_size;  /* bytes of the file up to the last whole record */
    bool complete;        /* end record and digest have been seen, and are right */
    struct digest digest; /* of the whole file, when complete */
};
void receipt_reader_init(struct receipt_reader *reader, receipt_fn *fn, void *context);
bool receipt_reader_feed(struct receipt_reader *reader, const void *data, size_t size,
                         struct error *error);
void receipt_reader_fini(struct receipt_reader *reader);

#endif
