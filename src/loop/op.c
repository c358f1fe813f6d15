/* op.c: the engine of op.h. op_go() and op_fail() only decide; the loop enters, so that no state's
 * work ever runs on the stack of another's. */
#include "loop/op.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/check.h"

#define EDGES_MAX 512

static struct edge {
    int64_t at_ms;
    const void *op;
    const char *state;
    enum error_code code;
} edges[EDGES_MAX];
static uint64_t edges_taken;

static void enter(void *context);

static void decide(struct op *op, int state)
{
    op->state = state;
    op->queued = true;
    loop_post(op->loop, enter, op);
}

void op_start(struct op *op, struct loop *loop, const struct op_state *states, op_fn *done)
{
    *op = (struct op){.states = states, .loop = loop, .done = done};
    decide(op, 0);
}

void op_go(struct op *op, int state)
{
    CHECK(!op->queued);
    CHECK((op->states[op->state].then & OP_BIT(state)) != 0);
    decide(op, state);
}

void op_fail(struct op *op, const struct error *error)
{
    CHECK(!op->queued);
    CHECK(error->code != ERROR_OK);
    CHECK(op->states[op->state].enter != NULL);
    if (op->error.code == ERROR_OK)
        op->error = *error;
    op->unwinding = true;
    decide(op, op->states[op->state].fail);
}

void op_cancel(struct op *op, const struct error *why)
{
    CHECK(why->code != ERROR_OK);
    const struct op_state *state = &op->states[op->state];
    if (op->error.code != ERROR_OK || state->enter == NULL)
        return; /* failing already, or as good as done */
    op->error = *why;
    if (!op->queued && state->cancel != NULL)
        state->cancel(op);
}

static void trace(const struct op *op)
{
    edges[edges_taken++ % EDGES_MAX] = (struct edge){.at_ms = loop_now_ms(op->loop),
                                                     .op = op,
                                                     .state = op->states[op->state].name,
                                                     .code = op->error.code};
}

static void enter(void *context)
{
    struct op *op = context;
    if (op->states[op->state].enter != NULL && op->error.code != ERROR_OK && !op->unwinding) {
        op->unwinding = true; /* cancelled between decided and entered: this work never begins */
        op->state = op->states[op->state].fail;
    }
    op->queued = false;
    if (op->states[op->state].enter != NULL) {
        trace(op);
        op->states[op->state].enter(op);
        return;
    }
    if (!op->unwinding)
        op->error = ERROR_NONE; /* cancelled too late: it did succeed */
    trace(op);
    op->done(op);
}

void op_trace_print(struct buffer *buffer)
{
    uint64_t first = edges_taken > EDGES_MAX ? edges_taken - EDGES_MAX : 0;
    for (uint64_t i = first; i < edges_taken; i++) {
        const struct edge *edge = &edges[i % EDGES_MAX];
        buffer_append_format(buffer, "%" PRId64 " op=%p %s %s\n", edge->at_ms, edge->op,
                             edge->state, error_name(edge->code));
    }
}

void op_trace_dump(void)
{
    struct buffer text;
    buffer_init(&text, 0);
    op_trace_print(&text);
    ssize_t written = write(STDERR_FILENO, buffer_text(&text), text.size);
    (void)written; /* we are about to abort */
    buffer_fini(&text);
}
