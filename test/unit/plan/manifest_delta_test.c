/* manifest_delta_test.c: the next manifest from plan, receipt and chain: what does not fit together
 * is refused, and every callback's failure comes through. Right outcomes are the random cases'
 * business (test/property/plan_manifest.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/manifest_delta.h"

struct store {
    struct buffer file;
    struct buffer runs[64];
    size_t calls, fail_at;
};

static bool called(struct store *store, struct error *error)
{
    if (++store->calls == store->fail_at)
        return error_set(error, ERROR_IO, "disk broke");
    return true;
}

static bool write_file(void *context, const void *data, size_t size, struct error *error)
{
    struct store *store = context;
    buffer_append(&store->file, data, size);
    return called(store, error);
}

static bool read_file(void *context, uint64_t offset, void *data, size_t size, struct error *error)
{
    struct store *store = context;
    memcpy(data, store->file.data + offset, size);
    return called(store, error);
}

static bool create_run(void *context, uint32_t run, struct error *error)
{
    assert_true(run < 64);
    return called(context, error);
}

static bool append_run(void *context, uint32_t run, const void *data, size_t size,
                       struct error *error)
{
    struct store *store = context;
    buffer_append(&store->runs[run], data, size);
    return called(store, error);
}

static bool read_run(void *context, uint32_t run, uint64_t offset, void *data, size_t size,
                     size_t *ret_size, struct error *error)
{
    struct store *store = context;
    size_t left = store->runs[run].size - (size_t)offset;
    *ret_size = left < size ? left : size;
    memcpy(data, store->runs[run].data + offset, *ret_size);
    return called(store, error);
}

static bool remove_run(void *context, uint32_t run, struct error *error)
{
    struct store *store = context;
    buffer_fini(&store->runs[run]);
    return called(store, error);
}

static struct entry object(const char *path, enum entry_type type, uint64_t length)
{
    return (struct entry){.path = path,
                          .type = type,
                          .length = length,
                          .mode = 0644,
                          .owner = "a rather long name, so that few entries fill the memory",
                          .group = "g"};
}

/* The base: "", d, files d/000 ..., and one that nothing happens to. */
#define FILES 700
static const struct manifest_info base_info = {MANIFEST_FULL, "m", "g1.e1", NULL, {{0}}};

static void write_base(struct store *store, struct manifest_state *state)
{
    struct error error = ERROR_NONE;
    struct digest digest;
    struct manifest_writer *writer = manifest_writer_new(&base_info, write_file, store);
    for (int i = -2; i <= FILES; i++) {
        char path[16] = "";
        if (i >= -1)
            snprintf(path, sizeof path, i == -1 ? "d" : i == FILES ? "untouched" : "d/%03d", i);
        struct manifest_record record = {
            .entry = object(path, i < 0 ? ENTRY_DIRECTORY : ENTRY_FILE, i < 0 ? 0 : (uint64_t)i)};
        manifest_state_apply(state, NULL, &record.entry);
        assert_true(manifest_writer_add(writer, &record, &error));
    }
    assert_true(manifest_writer_end(writer, state, &digest, &error));
    manifest_writer_free(writer);
}

/* d moves to e, where e/000 is replaced; e/001 and e get other attributes; b and n are new. */
static struct plan_step steps[] = {
    {.kind = PLAN_PARK, .number = 1, .area = PLAN_AREA_PARK, .staged = 1, .place = "d/000"},
    {PLAN_PARK, 2, PLAN_AREA_PARK, 2, "d", "e", 0, 0},
    {PLAN_PLACE, 3, PLAN_AREA_PARK, 2, "e", "d", 0, 0},
    {.kind = PLAN_PLACE, .number = 4, .area = PLAN_AREA_NEW, .staged = 4, .place = "e/000"},
    {.kind = PLAN_PLACE, .number = 5, .area = PLAN_AREA_NEW, .staged = 5, .place = "n"},
    {.kind = PLAN_PLACE, .number = 6, .area = PLAN_AREA_NEW, .staged = 6, .place = "b"},
};
static struct plan_attributes attributes[] = {
    {.old_path = "d/001", .new_path = "e/001", .fields = ENTRY_ATTRIBUTES}};
static struct plan_times times[] = {{"d", "e", 1, 2}, {"", "", 0, 1}, {"gone", NULL, 1, 0}};
static const struct plan the_plan = {.subject = "s",
                                     .steps = steps,
                                     .step_count = 6,
                                     .park_count = 2,
                                     .attributes = attributes,
                                     .attribute_count = 1,
                                     .times = times,
                                     .time_count = 3};

static void set_attributes(void)
{
    struct entry now = object("", ENTRY_FILE, 1);
    now.mode = 0600;
    now.owner = "other";
    now.acl = "user:bob:rwx";
    now.replication = 2;
    now.storage_policy = "COLD";
    now.mtime_ns = 99;
    attributes[0].now = now;
}

struct job {
    struct store base, next, runs;
    struct manifest_file file;
    struct manifest *manifest;
    struct manifest_chain chain;
    struct manifest_state state;
    const struct plan *plan;
    bool full;
    bool skip_receipts;
    uint32_t extra_step;
};

static void job_init(struct job *job)
{
    struct error error = ERROR_NONE;
    memset(job, 0, sizeof *job);
    set_attributes();
    write_base(&job->base, &job->state);
    job->plan = &the_plan;
    job->file = (struct manifest_file){read_file, &job->base, job->base.file.size};
    assert_true(manifest_open(&job->file, &job->manifest, &error));
    assert_true(manifest_chain_init(&job->chain, &job->manifest, NULL, 1, &error));
}

static void job_fini(struct job *job)
{
    manifest_chain_fini(&job->chain);
    manifest_close(job->manifest);
    buffer_fini(&job->base.file);
    buffer_fini(&job->next.file);
    for (size_t i = 0; i < 64; i++)
        buffer_fini(&job->runs.runs[i]);
}

static bool receive(struct job *job, struct manifest_delta *delta, struct error *error)
{
    struct receipt_record records[] = {{4, "", object("", ENTRY_FILE, 77), ""},
                                       {6, "", object("", ENTRY_FILE, 8), ""},
                                       {5, "", object("", ENTRY_DIRECTORY, 0), ""},
                                       {5, "x", object("", ENTRY_FILE, 5), ""},
                                       {5, "x", object("", ENTRY_FILE, 6), ""}};
    for (size_t i = 0; !job->skip_receipts && i < ARRAY_LENGTH(records); i++)
        if (!manifest_delta_receive(delta, &records[i], error))
            return false;
    records[0].step = job->extra_step;
    return job->extra_step == 0 || manifest_delta_receive(delta, &records[0], error);
}

static bool run(struct job *job, struct error *error)
{
    static const struct manifest_info delta_info = {MANIFEST_DELTA, "m", "g1.e2", "g1.e1", {{0}}};
    static const struct manifest_info full_info = {MANIFEST_FULL, "m", "g1.e2", NULL, {{0}}};
    const struct sorter_runs runs = {&job->runs, create_run, append_run, read_run, remove_run};
    const struct sorter_options options = {manifest_delta_compare, SORTER_MEMORY_MIN, &runs};
    struct manifest_delta delta;
    struct digest digest;
    struct sorter *sorter = sorter_new(&options);
    struct manifest_writer *writer =
        manifest_writer_new(job->full ? &full_info : &delta_info, write_file, &job->next);
    bool ok = manifest_delta_begin(&delta, job->plan, &job->chain, sorter, error) &&
              receive(job, &delta, error) &&
              manifest_delta_finish(&delta, job->full, writer, &job->state, error) &&
              manifest_writer_end(writer, &job->state, &digest, error);
    manifest_delta_fini(&delta);
    manifest_writer_free(writer);
    sorter_free(sorter);
    return ok;
}

static bool check_entry(struct manifest_chain *chain, const char *path, uint64_t length)
{
    const struct entry *entry;
    struct error error = ERROR_NONE;
    assert_true(manifest_chain_get(chain, path, &entry, &error));
    return entry != NULL && entry->length == length;
}

static void test_the_outcome(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct job job;
        struct error error = ERROR_NONE;
        struct manifest *next;
        struct manifest_chain chain;
        const struct entry *entry;
        job_init(&job);
        job.full = full;
        assert_true(run(&job, &error));
        struct manifest_file file = {read_file, &job.next, job.next.file.size};
        assert_true(manifest_open(&file, &next, &error));
        struct manifest *manifests[] = {next, job.manifest};
        assert_true(manifest_chain_init(&chain, manifests, NULL, full ? 1 : 2, &error));
        assert_true(manifest_chain_verify(&chain, &error));
        assert_int_equal(job.state.entries, FILES + 6);
        assert_true(check_entry(&chain, "e/000", 77) && check_entry(&chain, "n/x", 6));
        assert_true(check_entry(&chain, "e/699", 699));
        assert_false(check_entry(&chain, "d", 0) || check_entry(&chain, "d/000", 0));
        assert_true(manifest_chain_get(&chain, "e/001", &entry, &error));
        assert_true(entry->mode == 0600 && entry->mtime_ns == 99 && entry->length == 1);
        assert_string_equal(entry->acl, "user:bob:rwx");
        assert_string_equal(entry->storage_policy, "COLD");
        assert_int_equal(entry->replication, 2);
        assert_true(manifest_chain_get(&chain, "e", &entry, &error));
        assert_int_equal(entry->mtime_ns, 2);
        manifest_chain_fini(&chain);
        manifest_close(next);
        job_fini(&job);
    }
}

/* Each callback of the files and of the sorter's runs fails once. */
static void test_every_failure_comes_through(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct job job;
        struct error error = ERROR_NONE;
        size_t calls[3];
        job_init(&job);
        job.full = full;
        job.base.calls = 0;
        assert_true(run(&job, &error));
        struct store *stores[] = {&job.base, &job.next, &job.runs};
        for (size_t i = 0; i < 3; i++)
            calls[i] = stores[i]->calls;
        job_fini(&job);
        for (size_t which = 0; which < 3; which++) {
            assert_true(calls[which] > 0);
            for (size_t fail_at = 1; fail_at <= calls[which]; fail_at++) {
                job_init(&job);
                job.full = full;
                stores[which]->calls = 0;
                stores[which]->fail_at = fail_at;
                error = ERROR_NONE;
                assert_false(run(&job, &error));
                assert_int_equal(error.code, ERROR_IO);
                job_fini(&job);
            }
        }
    }
}

static void refuse(struct job *job)
{
    struct error error = ERROR_NONE;
    assert_false(run(job, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    job_fini(job);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct job job;
    job_init(&job);
    job.skip_receipts = true;
    refuse(&job);
    job_init(&job);
    job.extra_step = 9;
    refuse(&job);
    job_init(&job);
    struct plan_step step = {
        .kind = PLAN_PARK, .number = 1, .area = PLAN_AREA_PARK, .staged = 1, .place = "nowhere"};
    const struct plan lost = {.subject = "s", .steps = &step, .step_count = 1, .park_count = 1};
    job.plan = &lost;
    refuse(&job);
    job_init(&job);
    struct plan_times time = {"nowhere", "nowhere", 1, 2};
    const struct plan timed = {.subject = "s", .times = &time, .time_count = 1};
    job.plan = &timed;
    job.skip_receipts = true;
    refuse(&job);
}

static void huge(struct job *job)
{
    struct error error = ERROR_NONE;
    assert_false(run(job, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    job_fini(job);
}

/* Records that the sorter cannot hold: from each of the places that make some. */
static void test_huge_attributes_are_refused(void **state)
{
    (void)state;
    static char text[SORTER_MEMORY_MIN];
    struct job job;
    memset(text, 'x', sizeof text - 1);
    job_init(&job);
    attributes[0].now.owner = text;
    huge(&job);
    job_init(&job);
    text[PATH_LENGTH_MAX] = '\0';
    struct plan_times time = {"", text, 1, 2};
    const struct plan timed = {.subject = "s", .times = &time, .time_count = 1};
    job.plan = &timed;
    huge(&job);
}

/* The first epoch: nothing is known yet but the top. */
static void test_from_nothing(void **state)
{
    (void)state;
    struct job job;
    struct error error = ERROR_NONE;
    struct manifest_delta delta;
    struct digest digest;
    struct manifest_chain nothing;
    struct plan_step step = {
        .kind = PLAN_PLACE, .number = 1, .area = PLAN_AREA_NEW, .staged = 1, .place = "a"};
    const struct plan first = {.subject = "s", .steps = &step, .step_count = 1};
    const struct entry top = object("", ENTRY_DIRECTORY, 0);
    const struct receipt_record record = {1, "", object("", ENTRY_FILE, 3), ""};
    const struct sorter_options options = {manifest_delta_compare, SORTER_MEMORY_MIN, NULL};
    job_init(&job);
    memset(&job.state, 0, sizeof job.state);
    assert_true(manifest_chain_init(&nothing, NULL, NULL, 0, &error));
    struct sorter *sorter = sorter_new(&options);
    struct manifest_writer *writer = manifest_writer_new(&base_info, write_file, &job.next);
    assert_true(manifest_delta_begin(&delta, &first, &nothing, sorter, &error));
    assert_true(manifest_delta_top(&delta, &top, &error));
    assert_true(manifest_delta_receive(&delta, &record, &error));
    assert_true(manifest_delta_finish(&delta, true, writer, &job.state, &error));
    assert_true(manifest_writer_end(writer, &job.state, &digest, &error));
    assert_int_equal(job.state.entries, 2);
    assert_int_equal(job.state.bytes, 3);
    manifest_delta_fini(&delta);
    manifest_chain_fini(&nothing);
    manifest_writer_free(writer);
    sorter_free(sorter);
    job_fini(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_outcome),
        cmocka_unit_test(test_every_failure_comes_through),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_huge_attributes_are_refused),
        cmocka_unit_test(test_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
