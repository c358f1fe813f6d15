/* stream_server.h: a listener that keeps its last stream, and blocking clients of the same thread:
 * the kernel's queues let the client go first, and the loop runs until the effect is there. */
#ifndef COEVAL_TEST_STREAM_SERVER_H
#define COEVAL_TEST_STREAM_SERVER_H

#include "base/buffer.h"
#include "loop/loop.h"
#include "loop/stream.h"

#define STREAM_SERVER_CONNECTIONS 3

struct stream_server {
    struct loop *loop;
    struct listener *listener;
    struct stream *stream; /* the last one accepted; NULL once the test has freed it */
    unsigned accepted;
    struct buffer received;
    bool ended;
    bool failed;
    int written;
    int write_failures;
    bool inside; /* of a call that must not call back */
};

int stream_server_setup(void **state); /* *state: a struct stream_server */
int stream_server_teardown(void **state);
int stream_server_connect(struct stream_server *server);
int stream_server_client(struct stream_server *server); /* connects, and waits for the stream */
stream_read_fn stream_server_data;
/* For loop_run_until(): context is the server, or a pointer to the client's descriptor. */
bool stream_server_has_received(void *context);
bool stream_server_client_ended(void *context);

#endif
