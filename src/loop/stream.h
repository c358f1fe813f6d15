/* stream.h: TCP on the loop: a listener and its connections. */
#ifndef COEVAL_LOOP_STREAM_H
#define COEVAL_LOOP_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "loop/loop.h"

struct listener;
struct stream;

typedef void listener_fn(void *context, struct stream *stream); /* the stream is the callee's */
/* Numeric address; port 0 takes a free one (listener_port tells). At most connections_max streams
 * live at once; more are accepted and closed at once. */
bool listener_new(struct loop *loop, const char *address, uint16_t port, unsigned connections_max,
                  listener_fn *fn, void *context, struct listener **ret_listener,
                  struct error *error);
uint16_t listener_port(const struct listener *listener);
void listener_free(struct listener *listener); /* open streams live on */

/* size 0 and failed false: end of stream. The data is borrowed for the call. */
typedef void stream_read_fn(void *context, const char *data, size_t size, bool failed);
typedef void stream_written_fn(void *context, bool failed);
void stream_read_start(struct stream *stream, stream_read_fn *fn, void *context);
void stream_read_stop(struct stream *stream); /* back-pressure; start again with read_start */
/* Copies the data. fn may be NULL. Completion is never delivered inside the call. */
void stream_write(struct stream *stream, const void *data, size_t size, stream_written_fn *fn,
                  void *context);
size_t stream_queued_bytes(const struct stream *stream);
/* No callback runs afterwards. Writes still queued are flushed first when flush is true, for at
 * most 5 s. */
void stream_free(struct stream *stream, bool flush);

#endif
