/* link_private.h: the one transport under link.c; link_local.c and link_http.c provide it. */
#ifndef COEVAL_AGENT_LINK_PRIVATE_H
#define COEVAL_AGENT_LINK_PRIVATE_H

#include "agent/link.h"

struct link_request {
    const char *method;
    const char *path; /* with query */
    const char *body;
    size_t body_size;
    int64_t timeout_ms;
};

/* status 0 with an error: no answer. Runs once, never inside send. */
typedef void link_answer_fn(void *context, int status, const char *body, size_t size,
                            const struct error *error);

struct link_transport {
    /* Returns a handle for cancel, valid until the answer. */
    void *(*send)(struct link *link, const struct link_request *request, link_answer_fn *fn,
                  void *context);
    /* The answer does not come any more. */
    void (*cancel)(struct link *link, void *handle);
    void (*free)(struct link *link);
};

struct link {
    const struct link_transport *transport;
    struct loop *loop;
    struct link_state state;
    unsigned orders;
    link_denied_fn *denied; /* NULL: nobody listens */
    void *denied_context;
};

void link_init(struct link *link, const struct link_transport *transport, struct loop *loop);

#endif
