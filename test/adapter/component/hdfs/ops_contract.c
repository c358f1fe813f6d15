/* ops_contract.c: see ops_contract.h: the bed, and short words for the cases. */
#include "ops_contract.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/hdfs/hdfs_store.h"

struct ops_bed bed;
static json_t *options;

struct store *ops_open(const char *url, const char *area, const char *directory)
{
    struct error error = ERROR_NONE;
    struct call call = {.wait_ms = 10000};
    struct store *store = NULL;
    options = json_pack("{s:[s],s:s}", "namenodes", url, "user", "coeval");
    struct store_config config = {
        .cluster = "a", .instance = "hdfs", .area = area, .options = options};
    if (hdfs_component.open(&config, &store, &error) &&
        hdfs_component.make_directory(store, &call, directory, 0755, &error))
        return store;
    print_error("%s\n", error.text);
    exit(1);
}

void ops_close(struct store *store)
{
    hdfs_component.close(store);
    json_decref(options);
}

static int setup(void **state)
{
    bool made;
    (void)state;
    arena_init(&bed.arena);
    bed.call = (struct call){.wait_ms = 10000, .counters = &bed.counters, .scope = bed.number + 1};
    bed.error = ERROR_NONE;
    bed.own = arena_format(&bed.arena, "%s/o%u", bed.directory, ++bed.number);
    done(bed.ops->mkdirs(DO, bed.own, 0755, &made, TOLD));
    return 0;
}

static int teardown(void **state)
{
    bool removed;
    (void)state;
    bed.call = (struct call){.wait_ms = 10000};
    (void)bed.ops->remove(DO, bed.own, true, &removed, TOLD);
    arena_fini(&bed.arena);
    return 0;
}

int ops_contract_run(const struct ops_bed *with)
{
    const struct CMUnitTest *const groups[] = {ops_tree_cases, ops_snapshot_cases};
    struct CMUnitTest tests[64];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(groups); i++)
        for (const struct CMUnitTest *test = groups[i]; test->name != NULL; test++) {
            CHECK(count < ARRAY_LENGTH(tests));
            tests[count] = *test;
            tests[count].setup_func = setup;
            tests[count++].teardown_func = teardown;
        }
    bed = *with;
    return _cmocka_run_group_tests(with->ops->name, tests, count, NULL, NULL);
}

/* --- words -------------------------------------------------------------------------------------
 */

const struct hdfs_mutation *ops_effect(void)
{
    bed.mutation = (struct hdfs_mutation){.id = bed.mutation.id + 1, .node = HDFS_NODE_ANY};
    return &bed.mutation;
}

const char *ops_at(const char *name)
{
    return path_join(&bed.arena, bed.own, name);
}

void ops_done(bool done, const char *file, int line)
{
    if (done)
        return;
    print_error("unexpected %s: %s\n", error_name(bed.error.code), bed.error.text);
    _fail(file, line);
}

void ops_refused(bool done, enum error_code code, const char *exception, const char *file, int line)
{
    char end[HDFS_EXCEPTION_SIZE + 4];
    size_t size = strlen(bed.error.text), end_size = 0;
    if (exception[0] != '\0')
        end_size = (size_t)snprintf(end, sizeof end, "(%s)", exception);
    if (done || bed.error.code != code || strcmp(bed.problem.exception, exception) != 0 ||
        size < end_size || memcmp(bed.error.text + size - end_size, end, end_size) != 0) {
        print_error("%s (%s) instead of %s (%s): %s\n",
                    done ? "success" : error_name(bed.error.code),
                    done ? "" : bed.problem.exception, error_name(code), exception,
                    done ? "" : bed.error.text);
        _fail(file, line);
    }
    bed.error = ERROR_NONE;
}

void ops_put(const char *name, const char *text)
{
    done(ops_write(name, text));
}

bool ops_write(const char *name, const char *text)
{
    struct hdfs_create create = {.path = ops_at(name), .mode = 0644};
    struct error ignored = ERROR_NONE;
    struct hdfs_writer *writer;
    if (!bed.ops->write_open(DO, &create, &writer, TOLD))
        return false;
    if (bed.ops->write(writer, text, strlen(text), TOLD))
        return bed.ops->write_close(writer, true, TOLD);
    assert_true(bed.ops->write_close(writer, false, NULL, &ignored));
    return false;
}

const char *ops_get(const char *name, uint64_t offset)
{
    static char text[4096];
    size_t size = 0, got = 1;
    struct hdfs_reader *reader;
    done(bed.ops->read_open(ASK, ops_at(name), offset, &reader, TOLD));
    while (got > 0) {
        done(bed.ops->read(reader, text + size, sizeof text - 1 - size, &got, TOLD));
        size += got;
    }
    bed.ops->read_close(reader);
    text[size] = '\0';
    return text;
}

struct hdfs_status ops_look(const char *name)
{
    struct hdfs_status status;
    done(bed.ops->status(ASK, ops_at(name), &bed.arena, &status, TOLD));
    return status;
}

bool ops_is_there(const char *name)
{
    struct hdfs_status status;
    if (bed.ops->status(ASK, ops_at(name), &bed.arena, &status, TOLD))
        return true;
    refused(ERROR_NOT_FOUND, "FileNotFoundException", false);
    return false;
}
