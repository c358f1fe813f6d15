/* journal.h: write-ahead intents and caches, durable in order. Two parts in one store:
 *   records  an append-only stream with a CRC chain: what was decided and seen, in order
 *   objects  the newest state of each thing (policy, service, epoch, instruction, root) by kind and
 *            key, written in the same transaction as its record, so that a restart reads a state
 * and need not replay The loop appends; a thread of the journal commits (group commit); done runs
 * on the loop after the bytes are durable. No effect leaves before its record's done. A journal
 * that failed (any error but a clean "no space") stays failed: the daemon gives up its duties and
 * exits. */
#ifndef COEVAL_JOURNAL_JOURNAL_H
#define COEVAL_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "loop/loop.h"

/* Names are part of the format: append, never renumber. A reader that meets an unknown type shows
 * it; a daemon refuses to act on such a journal. */
#define JOURNAL_TYPES(X)                                                                \
    X(1, OPENED, "opened")           /* a daemon opened the journal */                  \
    X(2, POLICY, "policy")           /* a policy revision, or its deletion */           \
    X(3, SERVICE, "service")         /* last slot, next number, pause, base */          \
    X(4, EPOCH, "epoch")             /* a step of an epoch: its whole state after it */ \
    X(5, ROOT, "root")               /* registry of snapshot roots */                   \
    X(6, STORE, "store")             /* identity of a store, recorded at pairing */     \
    X(7, INSTRUCTION, "instruction") /* agent: an instruction and its status */         \
    X(8, EVENT, "event")             /* what the operator is told */                    \
    X(9, FENCE, "fence")             /* agent: highest generation seen per pair */      \
    X(10, OPERATOR, "operator")      /* an operator's order with reason (audit) */      \
    X(11, PAIR, "pair")              /* a pair of clusters and its generation */        \
    X(12, TRIM, "trim")              /* the journal: older records went; what follows */

enum journal_type {
#define X(number, name, text) JOURNAL_##name = number,
    JOURNAL_TYPES(X)
#undef X
};
const char *
journal_type_name(unsigned type); /* "type-17" for an unknown one, until the next call */
unsigned journal_type_from_name(const char *name); /* both forms; 0: no such name */
bool journal_type_is_known(unsigned type);

/* Beyond these an append is refused at once: a key or payload by ERROR_INVALID, a full queue by
 * ERROR_LIMIT. The queue is what was appended and whose done has not run yet. */
#define JOURNAL_KEY_BYTES_MAX ((size_t)511)
#define JOURNAL_PAYLOAD_BYTES_MAX ((size_t)16 << 20)
#define JOURNAL_QUEUE_RECORDS_MAX ((size_t)10000)
#define JOURNAL_QUEUE_BYTES_MAX ((size_t)64 << 20)
#define JOURNAL_TYPE_MAX 63 /* numbers that the format has room for */

/* One append. payload is JSON text, copied. With key the object (type, key) is set to the payload
 * in the same transaction; with key and payload NULL it is removed. */
struct journal_append {
    enum journal_type type;
    const char *key;
    const char *payload;
    uint64_t generation;
};

struct journal;
typedef void journal_done_fn(void *context, const struct error *error);

/* As read back; payload borrowed for the call. */
struct journal_record {
    uint64_t sequence;
    unsigned type;
    uint64_t generation;
    char origin[37]; /* device or agent that wrote it */
    int64_t realtime_us;
    int64_t boottime_ns;
    const char *payload; /* NUL-terminated JSON text; NULL: the object was removed */
    size_t payload_size;
    const char *key; /* NULL: no object */
};
typedef bool journal_record_fn(void *context, const struct journal_record *record,
                               struct error *error);
typedef bool journal_object_fn(void *context, const char *key, const char *payload, size_t size,
                               struct error *error);

struct journal_operations {
    /* All records of one call in one transaction, in this order. ERROR_LIMIT at once when the queue
     * is full (back-pressure: refuse new work). done may be NULL; it gets ERROR_OK or why nothing
     * of the call is durable. After ERROR_NO_SPACE the journal goes on: nothing that was appended
     * before that answer came is durable later than it, so try again from your state, after a
     * pause. */
    bool (*append)(struct journal *journal, const struct journal_append *records, size_t count,
                   journal_done_fn *done, void *context, struct error *error);
    /* What is durable, on the calling thread; for start-up and the API. */
    bool (*objects)(struct journal *journal, enum journal_type type, journal_object_fn *fn,
                    void *context, struct error *error);
    bool (*object)(struct journal *journal, enum journal_type type, const char *key,
                   struct buffer *ret_payload, struct error *error); /* NOT_FOUND */
    /* Records with sequence > after, at most limit, oldest first. Old ones may have been trimmed:
     * by number and age, never an object's newest (journal/DESIGN). */
    bool (*records)(struct journal *journal, uint64_t after, size_t limit, journal_record_fn *fn,
                    void *context, struct error *error);
    uint64_t (*last_sequence)(struct journal *journal);
    /* Waits for what is queued, runs its done callbacks from within, then closes. */
    void (*close)(struct journal *journal);
};

/* The head of every implementation. */
struct journal {
    const struct journal_operations *operations;
};

/* For implementations: refuses what no journal takes (unknown type, key or payload too long, no
 * payload and no key); *ret_bytes is what the queue is charged for the call. */
bool journal_append_check(const struct journal_append *records, size_t count, size_t *ret_bytes,
                          struct error *error);

static inline bool journal_append_all(struct journal *journal, const struct journal_append *records,
                                      size_t count, journal_done_fn *done, void *context,
                                      struct error *error)
{
    return journal->operations->append(journal, records, count, done, context, error);
}

#endif
