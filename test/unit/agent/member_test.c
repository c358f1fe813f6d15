/* member_test.c: members, roots, exclusions and stores, as an order's body names them. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "agent/member.h"
#include "base/json.h"
#include "base/path.h"

static struct error failure;
static struct task *task;

static int set_up(void **state)
{
    failure = ERROR_NONE;
    task = NULL;
    return bed_set_up(state);
}

static int tear_down(void **state)
{
    task_free(task);
    return bed_tear_down(state);
}

/* A task of york's agent with this body. */
static void take(const char *kind, const char *body)
{
    struct instruction order = {.key = "k",
                                .kind = kind,
                                .pair = BED_PAIR,
                                .service = BED_SERVICE,
                                .service_name = "bills",
                                .device = "d"};
    struct instruction parsed;
    json_t *document;
    if (!json_parse(body, strlen(body), &document, &failure))
        fail_msg("%s: %s", failure.text, body);
    document = instruction_format(&order, document);
    assert_true(instruction_parse(document, &parsed, &failure));
    task_free(task);
    failure = ERROR_NONE;
    task = task_new(bed.agents[YORK], task_kind_find(kind), &parsed);
}

#define MEMBER(id, rest)                                                                           \
    "{\"id\": \"" id "\", \"instance\": \"posix\", \"source_root\": \"/data\","                    \
    " \"source_path\": \"/data/" id "\", \"target_instance\": \"posix\", \"target_root\": \"/t\"," \
    " \"target_path\": \"/t/" id "\"" rest "}"

static void take_members(const char *list)
{
    char body[2048];
    snprintf(body, sizeof body, "{\"members\": [%s]}", list);
    take("transfer", body);
}

/* ---- members -------------------------------------------------------------------------------- */

static void test_members(void **state)
{
    struct members members;
    (void)state;
    take_members(MEMBER("m1", "") "," MEMBER("m2", ", \"tombstone\": true"));
    assert_true(members_read(task, &members, &failure));
    assert_int_equal(members.count, 2);
    const struct member *first = &members.list[0];
    assert_string_equal(first->id, "m1");
    assert_string_equal(first->source_below, "m1");
    assert_string_equal(first->target_below, "m1");
    assert_string_equal(first->target_path, "/t/m1");
    assert_false(first->tombstone);
    assert_true(members.list[1].tombstone);
    take_members("");
    assert_true(members_read(task, &members, &failure));
    assert_int_equal(members.count, 0);
}

static void test_what_a_member_must_not_be(void **state)
{
    static const char *const changes[][2] = {
        {"id", "\"a.b\""},
        {"id", "\"\""},
        {"id", "\"../x\""},
        {"id", "7"},
        {"instance", "null"},
        {"source_path", "\"/data/../etc\""},
        {"source_path", "\"data\""},
        {"source_path", "\"/elsewhere\""},
        {"source_path", "\"/database\""},
        {"target_path", "\"/t/\""},
        {"target_path", "\"/u\""},
        {"target_root", "\"//t\""},
        {"target_instance", "1"},
        {"source_root", "null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct members members;
        char rest[256];
        json_t *value;
        take_members(MEMBER("m1", ""));
        json_t *list = json_object_get(task->instruction.body, "members");
        snprintf(rest, sizeof rest, "{\"x\": %s}", changes[i][1]);
        assert_true(json_parse(rest, strlen(rest), &value, &failure));
        json_object_set(json_array_get(list, 0), changes[i][0], json_object_get(value, "x"));
        json_decref(value);
        failure = ERROR_NONE;
        if (members_read(task, &members, &failure))
            fail_msg("%s %s", changes[i][0], changes[i][1]);
        assert_non_null(strstr(failure.text, "members[0]"));
    }
}

static void test_no_members(void **state)
{
    struct members members;
    (void)state;
    take("transfer", "{}");
    assert_false(members_read(task, &members, &failure));
    take("transfer", "{\"members\": {}}");
    assert_false(members_read(task, &members, &failure));
}

static void test_a_long_id(void **state)
{
    char id[128], list[1024];
    struct members members;
    (void)state;
    for (size_t length = 64; length <= 65; length++) {
        memset(id, 'a', length);
        id[length] = '\0';
        snprintf(list, sizeof list,
                 "{\"id\": \"%s\", \"instance\": \"posix\", \"source_root\": \"/d\","
                 " \"source_path\": \"/d\", \"target_instance\": \"posix\", \"target_root\": "
                 "\"/d\", \"target_path\": \"/d\"}",
                 id);
        take_members(list);
        assert_int_equal(members_read(task, &members, &failure), length == 64);
    }
}

/* ---- roots ---------------------------------------------------------------------------------- */

static void test_distinct_roots(void **state)
{
    struct members members;
    struct member_roots roots;
    (void)state;
    take_members(MEMBER("m1", "") "," MEMBER(
        "m2", "") ","
                  "{\"id\": \"m3\", \"instance\": \"posix\", \"source_root\": \"/other\","
                  " \"source_path\": \"/other\", \"target_instance\": \"posix\", \"target_root\": "
                  "\"/t\", \"target_path\": \"/t/m3\", \"tombstone\": true}");
    assert_true(members_read(task, &members, &failure));
    assert_true(members_roots(task, &members, false, "lyon", &roots, &failure));
    assert_int_equal(roots.count, 1); /* what is gone from A has no root there */
    assert_string_equal(roots.list[0].root, "/data");
    assert_ptr_equal(roots.list[0].ref.store, bed.stores[LYON].ref.store);
    assert_true(members_roots(task, &members, true, "york", &roots, &failure));
    assert_int_equal(roots.count, 1);
    assert_string_equal(roots.list[0].root, "/t");
    assert_false(members_roots(task, &members, true, "paris", &roots, &failure));
    assert_int_equal(failure.code, ERROR_INVALID);
}

/* ---- settings ------------------------------------------------------------------------------- */

static void test_clusters_and_exclusions(void **state)
{
    const char *a, *b;
    (void)state;
    take("transfer", "{\"settings\": {\"clusters\": {\"a\": \"lyon\", \"b\": \"york\"}, "
                     "\"exclude\": [\".coeval\", 7, \"/tmp\"]}}");
    assert_true(task_clusters(task, &a, &b, &failure));
    assert_string_equal(a, "lyon");
    assert_string_equal(b, "york");
    const char *const *excludes = task_excludes(task);
    assert_string_equal(excludes[0], ".coeval");
    assert_string_equal(excludes[1], "/tmp");
    assert_null(excludes[2]);
    take("transfer", "{}");
    assert_null(task_settings(task));
    assert_null(task_excludes(task)[0]);
    assert_false(task_clusters(task, &a, &b, &failure));
}

static void identity_of(enum bed_side side, char *ret_identity)
{
    struct call call = {.wait_ms = 0};
    struct store_ref ref = bed.stores[side].ref;
    assert_true(ref.component->identify(ref.store, &call, ret_identity, &failure));
}

static bool check(const char *kind, const char *cluster, const char *instance, const char *identity)
{
    char body[1024];
    snprintf(body, sizeof body,
             "{\"settings\": {\"stores\": [{\"cluster\": \"%s\", \"instance\": \"%s\","
             " \"identity\": \"%s\"}]}}",
             cluster, instance, identity);
    take(kind, body);
    return task_check_stores(task, &failure);
}

static void test_stores_are_those_that_were_paired(void **state)
{
    char lyon[STORE_IDENTITY_SIZE], york[STORE_IDENTITY_SIZE];
    (void)state;
    identity_of(LYON, lyon);
    identity_of(YORK, york);
    assert_true(check("transfer", "lyon", "posix", lyon));
    assert_true(check("transfer", "york", "posix", york));
    assert_false(check("transfer", "lyon", "posix", york));
    assert_int_equal(failure.code, ERROR_CONFLICT);
    assert_false(check("commit", "york", "posix", lyon));
    assert_true(check("commit", "lyon", "posix", york));   /* B commits without A */
    assert_true(check("commit", "york", "archive", lyon)); /* not this agent's */
    spy_fail("identify", "", ERROR_UNAVAILABLE, 1);
    assert_false(check("commit", "york", "posix", york));
    assert_int_equal(failure.code, ERROR_UNAVAILABLE);
    take("commit", "{\"settings\": {\"stores\": [{\"cluster\": \"york\"}]}}");
    assert_false(task_check_stores(task, &failure));
    take("commit", "{}");
    assert_true(task_check_stores(task, &failure));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_members),
        T(test_what_a_member_must_not_be),
        T(test_no_members),
        T(test_a_long_id),
        T(test_distinct_roots),
        T(test_clusters_and_exclusions),
        T(test_stores_are_those_that_were_paired),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
