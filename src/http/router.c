/* router.c: routes are few and matched one by one; segments are compared decoded, so that an
 * escaped letter does not hide a path. */
#include "http/router.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

/* The segments of a path, decoded; a pattern has braces where they are taken. */
#define SEGMENTS_MAX 32u
struct segments {
    const char *names[SEGMENTS_MAX];
    size_t count;
};

static bool decode_segment(struct arena *arena, const char *text, size_t size, const char **ret)
{
    struct buffer decoded;
    buffer_init(&decoded, 0);
    bool sound = path_percent_decode(&decoded, text, size);
    if (sound)
        *ret = arena_copy(arena, buffer_text(&decoded), decoded.size);
    buffer_fini(&decoded);
    return sound;
}

/* A path with more segments than any pattern is cut: it fits none. */
static bool split_path(struct arena *arena, const char *path, struct segments *ret_segments)
{
    ret_segments->count = 0;
    while (*path == '/') {
        size_t size = strcspn(path + 1, "/");
        const char *name;
        if (!decode_segment(arena, path + 1, size, &name))
            return false;
        if (ret_segments->count < SEGMENTS_MAX)
            ret_segments->names[ret_segments->count++] = name;
        path += 1 + size;
    }
    return true;
}

static bool pattern_fits(const char *pattern, const struct segments *segments,
                         struct route_match *ret_match)
{
    struct route_match match = {{NULL}};
    size_t arguments = 0, at = 0;
    for (; *pattern == '/'; at++) {
        size_t size = strcspn(pattern + 1, "/");
        if (at == segments->count)
            return false;
        const char *name = segments->names[at];
        if (pattern[1] == '{') {
            CHECK(arguments < ROUTE_ARGUMENTS_MAX);
            match.arguments[arguments++] = name;
            if (name[0] == '\0')
                return false;
        } else if (strlen(name) != size || memcmp(name, pattern + 1, size) != 0) {
            return false;
        }
        pattern += 1 + size;
    }
    CHECK(*pattern == '\0' && at < SEGMENTS_MAX);
    if (at != segments->count)
        return false;
    *ret_match = match;
    return true;
}

static void list_method(unsigned served, enum http_method method, char *allowed)
{
    if ((served & 1u << method) == 0)
        return;
    size_t used = strlen(allowed);
    int written = snprintf(allowed + used, ROUTE_ALLOWED_SIZE - used, "%s%s", used == 0 ? "" : ", ",
                           http_method_name(method));
    CHECK(written > 0 && (size_t)written < ROUTE_ALLOWED_SIZE - used);
}

static void list_methods(unsigned served, char ret_allowed[ROUTE_ALLOWED_SIZE])
{
    ret_allowed[0] = '\0';
    if ((served & 1u << HTTP_GET) != 0)
        served |= 1u << HTTP_HEAD;
    list_method(served, HTTP_GET, ret_allowed);
    list_method(served, HTTP_HEAD, ret_allowed);
    list_method(served, HTTP_PUT, ret_allowed);
    list_method(served, HTTP_POST, ret_allowed);
    list_method(served, HTTP_DELETE, ret_allowed);
}

enum route_outcome router_find(const struct route *routes, size_t route_count,
                               enum http_method method, const char *path, struct arena *arena,
                               const struct route **ret_route, struct route_match *ret_match,
                               char ret_allowed[ROUTE_ALLOWED_SIZE])
{
    struct segments segments;
    struct route_match match;
    const struct route *get = NULL; /* what HEAD falls back to */
    unsigned served = 0;
    if (!split_path(arena, path, &segments))
        return ROUTE_MALFORMED;
    for (size_t i = 0; i < route_count; i++) {
        if (!pattern_fits(routes[i].pattern, &segments, &match))
            continue;
        served |= 1u << routes[i].method;
        bool falls_back = method == HTTP_HEAD && routes[i].method == HTTP_GET && get == NULL;
        if (routes[i].method != method && !falls_back)
            continue;
        *ret_match = match;
        if (routes[i].method == method)
            return *ret_route = &routes[i], ROUTE_FOUND;
        get = &routes[i];
    }
    if (get != NULL)
        return *ret_route = get, ROUTE_FOUND;
    list_methods(served, ret_allowed);
    return served == 0 ? ROUTE_NO_PATH : ROUTE_NO_METHOD;
}

static void answer_no_method(struct http_exchange *exchange, const struct http_request *request,
                             const char *allowed)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_format(&body,
                         "{\"error\":{\"code\":\"INVALID\",\"message\":\"%s is not served here; "
                         "allowed: %s\"}}",
                         http_method_name(request->method), allowed);
    http_answer_header(exchange, "Allow", allowed);
    http_answer(exchange, 405, NULL, body.data, body.size);
    buffer_fini(&body);
}

void router_dispatch(const struct route *routes, size_t route_count, void *context,
                     struct http_exchange *exchange, const struct http_request *request)
{
    struct arena arena;
    struct error error;
    const struct route *route;
    struct route_match match;
    char allowed[ROUTE_ALLOWED_SIZE];
    arena_init(&arena);
    switch (router_find(routes, route_count, request->method, request->path, &arena, &route, &match,
                        allowed)) {
    case ROUTE_FOUND:
        route->fn(context, exchange, request, &match);
        break;
    case ROUTE_NO_PATH:
        error_set(&error, ERROR_NOT_FOUND, "there is nothing at this path");
        http_answer_error(exchange, &error);
        break;
    case ROUTE_NO_METHOD:
        answer_no_method(exchange, request, allowed);
        break;
    case ROUTE_MALFORMED:
        error_set(&error, ERROR_INVALID, "the path holds a bad percent escape");
        http_answer_error(exchange, &error);
        break;
    }
    arena_fini(&arena);
}
