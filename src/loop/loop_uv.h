/* loop_uv.h: what the files of loop/ share and nobody else includes: the loop with its libuv parts,
 * and things that outlive their x_free(). */
#ifndef COEVAL_LOOP_LOOP_UV_H
#define COEVAL_LOOP_LOOP_UV_H

#include <pthread.h>
#include <uv.h>

#include "base/error.h"
#include "base/list.h"
#include "loop/loop.h"

#define LOOP_READ_BYTES ((size_t)64 * 1024)

struct loop {
    uv_loop_t uv;
    uv_async_t wake;      /* something was posted */
    uv_timer_t alarm;     /* ends a turn that would wait longer than its caller may */
    uv_prepare_t prepare; /* looks at until */
    bool (*until)(void *context);
    void *until_context;
    pthread_t thread;
    pthread_mutex_t lock; /* guards posts, the only thing other threads touch */
    struct list posts;
    struct list lingerers;
    unsigned work_pending;
    bool stopping;
    char read_buffer[LOOP_READ_BYTES]; /* lent for the length of one read callback */
};

/* What goes on after its owner freed it: a stream that flushes, a killed process not yet reaped.
 * The loop waits for lingerers before it ends, and calls hurry() when that takes too long. */
struct loop_lingerer {
    struct list node;
    void (*hurry)(struct loop_lingerer *lingerer);
};

void loop_linger(struct loop *loop, struct loop_lingerer *lingerer);
void loop_check_thread(const struct loop *loop);
/* Runs one turn that waits for an event, but not beyond deadline_ns (CLOCK_MONOTONIC). */
void loop_turn(struct loop *loop, int64_t deadline_ns);
/* Translates a libuv status (a negative errno); returns false. */
bool loop_error(struct error *error, int status, const char *what);

struct listener;
/* A stream accepted from the listener's handle; NULL when the peer is gone already. */
struct stream *stream_accept(struct loop *loop, uv_stream_t *server, struct listener *listener);
void listener_stream_gone(struct listener *listener);

#endif
