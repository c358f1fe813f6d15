/* raw_peer.c: see raw_peer.h. */
#include "raw_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

static void on_ready(void *context, unsigned events, bool failed)
{
    struct raw_peer *peer = context;
    char data[65536];
    (void)events, (void)failed;
    ssize_t got = recv(peer->fd, data, sizeof data, MSG_DONTWAIT);
    if (got > 0)
        buffer_append(&peer->received, data, (size_t)got);
    if (got <= 0) {
        peer->closed = true;
        poll_stop(peer->poll);
    }
}

void raw_peer_connect(struct raw_peer *peer, struct loop *loop, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *peer = (struct raw_peer){.loop = loop, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    CHECK(connect(peer->fd, (struct sockaddr *)&address, sizeof address) == 0);
    buffer_init(&peer->received, 0);
    peer->poll = poll_new(loop, peer->fd, on_ready, peer);
    poll_start(peer->poll, POLL_READABLE);
}

void raw_peer_send_bytes(struct raw_peer *peer, const void *data, size_t size)
{
    CHECK(send(peer->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size);
}

void raw_peer_send(struct raw_peer *peer, const char *text)
{
    raw_peer_send_bytes(peer, text, strlen(text));
}

void raw_peer_end(struct raw_peer *peer)
{
    CHECK(shutdown(peer->fd, SHUT_WR) == 0);
}

void raw_peer_stop_reading(struct raw_peer *peer)
{
    poll_stop(peer->poll);
}

void raw_peer_read_again(struct raw_peer *peer)
{
    poll_start(peer->poll, POLL_READABLE);
}

struct wanted {
    struct raw_peer *peer;
    const char *text;
};

static char *find(const struct wanted *wanted)
{
    const struct buffer *received = &wanted->peer->received;
    return received->size == 0
               ? NULL
               : memmem(received->data, received->size, wanted->text, strlen(wanted->text));
}

static bool has_text(void *context)
{
    const struct wanted *wanted = context;
    return find(wanted) != NULL || wanted->peer->closed;
}

bool raw_peer_expect(struct raw_peer *peer, const char *text)
{
    struct wanted wanted = {peer, text};
    loop_run_until(peer->loop, has_text, &wanted, RAW_PEER_PATIENCE_MS);
    const char *found = find(&wanted);
    if (found == NULL)
        return false;
    buffer_consume(&peer->received, (size_t)(found - peer->received.data) + strlen(text));
    return true;
}

static bool has_ended(void *context)
{
    return ((struct raw_peer *)context)->closed;
}

bool raw_peer_expect_end(struct raw_peer *peer)
{
    return loop_run_until(peer->loop, has_ended, peer, RAW_PEER_PATIENCE_MS);
}

void raw_peer_close(struct raw_peer *peer)
{
    poll_free(peer->poll);
    close(peer->fd);
    buffer_fini(&peer->received);
}
