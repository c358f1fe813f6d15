/* http_fixture.h: a loop, a server and a handler that answers by path; shared by the tests of the
 * server and of the client. */
#ifndef COEVAL_TEST_HTTP_FIXTURE_H
#define COEVAL_TEST_HTTP_FIXTURE_H

#include "http/server.h"
#include "raw_peer.h"

struct fixture {
    struct loop *loop;
    struct http_server *server;
    uint16_t port;
    struct http_exchange *held; /* by /later and /stream, until the test answers */
    unsigned requests;
    unsigned gone;
    char *big; /* what /big answers */
};

#define FIXTURE_BIG_BYTES ((size_t)4 << 20)

/* Zeros in options get the defaults of the server; address, handler and context are filled in.
 * /echo: method, path, query and body. /later: held. /held-deaf: held, without a gone function.
 * /stream: begun and held. /big: FIXTURE_BIG_BYTES. /header: a header with what ?v= says.
 * /empty: 204. Others: 404. */
void fixture_open(struct fixture *fixture, const struct http_server_options *options);
void fixture_close(struct fixture *fixture);
/* Waits for a held exchange, or for the number of gone ones. */
bool fixture_wait_held(struct fixture *fixture);
bool fixture_wait_gone(struct fixture *fixture, unsigned count);

#endif
