/* crash_test.c: only the named passage of the named point in the named scope ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/crash.h"
#include "child.h"

static const char *at, *scope;
static char output[256];

/* Passes agent.commit three times and agent.commit.parked once, in two scopes; each byte written
 * says how far it came. */
static void pass_points(void)
{
    if (at != NULL)
        setenv("COEVAL_CRASH_AT", at, 1);
    if (scope != NULL)
        setenv("COEVAL_CRASH_SCOPE", scope, 1);
    crash_point("agent.commit", "a");
    dprintf(STDERR_FILENO, "1");
    crash_point("agent.commit", "b");
    dprintf(STDERR_FILENO, "2");
    crash_point("agent.commit.parked", NULL);
    dprintf(STDERR_FILENO, "3");
    crash_point("agent.commit", "a");
    dprintf(STDERR_FILENO, "4");
}

static void check(const char *wanted, const char *wanted_scope, int signal_number,
                  const char *expected)
{
    at = wanted;
    scope = wanted_scope;
    assert_int_equal(child_run(pass_points, output, sizeof output), signal_number);
    assert_string_equal(output, expected);
}

static void test_points(void **state)
{
    (void)state;
    unsetenv("COEVAL_CRASH_AT");
    unsetenv("COEVAL_CRASH_SCOPE");
    check(NULL, NULL, 0, "1234");
    check("agent.other", NULL, 0, "1234");
    check("agent.commi", NULL, 0, "1234");
    check("agent.commit", NULL, SIGKILL, "coeval: crash point agent.commit\n");
    check("agent.commit:2", NULL, SIGKILL, "1coeval: crash point agent.commit\n");
    check("agent.commit:3", NULL, SIGKILL, "123coeval: crash point agent.commit\n");
    check("agent.commit:4", NULL, 0, "1234");
    check("agent.commit.parked", NULL, SIGKILL, "12coeval: crash point agent.commit.parked\n");
    check("agent.commit", "b", SIGKILL, "1coeval: crash point agent.commit\n");
    setenv("COEVAL_CRASH_SIGNAL", "TERM", 1);
    check("agent.commit:2", NULL, SIGTERM, "1coeval: crash point agent.commit\n");
    unsetenv("COEVAL_CRASH_SIGNAL");
    check("agent.commit:2", "a", SIGKILL, "123coeval: crash point agent.commit\n");
    check("agent.commit.parked", "a", 0, "1234");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_points)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
