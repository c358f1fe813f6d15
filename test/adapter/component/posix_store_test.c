/* posix_store_test.c: what is particular to directories as a store: settings, a base that goes
 * away, links that lead out, deep trees, special files, hard links, holes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "component/posix/posix.h"
#include "component/posix/posix_file.h"
#include "component/posix/posix_store.h"
#include "component/store_util.h"
#include "posix_bench.h"

static const struct component *const posix = &posix_component;
static const struct call call = {0};

static int setup(void **state)
{
    static struct bench bench;
    bench_init(&bench, NULL);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    bench_fini(*state);
    return 0;
}

static void settings_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *options, *text; /* NULL: fine */
    } cases[] = {
        {"{\"base\": \"/srv/a\"}", NULL},
        {"{\"base\": \"/\", \"barrier\": \"/locks/write\"}", NULL},
        {"{}", "base is missing"},
        {"{\"barrier\": \"/x\"}", "base is missing"},
        {"{\"base\": 1}", "base: a path"},
        {"{\"base\": \"srv/a\"}", "base: 'srv/a' is no absolute path"},
        {"{\"base\": \"/srv/../a\"}", "base: '/srv/../a'"},
        {"{\"base\": \"/srv/a/\"}", "base: '/srv/a/'"},
        {"{\"base\": \"/srv/a\", \"barrier\": \"lock\"}", "barrier: 'lock'"},
        {"{\"base\": \"/srv/a\", \"barrier\": \"/\"}", "not base itself"},
        {"{\"base\": \"/srv/a\", \"barier\": \"/lock\"}", "unknown member 'barier'"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        json_t *options = NULL;
        assert_true(json_parse(cases[i].options, strlen(cases[i].options), &options, &error));
        bool fine = posix->check_options(options, &error);
        assert_int_equal(fine, cases[i].text == NULL);
        if (!fine) {
            assert_int_equal(error.code, ERROR_INVALID);
            if (strstr(error.text, cases[i].text) == NULL)
                fail_msg("'%s' not in '%s'", cases[i].text, error.text);
            struct store *store = NULL;
            struct store_config config = {.instance = "posix", .area = "/c", .options = options};
            error = ERROR_NONE;
            bench_expect(posix->open(&config, &store, &error), &error, ERROR_INVALID);
        }
        json_decref(options);
    }
    assert_ptr_equal(component_find((const struct component *const[]){posix, NULL}, "posix"),
                     posix);
    assert_null(component_find((const struct component *const[]){posix, NULL}, "hdfs"));
}

/* Taken away: unavailable, and never an empty store. Back: at work again, as the same store. */
static void missing_base_is_unavailable(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct arena arena;
    struct entry entry;
    char before[STORE_IDENTITY_SIZE], after[STORE_IDENTITY_SIZE], away[1100];
    arena_init(&arena);
    bench_write(bench, "/f", "x");
    bench_expect(posix->identify(bench->store, &call, before, &error), &error, ERROR_OK);
    snprintf(away, sizeof away, "%s-away", bench->base);
    assert_int_equal(rename(bench->base, away), 0);
    bench_expect(posix->identify(bench->store, &call, after, &error), &error, ERROR_UNAVAILABLE);
    bench_expect(posix->stat(bench->store, &call, "/f", &arena, &entry, &error), &error,
                 ERROR_UNAVAILABLE);
    bench_expect(posix->make_directory(bench->store, &call, "/d", 0755, &error), &error,
                 ERROR_UNAVAILABLE);
    bench_expect(posix->check(bench->store, &call, STORE_SOURCE, NULL, 0, NULL, NULL, &error),
                 &error, ERROR_UNAVAILABLE);
    assert_false(bench_is_there(bench, ""));
    assert_int_equal(rename(away, bench->base), 0);
    bench_expect(posix->identify(bench->store, &call, after, &error), &error, ERROR_OK);
    assert_string_equal(before, after);
    arena_fini(&arena);
}

static void identity_is_made_once_and_never_guessed(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct bench other;
    char first[STORE_IDENTITY_SIZE], second[STORE_IDENTITY_SIZE];
    bench_expect(posix->identify(bench->store, &call, first, &error), &error, ERROR_OK);
    struct store *again = bench_open(bench, NULL);
    bench_expect(posix->identify(again, &call, second, &error), &error, ERROR_OK);
    assert_string_equal(first, second);
    posix->close(again);
    bench_init(&other, NULL);
    bench_expect(posix->identify(other.store, &call, second, &error), &error, ERROR_OK);
    assert_string_not_equal(first, second);
    bench_fini(&other);
    for (const char *const *text = (const char *const[]){"", "coeval-posix ", "garbage\n", NULL};
         *text != NULL; text++) {
        assert_true(bench_overwrite(bench, "/coeval/identity", *text));
        bench_expect(posix->identify(bench->store, &call, second, &error), &error, ERROR_CORRUPT);
    }
}

static void links_do_not_lead_out(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct arena arena;
    struct entry entry = {.mode = 0777};
    struct store_reader *reader;
    struct store_writer *writer;
    struct bench outside;
    bench_init(&outside, NULL);
    bench_write(&outside, "/secret", "x");
    arena_init(&arena);
    assert_int_equal(symlink(outside.base, bench_path(bench, "/out")), 0);
    assert_int_equal(symlink("/proc/self/root", bench_path(bench, "/magic")), 0);
    assert_int_equal(symlink(bench_path(&outside, "/secret"), bench_path(bench, "/file")), 0);
    struct store *store = bench->store;
    bench_expect(posix->stat(store, &call, "/out/secret", &arena, &entry, &error), &error,
                 ERROR_INVALID);
    bench_expect(posix->stat(store, &call, "/magic/etc", &arena, &entry, &error), &error,
                 ERROR_INVALID);
    bench_expect(posix->read_open(store, &call, "/file", 0, &reader, &error), &error,
                 ERROR_INVALID);
    bench_expect(posix->write_open(store, &call, "/out/new", 0644, &writer, &error), &error,
                 ERROR_INVALID);
    bench_expect(posix->write_open(store, &call, "/file", 0644, &writer, &error), &error,
                 ERROR_EXISTS);
    entry.mode = 0777;
    bench_expect(posix->set_attributes(store, &call, "/file", &entry, ENTRY_MODE, &error), &error,
                 ERROR_OK); /* of the link, which has none */
    bench_expect(posix->remove(store, &call, "/out", true, &error), &error, ERROR_OK);
    struct stat status;
    assert_int_equal(stat(bench_path(&outside, "/secret"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    arena_fini(&arena);
    bench_fini(&outside);
}

/* The way for old kernels decides as openat2() does. */
static void stepwise_resolution_is_the_same(void **state)
{
    struct bench *bench = *state;
    bench_directory(bench, "/a");
    bench_directory(bench, "/a/b");
    bench_write(bench, "/a/f", "x");
    assert_int_equal(symlink("/", bench_path(bench, "/a/out")), 0);
    assert_int_equal(symlink("b", bench_path(bench, "/a/in")), 0);
    int base = open(bench->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct {
        const char *path;
        int number;
    } cases[] = {{"", 0},          {"a", 0},
                 {"a/b", 0},       {"a/none", ENOENT},
                 {"a/f", ENOTDIR}, {"a/f/x", ENOTDIR},
                 {"a/out", ELOOP}, {"a/out/etc", ELOOP},
                 {"a/in", ELOOP},  {name, ENAMETOOLONG}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        size_t length = strlen(cases[i].path);
        for (int way = 0; way < 2; way++) {
            errno = 0;
            int fd = way == 0 ? posix_open_below(base, cases[i].path, length)
                              : posix_open_below_stepwise(base, cases[i].path, length);
            int number = fd >= 0 ? 0 : errno;
            if (number != cases[i].number)
                fail_msg("'%s' way %d: %s", cases[i].path, way, strerror(number));
            posix_close_fd(&fd);
        }
    }
    close(base);
}

/* Paths longer than the kernel takes at once. */
static void deep_trees_work(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct arena arena;
    struct store_ref ref = {posix, bench->store, "/coeval"};
    struct snapshot snapshot;
    struct buffer path, content;
    char name[201];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    arena_init(&arena);
    buffer_init(&path, 0);
    buffer_init(&content, 0);
    buffer_append_text(&path, "/r");
    for (int depth = 0; depth < 36; depth++)
        buffer_append_format(&path, "/%s", name);
    bench_expect(store_make_directories(ref, &call, buffer_text(&path), 0755, &error), &error,
                 ERROR_OK);
    const char *file = path_join(&arena, buffer_text(&path), "f");
    bench_expect(store_write_file(ref, &call, file, "deep", 4, &error), &error, ERROR_OK);
    bench_expect(posix->allow_snapshots(bench->store, &call, "/r", &error), &error, ERROR_OK);
    bench_expect(posix->snapshot_create(bench->store, &call, "/r", "s", &snapshot, &error), &error,
                 ERROR_OK);
    const char *copy =
        posix->snapshot_path(bench->store, "/r", "s", path_below(file, "/r"), &arena);
    bench_expect(store_read_file(ref, &call, copy, 100, &content, &error), &error, ERROR_OK);
    assert_string_equal(buffer_text(&content), "deep");
    bench_expect(posix->snapshot_remove(bench->store, &call, "/r", "s", &error), &error, ERROR_OK);
    bench_expect(posix->remove(bench->store, &call, "/r", true, &error), &error, ERROR_OK);
    assert_false(bench_is_there(bench, "/r"));
    buffer_fini(&path);
    buffer_fini(&content);
    arena_fini(&arena);
}

struct findings {
    struct buffer text;
};

static void note_finding(void *context, const struct finding *finding)
{
    struct findings *findings = context;
    buffer_append_format(&findings->text, "%d %s\n", finding->level, finding->what);
}

static void special_files_are_told_and_left_out(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct arena arena;
    struct entry entry;
    struct store_reader *reader;
    struct snapshot snapshot;
    struct findings findings;
    bool there = true;
    struct store_ref ref = {posix, bench->store, "/coeval"};
    arena_init(&arena);
    buffer_init(&findings.text, 0);
    bench_directory(bench, "/r");
    bench_directory(bench, "/r/d");
    for (int i = 0; i < 25; i++)
        assert_int_equal(mkfifo(bench_path(bench, arena_format(&arena, "/r/d/pipe%02d", i)), 0644),
                         0);
    bench_expect(posix->stat(bench->store, &call, "/r/d/pipe00", &arena, &entry, &error), &error,
                 ERROR_INVALID);
    bench_expect(posix->describe(bench->store, &call, "/r/d/pipe00", &arena, &entry, &error),
                 &error, ERROR_INVALID);
    bench_expect(posix->read_open(bench->store, &call, "/r/d/pipe00", 0, &reader, &error), &error,
                 ERROR_INVALID);
    bench_expect(posix->allow_snapshots(bench->store, &call, "/r", &error), &error, ERROR_OK);
    bench_expect(posix->snapshot_create(bench->store, &call, "/r", "s", &snapshot, &error), &error,
                 ERROR_OK);
    const char *copy = posix->snapshot_path(bench->store, "/r", "s", "d/pipe00", &arena);
    bench_expect(store_exists(ref, &call, copy, &there, &error), &error, ERROR_OK);
    assert_false(there);
    const char *const roots[] = {"/r"};
    bench_expect(
        posix->check(bench->store, &call, STORE_SOURCE, roots, 1, note_finding, &findings, &error),
        &error, ERROR_OK);
    const char *text = buffer_text(&findings.text);
    assert_non_null(strstr(text, "1 /r/d/pipe00 is a FIFO"));
    assert_non_null(strstr(text, "1 5 more FIFOs"));
    assert_non_null(strstr(text, "1 no barrier: without hooks in its policy"));
    bench_expect(posix->remove(bench->store, &call, "/r", true, &error), &error, ERROR_OK);
    assert_false(bench_is_there(bench, "/r"));
    buffer_fini(&findings.text);
    arena_fini(&arena);
}

/* Moments are the source's: what is only written to, or is in no pair yet, needs no barrier. */
static void only_a_source_needs_a_barrier(void **state)
{
    struct bench *bench = *state;
    static const enum store_use uses[] = {STORE_UNUSED, STORE_SOURCE, STORE_TARGET, STORE_BOTH};
    for (size_t i = 0; i < ARRAY_LENGTH(uses); i++) {
        struct error error = ERROR_NONE;
        struct findings findings;
        buffer_init(&findings.text, 0);
        bench_expect(
            posix->check(bench->store, &call, uses[i], NULL, 0, note_finding, &findings, &error),
            &error, ERROR_OK);
        bool warned = strstr(buffer_text(&findings.text), "no barrier") != NULL;
        assert_int_equal(warned, (uses[i] & STORE_SOURCE) != 0);
        buffer_fini(&findings.text);
    }
}

/* rename(2) between two names of one file does nothing; ours moves. */
static void replacing_another_name_of_itself_moves(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    bench_write(bench, "/a", "x");
    assert_int_equal(link(bench_path(bench, "/a"), bench_path(bench, "/b")), 0);
    bench_expect(posix->rename(bench->store, &call, "/a", "/b", true, &error), &error, ERROR_OK);
    assert_false(bench_is_there(bench, "/a"));
    assert_true(bench_is_there(bench, "/b"));
    bench_expect(posix->rename(bench->store, &call, "/b", "/b", true, &error), &error, ERROR_OK);
    assert_true(bench_is_there(bench, "/b"));
    bench_expect(posix->rename(bench->store, &call, "/b", "/b", false, &error), &error,
                 ERROR_EXISTS);
    bench_expect(posix->rename(bench->store, &call, "/", "/c", false, &error), &error,
                 ERROR_INVALID);
    bench_expect(posix->remove(bench->store, &call, "/", true, &error), &error, ERROR_INVALID);
}

static void holes_stay_holes(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct copy_result result;
    struct entry entry = {.length = 32 << 20};
    bench_write(bench, "/sparse", "start");
    assert_int_equal(truncate(bench_path(bench, "/sparse"), 32 << 20), 0);
    struct copy_order order = {.source_component = posix,
                               .source = bench->store,
                               .source_path = "/sparse",
                               .target_path = "/copy",
                               .entry = &entry};
    bench_expect(posix->copy_file(bench->store, &call, &order, &result, &error), &error, ERROR_OK);
    assert_int_equal(result.length, 32 << 20);
    struct stat status;
    assert_int_equal(stat(bench_path(bench, "/copy"), &status), 0);
    assert_int_equal(status.st_size, 32 << 20);
    assert_true(status.st_blocks * 512 < 1 << 20);
    uint32_t crc = 0;
    uint64_t length = 0;
    struct store_ref ref = {posix, bench->store, "/coeval"};
    bench_expect(store_read_crc(ref, &call, "/copy", &crc, &length, &error), &error, ERROR_OK);
    assert_int_equal(crc, result.crc32c);
}

/* Where there is no O_TMPFILE: a hidden name until it is complete. */
static void named_form_of_new_files(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    for (int commit = 0; commit < 2; commit++) {
        struct posix_new_file file;
        bench_expect(posix_new_file_open(bench->store, "/f", 0640, &file, &error), &error,
                     ERROR_OK);
        close(file.fd);
        assert_true(posix_new_file_name(&file));
        char hidden[64];
        snprintf(hidden, sizeof hidden, "/%s", file.temporary);
        assert_true(bench_is_there(bench, hidden));
        assert_false(bench_is_there(bench, "/f"));
        assert_true(posix_write_all(file.fd, "x", 1));
        bench_expect(posix_new_file_close(&file, commit, &error), &error, ERROR_OK);
        assert_false(bench_is_there(bench, hidden));
        assert_int_equal(bench_is_there(bench, "/f"), commit);
    }
    struct posix_new_file late;
    bench_expect(posix_new_file_open(bench->store, "/g", 0640, &late, &error), &error, ERROR_OK);
    bench_write(bench, "/g", "first");
    bench_expect(posix_new_file_close(&late, true, &error), &error, ERROR_EXISTS);
}

/* As user nobody, in a child: what cannot be is refused by name, and check() says so before. */
static int run_as_nobody(struct bench *bench)
{
    struct error error = ERROR_NONE;
    struct entry entry = {.owner = "root", .group = "root"};
    struct findings findings;
    buffer_init(&findings.text, 0);
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 10;
    if (!posix->check(bench->store, &call, STORE_TARGET, NULL, 0, note_finding, &findings, &error))
        return 11;
    if (strstr(buffer_text(&findings.text), "1 only files of user 65534") == NULL)
        return 12;
    if (!posix->make_directory(bench->store, &call, "/d", 0755, &error))
        return 13;
    if (posix->set_attributes(bench->store, &call, "/d", &entry, ENTRY_OWNER, &error) ||
        error.code != ERROR_DENIED)
        return 14;
    error = ERROR_NONE;
    if (posix->make_directory(bench->store, &call, "/private/d", 0755, &error) ||
        error.code != ERROR_DENIED)
        return 15;
    /* A read-only directory of one's own still goes when told to. */
    error = ERROR_NONE;
    if (!posix->make_directory(bench->store, &call, "/d/e", 0755, &error) ||
        !posix->make_directory(bench->store, &call, "/d/e/f", 0755, &error) ||
        !posix->set_attributes(bench->store, &call, "/d/e", &(struct entry){.mode = 0555},
                               ENTRY_MODE, &error) ||
        !posix->remove(bench->store, &call, "/d", true, &error))
        return 16;
    buffer_fini(&findings.text);
    return 0;
}

static void rights_that_lack_are_named(void **state)
{
    struct bench *bench = *state;
    if (geteuid() != 0)
        skip(); /* only root can become somebody else */
    bench_directory(bench, "/private");
    assert_int_equal(chmod(bench_path(bench, "/private"), 0700), 0);
    assert_int_equal(chmod(bench->base, 0777), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(run_as_nobody(bench));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void copy_goes_between_stores(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct bench other;
    struct copy_result result;
    struct entry entry = {.length = 5};
    bench_init(&other, NULL);
    bench_write(&other, "/f", "hello");
    struct copy_order order = {.source_component = posix,
                               .source = other.store,
                               .source_path = "/f",
                               .target_path = "/g",
                               .entry = &entry};
    bench_expect(posix->copy_file(bench->store, &call, &order, &result, &error), &error, ERROR_OK);
    assert_true(bench_is_there(bench, "/g"));
    assert_false(bench_is_there(&other, "/g"));
    bench_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_strictly),
        cmocka_unit_test_setup_teardown(missing_base_is_unavailable, setup, teardown),
        cmocka_unit_test_setup_teardown(identity_is_made_once_and_never_guessed, setup, teardown),
        cmocka_unit_test_setup_teardown(links_do_not_lead_out, setup, teardown),
        cmocka_unit_test_setup_teardown(stepwise_resolution_is_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_trees_work, setup, teardown),
        cmocka_unit_test_setup_teardown(special_files_are_told_and_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(only_a_source_needs_a_barrier, setup, teardown),
        cmocka_unit_test_setup_teardown(replacing_another_name_of_itself_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(holes_stay_holes, setup, teardown),
        cmocka_unit_test_setup_teardown(named_form_of_new_files, setup, teardown),
        cmocka_unit_test_setup_teardown(rights_that_lack_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(copy_goes_between_stores, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
