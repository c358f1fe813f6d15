/* admin_request.c: what a request says, read strictly: a parameter that we would not understand
 * must not pass silently ("dryrun=true" would apply a policy). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin_private.h"

static bool refuse(struct http_exchange *exchange, const struct error *error)
{
    http_answer_error(exchange, error);
    return false;
}

/* ---- the query ---- */

static bool name_is_known(const char *text, size_t size, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == size && memcmp(names[i], text, size) == 0)
            return true;
    return false;
}

static bool check_names(const char *query, const char *const *names, size_t count,
                        struct error *error)
{
    while (*query != '\0') {
        size_t size = strcspn(query, "&"), name_size = strcspn(query, "=&");
        if (!name_is_known(query, name_size, names, count))
            return error_set(error, ERROR_INVALID,
                             count == 0 ? "'%.*s': no parameters are taken here"
                                        : "parameter '%.*s' is not known here: see the API's "
                                          "description",
                             (int)(name_size > 60 ? 60 : name_size), query);
        query += size;
        query += *query == '&';
    }
    return true;
}

static bool has_name(const char *query, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = query; at != NULL; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, length) == 0 && strcspn(at, "=&") == length)
            return true;
    }
    return false;
}

static bool read_value(struct query *query, const struct http_request *request, const char *name,
                       size_t index, struct error *error)
{
    struct buffer value;
    if (!has_name(request->query, name))
        return true;
    buffer_init(&value, 0);
    bool sound = http_request_parameter(request, name, &value);
    if (sound)
        query->values[index] = arena_copy(&query->arena, buffer_text(&value), value.size);
    else
        error_set(error, ERROR_INVALID, "parameter '%s' is given twice or has a bad escape", name);
    buffer_fini(&value);
    return sound;
}

bool query_read(struct query *query, struct http_exchange *exchange,
                const struct http_request *request, const char *const *names, size_t count)
{
    struct error error;
    CHECK(count <= QUERY_NAMES_MAX);
    memset(query, 0, sizeof *query);
    arena_init(&query->arena);
    if (!check_names(request->query, names, count, &error))
        return refuse(exchange, &error);
    for (size_t i = 0; i < count; i++)
        if (!read_value(query, request, names[i], i, &error))
            return refuse(exchange, &error);
    return true;
}

void query_fini(struct query *query)
{
    arena_fini(&query->arena);
}

bool query_flag(const struct query *query, size_t index, struct http_exchange *exchange,
                bool *ret_flag)
{
    const char *text = query->values[index];
    struct error error;
    bool yes = text != NULL && strcmp(text, "true") == 0;
    if (!yes && text != NULL && strcmp(text, "false") != 0) {
        error_set(&error, ERROR_INVALID, "'%.40s' is neither true nor false", text);
        return refuse(exchange, &error);
    }
    *ret_flag = yes;
    return true;
}

static bool parse_number(const char *text, uint64_t maximum, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t length = strlen(text);
    if (length == 0 || length > 19 || strspn(text, "0123456789") != length)
        return false;
    for (const char *digit = text; *digit != '\0'; digit++)
        number = number * 10 + (uint64_t)(*digit - '0');
    if (number > maximum)
        return false;
    *ret_number = number;
    return true;
}

bool request_number(const char *text, const char *what, uint64_t maximum,
                    struct http_exchange *exchange, uint64_t *ret_number)
{
    struct error error;
    if (parse_number(text, maximum, ret_number))
        return true;
    error_set(&error, ERROR_INVALID, "%s '%.40s' is not a number from 0 to %" PRIu64, what, text,
              maximum);
    return refuse(exchange, &error);
}

/* ---- the body ---- */

static bool check_body(const json_t *body, const char *const *keys, size_t count,
                       struct error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, key, value) {
        if (!name_is_known(key, strlen(key), keys, count))
            return error_set(error, ERROR_INVALID, "'%.60s' is not known in this body", key);
        if (!json_is_string(value))
            return error_set(error, ERROR_INVALID, "'%.60s' must be a string", key);
    }
    return true;
}

bool request_body(struct http_exchange *exchange, const struct http_request *request,
                  const char *const *keys, size_t count, json_t **ret_body)
{
    struct error error;
    json_t *body;
    if (request->body_size == 0) {
        *ret_body = json_object();
        return true;
    }
    if (!json_parse(request->body, request->body_size, &body, &error))
        return refuse(exchange, &error);
    if (!check_body(body, keys, count, &error)) {
        json_decref(body);
        return refuse(exchange, &error);
    }
    *ret_body = body;
    return true;
}

bool request_needs(struct http_exchange *exchange, const json_t *body, const char *key,
                   const char **ret_text)
{
    struct error error;
    if (json_get_string(body, key, ret_text, &error))
        return true;
    return refuse(exchange, &error);
}
