/* http_request.c: what a handler may ask of a request. */
#include "http/server.h"

#include <string.h>

#include "base/check.h"
#include "http/request_head.h"
#include "http/url.h"

static const char *const method_names[] = {
    [HTTP_GET] = "GET",   [HTTP_HEAD] = "HEAD",     [HTTP_PUT] = "PUT",
    [HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE",
};

const char *http_method_name(enum http_method method)
{
    CHECK((size_t)method < ARRAY_LENGTH(method_names));
    return method_names[method];
}

bool http_method_from_name(const char *name, enum http_method *ret_method)
{
    for (size_t i = 0; i < ARRAY_LENGTH(method_names); i++)
        if (strcmp(method_names[i], name) == 0) {
            *ret_method = (enum http_method)i;
            return true;
        }
    return false;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    const struct request_head *head = request->server_private;
    return request_head_find(head, name);
}

bool http_request_parameter(const struct http_request *request, const char *name,
                            struct buffer *ret_value)
{
    return url_query_find(request->query, name, ret_value);
}
