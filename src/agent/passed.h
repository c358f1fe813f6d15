/* passed.h: the highest (number, attempt) of a service that was discarded or brought back, in B's
 * area beside policy.json. What an agent's journal knows of late orders is lost with it; an order
 * that was on its way for so long must still not make an epoch that was given up. */
#ifndef COEVAL_AGENT_PASSED_H
#define COEVAL_AGENT_PASSED_H

#include "agent/protocol.h"
#include "component/store_util.h"

struct passed {
    int64_t number, attempt; /* 0: none */
};
/* A file that is damaged counts as none: it is written anew when the next attempt is given up. */
bool passed_read(struct store_ref home, const struct call *call, const char *pair,
                 const char *service, struct passed *ret_passed, struct error *error);
/* The order's attempt is given up: last of all, for an order to give up that fails has decided
 * nothing, and is tried again. */
bool passed_note(struct store_ref home, const struct call *call,
                 const struct instruction *instruction, struct error *error);
/* EXISTS: the order's attempt, or a later one, was given up: *ret_passed says which. */
bool passed_admits(struct store_ref home, const struct call *call,
                   const struct instruction *instruction, struct passed *ret_passed,
                   struct error *error);

#endif
