/* json_pull.c: see json_pull.h. */
#include "component/hdfs/webhdfs/json_pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define TOKEN_BYTES_MAX ((size_t)1 << 20)

static enum scanner_token take(struct json_pull *pull)
{
    if (pull->failed)
        return SCANNER_FAILED;
    enum scanner_token token = scanner_next(&pull->scanner);
    if (token == SCANNER_MORE) { /* all bytes were fed at once */
        scanner_finish(&pull->scanner);
        token = scanner_next(&pull->scanner);
    }
    pull->failed = token == SCANNER_FAILED || token == SCANNER_MORE;
    return token;
}

void pull_open(struct json_pull *pull, const char *data, size_t size)
{
    pull->failed = false;
    pull->key[0] = '\0';
    scanner_init(&pull->scanner, TOKEN_BYTES_MAX);
    scanner_feed(&pull->scanner, data, size);
}

bool pull_close(struct json_pull *pull, const char *what, struct error *error)
{
    bool whole = take(pull) == SCANNER_END;
    if (!whole)
        error_set(
            error, ERROR_UNAVAILABLE, "%s: the answer is damaged or of an unknown form (%s)", what,
            pull->scanner.error.code != ERROR_OK ? pull->scanner.error.text : "unexpected value");
    scanner_fini(&pull->scanner);
    return whole;
}

void pull_object(struct json_pull *pull)
{
    if (take(pull) != SCANNER_OBJECT_BEGIN)
        pull->failed = true;
}

bool pull_member(struct json_pull *pull)
{
    enum scanner_token token = take(pull);
    if (token == SCANNER_KEY) {
        snprintf(pull->key, sizeof pull->key, "%s", buffer_text(&pull->scanner.token));
        return true;
    }
    if (token != SCANNER_OBJECT_END)
        pull->failed = true;
    return false;
}

bool pull_is(const struct json_pull *pull, const char *key)
{
    CHECK(strlen(key) < PULL_KEY_SIZE - 1);
    return strcmp(pull->key, key) == 0;
}

bool pull_array(struct json_pull *pull)
{
    enum scanner_token token = take(pull);
    if (token != SCANNER_ARRAY_BEGIN && token != SCANNER_NULL)
        pull->failed = true;
    return token == SCANNER_ARRAY_BEGIN;
}

bool pull_element(struct json_pull *pull)
{
    enum scanner_token token = take(pull);
    if (token != SCANNER_OBJECT_BEGIN && token != SCANNER_ARRAY_END)
        pull->failed = true;
    return token == SCANNER_OBJECT_BEGIN;
}

const char *pull_text(struct json_pull *pull, struct arena *arena)
{
    enum scanner_token token = take(pull);
    if (token == SCANNER_STRING)
        return arena_string(arena, buffer_text(&pull->scanner.token));
    if (token != SCANNER_NULL)
        pull->failed = true;
    return NULL;
}

int64_t pull_number(struct json_pull *pull)
{
    enum scanner_token token = take(pull);
    if (token == SCANNER_NULL)
        return 0;
    char *end = NULL;
    errno = 0;
    int64_t value =
        token == SCANNER_NUMBER ? strtoll(buffer_text(&pull->scanner.token), &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0)
        pull->failed = true;
    return pull->failed ? 0 : value;
}

bool pull_boolean(struct json_pull *pull)
{
    enum scanner_token token = take(pull);
    if (token != SCANNER_TRUE && token != SCANNER_FALSE && token != SCANNER_NULL)
        pull->failed = true;
    return token == SCANNER_TRUE;
}

void pull_skip(struct json_pull *pull)
{
    unsigned depth = 0;
    do {
        enum scanner_token token = take(pull);
        if (token == SCANNER_OBJECT_BEGIN || token == SCANNER_ARRAY_BEGIN)
            depth++;
        else if (token == SCANNER_OBJECT_END || token == SCANNER_ARRAY_END)
            depth--;
    } while (depth > 0 && !pull->failed);
}

void *pull_grow(struct arena *arena, void *array, size_t count, size_t element_size)
{
    if (count != 0 && (count < 16 || (count & (count - 1)) != 0))
        return array;
    size_t capacity = count == 0 ? 16 : 2 * count;
    void *bigger = arena_new(arena, capacity * element_size);
    if (count > 0)
        memcpy(bigger, array, count * element_size);
    return bigger;
}
