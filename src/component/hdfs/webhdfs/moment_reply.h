/* moment_reply.h: reads an HTTP answer out of a fixed buffer, again and again as bytes come,
 * without allocating: for the moment thread. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_MOMENT_REPLY_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_MOMENT_REPLY_H

#include "base/buffer.h"

enum moment_reply_state { REPLY_INCOMPLETE, REPLY_COMPLETE, REPLY_BROKEN };

struct moment_reply {
    int status;
    size_t body_at;   /* offset behind the header */
    size_t body_size; /* as it lies there, chunk lines included */
    bool chunked;
};

/* Looks at the bytes from the first one on. An answer needs Content-Length or chunks; interim ones
 * (1xx) are skipped. */
enum moment_reply_state moment_reply_look(const char *data, size_t size,
                                          struct moment_reply *ret_reply);
/* Appends the body of a complete answer without chunk lines. */
void moment_reply_body(const char *data, const struct moment_reply *reply, struct buffer *ret_body);

#endif
