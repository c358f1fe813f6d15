/* journal_queue.h: from the loop to the thread that makes records durable, and back.
 *
 *   loop: add ──► waiting ──► group (one transaction) ──► finished ──► loop: done, in order
 *                                 └── failed: everything that was added before the loop heard of
 *                                     it fails with it, so that no later record can be durable
 *                                     without an earlier one
 *
 * Knows no LMDB: what a transaction is, is the writer's business. */
#ifndef COEVAL_JOURNAL_JOURNAL_QUEUE_H
#define COEVAL_JOURNAL_JOURNAL_QUEUE_H

#include "base/list.h"
#include "journal/journal.h"

/* One append call; its strings lie behind it in the same block. */
struct journal_batch {
    struct list node;
    journal_done_fn *done;
    void *context;
    int64_t realtime_us, boottime_ns; /* when it was added */
    size_t bytes;
    bool durable;
    size_t count;
    struct journal_append records[];
};

struct journal_queue_options {
    struct loop *loop;
    /* Both on the queue's thread. write makes a list of batches durable, all or nothing;
     * ERROR_NO_SPACE is a failure that may pass, any other one is for good. */
    bool (*write)(void *context, const struct list *group, struct error *error);
    void (*idle)(void *context); /* about once a minute */
    void *context;
    journal_done_fn *failed; /* once, on the loop; after the done callbacks of what failed */
    void *failed_context;
};

struct journal_queue;
/* Starts the thread. Options are copied. */
bool journal_queue_new(const struct journal_queue_options *options,
                       struct journal_queue **ret_queue, struct error *error);
/* As journal_operations.append. */
bool journal_queue_add(struct journal_queue *queue, const struct journal_append *records,
                       size_t count, journal_done_fn *done, void *context, struct error *error);
/* Waits for the thread, runs what done callbacks are left, frees. */
void journal_queue_close(struct journal_queue *queue);

#endif
