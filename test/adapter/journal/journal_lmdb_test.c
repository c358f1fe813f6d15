/* journal_lmdb_test.c: what is LMDB's and not every journal's: schema, owner, files, map, readers
 * that pin pages, and long random histories against a model. */
#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/journal/journal_fixture.h"
#include "base/check.h"
#include "base/random.h"

static struct journal_fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_fini(&fixture);
    return 0;
}

static void open_well(void)
{
    struct error error = ERROR_NONE;
    if (!fixture_open(&fixture, &error))
        fail_msg("open: %s", error.text);
}

/* In a child, by LMDB itself: puts one value into "meta". */
struct meta {
    const char *name;
    uint32_t value;
};

static int put_meta(void *context)
{
    struct meta *meta = context;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {.mv_size = strlen(meta->name), .mv_data = (void *)(uintptr_t)meta->name};
    MDB_val value = {.mv_size = sizeof meta->value, .mv_data = &meta->value};
    CHECK(mdb_env_create(&env) == 0);
    CHECK(mdb_env_set_maxdbs(env, 100) == 0);
    CHECK(mdb_env_open(env, fixture.directory, 0, 0600) == 0);
    CHECK(mdb_txn_begin(env, NULL, 0, &txn) == 0);
    CHECK(mdb_dbi_open(txn, "meta", 0, &dbi) == 0);
    CHECK(mdb_put(txn, dbi, &key, &value, 0) == 0);
    CHECK(mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
    return 0;
}

static void test_newer_schema_is_refused(void **state)
{
    (void)state;
    struct meta meta = {.name = "schema", .value = 2};
    struct error error = ERROR_NONE;
    struct journal_reader *reader = NULL;
    fixture_fill(&fixture, 3);
    assert_int_equal(run_in_child(put_meta, &meta), 0);
    assert_false(fixture_open(&fixture, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.text, "schema 2"));
    error = ERROR_NONE;
    assert_false(journal_reader_open(fixture.directory, &reader, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    meta.value = 1;
    assert_int_equal(run_in_child(put_meta, &meta), 0);
    open_well();
}

static bool count_records(void *context, const struct journal_record *record, struct error *error)
{
    unsigned *count = context;
    (void)record;
    (void)error;
    ++*count;
    return true;
}

static void test_unknown_type_is_refused_and_readable(void **state)
{
    (void)state;
    struct meta meta = {.name = "type-max", .value = 17};
    struct error error = ERROR_NONE;
    struct journal_reader *reader = NULL;
    unsigned count = 0;
    fixture_fill(&fixture, 3);
    assert_int_equal(run_in_child(put_meta, &meta), 0);
    assert_false(fixture_open(&fixture, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.text, "newer"));
    error = ERROR_NONE;
    assert_true(journal_reader_open(fixture.directory, &reader, &error));
    assert_true(journal_reader_records(reader, 0, SIZE_MAX, count_records, &count, &error));
    assert_int_equal(count, 3);
    journal_reader_close(reader);
}

static int open_as_second(void *context)
{
    char pid[32];
    struct error error = ERROR_NONE;
    struct journal *second = NULL;
    struct journal_lmdb_options options = {.directory = fixture.directory, .origin = "second"};
    (void)context;
    snprintf(pid, sizeof pid, "process %d", (int)getppid());
    if (journal_lmdb_open(fixture.loop, &options, false, &second, &error))
        return 1;
    return error.code == ERROR_CONFLICT && strstr(error.text, pid) != NULL ? 0 : 2;
}

static void test_second_process_is_told_the_first(void **state)
{
    (void)state;
    open_well();
    for (int i = 0; i < 3; i++)
        assert_int_equal(run_in_child(open_as_second, NULL), 0);
    struct error error = ERROR_NONE;
    assert_true(fixture_append(&fixture, "k", "{}", &error));
    assert_true(fixture_wait(&fixture, 1));
    fixture_close(&fixture);
    open_well(); /* free again */
}

/* Whatever program the daemon starts must not inherit the journal. */
static void test_files_are_closed_on_exec(void **state)
{
    (void)state;
    unsigned seen = 0;
    open_well();
    DIR *fds = opendir("/proc/self/fd");
    assert_non_null(fds);
    for (struct dirent *entry; (entry = readdir(fds)) != NULL;) {
        char link[300], target[300] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        if (readlink(link, target, sizeof target - 1) < 0 ||
            strncmp(target, fixture.directory, strlen(fixture.directory)) != 0)
            continue;
        assert_true((fcntl(atoi(entry->d_name), F_GETFD) & FD_CLOEXEC) != 0);
        seen++;
    }
    closedir(fds);
    assert_true(seen >= 3); /* data.mdb, lock.mdb, owner */
}

static void test_directory_is_private_and_left_clean(void **state)
{
    (void)state;
    char path[128];
    struct stat status;
    remove_tree(fixture.directory);
    open_well();
    assert_int_equal(stat(fixture.directory, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    make_path(path, sizeof path, fixture.directory, "new");
    assert_int_not_equal(stat(path, &status), 0);
}

/* A creation that was cut short left parts; they are ours and go. */
static void test_leftovers_of_a_creation(void **state)
{
    (void)state;
    char path[128];
    make_path(path, sizeof path, fixture.directory, "new");
    assert_int_equal(mkdir(path, 0700), 0);
    make_path(path, sizeof path, fixture.directory, "new/data.mdb");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "half", 4), 4);
    close(fd);
    open_well();
    struct error error = ERROR_NONE;
    assert_true(fixture_append(&fixture, "k", "{}", &error));
    assert_true(fixture_wait(&fixture, 1));
}

static void test_directory_cannot_be_made(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct journal *journal = NULL;
    struct loop *loop = loop_new();
    struct journal_lmdb_options options = {.directory = "/proc/nowhere/journal", .origin = "x"};
    assert_false(journal_lmdb_open(loop, &options, false, &journal, &error));
    assert_non_null(strstr(error.text, "/proc/nowhere"));
    assert_null(journal);
    loop_free(loop);
}

/* Random histories */

#define KEYS 40u

struct model {
    unsigned size[KEYS]; /* 0: no object */
    unsigned mark[KEYS];
    uint64_t records;
};

static char *make_payload(unsigned mark, unsigned size)
{
    char *payload = memory_new(size + 1);
    memset(payload, 'a' + (int)(mark % 26), size);
    char head[16];
    int length = snprintf(head, sizeof head, "%u.", mark);
    memcpy(payload, head, (size_t)length);
    return payload;
}

static unsigned random_size(struct random *random)
{
    static const unsigned limits[] = {40, 400, 2100, 9000, 70000};
    return 12 + (unsigned)random_below(random, limits[random_below(random, 5)]);
}

static void random_call(struct model *model, struct random *random, unsigned *mark)
{
    struct journal_append records[6];
    char keys[6][16], *payloads[6] = {NULL};
    size_t count = 1 + random_below(random, 6);
    struct error error = ERROR_NONE;
    for (size_t i = 0; i < count; i++) {
        unsigned key = (unsigned)random_below(random, KEYS);
        bool removes = random_below(random, 4) == 0;
        unsigned size = removes ? 0 : random_size(random);
        snprintf(keys[i], sizeof keys[i], "key-%u", key);
        payloads[i] = removes ? NULL : make_payload(++*mark, size);
        records[i] =
            (struct journal_append){.type = JOURNAL_ROOT, .key = keys[i], .payload = payloads[i]};
        model->size[key] = size;
        model->mark[key] = *mark;
    }
    if (!journal_append_all(fixture.journal, records, count, NULL, NULL, &error))
        fail_msg("append: %s", error.text);
    model->records += count;
    for (size_t i = 0; i < count; i++)
        free(payloads[i]);
}

static void compare(const struct model *model)
{
    struct buffer read;
    buffer_init(&read, 0);
    assert_int_equal(fixture.journal->operations->last_sequence(fixture.journal), model->records);
    for (unsigned key = 0; key < KEYS; key++) {
        char name[16];
        struct error error = ERROR_NONE;
        snprintf(name, sizeof name, "key-%u", key);
        bool there =
            fixture.journal->operations->object(fixture.journal, JOURNAL_ROOT, name, &read, &error);
        assert_int_equal(there, model->size[key] != 0);
        if (!there)
            continue;
        char *expected = make_payload(model->mark[key], model->size[key]);
        assert_string_equal(buffer_text(&read), expected);
        free(expected);
    }
    buffer_fini(&read);
}

/* Sizes that need pages of their own, removals, a map that must grow: each new opening checks all
 * pages, records and objects, and must find nothing wrong. */
static void test_random_histories(void **state)
{
    (void)state;
    struct model model = {.records = 0};
    struct random random;
    unsigned mark = 0;
    random_init(&random, 41);
    fixture.map_bytes = (uint64_t)1 << 20;
    fixture.verify_all = true;
    for (int session = 0; session < 30; session++) {
        open_well();
        compare(&model);
        for (uint64_t call = random_below(&random, 60); call > 0; call--)
            random_call(&model, &random, &mark);
        fixture_close(&fixture);
    }
    open_well();
    compare(&model);
}

/* Readers that pin pages. By LMDB itself: ours never keeps a transaction. An idle one only keeps
 * the table of readers in use, which the first opener would otherwise make anew. */

enum reader_kind { IDLE, PINNING };

static _Noreturn void be_reader(enum reader_kind kind, int ready)
{
    MDB_env *env;
    MDB_txn *txn;
    CHECK(mdb_env_create(&env) == 0);
    CHECK(mdb_env_open(env, fixture.directory, MDB_RDONLY, 0600) == 0);
    CHECK(kind == IDLE || mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0);
    CHECK(write(ready, "r", 1) == 1);
    for (;;)
        pause();
}

static pid_t start_reader(enum reader_kind kind)
{
    int ends[2];
    char ready;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing stays behind a test that failed */
        be_reader(kind, ends[1]);
    }
    close(ends[1]);
    CHECK(read(ends[0], &ready, 1) == 1);
    close(ends[0]);
    return pid;
}

static void stop_reader(pid_t pid)
{
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, NULL, 0) == pid);
}

/* Bytes by which the file grows over so many commits of one overwritten object. */
static int64_t growth(unsigned commits)
{
    char path[128];
    struct stat before, after;
    struct error error = ERROR_NONE;
    make_path(path, sizeof path, fixture.directory, "data.mdb");
    CHECK(stat(path, &before) == 0);
    for (unsigned i = 0; i < commits; i++) {
        CHECK(fixture_append(&fixture, "k", "{\"state\":\"the same, again\"}", &error));
        CHECK(fixture_wait(&fixture, fixture.done + 1));
    }
    CHECK(stat(path, &after) == 0);
    return after.st_size - before.st_size;
}

static void test_growth_is_bounded_by_looking_for_dead_readers(void **state)
{
    (void)state;
    enum { COMMITS = 900 };
    const int64_t allowed = (int64_t)6 << 20; /* the 4 MiB between two looks, and some */
    open_well();
    int64_t plain = growth(COMMITS);
    pid_t pid = start_reader(PINNING);
    int64_t pinned = growth(COMMITS); /* it lives: its pages must stay */
    assert_true(pinned > plain + allowed + allowed / 2);
    stop_reader(pid);
    int64_t after = growth(COMMITS);
    if (after > plain + allowed)
        fail_msg("grew by %d bytes after the reader was killed, %d without one", (int)after,
                 (int)plain);
    assert_true(growth(COMMITS) < plain + ((int64_t)1 << 20));
}

static void test_dead_reader_is_forgotten_at_start(void **state)
{
    (void)state;
    fixture_fill(&fixture, 3);
    pid_t idle = start_reader(IDLE);
    stop_reader(start_reader(PINNING));
    open_well();
    assert_true(growth(500) < (int64_t)1 << 20);
    stop_reader(idle);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_newer_schema_is_refused),
        TEST(test_unknown_type_is_refused_and_readable),
        TEST(test_second_process_is_told_the_first),
        TEST(test_files_are_closed_on_exec),
        TEST(test_directory_is_private_and_left_clean),
        TEST(test_leftovers_of_a_creation),
        TEST(test_directory_cannot_be_made),
        TEST(test_random_histories),
        TEST(test_growth_is_bounded_by_looking_for_dead_readers),
        TEST(test_dead_reader_is_forgotten_at_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
