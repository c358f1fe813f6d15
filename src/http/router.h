/* router.h: a table of routes. A segment in braces matches one path segment, percent-decoded. */
#ifndef COEVAL_HTTP_ROUTER_H
#define COEVAL_HTTP_ROUTER_H

#include "http/server.h"

#define ROUTE_ARGUMENTS_MAX 4

struct route_match {
    const char *arguments[ROUTE_ARGUMENTS_MAX]; /* decoded, in order; valid for the call */
};
typedef void route_fn(void *context, struct http_exchange *exchange,
                      const struct http_request *request, const struct route_match *match);
struct route {
    enum http_method method;
    const char *pattern; /* "/v1/epochs/{id}/verify" */
    route_fn *fn;
};
/* 404 where no pattern fits, 405 with Allow where only the method differs; HEAD falls back to GET. */
void router_dispatch(const struct route *routes, size_t route_count, void *context,
                     struct http_exchange *exchange, const struct http_request *request);

#endif
