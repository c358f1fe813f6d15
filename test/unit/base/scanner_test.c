/* scanner_test.c: a table of good and bad documents, each at every split point and byte by byte,
 * and random documents against jansson's tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "base/random.h"
#include "base/scanner.h"

#define TOKEN_MAX ((size_t)40)

static void note(struct buffer *trace, const struct scanner *scanner, enum scanner_token token)
{
    static const char *const marks[] = {
        "?", "$", "{", "}", "[", "]", "k:", "s:", "n:", "t", "f", "0", "!"};
    buffer_append_text(trace, marks[token]);
    if (token == SCANNER_KEY || token == SCANNER_STRING || token == SCANNER_NUMBER)
        buffer_append_text(trace, buffer_text(&scanner->token));
    if (token == SCANNER_FAILED)
        buffer_append_text(trace, error_name(scanner->error.code));
    buffer_append_text(trace, " ");
}

/* Feeds a copy of exactly this size, so that a sanitizer sees every read beyond it. */
static bool feed(struct scanner *scanner, struct buffer *trace, const char *data, size_t size)
{
    char *copy = memory_new(size);
    if (size > 0)
        memcpy(copy, data, size);
    scanner_feed(scanner, copy, size);
    enum scanner_token token;
    while ((token = scanner_next(scanner)) != SCANNER_MORE) {
        note(trace, scanner, token);
        if (token == SCANNER_FAILED)
            break;
    }
    free(copy);
    return token == SCANNER_MORE;
}

static void finish(struct scanner *scanner, struct buffer *trace)
{
    enum scanner_token token;
    scanner_finish(scanner);
    do {
        token = scanner_next(scanner);
        note(trace, scanner, token);
    } while (token != SCANNER_FAILED && token != SCANNER_END);
    assert_int_equal(scanner_next(scanner), token); /* it stays so */
}

/* In pieces of `first` bytes, then of `rest` bytes. */
static void scan(const char *data, size_t size, size_t first, size_t rest, struct buffer *trace)
{
    struct scanner scanner;
    scanner_init(&scanner, TOKEN_MAX);
    buffer_clear(trace);
    size_t at = 0;
    size_t piece = first;
    bool more = true;
    do {
        if (piece > size - at)
            piece = size - at;
        more = feed(&scanner, trace, data + at, piece);
        at += piece;
        piece = rest;
    } while (more && at < size);
    if (more)
        finish(&scanner, trace);
    scanner_fini(&scanner);
}

static void check_document(const char *data, size_t size, const char *expected)
{
    struct buffer trace;
    buffer_init(&trace, 0);
    for (size_t first = 0; first <= size; first++) {
        scan(data, size, first, size, &trace);
        assert_string_equal(buffer_text(&trace), expected);
    }
    scan(data, size, 1, 1, &trace);
    assert_string_equal(buffer_text(&trace), expected);
    buffer_fini(&trace);
}

static const struct {
    const char *text;
    const char *tokens;
} good_documents[] = {
    {"{}", "{ } $ "},
    {" [ ] \r\n\t", "[ ] $ "},
    {"null", "0 $ "},
    {"true ", "t $ "},
    {"false", "f $ "},
    {"\"\"", "s: $ "},
    {"0", "n:0 $ "},
    {"-0.5e+10", "n:-0.5e+10 $ "},
    {"1234567890123456789012345", "n:1234567890123456789012345 $ "},
    {"[1E5,2e-7,3.25]", "[ n:1E5 n:2e-7 n:3.25 ] $ "},
    {"{\"a\":1,\"b\":[true,null,{}],\"\":\"x\"}", "{ k:a n:1 k:b [ t 0 { } ] k: s:x } $ "},
    {"[[],[[]],{\"a\":{}}]", "[ [ ] [ [ ] ] { k:a { } } ] $ "},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s:\"\\/\b\f\n\r\t $ "},
    {"\"\\u0041\\u00e9\\u20AC\\uD83D\\ude00\"", "s:A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 $ "},
    {"\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\"",
     "s:\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80 $ "},
    {"\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"", "s:\xF0\x90\x80\x80\xF4\x8F\xBF\xBF $ "},
    {"\"\\ufffd\\uFFFF\x7F\"", "s:\xEF\xBF\xBD\xEF\xBF\xBF\x7F $ "},
    {"\"0123456789012345678901234567890123456789\"",
     "s:0123456789012345678901234567890123456789 $ "},
};

static void test_good_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(good_documents); i++)
        check_document(good_documents[i].text, strlen(good_documents[i].text),
                       good_documents[i].tokens);
}

static const struct {
    const char *text;
    const char *tokens;
} bad_documents[] = {
    {"", "!INVALID "},
    {"  ", "!INVALID "},
    {"{", "{ !INVALID "},
    {"[", "[ !INVALID "},
    {"[1", "[ n:1 !INVALID "},
    {"]", "!INVALID "},
    {"[}", "[ !INVALID "},
    {"{]", "{ !INVALID "},
    {"[1}", "[ n:1 !INVALID "},
    {"[,1]", "[ !INVALID "},
    {"[1,]", "[ n:1 !INVALID "},
    {"[1 2]", "[ n:1 !INVALID "},
    {"{,}", "{ !INVALID "},
    {"{\"a\"}", "{ k:a !INVALID "},
    {"{\"a\" 1}", "{ k:a !INVALID "},
    {"{\"a\":}", "{ k:a !INVALID "},
    {"{\"a\":1,}", "{ k:a n:1 !INVALID "},
    {"{\"a\":1 \"b\":2}", "{ k:a n:1 !INVALID "},
    {"{1:2}", "{ !INVALID "},
    {"{a:1}", "{ !INVALID "},
    {"{} {}", "{ } !INVALID "},
    {"1 2", "n:1 !INVALID "},
    {"{},", "{ } !INVALID "},
    {"nul", "!INVALID "},
    {"nulL", "!INVALID "},
    {"True", "!INVALID "},
    {"truefalse", "t !INVALID "},
    {"NaN", "!INVALID "},
    {"-", "!INVALID "},
    {"+1", "!INVALID "},
    {".5", "!INVALID "},
    {"1.", "!INVALID "},
    {"01", "n:0 !INVALID "},
    {"-01", "n:-0 !INVALID "},
    {"1e", "!INVALID "},
    {"1e+", "!INVALID "},
    {"1.e5", "!INVALID "},
    {"--1", "!INVALID "},
    {"0x10", "n:0 !INVALID "},
    {"[1.]", "[ !INVALID "},
    {"'a'", "!INVALID "},
    {"\"abc", "!INVALID "},
    {"\"\\", "!INVALID "},
    {"\"\\x\"", "!INVALID "},
    {"\"\\u12g4\"", "!INVALID "},
    {"\"\\u12\"", "!INVALID "},
    {"\"\\u0000\"", "!INVALID "},
    {"\"\\uD83D\"", "!INVALID "},
    {"\"\\uD83Dx\"", "!INVALID "},
    {"\"\\uD83D\\n\"", "!INVALID "},
    {"\"\\uD83D\\uD83D\"", "!INVALID "},
    {"\"\\uD83D\\u0041\"", "!INVALID "},
    {"\"\\uDE00\"", "!INVALID "},
    {"\"a\nb\"", "!INVALID "},
    {"\"\x1F\"", "!INVALID "},
    {"\"\x80\"", "!INVALID "},
    {"\"\xC3\"", "!INVALID "},
    {"\"\xC3\xC3\"", "!INVALID "},
    {"\"\xC0\x80\"", "!INVALID "},
    {"\"\xC1\xBF\"", "!INVALID "},
    {"\"\xE0\x9F\xBF\"", "!INVALID "},
    {"\"\xED\xA0\x80\"", "!INVALID "},
    {"\"\xF0\x8F\xBF\xBF\"", "!INVALID "},
    {"\"\xF4\x90\x80\x80\"", "!INVALID "},
    {"\"\xF5\x80\x80\x80\"", "!INVALID "},
    {"\"\xFF\"", "!INVALID "},
    {"\xEF\xBB\xBF{}", "!INVALID "},
    {"[1]//", "[ n:1 ] !INVALID "},
    {"[/**/1]", "[ !INVALID "},
    {"\v1", "!INVALID "},
    {"\"01234567890123456789012345678901234567890\"", "!LIMIT "},
    {"[10000000000000000000000000000000000000000]", "[ !LIMIT "},
    {"{\"0123456789012345678901234567890123456\\uD83D\\uDE00\":1}", "{ !LIMIT "},
};

static void test_bad_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad_documents); i++)
        check_document(bad_documents[i].text, strlen(bad_documents[i].text),
                       bad_documents[i].tokens);
    check_document("\"a\0b\"", 5, "!INVALID ");
    check_document("1\0", 2, "n:1 !INVALID ");
}

static void test_errors_name_the_byte(void **state)
{
    (void)state;
    struct scanner scanner;
    scanner_init(&scanner, 0);
    scanner_feed(&scanner, "[1, ", 4);
    while (scanner_next(&scanner) != SCANNER_MORE)
        ;
    scanner_feed(&scanner, "  x]", 4);
    assert_int_equal(scanner_next(&scanner), SCANNER_FAILED);
    assert_string_equal(scanner.error.text, "JSON: byte 6: a value is expected");
    scanner_fini(&scanner);
}

static void test_depth(void **state)
{
    (void)state;
    char text[2 * SCANNER_DEPTH_MAX + 2];
    struct buffer trace;
    buffer_init(&trace, 0);
    memset(text, '[', SCANNER_DEPTH_MAX);
    memset(text + SCANNER_DEPTH_MAX, ']', SCANNER_DEPTH_MAX);
    scan(text, 2 * SCANNER_DEPTH_MAX, 7, 3, &trace);
    assert_non_null(strchr(buffer_text(&trace), '$'));
    memset(text, '[', SCANNER_DEPTH_MAX + 1);
    scan(text, SCANNER_DEPTH_MAX + 1, 7, 3, &trace);
    assert_non_null(strstr(buffer_text(&trace), "!INVALID"));
    buffer_fini(&trace);
}

static json_t *random_string(struct random *random)
{
    static const char *const pieces[] = {
        "a",    "/",        "\\",           "\"", "\n", "\x01",
        "\x7F", "\xC3\xA9", "\xE2\x82\xAC", "z",  " ",  "\xF0\x9F\x98\x80"};
    char text[64] = "";
    for (uint64_t left = random_below(random, 9); left > 0; left--) {
        size_t used = strlen(text);
        const char *piece = pieces[random_below(random, ARRAY_LENGTH(pieces))];
        memcpy(text + used, piece, strlen(piece) + 1);
    }
    return json_string(text);
}

static json_t *random_value(struct random *random, int depth)
{
    switch (random_below(random, depth < 5 ? 9 : 6)) {
    case 0:
        return json_true();
    case 1:
        return json_false();
    case 2:
        return json_null();
    case 3:
        return json_integer((json_int_t)random_next(random));
    case 4:
        return json_real((double)(int64_t)random_next(random) / 1024.0);
    case 5:
        return random_string(random);
    case 6: {
        json_t *array = json_array();
        for (uint64_t left = random_below(random, 5); left > 0; left--)
            json_append_take(array, random_value(random, depth + 1));
        return array;
    }
    default: {
        json_t *object = json_object();
        for (uint64_t left = random_below(random, 5); left > 0; left--) {
            json_t *key = random_string(random);
            json_set_take(object, json_string_value(key), random_value(random, depth + 1));
            json_decref(key);
        }
        return object;
    }
    }
}

static json_t *number_value(const char *text)
{
    return strpbrk(text, ".eE") != NULL ? json_real(strtod(text, NULL))
                                        : json_integer(strtoll(text, NULL, 10));
}

struct source {
    struct random *random;
    const char *text;
    size_t size;
    size_t at;
    bool finished;
};

/* The next token, fed by pieces of random size. */
static enum scanner_token pull(struct scanner *scanner, struct source *source)
{
    enum scanner_token token;
    while ((token = scanner_next(scanner)) == SCANNER_MORE) {
        size_t left = source->size - source->at;
        if (left == 0) {
            assert_false(source->finished);
            source->finished = true;
            scanner_finish(scanner);
            continue;
        }
        size_t piece = 1 + (size_t)random_below(source->random, left < 12 ? left : 12);
        scanner_feed(scanner, source->text + source->at, piece);
        source->at += piece;
    }
    return token;
}

/* Builds the tree that the tokens describe; NULL at the end of a container. */
static json_t *build(struct scanner *scanner, struct source *source)
{
    switch (pull(scanner, source)) {
    case SCANNER_TRUE:
        return json_true();
    case SCANNER_FALSE:
        return json_false();
    case SCANNER_NULL:
        return json_null();
    case SCANNER_STRING:
        return json_string(buffer_text(&scanner->token));
    case SCANNER_NUMBER:
        return number_value(buffer_text(&scanner->token));
    case SCANNER_ARRAY_BEGIN: {
        json_t *array = json_array();
        for (json_t *value; (value = build(scanner, source)) != NULL;)
            json_append_take(array, value);
        return array;
    }
    case SCANNER_OBJECT_BEGIN: {
        json_t *object = json_object();
        while (pull(scanner, source) == SCANNER_KEY) {
            char *key = memory_copy_string(buffer_text(&scanner->token));
            json_set_take(object, key, build(scanner, source));
            free(key);
        }
        return object;
    }
    case SCANNER_ARRAY_END:
        return NULL;
    case SCANNER_MORE:
    case SCANNER_END:
    case SCANNER_OBJECT_END:
    case SCANNER_KEY:
    case SCANNER_FAILED:
        break;
    }
    fail_msg("unexpected token: %s", scanner->error.text);
    return NULL;
}

static void test_tokens_are_the_tree_of_jansson(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 20261121);
    for (int i = 0; i < 2000; i++) {
        json_t *tree = random_value(&random, 0);
        size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(17);
        flags |= random_below(&random, 2) == 0 ? JSON_ENSURE_ASCII : 0;
        flags |= random_below(&random, 2) == 0 ? JSON_INDENT(2) : JSON_COMPACT;
        char *text = json_dumps(tree, flags);
        assert_non_null(text);
        struct source source = {.random = &random, .text = text, .size = strlen(text)};
        struct scanner scanner;
        scanner_init(&scanner, 0);
        json_t *built = build(&scanner, &source);
        assert_int_equal(pull(&scanner, &source), SCANNER_END);
        assert_true(json_equal(tree, built));
        scanner_fini(&scanner);
        json_decref(built);
        json_decref(tree);
        free(text);
    }
}

static bool scanner_accepts(const char *text, size_t size)
{
    struct scanner scanner;
    scanner_init(&scanner, 0);
    scanner_feed(&scanner, text, size);
    enum scanner_token token;
    while ((token = scanner_next(&scanner)) != SCANNER_END && token != SCANNER_FAILED)
        if (token == SCANNER_MORE)
            scanner_finish(&scanner);
    scanner_fini(&scanner);
    return token == SCANNER_END;
}

/* Documents with a few bytes changed: both accept or both refuse. */
static void test_accepts_what_jansson_accepts(void **state)
{
    (void)state;
    static const char alphabet[] = "{}[],:\"\\u0dD8tfn1-+.eE \n\x01\xC3\xA9\xED\xA0\x80";
    struct random random;
    random_init(&random, 7);
    int accepted = 0, refused = 0;
    for (int i = 0; i < 20000; i++) {
        json_t *tree = random_value(&random, 3);
        char *text = json_dumps(tree, JSON_ENCODE_ANY | JSON_COMPACT);
        json_decref(tree);
        size_t size = strlen(text);
        for (uint64_t left = random_below(&random, 3); left > 0; left--)
            text[random_below(&random, size)] =
                alphabet[random_below(&random, sizeof alphabet - 1)];
        json_error_t problem;
        json_t *parsed = json_loadb(text, size, JSON_DECODE_ANY, &problem);
        /* The scanner leaves numbers as text, so their size is its caller's affair. */
        bool comparable =
            parsed != NULL || json_error_code(&problem) != json_error_numeric_overflow;
        if (comparable && scanner_accepts(text, size) != (parsed != NULL))
            fail_msg("%s: jansson says %s", text, parsed != NULL ? "good" : problem.text);
        accepted += parsed != NULL;
        refused += parsed == NULL;
        json_decref(parsed);
        free(text);
    }
    assert_true(accepted > 1000);
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_documents),
        cmocka_unit_test(test_bad_documents),
        cmocka_unit_test(test_errors_name_the_byte),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_tokens_are_the_tree_of_jansson),
        cmocka_unit_test(test_accepts_what_jansson_accepts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
