/* hdfs_store_test.c: the options of an instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "component/hdfs/hdfs.h"

static const struct {
    const char *more, *complaint; /* complaint NULL: they are right */
} cases[] = {
    {"", NULL},
    {",\"datanode_connect_ms\":2000,\"datanode_silence_ms\":60000", NULL},
    {",\"datanode_connect_ms\":10", NULL},
    {",\"datanode_connect_ms\":9", "datanode_connect_ms: 10 to 3600000 milliseconds"},
    {",\"datanode_connect_ms\":\"5s\"", "datanode_connect_ms: 10 to 3600000 milliseconds"},
    {",\"datanode_silence_ms\":3600001", "datanode_silence_ms: 10 to 3600000 milliseconds"},
    {",\"datanode_silence_ms\":1.5", "datanode_silence_ms: 10 to 3600000 milliseconds"},
    {",\"datanode_silence_ms\":null", "datanode_silence_ms: 10 to 3600000 milliseconds"},
    {",\"datanode_wait_ms\":5", "unknown member \"datanode_wait_ms\""},
};

static void test_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        json_t *options;
        char text[256];
        snprintf(text, sizeof text, "{\"namenodes\":[\"http://nn1:9870\"],\"user\":\"coeval\"%s}",
                 cases[i].more);
        assert_true(json_parse(text, strlen(text), &options, &error));
        bool right = hdfs_component.check_options(options, &error);
        assert_true(right == (cases[i].complaint == NULL));
        if (!right)
            assert_string_equal(error.text, cases[i].complaint);
        struct store_config config = {"east", "hdfs", "/coeval", options};
        struct store *store = NULL;
        assert_true(hdfs_component.open(&config, &store, &error) == right);
        hdfs_component.close(store);
        json_decref(options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
