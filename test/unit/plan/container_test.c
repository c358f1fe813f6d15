/* container_test.c: whole and streamed containers; every cut and every flipped byte is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/container.h"

static const char payload[] = "what was planned, and a little more so that it is no round number";

struct sink {
    struct buffer bytes;
    size_t calls_left; /* the call after that many fails */
};

static bool sink_add(void *context, const void *data, size_t size, struct error *error)
{
    struct sink *sink = context;
    if (sink->calls_left-- == 0)
        return error_set(error, ERROR_IO, "sink full");
    buffer_append(&sink->bytes, data, size);
    return true;
}

static bool open_payload(const void *data, size_t size, enum container_kind kind)
{
    struct reader reader;
    struct error error = ERROR_NONE;
    bool ok = container_open(kind, data, size, &reader, &error);
    if (!ok)
        return assert_int_not_equal(error.code, ERROR_OK), false;
    assert_int_equal(reader.size, sizeof payload);
    assert_memory_equal(reader.data, payload, sizeof payload);
    return true;
}

static void test_whole_file(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    container_encode(CONTAINER_PLAN, payload, sizeof payload, &buffer);
    assert_true(open_payload(buffer.data, buffer.size, CONTAINER_PLAN));
    assert_false(open_payload(buffer.data, buffer.size, CONTAINER_MARKER));
    for (size_t size = 0; size < buffer.size; size++)
        assert_false(open_payload(buffer.data, size, CONTAINER_PLAN));
    for (size_t i = 0; i < buffer.size; i++) {
        buffer.data[i] = (char)(buffer.data[i] ^ 0x20);
        assert_false(open_payload(buffer.data, buffer.size, CONTAINER_PLAN));
        buffer.data[i] = (char)(buffer.data[i] ^ 0x20);
    }
    buffer_append_byte(&buffer, 0);
    assert_false(open_payload(buffer.data, buffer.size, CONTAINER_PLAN));
    buffer_fini(&buffer);
}

static void test_a_newer_version_says_so(void **state)
{
    (void)state;
    struct buffer buffer;
    struct reader reader;
    struct error error = ERROR_NONE;
    buffer_init(&buffer, 0);
    container_encode(CONTAINER_PLAN, payload, sizeof payload, &buffer);
    buffer.data[8] = 99;
    assert_false(container_open(CONTAINER_PLAN, buffer.data, buffer.size, &reader, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_string_equal(container_kind_name(CONTAINER_PLAN), "plan");
    assert_string_equal(container_kind_name(CONTAINER_SUSPECTS), "suspects");
    buffer_fini(&buffer);
    buffer_init(&buffer, 40);
    container_encode(CONTAINER_PLAN, payload, sizeof payload, &buffer);
    assert_true(buffer.failed);
    buffer_fini(&buffer);
}

static bool write_stream(struct sink *sink, struct digest *digest)
{
    struct container_writer writer;
    struct error error = ERROR_NONE;
    bool ok = container_writer_begin(&writer, CONTAINER_MANIFEST, sink_add, sink, &error) &&
              container_writer_add(&writer, payload, 10, &error) &&
              container_writer_add(&writer, payload + 10, sizeof payload - 10, &error) &&
              container_writer_end(&writer, digest, &error);
    assert_int_equal(ok, error.code == ERROR_OK);
    if (ok)
        assert_int_equal(writer.offset, sink->bytes.size);
    container_writer_fini(&writer);
    return ok;
}

static bool read_stream(const struct buffer *file, size_t size, size_t piece, struct sink *sink,
                        struct digest *digest)
{
    struct container_reader reader;
    struct error error = ERROR_NONE;
    bool ok = true;
    container_reader_init(&reader, CONTAINER_MANIFEST, sink_add, sink);
    for (size_t at = 0; ok && at < size; at += piece)
        ok = container_reader_feed(&reader, file->data + at, size - at < piece ? size - at : piece,
                                   &error);
    ok = ok && container_reader_end(&reader, digest, &error);
    assert_int_equal(ok, error.code == ERROR_OK);
    container_reader_fini(&reader);
    return ok;
}

static void test_streams(void **state)
{
    (void)state;
    struct sink file = {.calls_left = SIZE_MAX}, back = {.calls_left = SIZE_MAX};
    struct digest written, read;
    buffer_init(&file.bytes, 0);
    buffer_init(&back.bytes, 0);
    assert_true(write_stream(&file, &written));
    struct digest whole = digest_of(file.bytes.data, file.bytes.size);
    assert_true(digest_equal(&whole, &written));
    assert_true(open_payload(file.bytes.data, file.bytes.size, CONTAINER_MANIFEST));
    for (size_t piece = 1; piece <= file.bytes.size; piece += 7) {
        buffer_clear(&back.bytes);
        assert_true(read_stream(&file.bytes, file.bytes.size, piece, &back, &read));
        assert_true(digest_equal(&read, &written));
        assert_int_equal(back.bytes.size, sizeof payload);
        assert_memory_equal(back.bytes.data, payload, sizeof payload);
    }
    for (size_t size = 0; size < file.bytes.size; size++)
        assert_false(read_stream(&file.bytes, size, 13, &back, &read));
    for (size_t i = 0; i < file.bytes.size; i++) {
        file.bytes.data[i] = (char)(file.bytes.data[i] ^ 1);
        assert_false(read_stream(&file.bytes, file.bytes.size, 13, &back, &read));
        file.bytes.data[i] = (char)(file.bytes.data[i] ^ 1);
    }
    buffer_fini(&file.bytes);
    buffer_fini(&back.bytes);
}

static void test_failing_sinks_stop_the_stream(void **state)
{
    (void)state;
    struct digest digest;
    for (size_t calls = 0; calls < 4; calls++) {
        struct sink sink = {.calls_left = calls};
        buffer_init(&sink.bytes, 0);
        assert_false(write_stream(&sink, &digest));
        buffer_fini(&sink.bytes);
    }
    struct sink file = {.calls_left = SIZE_MAX}, back = {.calls_left = 1};
    buffer_init(&file.bytes, 0);
    buffer_init(&back.bytes, 0);
    assert_true(write_stream(&file, &digest));
    assert_false(read_stream(&file.bytes, file.bytes.size, 40, &back, &digest));
    buffer_fini(&file.bytes);
    buffer_fini(&back.bytes);
}

static void test_stated_length_is_kept_to(void **state)
{
    (void)state;
    struct sink file = {.calls_left = SIZE_MAX}, back = {.calls_left = SIZE_MAX};
    struct digest digest;
    buffer_init(&file.bytes, 0);
    buffer_init(&back.bytes, 0);
    container_encode(CONTAINER_MANIFEST, payload, sizeof payload, &file.bytes);
    assert_true(read_stream(&file.bytes, file.bytes.size, 11, &back, &digest));
    buffer_append_byte(&file.bytes, 0);
    assert_false(read_stream(&file.bytes, file.bytes.size, 11, &back, &digest));
    struct container_reader reader;
    struct error error = ERROR_NONE;
    container_reader_init(&reader, CONTAINER_MANIFEST, sink_add, &back);
    reader.held.limit = 8;
    assert_false(container_reader_feed(&reader, payload, sizeof payload, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    container_reader_fini(&reader);
    buffer_fini(&file.bytes);
    buffer_fini(&back.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file),
        cmocka_unit_test(test_a_newer_version_says_so),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_failing_sinks_stop_the_stream),
        cmocka_unit_test(test_stated_length_is_kept_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
