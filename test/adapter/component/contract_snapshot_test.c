/* contract_snapshot_test.c: snapshots: made, found, read, isolated, removed; moments; suspects. */
#include <string.h>

#include "base/clock.h"
#include "contract_fixture.h"

static struct snapshot take(const char *root, const char *name)
{
    struct error error = ERROR_NONE;
    struct snapshot snapshot = {0};
    ok(fixture.component->snapshot_create(fixture.store, &fixture.call, at(root), name, &snapshot,
                                          &error));
    assert_string_equal(snapshot.name, name);
    return snapshot;
}

static void allow(const char *root)
{
    struct error error = ERROR_NONE;
    ok(fixture.component->allow_snapshots(fixture.store, &fixture.call, at(root), &error));
}

static void forget(const char *root, const char *name)
{
    struct error error = ERROR_NONE;
    ok(fixture.component->snapshot_remove(fixture.store, &fixture.call, at(root), name, &error));
}

static const char *in_snapshot(const char *root, const char *name, const char *relative)
{
    return fixture.component->snapshot_path(fixture.store, at(root), name, relative,
                                            &fixture.arena);
}

static void roots_do_not_nest(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    make("r");
    make("r/below");
    make("r2");
    fails(ERROR_NOT_FOUND,
          fixture.component->allow_snapshots(fixture.store, &fixture.call, at("none"), &error));
    allow("r");
    allow("r");
    allow("r2");
    fails(ERROR_CONFLICT,
          fixture.component->allow_snapshots(fixture.store, &fixture.call, at("r/below"), &error));
    fails(ERROR_CONFLICT,
          fixture.component->allow_snapshots(fixture.store, &fixture.call, at(""), &error));
}

static void a_root_is_given_back(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    make("r");
    make("r/below");
    ok(fixture.component->disallow_snapshots(fixture.store, &fixture.call, at("r"), &error));
    allow("r");
    take("r", "s1");
    fails(ERROR_CONFLICT,
          fixture.component->disallow_snapshots(fixture.store, &fixture.call, at("r"), &error));
    forget("r", "s1");
    ok(fixture.component->disallow_snapshots(fixture.store, &fixture.call, at("r"), &error));
    ok(fixture.component->disallow_snapshots(fixture.store, &fixture.call, at("r"), &error));
    allow("r/below");
    take("r/below", "s1");
    forget("r/below", "s1");
}

static void snapshots_need_permission_and_a_fresh_name(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    make("r");
    bool made = fixture.component->snapshot_create(fixture.store, &fixture.call, at("r"), "s1",
                                                   &snapshot, &error);
    assert_false(made);
    error = ERROR_NONE;
    allow("r");
    fails(ERROR_NOT_FOUND, fixture.component->snapshot_get(fixture.store, &fixture.call, at("r"),
                                                           "s1", &snapshot, &error));
    fails(ERROR_NOT_FOUND,
          fixture.component->snapshot_remove(fixture.store, &fixture.call, at("r"), "s1", &error));
    take("r", "s1");
    fails(ERROR_EXISTS, fixture.component->snapshot_create(fixture.store, &fixture.call, at("r"),
                                                           "s1", &snapshot, &error));
    fails(ERROR_INVALID, fixture.component->snapshot_create(fixture.store, &fixture.call, at("r"),
                                                            "a/b", &snapshot, &error));
    forget("r", "s1");
    fails(ERROR_NOT_FOUND,
          fixture.component->snapshot_remove(fixture.store, &fixture.call, at("r"), "s1", &error));
}

static bool keep_names(void *context, const struct snapshot *snapshot, struct error *error)
{
    (void)error;
    buffer_append_format(context, "%s,", snapshot->name);
    return true;
}

static void snapshots_are_listed_in_their_order(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct buffer names;
    buffer_init(&names, 0);
    make("r");
    allow("r");
    int64_t before_us = clock_realtime_us();
    struct snapshot z = take("r", "z"), a = take("r", "a"), m = take("r", "m"), got;
    assert_true(z.id == 0 || (z.id < a.id && a.id < m.id));
    assert_true(z.instant_us >= before_us - 1000); /* milliseconds may be cut */
    assert_true(a.instant_us >= z.instant_us && m.instant_us <= clock_realtime_us());
    ok(fixture.component->snapshot_get(fixture.store, &fixture.call, at("r"), "a", &got, &error));
    assert_true(got.id == a.id && got.instant_us == a.instant_us);
    assert_string_equal(got.name, "a");
    ok(fixture.component->snapshot_list(fixture.store, &fixture.call, at("r"), keep_names, &names,
                                        &error));
    assert_string_equal(buffer_text(&names), "z,a,m,");
    forget("r", "a");
    buffer_clear(&names);
    ok(fixture.component->snapshot_list(fixture.store, &fixture.call, at("r"), keep_names, &names,
                                        &error));
    assert_string_equal(buffer_text(&names), "z,m,");
    buffer_fini(&names);
    forget("r", "z");
    forget("r", "m");
}

static void snapshots_keep_what_was(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    make("r");
    make("r/d");
    make("r/empty");
    put("r/d/f", "old");
    put("r/g", "same");
    put("r/zero", "");
    struct entry wanted = {.mode = 0640, .mtime_ns = 1234567890123000000};
    ok(fixture.component->set_attributes(fixture.store, &fixture.call, at("r/d/f"), &wanted,
                                         ENTRY_MODE | ENTRY_TIMES, &error));
    struct entry before = look("r/d/f"), directory = look("r/d");
    allow("r");
    take("r", "s1");
    drop("r/d");
    move("r/g", "r/h");
    put("r/new", "new");
    take("r", "s2");
    assert_string_equal(get_path(in_snapshot("r", "s1", "d/f")), "old");
    assert_string_equal(get_path(in_snapshot("r", "s1", "g")), "same");
    assert_string_equal(get_path(in_snapshot("r", "s1", "zero")), "");
    assert_null(get_path(in_snapshot("r", "s1", "new")));
    assert_int_equal(look_path(in_snapshot("r", "s1", "empty")).type, ENTRY_DIRECTORY);
    struct entry kept = look_path(in_snapshot("r", "s1", "d/f"));
    assert_int_equal(entry_compare(&kept, &before, ENTRY_ALL), 0);
    kept = look_path(in_snapshot("r", "s1", "d"));
    assert_int_equal(entry_compare(&kept, &directory, ENTRY_ALL), 0);
    assert_string_equal(get_path(in_snapshot("r", "s2", "h")), "same");
    assert_null(get_path(in_snapshot("r", "s2", "g")));
    forget("r", "s1");
    assert_string_equal(get_path(in_snapshot("r", "s2", "h")), "same");
    assert_string_equal(get_path(in_snapshot("r", "s2", "new")), "new");
    forget("r", "s2");
}

static void writers_do_not_reach_snapshots(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    if (fixture.contract->rewrite == NULL)
        return;
    make("r");
    put("r/f", "one");
    allow("r");
    take("r", "s1");
    ok(fixture.contract->rewrite(fixture.contract->context, at("r/f"), "two, longer"));
    take("r", "s2");
    ok(fixture.contract->rewrite(fixture.contract->context, at("r/f"), "two, lonGer"));
    assert_string_equal(get_path(in_snapshot("r", "s1", "f")), "one");
    assert_string_equal(get_path(in_snapshot("r", "s2", "f")), "two, longer");
    forget("r", "s1");
    forget("r", "s2");
}

static void snapshots_are_read_only(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct store_writer *writer = NULL;
    struct entry wanted = {.mode = 0600};
    make("r");
    put("r/f", "x");
    allow("r");
    take("r", "s1");
    const char *file = in_snapshot("r", "s1", "f"), *fresh = in_snapshot("r", "s1", "new");
    fails(ERROR_DENIED,
          fixture.component->make_directory(fixture.store, &fixture.call, fresh, 0755, &error));
    fails(ERROR_DENIED,
          fixture.component->remove(fixture.store, &fixture.call, file, false, &error));
    fails(ERROR_DENIED,
          fixture.component->rename(fixture.store, &fixture.call, at("r/f"), fresh, false, &error));
    fails(ERROR_DENIED, fixture.component->set_attributes(fixture.store, &fixture.call, file,
                                                          &wanted, ENTRY_MODE, &error));
    fails(ERROR_DENIED, fixture.component->write_open(fixture.store, &fixture.call, fresh, 0644,
                                                      &writer, &error));
    assert_string_equal(get_path(file), "x");
    forget("r", "s1");
}

/* A moment over two roots: instants inside the window, names as ordered, then readable. */
static void moments_freeze_all_roots(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct moment *moment = NULL;
    struct moment_options options = {.barrier_wait_ms = 5000};
    make("r1");
    make("r2");
    put("r1/f", "1");
    put("r2/f", "2");
    allow("r1");
    allow("r2");
    struct moment_root roots[2] = {{.root = at("r1"), .snapshot = "m"},
                                   {.root = at("r2"), .snapshot = "m"}};
    ok(fixture.component->moment_prepare(fixture.store, &fixture.call, roots, 2, &options, &moment,
                                         &error));
    int64_t before_ns = clock_monotonic_raw_ns(), before_us = clock_realtime_us();
    fixture.component->moment_fire(moment);
    int64_t after_ns = clock_monotonic_raw_ns();
    ok(fixture.component->moment_finish(moment, &fixture.call, &error));
    fixture.component->moment_free(moment);
    fixture.component->moment_free(NULL);
    for (int i = 0; i < 2; i++) {
        struct snapshot snapshot;
        assert_int_equal(roots[i].error.code, ERROR_OK);
        assert_true(roots[i].fired);
        assert_true(roots[i].sent_ns >= before_ns && roots[i].sent_ns <= roots[i].answered_ns);
        assert_true(roots[i].answered_ns <= after_ns || has_feature(COMPONENT_SNAPSHOT_CHEAP));
        assert_true(roots[i].instant_us >= before_us - 1000);
        ok(fixture.component->snapshot_get(fixture.store, &fixture.call, roots[i].root, "m",
                                           &snapshot, &error));
        assert_true(snapshot.id == roots[i].id && snapshot.instant_us == roots[i].instant_us);
    }
    assert_string_equal(get_path(in_snapshot("r2", "m", "f")), "2");
    forget("r1", "m");
    forget("r2", "m");
}

static void moment_that_is_not_fired_leaves_nothing(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct moment *moment = NULL;
    struct moment_options options = {0};
    struct snapshot snapshot;
    make("r");
    allow("r");
    struct moment_root root = {.root = at("r"), .snapshot = "m"};
    ok(fixture.component->moment_prepare(fixture.store, &fixture.call, &root, 1, &options, &moment,
                                         &error));
    fixture.component->moment_free(moment);
    fails(ERROR_NOT_FOUND, fixture.component->snapshot_get(fixture.store, &fixture.call, at("r"),
                                                           "m", &snapshot, &error));
}

static void quiet_files_are_no_suspects(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    bool suspect = true;
    make("r");
    put("r/f", "x");
    allow("r");
    take("r", "s1");
    ok(fixture.component->is_suspect(fixture.store, &fixture.call, at("r"), "f", "s1", &suspect,
                                     &error));
    assert_false(suspect);
    forget("r", "s1");
}

static uint64_t pinned(const char *relative, const char *name)
{
    struct error error = ERROR_NONE;
    uint64_t bytes = 0;
    ok(fixture.component->pinned(fixture.store, &fixture.call, at("r"), relative, name, &bytes,
                                 &error));
    return bytes;
}

static void what_was_deleted_is_pinned(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    uint64_t bytes;
    make("r");
    make("r/d");
    make("r/e");
    put("r/d/f", "0123456789");
    put("r/e/f", "01234");
    allow("r");
    fails(ERROR_NOT_FOUND, fixture.component->pinned(fixture.store, &fixture.call, at("r"), "none",
                                                     "s1", &bytes, &error));
    take("r", "s1");
    if (pinned("", "s1") != UINT64_MAX) {
        drop("r/d/f");
        assert_in_range(pinned("", "s1"), 10, 10000);
        assert_in_range(pinned("d", "s1"), 10, 10000);
        assert_true(pinned("e", "s1") < pinned("d", "s1"));
        drop("r/e"); /* a data set that is gone as a whole */
        assert_in_range(pinned("e", "s1"), 5, 5000);
    }
    forget("r", "s1");
}

struct findings {
    size_t count[3];
};

static void count_finding(void *context, const struct finding *finding)
{
    struct findings *findings = context;
    findings->count[finding->level]++;
    assert_true(strlen(finding->what) > 0);
    assert_true(finding->level == FINDING_OK || strlen(finding->remedy) > 0);
}

static void check_reports_findings(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    make("r");
    const char *const good[] = {at("r")}, *const bad[] = {at("none")};
    struct findings findings = {0};
    ok(fixture.component->check(fixture.store, &fixture.call, STORE_SOURCE, good, 1, count_finding,
                                &findings, &error));
    assert_int_equal(findings.count[FINDING_ERROR], 0);
    assert_true(findings.count[FINDING_OK] > 0);
    findings = (struct findings){0};
    ok(fixture.component->check(fixture.store, &fixture.call, STORE_TARGET, good, 1, count_finding,
                                &findings, &error));
    assert_int_equal(findings.count[FINDING_ERROR], 0);
    findings = (struct findings){0};
    ok(fixture.component->check(fixture.store, &fixture.call, STORE_SOURCE, bad, 1, count_finding,
                                &findings, &error));
    assert_true(findings.count[FINDING_ERROR] > 0);
}

const struct CMUnitTest contract_snapshot_tests[] = {
    cmocka_unit_test(roots_do_not_nest),
    cmocka_unit_test(a_root_is_given_back),
    cmocka_unit_test(snapshots_need_permission_and_a_fresh_name),
    cmocka_unit_test(snapshots_are_listed_in_their_order),
    cmocka_unit_test(snapshots_keep_what_was),
    cmocka_unit_test(writers_do_not_reach_snapshots),
    cmocka_unit_test(snapshots_are_read_only),
    cmocka_unit_test(moments_freeze_all_roots),
    cmocka_unit_test(moment_that_is_not_fired_leaves_nothing),
    cmocka_unit_test(quiet_files_are_no_suspects),
    cmocka_unit_test(what_was_deleted_is_pinned),
    cmocka_unit_test(check_reports_findings),
    {0},
};
