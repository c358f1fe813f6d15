/* scripted_peer.c: blocking sockets with a short patience, so that peer_stop() is seen soon. */
#include "fake/scripted_peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

static bool peer_read(struct peer *peer, int fd, char *byte)
{
    while (!atomic_load(&peer->stop)) {
        ssize_t got = recv(fd, byte, 1, 0);
        if (got == 1)
            return true;
        if (got == 0)
            return false;
    }
    return false;
}

static bool peer_read_until(struct peer *peer, int fd, const char *mark, bool keep)
{
    char last[8] = {0};
    size_t length = strlen(mark);
    do {
        memmove(last, last + 1, length - 1);
        if (!peer_read(peer, fd, &last[length - 1]))
            return false;
        if (keep)
            peer->seen[peer->seen_size++] = last[length - 1];
        else
            atomic_fetch_add(&peer->body_bytes, 1);
    } while (memcmp(last, mark, length) != 0);
    return true;
}

static bool peer_step(struct peer *peer, const struct step *step, int fd)
{
    char byte;
    switch (step->act) {
    case PEER_READ_HEAD:
        return peer_read_until(peer, fd, "\r\n\r\n", true);
    case PEER_READ_CHUNKS:
        return peer_read_until(peer, fd, "0\r\n\r\n", false);
    case PEER_READ_BYTES:
        for (size_t i = 0; i < step->size; i++)
            if (!peer_read(peer, fd, &byte))
                return false;
        atomic_fetch_add(&peer->body_bytes, step->size);
        return true;
    case PEER_SEND:
        for (size_t i = 0; i < step->size; i++)
            if (send(fd, step->text, strlen(step->text), MSG_NOSIGNAL) < 0)
                return false;
        return true;
    default: /* hold: until the test ends */
        while (!atomic_load(&peer->stop))
            usleep(1000);
        return false;
    }
}

static int peer_accept(struct peer *peer)
{
    while (!atomic_load(&peer->stop)) {
        int fd = accept(peer->listener, NULL, NULL);
        if (fd < 0)
            continue;
        struct timeval patience = {.tv_usec = 20000};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        atomic_fetch_add(&peer->connections, 1);
        return fd;
    }
    return -1;
}

static void *peer_run(void *context)
{
    struct peer *peer = context;
    int fd = -1;
    for (const struct step *step = peer->script; step->act != PEER_END; step++) {
        if (fd < 0)
            fd = peer_accept(peer);
        if (fd < 0)
            return NULL;
        if (step->act == PEER_CLOSE || !peer_step(peer, step, fd)) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

void peer_start(struct peer *peer, const struct step *script)
{
    memset(peer, 0, sizeof *peer);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct timeval patience = {.tv_usec = 20000};
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(peer->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK(bind(peer->listener, (struct sockaddr *)&address, size) == 0);
    CHECK(listen(peer->listener, 8) == 0);
    getsockname(peer->listener, (struct sockaddr *)&address, &size);
    peer->port = ntohs(address.sin_port);
    snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%u/x?op=T", peer->port);
    peer->script = script;
    CHECK(pthread_create(&peer->thread, NULL, peer_run, peer) == 0);
}

void peer_stop(struct peer *peer)
{
    atomic_store(&peer->stop, true);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
}
