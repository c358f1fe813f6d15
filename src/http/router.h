/* router.h: a table of routes; the first that fits counts. A segment in braces matches one path
 * segment that is not empty, percent-decoded ("%2F" gives a '/' inside the argument). */
#ifndef COEVAL_HTTP_ROUTER_H
#define COEVAL_HTTP_ROUTER_H

#include "base/arena.h"
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
enum route_outcome {
    ROUTE_FOUND,
    ROUTE_NO_PATH,   /* no pattern fits */
    ROUTE_NO_METHOD, /* a pattern fits, its method differs: ret_allowed lists those served */
    ROUTE_MALFORMED, /* a bad percent escape, or an encoded NUL */
};
#define ROUTE_ALLOWED_SIZE 40
/* Pure: what router_dispatch() decides by. Arguments are allocated from the arena. */
enum route_outcome router_find(const struct route *routes, size_t route_count,
                               enum http_method method, const char *path, struct arena *arena,
                               const struct route **ret_route, struct route_match *ret_match,
                               char ret_allowed[ROUTE_ALLOWED_SIZE]);
/* 404 where no pattern fits, 405 with Allow where only the method differs; HEAD falls back to GET.
 */
void router_dispatch(const struct route *routes, size_t route_count, void *context,
                     struct http_exchange *exchange, const struct http_request *request);

#endif
