/* agent_bed.c: see agent_bed.h. */
#include "agent_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "component/posix/posix.h"
#include "fake/loop_turns.h"
#include "fake/temporary.h"
#include "seal_name.h"

#define WAIT_LIMIT_US 30000000

struct bed bed;

static const char *const names[] = {"lyon", "york"};

/* ---- up and down ---------------------------------------------------------------------------- */

static void open_store(enum bed_side side, const struct component *component)
{
    struct error error = ERROR_NONE;
    char base[128];
    struct store *store;
    json_t *options = bed.options[side] = json_object();
    snprintf(base, sizeof base, "%s/%s", bed.top, names[side]);
    json_set_string(options, "base", base);
    struct store_config config = {names[side], "posix", BED_AREA, options};
    if (!posix_component.open(&config, &store, &error))
        fail_msg("%s", error.text);
    bed.stores[side] = (struct agent_store){names[side], "posix", {component, store, BED_AREA}};
}

static void start(enum bed_side side)
{
    struct error error = ERROR_NONE;
    static char works[2][96]; /* the agent borrows it */
    snprintf(works[side], sizeof works[side], "%s/work.%s", bed.top, names[side]);
    assert_true(fake_journal_open(bed.disks[side], NULL, NULL, &bed.journals[side], &error));
    struct agent_options options = {.cluster = names[side],
                                    .id = "unit",
                                    .stores = bed.stores,
                                    .store_count = 2,
                                    .journal = bed.journals[side],
                                    .work_directory = works[side],
                                    .orders_bytes_max = bed.orders_bytes_max,
                                    .runs_hooks = true};
    if (!agent_new(bed.loop, &options, &bed.agents[side], &error))
        fail_msg("%s", error.text);
}

int bed_set_up(void **state)
{
    (void)state;
    bed = (struct bed){.loop = loop_new()};
    temporary_make(bed.top, sizeof bed.top, "bed");
    setenv("TOP", bed.top, 1);
    setenv("SERVICE", BED_PAIR "/" BED_SERVICE, 1);
    bed_shell("mkdir -p $TOP/lyon/data $TOP/york");
    const struct component *component = spy_component(&posix_component);
    for (int side = LYON; side <= YORK; side++) {
        open_store(side, component);
        bed.disks[side] = fake_journal_new("unit");
        start(side);
    }
    bed_turn();
    return 0;
}

static void set_flag(void *context)
{
    *(bool *)context = true;
}

static bool is_set(void *context)
{
    return *(bool *)context;
}

static void stop(enum bed_side side)
{
    bool stopped = false;
    spy_release();
    agent_stop(bed.agents[side], set_flag, &stopped);
    bed_wait(is_set, &stopped);
    agent_free(bed.agents[side]);
    bed.journals[side]->operations->close(bed.journals[side]);
    bed_turn_alone();
}

void bed_restart(enum bed_side side)
{
    stop(side);
    start(side);
}

void bed_lose_journal(enum bed_side side)
{
    stop(side);
    fake_journal_free(bed.disks[side]);
    bed.disks[side] = fake_journal_new(names[side]);
    start(side);
}

int bed_tear_down(void **state)
{
    (void)state;
    for (int side = LYON; side <= YORK; side++) {
        stop(side);
        fake_journal_free(bed.disks[side]);
        posix_component.close(bed.stores[side].ref.store);
        json_decref(bed.options[side]);
        bed.agents[side] = NULL;
    }
    loop_free(bed.loop);
    bed_shell("chmod -R u+rwx $TOP && rm -rf $TOP");
    return 0;
}

/* ---- turns ---------------------------------------------------------------------------------- */

void bed_turn_alone(void)
{
    loop_take_turns(bed.loop);
    loop_run_until(bed.loop, NULL, NULL, 1); /* threads must get theirs */
}

void bed_turn(void)
{
    for (int side = LYON; side <= YORK; side++)
        if (bed.agents[side] != NULL)
            fake_journal_run(bed.disks[side]);
    bed_turn_alone();
}

void bed_wait(bool (*condition)(void *context), void *context)
{
    int64_t limit_us = clock_realtime_us() + WAIT_LIMIT_US;
    while (!condition(context)) {
        assert_true(clock_realtime_us() < limit_us);
        bed_turn();
    }
}

static bool holds(void *context)
{
    (void)context;
    return spy_is_holding();
}

void bed_wait_for_hold(void)
{
    bed_wait(holds, NULL);
}

/* ---- the shell ------------------------------------------------------------------------------ */

static int run_shell(const char *format, va_list args)
{
    char command[2048];
    int status = -1;
    vsnprintf(command, sizeof command, format, args);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
        _exit(127);
    }
    return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : status;
}

void bed_shell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int status = run_shell(format, args);
    va_end(args);
    if (status != 0)
        fail_msg("%s", format);
}

bool bed_shell_says(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int status = run_shell(format, args);
    va_end(args);
    return status == 0;
}

/* ---- orders --------------------------------------------------------------------------------- */

static const char *key_of(const struct bed_order *order)
{
    static char key[PROTOCOL_KEY_SIZE];
    if (order->key != NULL)
        return order->key;
    snprintf(key, sizeof key, "%s.%d.%d.%d.%d", order->kind, order->number, order->generation,
             order->attempt, order->try);
    return key;
}

static json_t *parse(const char *text)
{
    struct error error;
    json_t *document = NULL;
    if (!json_parse(text, strlen(text), &document, &error))
        fail_msg("%s: %s", error.text, text);
    return document;
}

static void merge(json_t *object, const char *more)
{
    json_t *added = parse(more == NULL ? "{}" : more);
    json_object_update(object, added);
    json_decref(added);
}

static void snapshot_name(int generation, int number, int attempt, char *ret_name, size_t size)
{
    snprintf(ret_name, size, "coeval.aaaaaaaa.bbbbbbbb.g%d.e%d.a%d.20260101T000000Z",
             generation == 0 ? 1 : generation, number, attempt == 0 ? 1 : attempt);
}

static json_t *body_of(const struct bed_order *order)
{
    char text[2048], base[512] = "null", name[128], base_name[128], sealed[128], york[128];
    snapshot_name(order->generation, order->number, order->attempt, name, sizeof name);
    snapshot_name(1, order->base, 1, base_name, sizeof base_name);
    snprintf(york, sizeof york, "%s/york", bed.top);
    seal_name(york, BED_PAIR, BED_SERVICE, order->base, base_name, sealed, sizeof sealed);
    if (order->base != 0)
        snprintf(base, sizeof base,
                 "{\"generation\": 1, \"number\": %d, \"attempt\": 1, \"snapshot_a\": \"%s\","
                 " \"snapshot_b\": \"%s\"}",
                 order->base, base_name, sealed);
    snprintf(text, sizeof text,
             "{\"snapshot\": \"%s\", \"t_us\": \"%lld\", \"grace_us\": \"60000000\","
             " \"side\": \"%s\", \"mode\": \"incremental\", \"base\": %s,"
             " \"attempts\": [{\"attempt\": 1, \"snapshot\": \"%s\"}],"
             " \"members\": [{\"id\": \"m1\", \"instance\": \"posix\", \"source_root\": \"/data\","
             " \"source_path\": \"/data\", \"target_instance\": \"posix\","
             " \"target_root\": \"/data\", \"target_path\": \"/data\"}],"
             " \"settings\": {\"clusters\": {\"a\": \"lyon\", \"b\": \"york\"},"
             " \"policy\": {\"name\": \"bills\"}, \"exclude\": [\".coeval\"],"
             " \"adopt\": \"compare\"}}",
             name, (long long)(order->t_us == 0 ? clock_realtime_us() : order->t_us),
             order->side == LYON ? "a" : "b", base, name);
    json_t *body = parse(text);
    merge(json_object_get(body, "settings"), order->settings);
    merge(body, order->more);
    return body;
}

static void take_reply(void *context, int status, const char *body, size_t size)
{
    struct bed_reply *reply = context;
    struct error error;
    json_t *document;
    reply->status = status;
    if (size == 0 || !json_parse(body, size, &document, &error))
        return;
    const json_t *failure = json_object_get(document, "error");
    snprintf(reply->code, sizeof reply->code, "%s", json_string_or(failure, "code", ""));
    json_decref(document);
}

void bed_put_late(struct bed_order order, struct bed_reply *reply)
{
    char path[128];
    struct instruction instruction = {
        .key = key_of(&order),
        .kind = order.kind,
        .pair = BED_PAIR,
        .service = order.service == NULL ? BED_SERVICE : order.service,
        .service_name = "bills",
        .generation = order.generation == 0 ? 1 : order.generation,
        .fence = order.fence,
        .number = order.number,
        .attempt = order.attempt == 0 ? 1 : order.attempt,
        .try_number = order.try == 0 ? 1 : order.try,
        .device = "dddddddd-0000-0000-0000-000000000001",
    };
    struct buffer text;
    json_t *document = instruction_format(&instruction, body_of(&order));
    buffer_init(&text, 0);
    json_print(document, false, &text);
    json_decref(document);
    snprintf(path, sizeof path, "/v1/instructions/%s", key_of(&order));
    struct agent_request request = {"PUT", path, "", buffer_text(&text), text.size};
    *reply = (struct bed_reply){0};
    agent_handle(bed.agents[order.side], &request, take_reply, reply);
    buffer_fini(&text);
}

static bool is_answered(void *context)
{
    return ((struct bed_reply *)context)->status != 0;
}

struct bed_reply bed_put(struct bed_order order)
{
    struct bed_reply reply;
    bed_put_late(order, &reply);
    bed_wait(is_answered, &reply);
    return reply;
}

static void take_status(void *context, int http, const char *text, size_t size)
{
    struct bed_status *ret = context;
    struct error error;
    struct status status;
    json_t *document = NULL;
    snprintf(ret->phase, sizeof ret->phase, "unknown");
    if (http == 404) /* not accepted yet */
        return;
    if (http != 200 || !json_parse(text, size, &document, &error) ||
        !status_parse(document, &status, &error))
        fail_msg("%.*s", (int)size, text);
    ret->state = status.state;
    ret->revision = status.revision;
    ret->progress = status.progress;
    snprintf(ret->phase, sizeof ret->phase, "%s", status.phase);
    snprintf(ret->code, sizeof ret->code, "%s", error_name(status.error.code));
    snprintf(ret->text, sizeof ret->text, "%s", status.error.text);
    snprintf(ret->question, sizeof ret->question, "%s",
             status.question == NULL ? "" : status.question);
    ret->result = json_incref(status.result);
    json_decref(document);
}

struct bed_status bed_get(struct bed_order order)
{
    char path[128];
    struct bed_status status = {0};
    snprintf(path, sizeof path, "/v1/instructions/%s", key_of(&order));
    struct agent_request request = {"GET", path, "", NULL, 0};
    agent_handle(bed.agents[order.side], &request, take_status, &status);
    return status;
}

static bool is_over(void *context)
{
    struct bed_status status = bed_get(*(struct bed_order *)context);
    bed_forget(&status);
    return status.state != STATUS_RUNNING;
}

struct bed_status bed_end(struct bed_order order)
{
    bed_wait(is_over, &order);
    return bed_get(order);
}

void bed_expect_end(struct bed_order order, enum status_state state, const char *code)
{
    struct bed_status status = bed_end(order);
    assert_string_equal(status.code, code);
    assert_int_equal(status.state, state);
    bed_forget(&status);
}

void bed_expect_accepted(struct bed_order order)
{
    bed_turn();
    struct bed_status status = bed_get(order);
    assert_string_equal(status.phase, "accepted");
    bed_forget(&status);
}

struct phase {
    struct bed_order order;
    const char *name;
};

static bool has_phase(void *context)
{
    const struct phase *phase = context;
    struct bed_status status = bed_get(phase->order);
    bed_forget(&status);
    return strcmp(status.phase, phase->name) == 0;
}

void bed_wait_for_phase(struct bed_order order, const char *name)
{
    struct phase phase = {order, name};
    bed_wait(has_phase, &phase);
}

void bed_do(struct bed_order order)
{
    struct bed_reply reply = bed_put(order);
    if (reply.status >= 300)
        fail_msg("%s of epoch %d: %d %s", order.kind, order.number, reply.status, reply.code);
    struct bed_status status = bed_end(order);
    if (status.state != STATUS_DONE)
        fail_msg("%s of epoch %d: %s %s", order.kind, order.number, status.code, status.text);
    bed_forget(&status);
}

void bed_fail(struct bed_order order, const char *code)
{
    bed_put(order);
    bed_expect_end(order, STATUS_FAILED, code);
}

void bed_forget(struct bed_status *status)
{
    json_decref(status->result);
    status->result = NULL;
}

/* ---- epochs --------------------------------------------------------------------------------- */

void bed_seal(int number, int base)
{
    bed_do(ORDER(LYON, "snapshot", number, base));
    bed_do(ORDER(YORK, "transfer", number, base));
    struct bed_order commit = ORDER(YORK, "commit", number, base),
                     settle = ORDER(LYON, "settle", number, base);
    bed_do(commit);
    struct bed_status sealed = bed_get(commit);
    struct buffer more;
    buffer_init(&more, 0);
    json_print(sealed.result, false, &more);
    settle.more = buffer_text(&more);
    bed_do(settle);
    buffer_fini(&more);
    bed_forget(&sealed);
}
