/* fuzz_scanner.c: the first byte of the input is the size of the pieces. Whole and in pieces it
 * must give the same tokens, and it is accepted exactly when jansson accepts it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/scanner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum scanner_token take(struct scanner *scanner, struct buffer *trace)
{
    enum scanner_token token;
    while ((token = scanner_next(scanner)) != SCANNER_MORE) {
        buffer_append_byte(trace, (uint8_t)token);
        if (token == SCANNER_KEY || token == SCANNER_STRING || token == SCANNER_NUMBER)
            buffer_append_block(trace, buffer_text(&scanner->token), scanner->token.size);
        if (token == SCANNER_FAILED || token == SCANNER_END)
            break;
    }
    return token;
}

static enum scanner_token scan(const char *text, size_t size, size_t piece, struct buffer *trace,
                               struct error *ret_error)
{
    struct scanner scanner;
    scanner_init(&scanner, 0);
    enum scanner_token token = SCANNER_MORE;
    for (size_t at = 0; token == SCANNER_MORE && at < size; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        char *copy =
            memory_new(length); /* of exactly this size, so that reads beyond it are seen */
        memcpy(copy, text + at, length);
        scanner_feed(&scanner, copy, length);
        token = take(&scanner, trace);
        free(copy);
    }
    if (token == SCANNER_MORE) {
        scanner_finish(&scanner);
        token = take(&scanner, trace);
    }
    *ret_error = scanner.error;
    scanner_fini(&scanner);
    return token;
}

/* Jansson swallows a NUL behind a number, refuses large numbers, and nests deeper than we do. */
static void compare_with_jansson(const char *text, size_t size, bool accepted,
                                 const struct error *error)
{
    json_error_t problem;
    json_t *document = json_loadb(text, size, JSON_DECODE_ANY, &problem);
    bool overflow = document == NULL && json_error_code(&problem) == json_error_numeric_overflow;
    bool deep = !accepted && strstr(error->text, "nested") != NULL;
    if (!overflow && !deep && memchr(text, '\0', size) == NULL)
        CHECK(accepted == (document != NULL));
    json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *text = (const char *)data + 1;
    struct buffer whole, pieces;
    struct error error, error_in_pieces;
    buffer_init(&whole, 0);
    buffer_init(&pieces, 0);
    enum scanner_token last = scan(text, size - 1, size, &whole, &error);
    scan(text, size - 1, (size_t)data[0] % 16 + 1, &pieces, &error_in_pieces);
    CHECK(last == SCANNER_END || last == SCANNER_FAILED);
    CHECK((last == SCANNER_FAILED) == (error.code != ERROR_OK));
    CHECK(whole.size == pieces.size);
    CHECK(whole.size == 0 || memcmp(whole.data, pieces.data, whole.size) == 0);
    CHECK(strcmp(error.text, error_in_pieces.text) == 0);
    compare_with_jansson(text, size - 1, last == SCANNER_END, &error);
    buffer_fini(&whole);
    buffer_fini(&pieces);
    return 0;
}
