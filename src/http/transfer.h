/* transfer.h: blocking HTTP for executors, on connections that are kept for the next call. A body
 * streams in either direction at the pace of the caller, in bounded memory. libcurl is inside, on a
 * multi handle of its own, so that every wait has our deadlines: connect, silence, total, abort.
 * Redirects are not followed, interim answers (100) are skipped, proxies of the environment
 * ignored. One thread at a time. */
#ifndef COEVAL_HTTP_TRANSFER_H
#define COEVAL_HTTP_TRANSFER_H

#include <stdatomic.h>

#include "base/buffer.h"
#include "http/server.h"

struct transfer;
struct transfer *transfer_new(void);
void transfer_free(struct transfer *transfer); /* NULL is fine */

/* Everything is borrowed until transfer_end(). */
struct transfer_order {
    enum http_method method;
    const char *url;            /* encoded already */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const void *body;           /* of begin and call */
    size_t body_size;
    bool repeatable;     /* a second sending does no harm: a stale connection is retried, and no
                            answer is UNAVAILABLE; else no answer is UNCERTAIN */
    int64_t connect_ms;  /* 0: 5000 */
    int64_t silence_ms;  /* nothing moved, either way, while we waited for it; 0: 30000 */
    int64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
    const atomic_bool *abort; /* NULL: never */
};

/* Error codes: UNAVAILABLE: nothing left, or repeatable; UNCERTAIN: the request may have arrived;
 * TIMEOUT: deadline_ns (a repeatable request, or nothing left); CANCELED; LIMIT; PROTOCOL; INVALID
 * for a URL. A status of 4xx or 5xx is an answer, not an error. */

/* Sends a request with its small body and returns when the header of the answer is there. What is
 * left of an answer before is dropped. */
bool transfer_begin(struct transfer *transfer, const struct transfer_order *order,
                    struct error *error);
/* Sends the head of a request whose body follows; length -1: unknown (chunked). The connection is a
 * fresh one and is not used again. */
bool transfer_send_begin(struct transfer *transfer, const struct transfer_order *order,
                         int64_t length, struct error *error);
/* Returns when the bytes are on their way. An answer that comes before the end of the body is
 * PROTOCOL: transfer_status() and transfer_read() then have it. */
bool transfer_send(struct transfer *transfer, const void *data, size_t size, struct error *error);
/* The body is complete; waits for the header of the answer. After a failure by abort or deadline it
 * may be called again, under transfer_grace(). */
bool transfer_send_end(struct transfer *transfer, struct error *error);

int transfer_status(const struct transfer *transfer); /* 0: no answer */
/* Of the answer, by lower-case name; borrowed until the next request. NULL: absent. */
const char *transfer_header(const struct transfer *transfer, const char *name);
/* Some bytes of the answer; *ret_size 0: its end. An answer that is cut is an error. */
bool transfer_read(struct transfer *transfer, void *data, size_t size, size_t *ret_size,
                   struct error *error);
/* All that is left, appended; beyond the buffer's limit: LIMIT. */
bool transfer_read_rest(struct transfer *transfer, struct buffer *buffer, struct error *error);
/* For ending in order what was given up: from now on neither abort nor the order's deadline count,
 * but only this much time. */
void transfer_grace(struct transfer *transfer, int64_t total_ms);
/* Ends the request; a connection in the middle of a body is closed, which cuts it for the peer. */
void transfer_end(struct transfer *transfer);

/* begin, read_rest, end. */
bool transfer_call(struct transfer *transfer, const struct transfer_order *order,
                   struct buffer *ret_body, struct error *error);

#define TRANSFER_ADDRESS_SIZE 64
/* Where the last request went: a numeric address. False: no connection was made. */
bool transfer_peer(const struct transfer *transfer, char ret_address[TRANSFER_ADDRESS_SIZE],
                   uint16_t *ret_port);

#endif
