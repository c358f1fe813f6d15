/* admin.h: the REST interface of a control device (doc/openapi.yaml) over control.h. */
#ifndef COEVAL_ADMIN_ADMIN_H
#define COEVAL_ADMIN_ADMIN_H

#include "control/control.h"
#include "http/server.h"

struct admin;
struct admin *admin_new(struct loop *loop, struct control *control);
void admin_free(struct admin *admin); /* after the HTTP server */
/* Answers every path; 404 in JSON for what it does not know. */
void admin_handle(struct admin *admin, struct http_exchange *exchange,
                  const struct http_request *request);

#endif
