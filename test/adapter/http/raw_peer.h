/* raw_peer.h: a client that sends exactly the bytes it is given and notes what comes back, on the
 * same loop as the server under test, so that waits are waits for events. */
#ifndef COEVAL_TEST_RAW_PEER_H
#define COEVAL_TEST_RAW_PEER_H

#include "base/buffer.h"
#include "loop/loop.h"
#include "loop/poll.h"

struct raw_peer {
    struct loop *loop;
    struct poll *poll;
    int fd;
    struct buffer received;
    bool closed; /* the server ended the connection */
};

#define RAW_PEER_PATIENCE_MS 5000

void raw_peer_connect(struct raw_peer *peer, struct loop *loop, uint16_t port);
/* What the socket takes at once; asserts that this is all of it. */
void raw_peer_send(struct raw_peer *peer, const char *text);
void raw_peer_send_bytes(struct raw_peer *peer, const void *data, size_t size);
void raw_peer_end(struct raw_peer *peer); /* no more from this side */
void raw_peer_stop_reading(struct raw_peer *peer);
void raw_peer_read_again(struct raw_peer *peer);
/* Waits until the text was received; it and all before it leave the buffer. */
bool raw_peer_expect(struct raw_peer *peer, const char *text);
bool raw_peer_expect_end(struct raw_peer *peer);
void raw_peer_close(struct raw_peer *peer);

#endif
