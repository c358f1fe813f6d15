/* client_call.h: one call of the client on a curl easy handle, the same whether the loop or the
 * caller's thread drives it: setting up, receiving within limits, and what a failure means. */
#ifndef COEVAL_HTTP_CLIENT_CALL_H
#define COEVAL_HTTP_CLIENT_CALL_H

#include "http/curl_setup.h"

#define CLIENT_HEADER_BYTES_MAX ((size_t)64 << 10)
#define CLIENT_ANSWER_BYTES_DEFAULT ((size_t)16 << 20)

enum client_fault { /* why we stopped curl ourselves */
                    CLIENT_SOUND,
                    CLIENT_HEADER_SIZE,
                    CLIENT_BODY_SIZE,
                    CLIENT_FRAMING
};

struct client_call {
    CURL *easy;
    struct curl_slist *headers;
    char peer[CURL_PEER_NAME_SIZE];
    char detail[CURL_ERROR_SIZE];
    size_t answer_bytes_max;
    unsigned sendings; /* how often the request went onto a connection */
    enum client_fault fault;
    bool is_head;
    /* of the answer */
    int status;
    bool has_header; /* all of it; curl takes one that is cut */
    size_t header_bytes;
    unsigned lengths, codings; /* Content-Length and Transfer-Encoding headers */
    bool is_chunked;
    struct buffer body;
};

/* Everything but the body is copied; the body too when copies_body. False (INVALID): nothing to
 * finish. */
bool client_call_init(struct client_call *call, const struct http_call *order, bool copies_body,
                      struct error *error);
void client_call_fini(struct client_call *call);
/* What curl's result means. True: status and body are the answer. */
bool client_call_judge(const struct client_call *call, CURLcode code, struct error *error);

#endif
