/* scripted_peer.h: an HTTP peer for tests: a thread that accepts, notes what it is sent, and
 * answers with given bytes, or with none, step by step. */
#ifndef COEVAL_FAKE_SCRIPTED_PEER_H
#define COEVAL_FAKE_SCRIPTED_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step of the peer's script on a connection. */
enum {
    PEER_END,
    PEER_READ_HEAD,
    PEER_READ_BYTES,
    PEER_READ_CHUNKS,
    PEER_SEND,
    PEER_CLOSE,
    PEER_HOLD
};
struct step {
    int act;
    const char *text; /* PEER_SEND */
    size_t size;      /* PEER_READ_BYTES: so many; PEER_SEND: so often */
};

#define HEAD                    \
    {                           \
        PEER_READ_HEAD, NULL, 0 \
    }
#define CHUNKS                    \
    {                             \
        PEER_READ_CHUNKS, NULL, 0 \
    }
#define BYTES(count)                 \
    {                                \
        PEER_READ_BYTES, NULL, count \
    }
#define SEND(text)         \
    {                      \
        PEER_SEND, text, 1 \
    }
#define REPEAT(text, times)    \
    {                          \
        PEER_SEND, text, times \
    }
#define CLOSE               \
    {                       \
        PEER_CLOSE, NULL, 0 \
    }
#define HOLD               \
    {                      \
        PEER_HOLD, NULL, 0 \
    }
#define END               \
    {                     \
        PEER_END, NULL, 0 \
    }

struct peer {
    int listener;
    uint16_t port;
    char url[64];
    const struct step *script;
    pthread_t thread;
    atomic_bool stop;
    atomic_int connections;
    char seen[1 << 16]; /* every head, one behind the other; read it after peer_stop() */
    size_t seen_size;
    atomic_size_t body_bytes;
};

/* The script is kept until peer_stop(); a new connection is accepted when a step needs one. Every
 * connection that the peer closes, or loses, leaves the script at its next step. */
void peer_start(struct peer *peer, const struct step *script);
void peer_stop(struct peer *peer);

#endif
