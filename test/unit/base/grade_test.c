/* grade_test.c: names of grades and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/grade.h"

static void test_names_round_trip(void **state)
{
    (void)state;
    for (int i = GRADE_ATOMIC; i <= GRADE_FUZZY; i++) {
        enum grade grade = GRADE_ATOMIC;
        assert_true(grade_from_name(grade_name((enum grade)i), &grade));
        assert_int_equal(grade, i);
    }
}

static void test_unknown_name_leaves_the_result_alone(void **state)
{
    (void)state;
    enum grade grade = GRADE_QUIESCED;
    assert_false(grade_from_name("Atomic", &grade));
    assert_int_equal(grade, GRADE_QUIESCED);
}

static void test_order_is_strength(void **state)
{
    (void)state;
    assert_true(GRADE_ATOMIC < GRADE_QUIESCED);
    assert_true(GRADE_QUIESCED < GRADE_BOUNDED);
    assert_true(GRADE_BOUNDED < GRADE_FUZZY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_round_trip),
        cmocka_unit_test(test_unknown_name_leaves_the_result_alone),
        cmocka_unit_test(test_order_is_strength),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
