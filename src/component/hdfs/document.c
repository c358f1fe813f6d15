/* document.c: see document.h. */
#include "component/hdfs/document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define TOKEN_BYTES_MAX ((size_t)1 << 20)

static enum scanner_token take(struct document *document)
{
    if (document->failed)
        return SCANNER_FAILED;
    enum scanner_token token = scanner_next(&document->scanner);
    if (token == SCANNER_MORE) { /* all bytes were fed at once */
        scanner_finish(&document->scanner);
        token = scanner_next(&document->scanner);
    }
    document->failed = token == SCANNER_FAILED || token == SCANNER_MORE;
    return token;
}

void document_open(struct document *document, const char *data, size_t size)
{
    document->failed = false;
    document->key[0] = '\0';
    scanner_init(&document->scanner, TOKEN_BYTES_MAX);
    scanner_feed(&document->scanner, data, size);
}

bool document_close(struct document *document, const char *what, struct error *error)
{
    bool whole = take(document) == SCANNER_END;
    if (!whole)
        error_set(error, ERROR_UNAVAILABLE, "%s: the answer is damaged or of an unknown form (%s)",
                  what,
                  document->scanner.error.code != ERROR_OK ? document->scanner.error.text
                                                           : "unexpected value");
    scanner_fini(&document->scanner);
    return whole;
}

void document_object(struct document *document)
{
    if (take(document) != SCANNER_OBJECT_BEGIN)
        document->failed = true;
}

bool document_member(struct document *document)
{
    enum scanner_token token = take(document);
    if (token == SCANNER_KEY) {
        snprintf(document->key, sizeof document->key, "%s", buffer_text(&document->scanner.token));
        return true;
    }
    if (token != SCANNER_OBJECT_END)
        document->failed = true;
    return false;
}

bool document_is(const struct document *document, const char *key)
{
    CHECK(strlen(key) < DOCUMENT_KEY_SIZE - 1);
    return strcmp(document->key, key) == 0;
}

bool document_array(struct document *document)
{
    enum scanner_token token = take(document);
    if (token != SCANNER_ARRAY_BEGIN && token != SCANNER_NULL)
        document->failed = true;
    return token == SCANNER_ARRAY_BEGIN;
}

bool document_element(struct document *document)
{
    enum scanner_token token = take(document);
    if (token != SCANNER_OBJECT_BEGIN && token != SCANNER_ARRAY_END)
        document->failed = true;
    return token == SCANNER_OBJECT_BEGIN;
}

const char *document_text(struct document *document, struct arena *arena)
{
    enum scanner_token token = take(document);
    if (token == SCANNER_STRING)
        return arena_string(arena, buffer_text(&document->scanner.token));
    if (token != SCANNER_NULL)
        document->failed = true;
    return NULL;
}

int64_t document_number(struct document *document)
{
    enum scanner_token token = take(document);
    if (token == SCANNER_NULL)
        return 0;
    char *end = NULL;
    errno = 0;
    int64_t value =
        token == SCANNER_NUMBER ? strtoll(buffer_text(&document->scanner.token), &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0)
        document->failed = true;
    return document->failed ? 0 : value;
}

bool document_boolean(struct document *document)
{
    enum scanner_token token = take(document);
    if (token != SCANNER_TRUE && token != SCANNER_FALSE && token != SCANNER_NULL)
        document->failed = true;
    return token == SCANNER_TRUE;
}

void document_skip(struct document *document)
{
    unsigned depth = 0;
    do {
        enum scanner_token token = take(document);
        if (token == SCANNER_OBJECT_BEGIN || token == SCANNER_ARRAY_BEGIN)
            depth++;
        else if (token == SCANNER_OBJECT_END || token == SCANNER_ARRAY_END)
            depth--;
    } while (depth > 0 && !document->failed);
}
