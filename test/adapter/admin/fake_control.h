/* fake_control.h: the functions of control.h with nothing behind them: what takes long is noted and
 * ends when the test says so. */
#ifndef COEVAL_TEST_FAKE_CONTROL_H
#define COEVAL_TEST_FAKE_CONTROL_H

#include "control/control.h"

#define FAKE_ORDERS_MAX 32

struct fake_order {
    const char *what; /* "verify" */
    control_done_fn *done;
    void *context;
};

struct control {
    struct fake_order orders[FAKE_ORDERS_MAX]; /* not yet answered, oldest first */
    size_t order_count;
    unsigned forgotten;
    size_t listener_count;
    control_event_fn *hear; /* of the newest listener */
    void *hear_context;
    struct control_progress progress; /* of every order; unit NULL: none is told */
    json_t *events;                   /* what control_events() gives; owned by the test */
};

/* Answers the oldest order: with the result, which is taken, or with the error. */
void fake_control_answer(struct control *control, json_t *result, const struct error *error);
void fake_control_tell(struct control *control, const json_t *event);

#endif
