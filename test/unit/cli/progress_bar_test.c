/* progress_bar_test.c: one line that fits, whatever the epoch says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/progress_bar.h"
#include "cli/table.h"

static void print(const char *epoch, size_t width, struct buffer *text)
{
    json_t *document = json_loads(epoch, 0, NULL);
    assert_non_null(document);
    buffer_init(text, 0);
    progress_bar_print(document, width, text);
    json_decref(document);
}

static void expect(const char *epoch, size_t width, const char *wanted)
{
    struct buffer text;
    print(epoch, width, &text);
    assert_string_equal(buffer_text(&text), wanted);
    buffer_fini(&text);
}

#define RECEIVING                                                                   \
    "{\"state\":\"receiving\",\"progress\":{\"phase\":\"copy\",\"files_done\":310," \
    "\"files_total\":600,\"bytes_done\":1288699904,\"bytes_total\":2577399808,"     \
    "\"bytes_per_second\":125829120,\"seconds_left\":10}}"

static void test_everything(void **state)
{
    (void)state;
    expect(RECEIVING, 100,
           "receiving (copy)  [==========>         ]  50%  1.2 GiB/2.4 GiB  310/600 files  "
           "120 MiB/s  0:10 left");
}

/* What `coeval epoch show --follow` leaves of 80 places behind "warehouse/1234  ". */
static void test_a_small_terminal(void **state)
{
    (void)state;
    expect(RECEIVING, 66, "copy  50%  1.2 GiB/2.4 GiB  310/600 files  120 MiB/s  0:10 left");
    expect(RECEIVING, 78,
           "receiving (copy)  50%  1.2 GiB/2.4 GiB  310/600 files  120 MiB/s  0:10 left");
    expect(RECEIVING, 49, "copy  50%  1.2 GiB/2.4 GiB  120 MiB/s  0:10 left");
    expect(RECEIVING, 39, "copy  50%  1.2 GiB/2.4 GiB  0:10 left");
}

static void test_an_operation(void **state)
{
    struct buffer text;
    json_t *document =
        json_loads("{\"kind\":\"check\",\"doing\":\"asking cluster west\",\"done\":1,"
                   "\"total\":2,\"unit\":\"clusters\",\"service\":null}",
                   0, NULL);
    (void)state;
    buffer_init(&text, 0);
    progress_bar_print_operation(document, 79, &text);
    assert_string_equal(buffer_text(&text), "check: asking cluster west  "
                                            "[==============>              ]  50%  1/2 clusters");
    buffer_clear(&text);
    json_object_set_new(document, "total", json_integer(0));
    json_object_set_new(document, "service", json_string("bills"));
    progress_bar_print_operation(document, 79, &text);
    assert_string_equal(buffer_text(&text), "check bills: asking cluster west");
    json_decref(document);
    document = json_loads("{\"kind\":\"verify\",\"doing\":\"cluster west: verify\",\"done\":7,"
                          "\"total\":20,\"unit\":\"entries\",\"service\":\"bills\","
                          "\"bytes_done\":3000000,\"bytes_total\":12000000,"
                          "\"bytes_per_second\":1000000,\"seconds_left\":9}",
                          0, NULL);
    buffer_clear(&text);
    progress_bar_print_operation(document, 120, &text);
    assert_string_equal(
        buffer_text(&text),
        "verify bills: cluster west: verify  [=====>                ]  25%  7/20 entries"
        "  2.8 MiB/11.4 MiB  976 KiB/s  0:09 left");
    buffer_fini(&text);
    json_decref(document);
}

static void test_every_width_is_kept(void **state)
{
    (void)state;
    for (size_t width = 0; width < 140; width++) {
        struct buffer text;
        print(RECEIVING, width, &text);
        size_t least = strlen("receiving (copy)"); /* the state is always said */
        assert_true(table_width(buffer_text(&text)) <= (width > least ? width : least));
        buffer_fini(&text);
    }
}

static void test_nothing_known_yet(void **state)
{
    (void)state;
    expect("{\"state\":\"planned\",\"progress\":{\"phase\":\"\",\"bytes_total\":0}}", 80,
           "planned");
    expect("{\"state\":\"armed\",\"progress\":{\"phase\":\"armed\"}}", 80, "armed");
    expect("{}", 80, "");
}

static void test_a_rate_that_is_none_yet(void **state)
{
    (void)state;
    expect("{\"state\":\"receiving\",\"progress\":{\"bytes_done\":1,\"bytes_total\":400000000,"
           "\"bytes_per_second\":538,\"seconds_left\":743494}}",
           46, "receiving  0%  1 B/381 MiB  538 B/s");
}

static void test_files_without_bytes(void **state)
{
    (void)state;
    expect("{\"state\":\"receiving\",\"progress\":{\"files_done\":3,\"files_total\":4}}", 60,
           "receiving  [======================>       ]  75%  3/4 files");
}

static void test_done_and_overdone(void **state)
{
    (void)state;
    expect("{\"state\":\"x\",\"progress\":{\"bytes_done\":9,\"bytes_total\":8}}", 20,
           "x  100%  9 B/8 B");
    expect("{\"state\":\"x\",\"progress\":{\"bytes_done\":-1,\"bytes_total\":-8}}", 20, "x");
}

static void test_a_peers_text_is_harmless(void **state)
{
    (void)state;
    expect("{\"state\":\"\\u001b[2J\",\"progress\":{\"phase\":\"\\n\"}}", 40, "\\x1b[2J (\\x0a)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_a_small_terminal),
        cmocka_unit_test(test_an_operation),
        cmocka_unit_test(test_every_width_is_kept),
        cmocka_unit_test(test_nothing_known_yet),
        cmocka_unit_test(test_a_rate_that_is_none_yet),
        cmocka_unit_test(test_files_without_bytes),
        cmocka_unit_test(test_done_and_overdone),
        cmocka_unit_test(test_a_peers_text_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
