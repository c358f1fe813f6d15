/* op_test.c: an operation of three steps against a peer that is played by posts, cancelled before
 * every step, with a peer that accepts or refuses and steps that can be interrupted or not. Always:
 * done exactly once, nothing left running, and the error that came first. This is the template for
 * every operation's unit test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "child.h"
#include "fake/loop_turns.h"
#include "loop/loop.h"
#include "loop/op.h"

/*   SEND ──► WAIT ──► CONFIRM ──► END
 *     └─fail───┴─fail─► FORGET ──► END   (CONFIRM fails to FORGET too, and cannot be interrupted)
 */
enum { SEND, WAIT, CONFIRM, FORGET, END };

struct exchange {
    struct op op;
    bool request_running; /* the child: a post plays the peer's answer to it */
    bool request_cancelled;
    int fails_at; /* the state in which the peer refuses; -1: none */
    int entered[END + 1];
    int hooks;
    int dones;
    int turns;
    int cancel_at_turn;
    bool inside;
};

static void answer(void *context);

static void start_request(struct op *op)
{
    struct exchange *exchange = container_of(op, struct exchange, op);
    assert_false(exchange->inside);
    assert_false(exchange->request_running);
    exchange->entered[op->state]++;
    exchange->request_running = true;
    exchange->request_cancelled = false;
    loop_post(op->loop, answer, exchange);
}

static void cancel_request(struct op *op)
{
    struct exchange *exchange = container_of(op, struct exchange, op);
    assert_true(exchange->request_running); /* the hook only sees work that has begun */
    exchange->request_cancelled = true;
    exchange->hooks++;
}

static const struct op_state interruptible[] = {
    [SEND] = {"exchange.send", start_request, cancel_request, OP_BIT(WAIT), FORGET},
    [WAIT] = {"exchange.wait", start_request, cancel_request, OP_BIT(CONFIRM), FORGET},
    [CONFIRM] = {"exchange.confirm", start_request, NULL, OP_BIT(END), FORGET},
    [FORGET] = {"exchange.forget", start_request, NULL, OP_BIT(END), END},
    [END] = {.name = "exchange.end"},
};

static const struct op_state uninterruptible[] = {
    [SEND] = {"exchange.send", start_request, NULL, OP_BIT(WAIT), FORGET},
    [WAIT] = {"exchange.wait", start_request, NULL, OP_BIT(CONFIRM), FORGET},
    [CONFIRM] = {"exchange.confirm", start_request, NULL, OP_BIT(END), FORGET},
    [FORGET] = {"exchange.forget", start_request, NULL, OP_BIT(END), END},
    [END] = {.name = "exchange.end"},
};

static void answer(void *context)
{
    struct exchange *exchange = context;
    struct op *op = &exchange->op;
    struct error error = ERROR_NONE;
    exchange->request_running = false;
    if (exchange->request_cancelled)
        error_set(&error, ERROR_CANCELED, "request canceled");
    else if (op->state == exchange->fails_at)
        error_set(&error, ERROR_DENIED, "refused in %d", op->state);
    exchange->inside = true;
    if (error.code != ERROR_OK)
        op_fail(op, &error);
    else
        op_go(op, op->state >= CONFIRM ? END : op->state + 1);
    exchange->inside = false;
}

static void on_done(struct op *op)
{
    struct exchange *exchange = container_of(op, struct exchange, op);
    assert_false(exchange->inside);
    exchange->dones++;
}

static void cancel(struct exchange *exchange)
{
    struct error why;
    error_set(&why, ERROR_TIMEOUT, "deadline of the exchange");
    exchange->inside = true;
    op_cancel(&exchange->op, &why);
    op_cancel(&exchange->op, &why); /* twice does no harm */
    exchange->inside = false;
}

/* Looked at before each turn and before each wait: between any two steps of the operation. */
static bool step(void *context)
{
    struct exchange *exchange = context;
    if (exchange->dones == 0 && exchange->turns++ == exchange->cancel_at_turn)
        cancel(exchange);
    return exchange->dones > 0;
}

static struct exchange run(struct loop *loop, const struct op_state *states, int fails_at,
                           int cancel_at_turn)
{
    struct exchange exchange = {.fails_at = fails_at, .cancel_at_turn = cancel_at_turn};
    exchange.inside = true;
    op_start(&exchange.op, loop, states, on_done);
    exchange.inside = false;
    assert_true(loop_run_until(loop, step, &exchange, 60000));
    loop_take_turns(loop);
    assert_int_equal(exchange.dones, 1);
    assert_false(exchange.request_running);
    return exchange;
}

static void check_outcome(const struct exchange *exchange)
{
    bool failed = exchange->op.error.code != ERROR_OK;
    assert_int_equal(exchange->entered[FORGET], failed ? 1 : 0);
    for (int state = SEND; state <= CONFIRM; state++)
        assert_true(exchange->entered[state] <= 1);
    if (!failed)
        assert_int_equal(exchange->entered[CONFIRM], 1);
    else if (exchange->fails_at < 0)
        assert_int_equal(exchange->op.error.code, ERROR_TIMEOUT); /* the reason, not its echo */
}

static void test_success_and_each_failure(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct exchange good = run(loop, interruptible, -1, -1);
    check_outcome(&good);
    assert_int_equal(good.op.error.code, ERROR_OK);
    for (int fails_at = SEND; fails_at <= CONFIRM; fails_at++) {
        struct exchange bad = run(loop, interruptible, fails_at, -1);
        check_outcome(&bad);
        assert_int_equal(bad.op.error.code, ERROR_DENIED);
        assert_int_equal(bad.entered[CONFIRM], fails_at == CONFIRM);
    }
    loop_free(loop);
}

static void test_cancel_before_every_step(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    const struct op_state *const tables[] = {interruptible, uninterruptible};
    int cancelled = 0, too_late = 0, hooks = 0;
    for (size_t table = 0; table < 2; table++)
        for (int fails_at = -1; fails_at <= FORGET; fails_at++)
            for (int turn = 0; turn < 24; turn++) {
                struct exchange exchange = run(loop, tables[table], fails_at, turn);
                check_outcome(&exchange);
                cancelled += exchange.op.error.code == ERROR_TIMEOUT;
                too_late += exchange.op.error.code == ERROR_OK;
                hooks += exchange.hooks;
                assert_true(exchange.hooks <= 1);
            }
    assert_true(cancelled > 20);
    assert_true(too_late > 20);
    assert_true(hooks > 5);
    loop_free(loop);
}

static void test_cancel_before_the_first_enter(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct exchange exchange = run(loop, interruptible, -1, 0);
    assert_int_equal(exchange.entered[SEND], 0);
    assert_int_equal(exchange.entered[FORGET], 1);
    assert_int_equal(exchange.op.error.code, ERROR_TIMEOUT);
    loop_free(loop);
}

static void test_the_trace_keeps_the_last_edges(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    for (int i = 0; i < 200; i++)
        run(loop, interruptible, i == 199 ? WAIT : -1, -1);
    struct buffer text;
    buffer_init(&text, 0);
    op_trace_print(&text);
    size_t lines = 0;
    for (const char *at = buffer_text(&text); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 512);
    const char *last = strrchr(buffer_text(&text), ' ');
    assert_string_equal(last, " DENIED\n");
    assert_non_null(strstr(buffer_text(&text), "exchange.wait OK\n"));
    buffer_fini(&text);
    loop_free(loop);
}

static void break_in_a_state(void)
{
    struct loop *loop = loop_new();
    check_set_dump_hook(op_trace_dump);
    run(loop, interruptible, -1, -1);
    struct op idle = {.states = interruptible, .loop = loop, .state = SEND};
    op_go(&idle, END); /* no such edge */
}

static void test_a_wrong_edge_aborts_with_the_trace(void **state)
{
    (void)state;
    static char output[1 << 16];
    assert_int_equal(child_run(break_in_a_state, output, sizeof output), SIGABRT);
    assert_non_null(strstr(output, "op_go"));
    assert_non_null(strstr(output, "exchange.confirm OK\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success_and_each_failure),
        cmocka_unit_test(test_cancel_before_every_step),
        cmocka_unit_test(test_cancel_before_the_first_enter),
        cmocka_unit_test(test_the_trace_keeps_the_last_edges),
        cmocka_unit_test(test_a_wrong_edge_aborts_with_the_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
