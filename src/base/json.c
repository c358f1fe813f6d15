/* json.c: see json.h. */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

bool json_parse(const char *data, size_t size, json_t **ret_document, struct error *error)
{
    json_error_t problem;
    if (size > JSON_DOCUMENT_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, "JSON document of %zu bytes; the limit is %zu", size,
                         JSON_DOCUMENT_BYTES_MAX);
    if (size > 0 && memchr(data, '\0', size) != NULL) /* jansson swallows one behind a number */
        return error_set(error, ERROR_INVALID, "not JSON: a NUL byte");
    json_t *document = json_loadb(data, size, JSON_REJECT_DUPLICATES, &problem);
    if (document == NULL)
        return error_set(error, ERROR_INVALID, "not JSON: line %d column %d: %s", problem.line,
                         problem.column, problem.text);
    if (!json_is_object(document)) {
        json_decref(document);
        return error_set(error, ERROR_INVALID, "the JSON document is not an object");
    }
    *ret_document = document;
    return true;
}

/* Of jansson's structures with what the allocator and the growing of tables add. */
#define OBJECT_BYTES ((size_t)288)
#define ARRAY_BYTES ((size_t)144)
#define STRING_BYTES ((size_t)96) /* value or key, its text apart */
#define ELEMENT_BYTES ((size_t)64)

size_t json_memory(const char *data, size_t size)
{
    size_t bytes = size;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            bytes += quoted ? 0 : STRING_BYTES;
            quoted = !quoted;
        } else if (!quoted) {
            bytes += c == '{'   ? OBJECT_BYTES
                     : c == '[' ? ARRAY_BYTES
                     : c == ',' ? ELEMENT_BYTES
                                : 0;
        }
    }
    return bytes;
}

static int append_piece(const char *data, size_t size, void *buffer)
{
    buffer_append(buffer, data, size);
    return 0;
}

void json_print(const json_t *document, bool canonical, struct buffer *buffer)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | (canonical ? JSON_SORT_KEYS : 0);
    CHECK(json_dump_callback(document, append_piece, buffer, flags) == 0);
}

static bool get(const json_t *object, const char *key, json_type type, const char *type_name,
                json_t **ret, struct error *error)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL)
        return error_set(error, ERROR_INVALID, "member '%s' is missing", key);
    if (json_typeof(value) != type)
        return error_set(error, ERROR_INVALID, "member '%s' is not %s", key, type_name);
    *ret = value;
    return true;
}

bool json_get_string(const json_t *object, const char *key, const char **ret, struct error *error)
{
    json_t *value = NULL;
    if (!get(object, key, JSON_STRING, "a string", &value, error))
        return false;
    *ret = json_string_value(value);
    return true;
}

bool json_get_integer(const json_t *object, const char *key, int64_t *ret, struct error *error)
{
    json_t *value = NULL;
    if (!get(object, key, JSON_INTEGER, "an integer", &value, error))
        return false;
    *ret = json_integer_value(value);
    return true;
}

bool json_get_boolean(const json_t *object, const char *key, bool *ret, struct error *error)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        return error_set(error, ERROR_INVALID, "member '%s' is not true or false", key);
    *ret = json_is_true(value);
    return true;
}

bool json_get_object(const json_t *object, const char *key, json_t **ret, struct error *error)
{
    return get(object, key, JSON_OBJECT, "an object", ret, error);
}

bool json_get_array(const json_t *object, const char *key, json_t **ret, struct error *error)
{
    return get(object, key, JSON_ARRAY, "an array", ret, error);
}

static bool parse_time(const char *text, int64_t *ret_us)
{
    char *end;
    if (text[strspn(text, "-0123456789")] != '\0') /* strtoll would take blanks and '+' too */
        return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return false;
    *ret_us = value;
    return true;
}

bool json_get_time(const json_t *object, const char *key, int64_t *ret_us, struct error *error)
{
    const char *text;
    if (!json_get_string(object, key, &text, error))
        return false;
    if (!parse_time(text, ret_us))
        return error_set(error, ERROR_INVALID, "member '%s' is not microseconds in a string", key);
    return true;
}

const char *json_string_or(const json_t *object, const char *key, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value == NULL ? otherwise : value;
}

int64_t json_integer_or(const json_t *object, const char *key, int64_t otherwise)
{
    json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool json_boolean_or(const json_t *object, const char *key, bool otherwise)
{
    json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

int64_t json_time_or(const json_t *object, const char *key, int64_t otherwise)
{
    int64_t time_us;
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL && parse_time(text, &time_us) ? time_us : otherwise;
}

void json_set_take(json_t *object, const char *key, json_t *value)
{
    CHECK(value != NULL);
    CHECK(json_object_set_new(object, key, value) == 0);
}

void json_append_take(json_t *array, json_t *value)
{
    CHECK(value != NULL);
    CHECK(json_array_append_new(array, value) == 0);
}

void json_set_string(json_t *object, const char *key, const char *value)
{
    if (value == NULL) {
        json_set_take(object, key, json_null());
        return;
    }
    if (path_is_utf8(value)) {
        json_set_take(object, key, json_string_nocheck(value));
        return;
    }
    struct buffer printable;
    buffer_init(&printable, 0);
    path_print(&printable, value);
    json_set_take(object, key, json_string(buffer_text(&printable)));
    buffer_fini(&printable);
}

void json_set_integer(json_t *object, const char *key, int64_t value)
{
    json_set_take(object, key, json_integer(value));
}

void json_set_boolean(json_t *object, const char *key, bool value)
{
    json_set_take(object, key, json_boolean(value));
}

void json_set_time(json_t *object, const char *key, int64_t time_us)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, time_us);
    json_set_string(object, key, text);
}

json_t *json_from_error(const struct error *error)
{
    json_t *object = json_object();
    json_set_string(object, "code", error_name(error->code));
    json_set_string(object, "message", error->text);
    return object;
}

void json_to_error(const json_t *object, struct error *ret_error)
{
    enum error_code code;
    if (!error_code_from_name(json_string_or(object, "code", "PROTOCOL"), &code) ||
        code == ERROR_OK)
        code = ERROR_PROTOCOL;
    error_set(ret_error, code, "%s", json_string_or(object, "message", "(no message)"));
}
