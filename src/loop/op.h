/* op.h: one asynchronous operation on the loop: a table of states that shows every edge, failures
 * included; started once, done exactly once, never inside op_start(). Cancelling only asks. Embed
 * it in the operation's owner; nothing is freed before done. */
#ifndef COEVAL_LOOP_OP_H
#define COEVAL_LOOP_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "loop/loop.h"

#define OP_BIT(state) (UINT64_C(1) << (state))

struct op;
typedef void op_fn(struct op *op);

struct op_state {
    const char *name; /* "exchange.send" */
    op_fn *enter;     /* starts the work this state waits for; NULL marks the final state */
    op_fn *cancel;    /* hurries that work; NULL: it cannot be interrupted, wait it out */
    uint64_t then;    /* states that may follow on success */
    int fail;         /* state that follows on failure; also taken before the work has begun, so its
                         own work must cope with "nothing there" */
};

struct op {
    const struct op_state *states;
    struct loop *loop;
    op_fn *done;        /* runs last; may free or start the operation again */
    struct error error; /* the first failure wins; read it in done */
    int state;
    bool queued;    /* state decided, enter not called yet */
    bool unwinding; /* took a fail edge: errors and cancels no longer divert */
};

/* Enters state 0 in a later turn. */
void op_start(struct op *op, struct loop *loop, const struct op_state *states, op_fn *done);
/* The work of the state ended: with success, or with a failure. Once per state. */
void op_go(struct op *op, int state);
void op_fail(struct op *op, const struct error *error);
/* Asks; done still comes, once, and with success when the last work succeeded nevertheless. */
void op_cancel(struct op *op, const struct error *why);

/* The last edges that any operation took, oldest first, a line each; op_trace_dump() writes them to
 * stderr and is what check_set_dump_hook() wants. */
void op_trace_print(struct buffer *buffer);
void op_trace_dump(void);

#endif
