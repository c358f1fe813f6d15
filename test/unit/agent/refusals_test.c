/* refusals_test.c: what an agent refuses before it has an effect: a moment by clocks that are
 * apart, a seal that has no room. Real directories; what their store says of its clock and its
 * space is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/protocol.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "component/posix/posix.h"
#include "fake/fake_journal.h"

#define PAIR "aaaaaaaa-0000-0000-0000-000000000001"
#define SERVICE "bbbbbbbb-0000-0000-0000-000000000001"
#define ANSWER_LIMIT_MS 30000
#define CONTENT_BYTES 5000
#define PATH_SIZE 256
#define LYON 0
#define YORK 1

static const char *const clusters[] = {"lyon", "york"};

struct bed {
    char top[64]; /* A is <top>/lyon/data, B is <top>/york/data */
    struct component component;
    struct loop *loop;
    struct agent_store stores[2];
    struct fake_journal *disks[2];
    struct journal *journals[2];
    struct agent *agents[2];
    int64_t offset_us, uncertainty_us;
    uint64_t free_bytes; /* of B */
    enum status_state state;
    json_t *status;
};

static struct bed bed;

/* ---- what the store says -------------------------------------------------------------------- */

static bool clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                         int64_t *ret_uncertainty_us, struct error *error)
{
    (void)store;
    (void)call;
    (void)error;
    *ret_offset_us = bed.offset_us;
    *ret_uncertainty_us = bed.uncertainty_us;
    return true;
}

static bool space(struct store *store, const struct call *call, const char *path,
                  struct store_space *ret_space, struct error *error)
{
    (void)store;
    (void)call;
    (void)error;
    (void)path;
    *ret_space = (struct store_space){bed.free_bytes, UINT64_MAX};
    return true;
}

/* ---- the bed -------------------------------------------------------------------------------- */

static void path_of(char ret_path[PATH_SIZE], const char *cluster, const char *name)
{
    snprintf(ret_path, PATH_SIZE, "%s/%s/%s", bed.top, cluster, name);
}

static bool is_there(const char *cluster, const char *name)
{
    char path[PATH_SIZE];
    path_of(path, cluster, name);
    return access(path, F_OK) == 0;
}

static void open_side(int side)
{
    struct error error = ERROR_NONE;
    char base[PATH_SIZE], work[PATH_SIZE];
    path_of(base, clusters[side], "");
    base[strlen(base) - 1] = '\0';
    path_of(work, "work", clusters[side]);
    json_t *options = json_object();
    json_set_string(options, "base", base);
    struct store_config config = {clusters[side], "posix", "/coeval", options};
    struct agent_store *store = &bed.stores[side];
    *store = (struct agent_store){clusters[side], "posix", {&bed.component, NULL, "/coeval"}};
    assert_true(posix_component.open(&config, &store->ref.store, &error));
    json_decref(options);
    bed.disks[side] = fake_journal_new("unit");
    assert_true(fake_journal_open(bed.disks[side], NULL, NULL, &bed.journals[side], &error));
}

static int set_up(void **state)
{
    struct error error = ERROR_NONE;
    char content[CONTENT_BYTES] = "", path[PATH_SIZE];
    (void)state;
    bed = (struct bed){.component = posix_component, .loop = loop_new(), .free_bytes = UINT64_MAX};
    bed.component.clock_offset = clock_offset;
    bed.component.space = space;
    snprintf(bed.top, sizeof bed.top, "/tmp/coeval-refusals-test.XXXXXX");
    assert_non_null(mkdtemp(bed.top));
    path_of(path, "lyon", "data");
    assert_true(file_make_directories(path, 0755, &error));
    path_of(path, "york", "");
    assert_true(file_make_directories(path, 0755, &error));
    path_of(path, "lyon", "data/f");
    assert_true(file_write_durable(path, content, sizeof content, 0644, &error));
    open_side(LYON);
    open_side(YORK);
    for (int side = 0; side < 2; side++) {
        path_of(path, "work", clusters[side]);
        struct agent_options options = {.cluster = clusters[side],
                                        .id = "unit",
                                        .journal = bed.journals[side],
                                        .stores = bed.stores,
                                        .store_count = 2,
                                        .work_directory = path,
                                        .long_jobs_max = 1};
        assert_true(agent_new(bed.loop, &options, &bed.agents[side], &error));
    }
    return 0;
}

static void turn(void)
{
    for (int side = 0; side < 2; side++)
        fake_journal_run(bed.disks[side]);
    loop_run_until(bed.loop, NULL, NULL, 1);
}

static void mark(void *context)
{
    *(bool *)context = true;
}

static int tear_down(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        bool stopped = false;
        agent_stop(bed.agents[side], mark, &stopped);
        while (!stopped)
            turn();
        agent_free(bed.agents[side]);
        bed.journals[side]->operations->close(bed.journals[side]);
        loop_run_until(bed.loop, NULL, NULL, 1);
        fake_journal_free(bed.disks[side]);
    }
    for (int side = 0; side < 2; side++)
        posix_component.close(bed.stores[side].ref.store);
    loop_free(bed.loop);
    json_decref(bed.status);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", bed.top, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, NULL, 0) != pid;
}

/* ---- instructions --------------------------------------------------------------------------- */

static void take_status(void *context, int http, const char *text, size_t size)
{
    struct error error;
    struct status status;
    (void)context;
    assert_true(http < 300);
    json_decref(bed.status);
    assert_true(json_parse(text, size, &bed.status, &error));
    assert_true(status_parse(bed.status, &status, &error));
    bed.state = status.state;
}

static void send(int side, const char *method, const char *key, const char *body)
{
    char path[80];
    snprintf(path, sizeof path, "/v1/instructions/%s", key);
    struct agent_request request = {method, path, "", body, body == NULL ? 0 : strlen(body)};
    agent_handle(bed.agents[side], &request, take_status, NULL);
}

/* Carries it out to its end; body is stolen. */
static enum status_state run(int side, const char *kind, json_t *body)
{
    static int keys;
    char key[32];
    struct buffer text;
    snprintf(key, sizeof key, "k%d", ++keys);
    struct instruction instruction = {.key = key,
                                      .kind = kind,
                                      .pair = PAIR,
                                      .service = SERVICE,
                                      .service_name = "bills",
                                      .generation = 1,
                                      .number = 1,
                                      .attempt = 1,
                                      .try_number = 1,
                                      .device = "unit",
                                      .sequence = 1};
    json_t *document = instruction_format(&instruction, body);
    buffer_init(&text, 0);
    json_print(document, false, &text);
    json_decref(document);
    bed.state = STATUS_RUNNING;
    send(side, "PUT", key, buffer_text(&text));
    int64_t limit_ns = clock_monotonic_ns() + (int64_t)ANSWER_LIMIT_MS * 1000000;
    while (bed.state == STATUS_RUNNING) {
        assert_true(clock_monotonic_ns() < limit_ns);
        turn();
        send(side, "GET", key, NULL);
    }
    buffer_fini(&text);
    return bed.state;
}

static json_t *epoch_body(void)
{
    char text[1024];
    struct error error;
    json_t *body;
    snprintf(text, sizeof text,
             "{\"snapshot\": \"s1\", \"t_us\": \"%lld\", \"grace_us\": \"60000000\","
             " \"side\": \"b\", \"mode\": \"full\", \"base\": null,"
             " \"members\": [{\"id\": \"m1\", \"instance\": \"posix\", \"source_root\": \"/data\","
             " \"source_path\": \"/data\", \"target_instance\": \"posix\","
             " \"target_root\": \"/data\", \"target_path\": \"/data\"}],"
             " \"settings\": {\"clusters\": {\"a\": \"lyon\", \"b\": \"york\"},"
             " \"exclude\": [\".coeval\"]}}",
             (long long)clock_realtime_us());
    assert_true(json_parse(text, strlen(text), &body, &error));
    return body;
}

static void assert_refused(const char *code, const char *part)
{
    const json_t *error = json_object_get(bed.status, "error");
    assert_int_equal(bed.state, STATUS_FAILED);
    assert_string_equal(json_string_or(error, "code", ""), code);
    if (strstr(json_string_or(error, "message", ""), part) == NULL)
        fail_msg("%s", json_string_or(error, "message", ""));
}

/* ---- clocks --------------------------------------------------------------------------------- */

/* Level and text of the finding about the clock. */
static void check_clock(int64_t limit_us, const char *level, const char *what)
{
    json_t *body = json_pack("{s:[{s:s, s:s, s:[]}]}", "stores", "cluster", "lyon", "instance",
                             "posix", "roots");
    size_t index;
    json_t *finding;
    bool found = false;
    if (limit_us != 0)
        json_set_integer(body, "max_offset_us", limit_us);
    assert_int_equal(run(LYON, "check", body), STATUS_DONE);
    const json_t *store =
        json_array_get(json_object_get(json_object_get(bed.status, "result"), "stores"), 0);
    json_array_foreach(json_object_get(store, "findings"), index, finding)
        if (strcmp(json_string_or(finding, "what", ""), what) == 0) {
            assert_string_equal(json_string_or(finding, "level", ""), level);
            assert_true(json_object_get(finding, "remedy") != NULL || strcmp(level, "ok") == 0);
            found = true;
        }
    assert_true(found);
}

static void test_a_check_tells_clocks_apart(void **state)
{
    (void)state;
    bed.offset_us = 400000;
    check_clock(0, "ok", "its clock is 400 ms (± 0 ms) from this agent's");
    bed.offset_us = -501000;
    check_clock(0, "error", "its clock is -501 ms (± 0 ms) from this agent's");
    bed.uncertainty_us = 2000; /* it may be within */
    check_clock(0, "ok", "its clock is -501 ms (± 2 ms) from this agent's");
    check_clock(400000, "error", "its clock is -501 ms (± 2 ms) from this agent's");
}

static bool has_snapshot(void)
{
    struct call call = {.deadline_ns = clock_monotonic_ns() + (int64_t)10000000000};
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    bool there = posix_component.snapshot_get(bed.stores[LYON].ref.store, &call, "/data", "s1",
                                              &snapshot, &error);
    assert_true(there || error.code == ERROR_NOT_FOUND);
    return there;
}

static void test_no_moment_by_clocks_that_are_apart(void **state)
{
    static const int64_t offsets[] = {10000000, -10000000, 501000};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
        bed.offset_us = offsets[i];
        run(LYON, "snapshot", epoch_body());
        assert_refused("CONFLICT", "the clock of posix is ");
        assert_false(has_snapshot());
    }
    bed.uncertainty_us = 2000;
    assert_int_equal(run(LYON, "snapshot", epoch_body()), STATUS_DONE);
    const json_t *result = json_object_get(bed.status, "result");
    assert_string_equal(json_string_or(result, "outcome", ""), "fired");
    assert_true(has_snapshot());
}

static void test_the_limit_of_the_clocks_can_be_set(void **state)
{
    (void)state;
    json_t *body = epoch_body();
    json_set_integer(json_object_get(body, "settings"), "max_offset_us", 20000000);
    bed.offset_us = 10000000;
    assert_int_equal(run(LYON, "snapshot", body), STATUS_DONE);
}

/* ---- space ---------------------------------------------------------------------------------- */

static void test_a_seal_without_room_is_refused_before_the_commit(void **state)
{
    (void)state;
    assert_int_equal(run(LYON, "snapshot", epoch_body()), STATUS_DONE);
    bed.free_bytes = CONTENT_BYTES - 1;
    run(YORK, "transfer", epoch_body());
    assert_refused("NO_SPACE", "has no room at posix:/data");
    assert_false(is_there("york", "coeval/" PAIR "/" SERVICE "/g1.e1/received.json"));
    assert_false(is_there("york", "data/f"));
    bed.free_bytes = CONTENT_BYTES;
    assert_int_equal(run(YORK, "transfer", epoch_body()), STATUS_DONE);
    assert_true(is_there("york", "coeval/" PAIR "/" SERVICE "/g1.e1/received.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_a_check_tells_clocks_apart),
        T(test_no_moment_by_clocks_that_are_apart),
        T(test_the_limit_of_the_clocks_can_be_set),
        T(test_a_seal_without_room_is_refused_before_the_commit),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
