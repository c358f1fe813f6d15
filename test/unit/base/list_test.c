/* list_test.c: order, and removal of the current entry while walking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct entry {
    int number;
    struct list node;
};

static int sum_in_order(struct list *list)
{
    int digits = 0;
    list_for_each(entry, list, struct entry, node)
        digits = digits * 10 + entry->number;
    return digits;
}

static void test_order_and_removal(void **state)
{
    (void)state;
    struct list list;
    struct entry entries[5];
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_int_equal(sum_in_order(&list), 0);
    for (int i = 0; i < 5; i++) {
        entries[i].number = i + 1;
        list_append(&list, &entries[i].node);
    }
    assert_false(list_is_empty(&list));
    assert_int_equal(sum_in_order(&list), 12345);
    list_remove(&entries[0].node);
    list_remove(&entries[4].node);
    list_remove(&entries[4].node); /* twice does no harm */
    assert_int_equal(sum_in_order(&list), 234);
    list_append(&list, &entries[0].node);
    assert_int_equal(sum_in_order(&list), 2341);
    assert_ptr_equal(list_entry(list.next, struct entry, node), &entries[1]);
}

static void test_the_current_entry_may_go(void **state)
{
    (void)state;
    struct list list;
    struct entry entries[4];
    list_init(&list);
    for (int i = 0; i < 4; i++) {
        entries[i].number = i + 1;
        list_append(&list, &entries[i].node);
    }
    list_for_each(entry, &list, struct entry, node)
        if (entry->number % 2 == 0)
            list_remove(&entry->node);
    assert_int_equal(sum_in_order(&list), 13);
    list_for_each(entry, &list, struct entry, node)
        list_remove(&entry->node);
    assert_true(list_is_empty(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_removal),
        cmocka_unit_test(test_the_current_entry_may_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
