/* request_vectors_test.c: every case of vectors/requests.txt, at every split point and byte by
 * byte, with the same verdict and the same content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/digest.h"
#include "request_verdict.h"

static const char *vector_file;

static void unescape_one(const char **text, struct buffer *bytes)
{
    static const char from[] = "rnt0\\", to[] = "\r\n\t\0\\";
    const char *at = *text + 1;
    const char *found = *at == '\0' ? NULL : strchr(from, *at);
    uint8_t byte;
    if (found != NULL) {
        buffer_append_byte(bytes, (uint8_t)to[found - from]);
    } else {
        char digits[3] = {at[1], at[2], '\0'};
        assert_int_equal(*at, 'x');
        assert_true(hex_parse(digits, &byte, 1));
        buffer_append_byte(bytes, byte);
        at += 2;
    }
    *text = at + 1;
}

static void unescape(const char *text, struct buffer *bytes)
{
    while (*text != '\0')
        if (*text == '\\')
            unescape_one(&text, bytes);
        else
            buffer_append_byte(bytes, (uint8_t)*text++);
}

static void judge(const char *name, const char *expected, const struct buffer *bytes)
{
    struct buffer verdict, whole, cut;
    buffer_init(&verdict, 0);
    buffer_init(&whole, 0);
    buffer_init(&cut, 0);
    verdict_of(bytes->data, bytes->size, bytes->size, 0, false, &verdict);
    buffer_truncate(&verdict, verdict.size - 1);
    if (strcmp(buffer_text(&verdict), expected) != 0)
        fail_msg("%s: %s instead of %s", name, buffer_text(&verdict), expected);
    verdict_of(bytes->data, bytes->size, bytes->size, 0, true, &whole);
    for (size_t i = 1; i < bytes->size; i++) {
        verdict_of(bytes->data, bytes->size, i, 0, true, &cut);
        if (strcmp(buffer_text(&cut), buffer_text(&whole)) != 0)
            fail_msg("%s: cut at %zu: %s instead of %s", name, i, buffer_text(&cut),
                     buffer_text(&whole));
    }
    verdict_of(bytes->data, bytes->size, 0, 1, true, &cut);
    assert_string_equal(buffer_text(&cut), buffer_text(&whole));
    buffer_fini(&verdict);
    buffer_fini(&whole);
    buffer_fini(&cut);
}

static void test_every_vector_at_every_split_point(void **state)
{
    (void)state;
    char line[4096];
    unsigned count = 0;
    FILE *file = fopen(vector_file, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = '\0';
        char *input = strchr(line, '\t');
        assert_non_null(input);
        *input++ = '\0';
        char *name = strchr(input, '\t');
        assert_non_null(name);
        *name++ = '\0';
        struct buffer bytes;
        buffer_init(&bytes, 0);
        unescape(input, &bytes);
        judge(name, line, &bytes);
        buffer_fini(&bytes);
        count++;
    }
    fclose(file);
    assert_true(count >= 34);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_at_every_split_point),
    };
    CHECK(argc == 2);
    vector_file = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
