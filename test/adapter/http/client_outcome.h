/* client_outcome.h: what came out of a call of the client, and waiting for it. Include it behind
 * cmocka.h. */
#ifndef COEVAL_TEST_CLIENT_OUTCOME_H
#define COEVAL_TEST_CLIENT_OUTCOME_H

#include "http/client.h"
#include "loop/loop.h"

#define OUTCOME_PATIENCE_MS 5000

struct outcome {
    struct loop *loop;
    unsigned done;
    unsigned wanted;
    int status;
    struct buffer body;
    struct error error;
};

static inline void note_done(void *context, const struct http_result *result,
                             const struct error *error)
{
    struct outcome *outcome = context;
    outcome->done++;
    outcome->error = *error;
    assert_true((result == NULL) == (error->code != ERROR_OK));
    if (result == NULL)
        return;
    outcome->status = result->status;
    buffer_clear(&outcome->body);
    if (result->body.size > 0)
        buffer_append(&outcome->body, result->body.data, result->body.size);
}

static inline bool is_done(void *context)
{
    struct outcome *outcome = context;
    return outcome->done >= outcome->wanted;
}

static inline void await_many(struct outcome *outcome, unsigned count)
{
    outcome->wanted = count;
    assert_true(loop_run_until(outcome->loop, is_done, outcome, OUTCOME_PATIENCE_MS));
    assert_int_equal(outcome->done, count);
    outcome->done = 0;
}

static inline void await(struct outcome *outcome)
{
    await_many(outcome, 1);
}

static inline void assert_code(const struct outcome *outcome, enum error_code code)
{
    if (outcome->error.code != code)
        fail_msg("%s: %s", error_name(outcome->error.code), outcome->error.text);
}

#endif
