/* router_test.c: which route a request finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "http/router.h"

static const struct route routes[] = {
    {HTTP_GET, "/v1/epochs", NULL},
    {HTTP_GET, "/v1/epochs/newest", NULL},
    {HTTP_GET, "/v1/epochs/{id}", NULL},
    {HTTP_DELETE, "/v1/epochs/{id}", NULL},
    {HTTP_POST, "/v1/epochs/{id}/verify", NULL},
    {HTTP_HEAD, "/v1/own", NULL},
    {HTTP_GET, "/v1/own", NULL},
    {HTTP_GET, "/v1/{a}/of/{b}", NULL},
    {HTTP_GET, "/", NULL},
};

struct found {
    struct arena arena;
    const struct route *route;
    struct route_match match;
    char allowed[ROUTE_ALLOWED_SIZE];
};

static enum route_outcome find(struct found *found, enum http_method method, const char *path)
{
    arena_fini(&found->arena);
    return router_find(routes, ARRAY_LENGTH(routes), method, path, &found->arena, &found->route,
                       &found->match, found->allowed);
}

static void test_first_fitting_route_counts(void **state)
{
    (void)state;
    struct found found = {0};
    assert_int_equal(find(&found, HTTP_GET, "/v1/epochs"), ROUTE_FOUND);
    assert_ptr_equal(found.route, &routes[0]);
    assert_int_equal(find(&found, HTTP_GET, "/v1/epochs/newest"), ROUTE_FOUND);
    assert_ptr_equal(found.route, &routes[1]);
    assert_int_equal(find(&found, HTTP_DELETE, "/v1/epochs/newest"), ROUTE_FOUND);
    assert_ptr_equal(found.route, &routes[3]);
    assert_int_equal(find(&found, HTTP_GET, "/"), ROUTE_FOUND);
    assert_ptr_equal(found.route, &routes[8]);
    arena_fini(&found.arena);
}

static void test_arguments_are_decoded(void **state)
{
    (void)state;
    struct found found = {0};
    assert_int_equal(find(&found, HTTP_GET, "/v1/e%70ochs/a%2Fb%20c"), ROUTE_FOUND);
    assert_ptr_equal(found.route, &routes[2]);
    assert_string_equal(found.match.arguments[0], "a/b c");
    assert_null(found.match.arguments[1]);
    assert_int_equal(find(&found, HTTP_GET, "/v1/x/of/y"), ROUTE_FOUND);
    assert_string_equal(found.match.arguments[0], "x");
    assert_string_equal(found.match.arguments[1], "y");
    assert_int_equal(find(&found, HTTP_GET, "/v1/epochs/a%zz"), ROUTE_MALFORMED);
    assert_int_equal(find(&found, HTTP_GET, "/v1/epochs/a%00"), ROUTE_MALFORMED);
    arena_fini(&found.arena);
}

static void test_no_path(void **state)
{
    (void)state;
    static const char *const paths[] = {"/v1",
                                        "/v1/",
                                        "/v1/epochs/",
                                        "/v1/epoch",
                                        "/v1/epochs2",
                                        "//",
                                        "/v1/x/of/",
                                        "/v1/../v1/epochs",
                                        "",
                                        "/v1/x",
                                        "/v1/epochs/a/verify/b"};
    struct found found = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++)
        assert_int_equal(find(&found, HTTP_GET, paths[i]), ROUTE_NO_PATH);
    char deep[256];
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 == 0 ? '/' : 'x';
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(find(&found, HTTP_GET, deep), ROUTE_NO_PATH);
    arena_fini(&found.arena);
}

static void test_methods(void **state)
{
    (void)state;
    struct found found = {0};
    assert_int_equal(find(&found, HTTP_PUT, "/v1/epochs/x"), ROUTE_NO_METHOD);
    assert_string_equal(found.allowed, "GET, HEAD, DELETE");
    assert_int_equal(find(&found, HTTP_GET, "/v1/epochs/x/verify"), ROUTE_NO_METHOD);
    assert_string_equal(found.allowed, "POST");
    assert_int_equal(find(&found, HTTP_HEAD, "/v1/epochs/x/verify"), ROUTE_NO_METHOD);
    assert_int_equal(find(&found, HTTP_HEAD, "/v1/epochs/newest"), ROUTE_FOUND);
    assert_ptr_equal(found.route, &routes[1]); /* GET answers, its body is left out */
    assert_int_equal(find(&found, HTTP_HEAD, "/v1/epochs/x"), ROUTE_FOUND);
    assert_string_equal(found.match.arguments[0], "x");
    assert_int_equal(find(&found, HTTP_HEAD, "/v1/own"), ROUTE_FOUND);
    assert_ptr_equal(found.route, &routes[5]);
    arena_fini(&found.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_fitting_route_counts),
        cmocka_unit_test(test_arguments_are_decoded),
        cmocka_unit_test(test_no_path),
        cmocka_unit_test(test_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
