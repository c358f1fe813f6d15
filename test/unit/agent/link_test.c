/* link_test.c: an order on its way to an agent that answers, refuses, forgets, or is not there. The
 * transport is the test: it sees each request, and answers when it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link_private.h"
#include "base/check.h"
#include "base/json.h"
#include "fake/loop_turns.h"

/* ---- the transport -------------------------------------------------------------------------- */

struct exchange {
    char method[8], path[192];
    size_t body_size;
    int64_t timeout_ms;
    link_answer_fn *fn;
    void *context;
};

static struct bed {
    struct loop *loop;
    struct link link;
    struct exchange open; /* fn NULL: none */
    unsigned sent, canceled, freed;
    /* what the order was told */
    unsigned told, refusals;
    enum status_state state;
    uint64_t revision;
    struct error error;
    struct link_order *order;
    bool free_in_fn;
    int64_t sent_ms;
    bool rang, sent_before_it_rang;
} bed;

static void *send(struct link *link, const struct link_request *request, link_answer_fn *fn,
                  void *context)
{
    (void)link;
    bed.sent++;
    bed.sent_ms = loop_now_ms(bed.loop);
    bed.sent_before_it_rang = !bed.rang;
    snprintf(bed.open.method, sizeof bed.open.method, "%s", request->method);
    snprintf(bed.open.path, sizeof bed.open.path, "%s", request->path);
    bed.open.body_size = request->body_size;
    bed.open.timeout_ms = request->timeout_ms;
    bed.open.fn = fn;
    bed.open.context = context;
    return &bed.open;
}

static void cancel(struct link *link, void *handle)
{
    (void)link;
    assert_ptr_equal(handle, &bed.open);
    assert_non_null(bed.open.fn);
    bed.open.fn = NULL;
    bed.canceled++;
}

static void free_link(struct link *link)
{
    (void)link;
    bed.freed++;
}

static const struct link_transport transport = {send, cancel, free_link};

static void answer_error(int status, const char *body, enum error_code code)
{
    struct error error = ERROR_NONE;
    struct exchange exchange = bed.open;
    if (code != ERROR_OK)
        error_set(&error, code, "the test says so");
    assert_non_null(exchange.fn);
    bed.open.fn = NULL;
    exchange.fn(exchange.context, status, body, strlen(body), &error);
}

static void answer(int status, const char *body)
{
    answer_error(status, body, ERROR_OK);
}

static bool was_sent(void *context)
{
    return bed.sent == *(unsigned *)context;
}

/* Until the next request; how long that took. */
static int64_t wait_for_request(const char *method)
{
    unsigned next = bed.sent + 1;
    int64_t begun_ms = loop_now_ms(bed.loop);
    assert_true(loop_run_until(bed.loop, was_sent, &next, 30000));
    assert_string_equal(bed.open.method, method);
    return bed.sent_ms - begun_ms;
}

/* ---- the order ------------------------------------------------------------------------------ */

static void take_status(void *context, const struct status *status, const struct error *error)
{
    assert_ptr_equal(context, &bed);
    bed.told++;
    if (status == NULL) {
        bed.refusals++;
        bed.error = *error;
    } else {
        bed.state = status->state;
        bed.revision = status->revision;
    }
    if (bed.free_in_fn) {
        link_order_free(bed.order);
        bed.order = NULL;
    }
}

static void order(void)
{
    json_t *document = json_object();
    json_set_string(document, "key", "k1");
    bed.order = link_order_new(&bed.link, document, take_status, &bed);
    assert_int_equal(bed.sent, 0); /* never inside */
    wait_for_request("PUT");
}

#define RUNNING(revision) \
    "{\"key\": \"k1\", \"revision\": " #revision ", \"state\": \"running\", \"phase\": \"hold\"}"
#define DONE "{\"key\": \"k1\", \"revision\": 9, \"state\": \"done\", \"phase\": \"hold\"}"
#define WAITING                                                                       \
    "{\"key\": \"k1\", \"revision\": 9, \"state\": \"waiting\", \"phase\": \"hold\"," \
    " \"question\": \"shrink\"}"

static int set_up(void **state)
{
    (void)state;
    bed = (struct bed){.loop = loop_new()};
    link_init(&bed.link, &transport, bed.loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    link_order_free(bed.order);
    assert_null(bed.open.fn);
    link_free(&bed.link);
    link_free(NULL);
    assert_int_equal(bed.freed, 1);
    loop_free(bed.loop);
    return 0;
}

static void expect_silence(void)
{
    unsigned sent = bed.sent;
    loop_let_pass(bed.loop, 300);
    assert_int_equal(bed.sent, sent);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_from_put_to_done(void **state)
{
    (void)state;
    order();
    assert_string_equal(bed.open.path, "/v1/instructions/k1");
    assert_true(bed.open.body_size > 0);
    answer(201, RUNNING(1));
    assert_int_equal(bed.told, 1);
    assert_string_equal(bed.open.method, "GET"); /* at once */
    assert_string_equal(bed.open.path, "/v1/instructions/k1?after=1&wait=20");
    assert_true(bed.open.timeout_ms > 20000);
    answer(200, RUNNING(1)); /* the poll's time is over: progress */
    assert_int_equal(bed.told, 2);
    answer(200, RUNNING(4));
    assert_string_equal(bed.open.path, "/v1/instructions/k1?after=4&wait=20");
    answer(200, DONE);
    assert_int_equal(bed.told, 4);
    assert_int_equal(bed.state, STATUS_DONE);
    expect_silence(); /* nothing comes after the last */
    assert_true(link_state(&bed.link).reachable);
}

static void test_a_question_is_an_end(void **state)
{
    (void)state;
    order();
    answer(200, WAITING);
    assert_int_equal(bed.state, STATUS_WAITING);
    expect_silence();
}

static void ring(void *context)
{
    (void)context;
    bed.rang = true;
}

static void test_an_agent_that_is_not_there(void **state)
{
    int64_t first, second, third;
    (void)state;
    assert_false(link_state(&bed.link).reachable);
    order();
    answer_error(0, "", ERROR_UNAVAILABLE);
    assert_false(link_state(&bed.link).reachable);
    assert_int_equal(link_state(&bed.link).error.code, ERROR_UNAVAILABLE);
    first = wait_for_request("PUT");
    answer_error(0, "", ERROR_UNAVAILABLE);
    second = wait_for_request("PUT");
    answer_error(0, "", ERROR_TIMEOUT);
    third = wait_for_request("PUT");
    assert_true(first >= 99 && second >= 199 && third >= 399); /* it doubles */
    answer(201, RUNNING(1));
    assert_true(link_state(&bed.link).reachable);
    answer_error(0, "", ERROR_UNAVAILABLE);
    struct timer *timer = timer_new(bed.loop, ring, NULL);
    timer_start(timer, 399);
    wait_for_request("GET");
    assert_true(bed.sent_before_it_rang); /* an answer begins anew */
    timer_free(timer);
    answer(200, DONE);
    assert_int_equal(bed.refusals, 0);
}

static void test_answers_that_mean_later(void **state)
{
    static const int later[] = {503, 429, 500, 502, 401, 403};
    (void)state;
    order();
    for (size_t i = 0; i < ARRAY_LENGTH(later); i++) {
        answer(later[i], "{\"error\": {\"code\": \"UNAVAILABLE\", \"message\": \"later\"}}");
        assert_int_equal(bed.told, 0);
        wait_for_request("PUT");
    }
    answer(200, DONE);
}

static void test_answers_that_are_none(void **state)
{
    (void)state;
    order();
    answer(200, "<html>");
    wait_for_request("PUT");
    answer(200, "{}");
    wait_for_request("PUT");
    answer(200, "{\"key\": \"k1\", \"revision\": 1, \"state\": \"dreaming\", \"phase\": \"x\"}");
    assert_int_equal(bed.told, 0);
    wait_for_request("PUT");
    answer(200, DONE);
}

static void test_refused(void **state)
{
    (void)state;
    order();
    answer(409, "{\"error\": {\"code\": \"FENCED\", \"message\": \"generation 2 was seen\"}}");
    assert_int_equal(bed.refusals, 1);
    assert_int_equal(bed.error.code, ERROR_FENCED);
    expect_silence();
}

/* Hundreds of orders do not hold a connection each: they ask now and then, soon after news, for
 * what is short is over by then. */
static void test_one_of_many(void **state)
{
    int64_t waited_ms[7];
    (void)state;
    order();
    bed.link.orders += 24;
    answer(201, RUNNING(1));
    for (size_t i = 0; i < ARRAY_LENGTH(waited_ms); i++) {
        assert_non_null(strstr(bed.open.path, "&wait=0"));
        answer(200, RUNNING(1));
        assert_int_equal(bed.told, 2 + i);
        waited_ms[i] = wait_for_request("GET");
    }
    assert_true(waited_ms[0] + waited_ms[1] < waited_ms[6]);
    assert_true(waited_ms[6] >= 399);
    answer(200, RUNNING(2));
    answer(200, RUNNING(2));
    assert_true(wait_for_request("GET") < waited_ms[6]); /* news begin anew */
    bed.link.orders -= 24;
    answer(200, RUNNING(2));
    assert_non_null(strstr(bed.open.path, "&wait=20"));
    answer(200, DONE);
}

/* Sending it again would not make it smaller. */
static void test_too_large(void **state)
{
    (void)state;
    order();
    answer(413, "{\"error\": {\"code\": \"LIMIT\", \"message\": \"16 MiB\"}}");
    assert_int_equal(bed.refusals, 1);
    assert_int_equal(bed.error.code, ERROR_LIMIT);
    expect_silence();
}

static void test_refused_without_a_word(void **state)
{
    (void)state;
    order();
    answer(404, "{}"); /* of a PUT: it is no agent */
    assert_int_equal(bed.refusals, 1);
    assert_int_equal(bed.error.code, ERROR_PROTOCOL);
}

/* Its journal was lost: the same order again, under the same key. */
static void test_an_agent_that_has_forgotten(void **state)
{
    (void)state;
    order();
    answer(201, RUNNING(5));
    answer(404, "{\"error\": {\"code\": \"NOT_FOUND\", \"message\": \"send it again\"}}");
    assert_int_equal(bed.told, 1);
    wait_for_request("PUT");
    assert_true(bed.open.body_size > 0);
    answer(201, RUNNING(1)); /* it counts from one again */
    assert_string_equal(bed.open.path, "/v1/instructions/k1?after=1&wait=20");
    answer(200, DONE);
}

static void test_freed_by_who_is_told(void **state)
{
    (void)state;
    bed.free_in_fn = true;
    order();
    answer(201, RUNNING(1));
    assert_int_equal(bed.told, 1);
    assert_null(bed.open.fn); /* no poll follows */
    assert_int_equal(bed.link.orders, 0);
}

static void test_freed_when_refused(void **state)
{
    (void)state;
    bed.free_in_fn = true;
    order();
    answer(409, "{}");
    assert_int_equal(bed.link.orders, 0);
}

static void test_freed_while_asked(void **state)
{
    (void)state;
    order();
    link_order_free(bed.order);
    bed.order = NULL;
    assert_int_equal(bed.canceled, 1);
    expect_silence();
    assert_int_equal(bed.told, 0);
    link_order_free(NULL);
}

static void test_freed_in_a_pause(void **state)
{
    (void)state;
    order();
    answer_error(0, "", ERROR_UNAVAILABLE);
    link_order_free(bed.order);
    bed.order = NULL;
    expect_silence();
    assert_int_equal(bed.canceled, 0);
}

static void test_stopped_for_good(void **state)
{
    (void)state;
    json_t *document = json_object();
    json_set_string(document, "key", "k2");
    link_order_cancel(NULL);
    bed.order = link_order_new(&bed.link, document, take_status, &bed);
    link_order_cancel(bed.order); /* before its first request: it may have been sent earlier */
    bed.order = NULL;
    assert_string_equal(bed.open.method, "DELETE");
    assert_string_equal(bed.open.path, "/v1/instructions/k2");
    answer(204, "");
    expect_silence();
}

/* ---- who it is ------------------------------------------------------------------------------ */

static void take_agent(void *context, const json_t *document, const struct error *error)
{
    char *text = context;
    snprintf(text, 64, "%s",
             document == NULL ? error_name(error->code) : json_string_or(document, "cluster", "?"));
}

static void test_asking_who_it_is(void **state)
{
    char text[64];
    (void)state;
    link_ask_agent(&bed.link, take_agent, text);
    assert_string_equal(bed.open.path, "/v1/agent");
    answer(200, "{\"cluster\": \"lyon\"}");
    assert_string_equal(text, "lyon");
    link_ask_agent(&bed.link, take_agent, text);
    answer(401, "{\"error\": {}}");
    assert_string_equal(text, "DENIED");
    link_ask_agent(&bed.link, take_agent, text);
    answer_error(0, "", ERROR_UNAVAILABLE);
    assert_string_equal(text, "UNAVAILABLE");
    assert_false(link_state(&bed.link).reachable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_from_put_to_done),
        T(test_a_question_is_an_end),
        T(test_an_agent_that_is_not_there),
        T(test_answers_that_mean_later),
        T(test_answers_that_are_none),
        T(test_refused),
        T(test_one_of_many),
        T(test_too_large),
        T(test_refused_without_a_word),
        T(test_an_agent_that_has_forgotten),
        T(test_freed_by_who_is_told),
        T(test_freed_when_refused),
        T(test_freed_while_asked),
        T(test_freed_in_a_pause),
        T(test_stopped_for_good),
        T(test_asking_who_it_is),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
