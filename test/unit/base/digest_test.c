/* digest_test.c: SHA-256 against the vectors of FIPS 180-2, and hexadecimal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/digest.h"

static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[DIGEST_TEXT_SIZE];
        struct digest whole = digest_of(rows[i].text, strlen(rows[i].text));
        digest_format(&whole, text);
        assert_string_equal(text, rows[i].digest);
        struct digest_stream *stream = digest_stream_new();
        for (const char *p = rows[i].text; *p != '\0'; p++)
            digest_stream_add(stream, p, 1);
        struct digest pieces = digest_stream_end(stream);
        digest_stream_free(stream);
        assert_true(digest_equal(&whole, &pieces));
        struct digest read;
        assert_true(digest_parse(text, &read));
        assert_true(digest_equal(&whole, &read));
        read.bytes[DIGEST_SIZE - 1] ^= 1;
        assert_false(digest_equal(&whole, &read));
    }
    digest_stream_free(NULL);
}

static void test_hexadecimal(void **state)
{
    (void)state;
    uint8_t bytes[4];
    char text[9];
    assert_true(hex_parse("00fFaA19", bytes, 4));
    assert_memory_equal(bytes, "\x00\xff\xaa\x19", 4);
    hex_format(bytes, 4, text);
    assert_string_equal(text, "00ffaa19");
    hex_format(bytes, 0, text);
    assert_string_equal(text, "");
    static const char *const bad[] = {"",         "00ffaa1",  "00ffaa190", "00ffaa1g", "00ffaa1/",
                                      "00ffaa1:", "0 ffaa19", "00ffaa1@",  "00ffaa1`"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_false(hex_parse(bad[i], bytes, 4));
    struct digest digest;
    assert_false(digest_parse("ba78", &digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
