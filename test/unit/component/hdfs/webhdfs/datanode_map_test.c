/* datanode_map_test.c: addresses of DataNodes, and for how long one is avoided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "component/hdfs/webhdfs/datanode_map.h"

#define SECOND ((int64_t)1000000000)
#define EXPIRY (DATANODE_AVOIDED_MS * 1000000)

/* As NameNode 3.4.3 tells it, with what is not read left out. */
static const char live[] =
    "{\"dn1.example:9866\":{\"infoAddr\":\"10.0.0.1:9864\",\"xferaddr\":\"10.0.0.1:9866\","
    "\"capacity\":1000,\"remaining\":10},"
    "\"dn2.example:9866\":{\"infoAddr\":\"10.0.0.2:9864\",\"xferaddr\":\"10.0.0.2:9866\","
    "\"capacity\":1000,\"remaining\":70},"
    "\"dn2.example:9876\":{\"infoAddr\":\"10.0.0.2:9874\",\"xferaddr\":\"10.0.0.2:9876\","
    "\"capacity\":1000,\"remaining\":20}}";

static int set_up(void **state)
{
    struct error error = ERROR_NONE;
    struct datanode_map *map = datanode_map_new();
    *state = map;
    return datanode_map_learn(map, live, strlen(live), SECOND, &error) ? 0 : 1;
}

static int tear_down(void **state)
{
    datanode_map_free(*state);
    return 0;
}

static void assert_found(struct datanode_map *map, const char *address, const char *excluded)
{
    char found[DATANODE_ADDRESS_SIZE] = "";
    assert_true(datanode_map_find(map, address, SECOND, found) == (excluded != NULL));
    assert_string_equal(found, excluded != NULL ? excluded : "");
}

static void test_addresses(void **state)
{
    assert_found(*state, "dn1.example:9864", "10.0.0.1:9866");
    assert_found(*state, "DN1.example:9864", "10.0.0.1:9866");
    assert_found(*state, "10.0.0.1:9864", "10.0.0.1:9866");
    assert_found(*state, "dn2.example:9874", "10.0.0.2:9876"); /* two of one host */
    assert_found(*state, "10.0.0.2:9864", "10.0.0.2:9866");
    assert_found(*state, "dn1.example:9866", NULL);
    assert_found(*state, "dn1.example", NULL);
    assert_found(*state, "dn1.example:", NULL);
    assert_found(*state, "dn1:9864", NULL);
    assert_found(*state, "", NULL);
}

static void test_what_is_known_grows_old(void **state)
{
    char found[DATANODE_ADDRESS_SIZE];
    assert_true(datanode_map_find(*state, "10.0.0.1:9864", EXPIRY, found));
    assert_false(datanode_map_find(*state, "10.0.0.1:9864", EXPIRY + SECOND, found));
}

static void test_what_is_no_list_changes_nothing(void **state)
{
    static const char odd[] = "{\"a:1\":3,\"b:2\":{}}";
    static const char *const wrong[] = {"<html>", "[]", "\"\"", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error error = ERROR_NONE;
        assert_false(datanode_map_learn(*state, wrong[i], strlen(wrong[i]), 2 * SECOND, &error));
        assert_found(*state, "10.0.0.1:9864", "10.0.0.1:9866");
    }
    struct error error = ERROR_NONE;
    assert_true(datanode_map_learn(*state, odd, strlen(odd), SECOND, &error));
    assert_found(*state, "10.0.0.1:9864", NULL);
    assert_found(*state, "b:2", NULL);
}

static void test_room(void **state)
{
    static const char none[] = "{}", fresh[] = "{\"a:1\":{\"capacity\":0,\"remaining\":0}}";
    struct error error = ERROR_NONE;
    assert_true(datanode_map_is_full(*state, 71));
    assert_false(datanode_map_is_full(*state, 70));
    datanode_map_learn(*state, fresh, strlen(fresh), SECOND, &error);
    assert_false(datanode_map_is_full(*state, 1)); /* it has not told yet */
    datanode_map_learn(*state, none, strlen(none), SECOND, &error);
    assert_false(datanode_map_is_full(*state, 1));
}

static void assert_avoided(struct datanode_map *map, int64_t now_ns, const char *list)
{
    struct buffer text;
    buffer_init(&text, 0);
    datanode_map_print_avoided(map, now_ns, &text);
    assert_string_equal(buffer_text(&text), list);
    buffer_fini(&text);
}

static void test_avoiding_ends(void **state)
{
    datanode_map_avoid(*state, "10.0.0.1:9866", SECOND);
    datanode_map_avoid(*state, "10.0.0.2:9866", 2 * SECOND);
    datanode_map_avoid(*state, "10.0.0.2:9876", 3 * SECOND);
    assert_avoided(*state, SECOND + EXPIRY - 1, ",10.0.0.1:9866,10.0.0.2:9866,10.0.0.2:9876");
    assert_avoided(*state, SECOND + EXPIRY, ",10.0.0.2:9876,10.0.0.2:9866");
    datanode_map_forget(*state, "10.0.0.2:9876");
    datanode_map_forget(*state, "10.0.0.9:9876");
    assert_avoided(*state, SECOND + EXPIRY, ",10.0.0.2:9866");
    datanode_map_avoid(*state, "10.0.0.2:9866", SECOND + EXPIRY); /* again: from now on */
    assert_avoided(*state, 2 * SECOND + EXPIRY, ",10.0.0.2:9866");
    assert_avoided(*state, SECOND + 2 * EXPIRY, "");
}

static void test_none_is_listed_twice(void **state)
{
    struct buffer text;
    datanode_map_avoid(*state, "10.0.0.1:98", SECOND);
    datanode_map_avoid(*state, "10.0.0.1:9866", SECOND);
    buffer_init(&text, 0);
    buffer_append_text(&text, ",10.0.0.1:9866,10.0.0.1:986");
    datanode_map_print_avoided(*state, SECOND, &text);
    assert_string_equal(buffer_text(&text), ",10.0.0.1:9866,10.0.0.1:986,10.0.0.1:98");
    buffer_fini(&text);
}

static void test_more_than_can_be_kept(void **state)
{
    char address[DATANODE_ADDRESS_SIZE];
    struct buffer text;
    buffer_init(&text, 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(address, sizeof address, "10.0.1.1:%d", i);
        datanode_map_avoid(*state, address, SECOND);
    }
    datanode_map_print_avoided(*state, SECOND, &text);
    assert_in_range(text.size, 100, 4000); /* it goes into a URL */
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_known_grows_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_list_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_avoiding_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_none_is_listed_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_than_can_be_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
