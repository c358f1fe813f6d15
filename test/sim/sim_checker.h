/* sim_checker.h: what must hold in every run, whatever goes wrong (ARCHITECTURE.md: G1 to G3, G5,
 * G6). The checkers look at the clusters themselves and keep their own history of the source. */
#ifndef COEVAL_TEST_SIM_SIM_CHECKER_H
#define COEVAL_TEST_SIM_SIM_CHECKER_H

#include "epoch/epoch.h"
#include "sim_store.h"

struct history *history_new(void);
void history_free(struct history *history);

/* The source as it is now, for G1. */
void check_remember_source(struct world *world, int member);
/* An order is accepted by an agent: none of an older generation (G5). */
void check_accepted(struct world *world, enum process agent, uint64_t generation);
/* It is in the agent's journal, or would be: one body per key (G5). */
void check_taken(struct world *world, enum process agent, const char *key, const char *body);
/* Its journal is lost: the keys that it held are nobody's any more. Only recovery may use one
 * again, and older orders under it are fenced. */
void check_forget_taken(struct world *world, enum process agent);
/* The device is back from its journal: no agent has an order that the journal does not know. */
void check_orders_are_recorded(struct world *world);
/* It was lost; what was ordered in earlier generations is judged by the areas alone. */
void check_recovered(struct world *world);
/* A store is about to do this: nothing foreign, nothing held is destroyed (G6); what is sealed is
 * left alone (G5). */
void check_before_op(struct world *world, const struct op *op);
void check_after_op(struct world *world, const struct op *op);
/* The seal appears: it equals the source at its moment (G1), once (G5). */
void check_seal(struct world *world, const struct cluster *cluster, const struct area *area);
/* The device says that an epoch is sealed (G3). */
void check_told_sealed(struct world *world, uint64_t number);
void check_seals_known(struct world *world);
/* No commit fails for good unless something was done to it. */
void check_state(struct world *world, const struct epoch *epoch);
/* A has answered that this moment was not and never will be taken. */
void check_disarmed(struct world *world, uint64_t number, unsigned attempt);
/* Others destroyed the base on A: from here on it proves nothing. */
void check_forgive_base(struct world *world);
/* At the end, everything at rest (G2, G3, G6). */
void check_end(struct world *world);

#endif
