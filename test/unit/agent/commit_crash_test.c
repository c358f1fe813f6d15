/* commit_crash_test.c: a commit killed at each of its points, then finished or rolled back by an
 * agent that knows nothing of it (its journal is gone with the process): B's tree must be A's
 * snapshot, or what it was before. Real directories, one process for each instruction. */
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
#include "base/json.h"
#include "component/posix/posix.h"
#include "fake/fake_journal.h"
#include "fake/temporary.h"
#include "seal_name.h"

#define PAIR "aaaaaaaa-0000-0000-0000-000000000001"
#define SERVICE "bbbbbbbb-0000-0000-0000-000000000001"
#define ANSWER_LIMIT_MS 30000

static char top[64]; /* A is <top>/lyon/data, B is <top>/york/data */

static int run_shell(const char *command)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : status;
}

static void shell(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (run_shell(command) != 0)
        fail_msg("%s", command);
}

/* ---- one instruction in a process of its own ------------------------------------------------ */

struct step {
    const char *cluster, *kind;
    int number;
    int base;             /* number of the base epoch; 0: none */
    const char *crash_at; /* NULL: it comes to its end */
};

enum ending { ENDED_DONE, ENDED_FAILED, ENDED_WAITING, ENDED_KILLED };

static json_t *body_of(const struct step *step)
{
    char text[2048], base[512] = "null", name[32], sealed[64], york[128];
    struct error error;
    json_t *body;
    snprintf(name, sizeof name, "s%d", step->base);
    snprintf(york, sizeof york, "%s/york", top);
    seal_name(york, PAIR, SERVICE, step->base, name, sealed, sizeof sealed);
    if (step->base != 0)
        snprintf(base, sizeof base,
                 "{\"generation\": 1, \"number\": %d, \"attempt\": 1, \"snapshot_a\": \"%s\","
                 " \"snapshot_b\": \"%s\"}",
                 step->base, name, sealed);
    snprintf(text, sizeof text,
             "{\"snapshot\": \"s%d\", \"t_us\": \"%lld\", \"grace_us\": \"60000000\","
             " \"side\": \"b\", \"mode\": \"incremental\", \"base\": %s,"
             " \"members\": [{\"id\": \"m1\", \"instance\": \"posix\", \"source_root\": \"/data\","
             " \"source_path\": \"/data\", \"target_instance\": \"posix\","
             " \"target_root\": \"/data\", \"target_path\": \"/data\"}],"
             " \"settings\": {\"clusters\": {\"a\": \"lyon\", \"b\": \"york\"},"
             " \"exclude\": [\".coeval\"], \"adopt\": \"compare\"}}",
             step->number, (long long)clock_realtime_us(), base);
    if (!json_parse(text, strlen(text), &body, &error))
        fail_msg("%s", error.text);
    return body;
}

struct child {
    struct loop *loop;
    struct fake_journal *disk;
    struct agent *agent;
    enum status_state state;
    char error[512];
};

static void take_status(void *context, int http, const char *text, size_t size)
{
    struct child *child = context;
    json_t *document;
    struct error error;
    struct status status;
    if (http >= 300 || !json_parse(text, size, &document, &error) ||
        !status_parse(document, &status, &error)) {
        fprintf(stderr, "%.*s\n", (int)size, text);
        _exit(100);
    }
    child->state = status.state;
    snprintf(child->error, sizeof child->error, "%s %s", error_name(status.error.code),
             status.error.text);
    json_decref(document);
}

static void open_store(const char *cluster, struct agent_store *ret_store)
{
    struct error error = ERROR_NONE;
    char base[128];
    json_t *options = json_object();
    snprintf(base, sizeof base, "%s/%s", top, cluster);
    json_set_string(options, "base", base);
    struct store_config config = {cluster, "posix", "/coeval", options};
    struct store *store;
    if (!posix_component.open(&config, &store, &error)) {
        fprintf(stderr, "%s\n", error.text);
        _exit(101);
    }
    *ret_store = (struct agent_store){cluster, "posix", {&posix_component, store, "/coeval"}};
}

static void send(struct child *child, const char *method, const struct step *step, const char *body)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/instructions/%s.%d", step->kind, step->number);
    struct agent_request request = {method, path, "", body, body == NULL ? 0 : strlen(body)};
    agent_handle(child->agent, &request, take_status, child);
}

static char *document_of(const struct step *step)
{
    char key[64];
    snprintf(key, sizeof key, "%s.%d", step->kind, step->number);
    struct instruction instruction = {.key = key,
                                      .kind = step->kind,
                                      .pair = PAIR,
                                      .service = SERVICE,
                                      .service_name = "bills",
                                      .generation = 1,
                                      .number = step->number,
                                      .attempt = 1,
                                      .try_number = 1,
                                      .device = "unit"};
    struct buffer text;
    json_t *document = instruction_format(&instruction, body_of(step));
    buffer_init(&text, 0);
    json_print(document, false, &text);
    json_decref(document);
    return buffer_take(&text);
}

static void carry_out(const struct step *step)
{
    struct child child = {.loop = loop_new(), .disk = fake_journal_new("unit")};
    struct error error = ERROR_NONE;
    struct agent_store stores[2];
    char work[128];
    if (step->crash_at != NULL)
        setenv("COEVAL_CRASH_AT", step->crash_at, 1);
    open_store("lyon", &stores[0]);
    open_store("york", &stores[1]);
    snprintf(work, sizeof work, "%s/work.%s", top, step->cluster);
    struct agent_options options = {.cluster = step->cluster,
                                    .id = "unit",
                                    .stores = stores,
                                    .store_count = 2,
                                    .work_directory = work};
    if (!fake_journal_open(child.disk, NULL, NULL, &options.journal, &error) ||
        !agent_new(child.loop, &options, &child.agent, &error))
        _exit(102);
    send(&child, "PUT", step, document_of(step));
    int64_t limit_us = clock_realtime_us() + (int64_t)ANSWER_LIMIT_MS * 1000;
    while (child.state == STATUS_RUNNING && clock_realtime_us() < limit_us) {
        fake_journal_run(child.disk);
        loop_run_until(child.loop, NULL, NULL, 1);
        send(&child, "GET", step, NULL);
    }
    if (child.state != STATUS_DONE)
        fprintf(stderr, "%s: %s\n", step->kind, child.error);
    _exit(child.state == STATUS_DONE      ? ENDED_DONE
          : child.state == STATUS_WAITING ? ENDED_WAITING
                                          : ENDED_FAILED);
}

static enum ending run(struct step step)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        carry_out(&step);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return ENDED_KILLED;
    assert_true(WEXITSTATUS(status) < 100);
    return (enum ending)WEXITSTATUS(status);
}

static void done(const char *cluster, const char *kind, int number, int base)
{
    if (run((struct step){cluster, kind, number, base, NULL}) != ENDED_DONE)
        fail_msg("%s of epoch %d is not done", kind, number);
}

/* ---- trees ---------------------------------------------------------------------------------- */

/* All that is compared: names, types, modes, sizes, times, contents; not the top's own times. */
static void note(const char *cluster, const char *name)
{
    shell("cd %s/%s/data && (find . -mindepth 1 -path ./.coeval -prune -o -printf "
          "'%%P %%y %%m %%T@ %%l\\n' | LC_ALL=C sort; find . -path ./.coeval -prune -o -type f "
          "-print0 | LC_ALL=C sort -z | xargs -0 -r cksum) > %s/%s",
          top, cluster, top, name);
}

static void same(const char *first, const char *second, const char *what)
{
    char command[512];
    snprintf(command, sizeof command, "cd %s && diff %s %s >&2", top, first, second);
    if (run_shell(command) != 0)
        fail_msg("%s: %s is not %s", what, first, second);
}

static int set_up(void **state)
{
    (void)state;
    temporary_make(top, sizeof top, "commit-test");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return run_shell(command);
}

static void begin(void)
{
    shell("rm -rf %s/* && mkdir -p %s/lyon/data/k %s/york && cd %s/lyon/data && echo 1 > a && "
          "echo 2 > b && echo 3 > k/g && echo 4 > k/h && mkdir -p d/e && echo 5 > d/e/f && "
          "ln -s a link",
          top, top, top, top);
}

/* Epoch 1 is sealed; epoch 2 is received: deletes a directory whose child moved out, replaces,
 * creates, moves over, changes attributes. */
static int receive_increment(void)
{
    begin();
    done("lyon", "snapshot", 1, 0);
    done("york", "transfer", 1, 0);
    done("york", "commit", 1, 0);
    shell(
        "cd %s/lyon/data && mv k/g m && rm -r k && echo new > n && rm b && mkdir b && echo 6 > b/x "
        "&& mv d/e d/z && chmod 640 a && rm link && ln -s b link",
        top);
    done("lyon", "snapshot", 2, 1);
    done("york", "transfer", 2, 1);
    note("lyon", "after");
    note("york", "before");
    return 2;
}

/* Epoch 1 is received onto a target that has data of somebody else. */
static int receive_adopted(void)
{
    begin();
    shell("mkdir -p %s/york/data/k && cd %s/york/data && echo foreign > a && echo 2 > b && "
          "echo only > here && echo 9 > k/g",
          top, top);
    done("lyon", "snapshot", 1, 0);
    done("york", "transfer", 1, 0);
    note("lyon", "after");
    note("york", "before");
    return 1;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static const char *const commit_points[] = {
    "agent.commit.begun",    "agent.commit.park-step:1",  "agent.commit.park-step:2",
    "agent.commit.parked",   "agent.commit.place-step:1", "agent.commit.place-step:3",
    "agent.commit.placed",   "agent.commit.attributes",   "agent.commit.times",
    "agent.commit.compared", "agent.commit.saved",        "agent.commit.cleaning",
    "agent.commit.cleaned",  "agent.commit.frozen",       "agent.commit.verified",
    "agent.seal.writing",
};
static const char *const rollback_points[] = {
    "agent.commit.park-step:1", "agent.commit.back-parked", "agent.commit.place-step:1",
    "agent.commit.back-placed", "agent.rollback.back",      "agent.rollback.forgotten",
};

typedef int receive_fn(void);

static void kill_then_finish(receive_fn *receive)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commit_points); i++) {
        int number = receive();
        run((struct step){"york", "commit", number, number - 1, commit_points[i]});
        done("york", "commit", number, number - 1);
        note("york", "now");
        same("now", "after", commit_points[i]);
        shell("test -f %s/york/coeval/%s/%s/g1.e%d/seal.json", top, PAIR, SERVICE, number);
    }
}

/* second: where the first rollback is killed too; then only after every step-th point. */
static void kill_then_go_back(receive_fn *receive, const char *second, size_t first, size_t step)
{
    for (size_t i = first; i < ARRAY_LENGTH(commit_points); i += step) {
        int number = receive();
        enum ending ending =
            run((struct step){"york", "commit", number, number - 1, commit_points[i]});
        if (ending == ENDED_DONE) /* this epoch does not come by there */
            continue;
        assert_int_equal(ending, ENDED_KILLED);
        if (second != NULL)
            run((struct step){"york", "rollback", number, number - 1, second});
        done("york", "rollback", number, number - 1);
        note("york", "now");
        same("now", "before", commit_points[i]);
        shell("test ! -e %s/york/coeval/%s/%s/g1.e%d && test ! -e %s/york/data/.coeval", top, PAIR,
              SERVICE, number, top);
    }
}

static void test_increment_is_finished(void **state)
{
    (void)state;
    kill_then_finish(receive_increment);
}

static void test_adopted_is_finished(void **state)
{
    (void)state;
    kill_then_finish(receive_adopted);
}

static void test_increment_goes_back(void **state)
{
    (void)state;
    kill_then_go_back(receive_increment, NULL, 0, 1);
}

static void test_adopted_goes_back(void **state)
{
    (void)state;
    kill_then_go_back(receive_adopted, NULL, 0, 1);
}

static void test_going_back_is_killed_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rollback_points); i += ROUNDS_SHARE) {
        kill_then_go_back(receive_adopted, rollback_points[i], 6, 4);
        kill_then_go_back(receive_increment, rollback_points[i], 6, 3);
    }
}

/* What somebody wrote between the comparison and the seal must not be sealed unseen. */
static void test_a_write_after_the_comparison_is_found(void **state)
{
    static const char *const writes[] = {"printf X > b", "chmod 600 b", "touch stray"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(writes); i++) {
        int number = receive_adopted();
        shell("cd %s/york/data && %s", top, writes[i]);
        assert_int_equal(run((struct step){"york", "commit", number, 0, NULL}), ENDED_FAILED);
        shell("test ! -e %s/york/coeval/%s/%s/g1.e1/seal.json", top, PAIR, SERVICE);
    }
}

static void test_a_late_transfer_leaves_the_commit_alone(void **state)
{
    (void)state;
    int number = receive_increment();
    run((struct step){"york", "commit", number, 1, "agent.commit.parked"});
    assert_int_equal(run((struct step){"york", "transfer", number, 1, NULL}), ENDED_FAILED);
    done("york", "commit", number, 1);
    note("york", "now");
    same("now", "after", "late transfer");
}

/* Renaming the seal, sent by an agent that died, may be carried out when the way back has begun. */
static void test_a_late_seal_finds_nothing(void **state)
{
    (void)state;
    int number = receive_increment();
    run((struct step){"york", "commit", number, 1, "agent.commit.verified"});
    shell("echo {} > %s/york/coeval/%s/%s/g1.e2/seal.json.new", top, PAIR, SERVICE);
    assert_int_equal(run((struct step){"york", "rollback", number, 1, "agent.rollback.back"}),
                     ENDED_KILLED);
    shell("test ! -e %s/york/coeval/%s/%s/g1.e2/seal.json.new", top, PAIR, SERVICE);
    done("york", "rollback", number, 1);
}

static void test_a_lost_plan_is_no_rollback(void **state)
{
    (void)state;
    int number = receive_increment();
    run((struct step){"york", "commit", number, 1, "agent.commit.placed"});
    shell("rm %s/york/coeval/%s/%s/g1.e2/plan.m1", top, PAIR, SERVICE);
    assert_int_equal(run((struct step){"york", "rollback", number, 1, NULL}), ENDED_FAILED);
}

/* What was brought back by copying is another object with the same content. */
static void test_an_epoch_follows_one_that_went_back(void **state)
{
    static const char *const points[] = {"agent.commit.placed", "agent.commit.cleaned"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(points); i++) {
        int number = receive_increment();
        run((struct step){"york", "commit", number, 1, points[i]});
        done("york", "rollback", number, 1);
        done("lyon", "snapshot", 3, 1);
        done("york", "transfer", 3, 1);
        done("york", "commit", 3, 1);
        note("york", "now");
        same("now", "after", points[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_write_after_the_comparison_is_found, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_late_transfer_leaves_the_commit_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_epoch_follows_one_that_went_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_late_seal_finds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_plan_is_no_rollback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_increment_is_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_adopted_is_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_increment_goes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_adopted_goes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_going_back_is_killed_too, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
