/* rebuild.h: an epoch out of what B's area and the agents still know of it, for a device that lost
 * its journal. Nothing here decides: the state machine does, by EPOCH_EVENT_INSPECTED. */
#ifndef COEVAL_CONTROL_REBUILD_H
#define COEVAL_CONTROL_REBUILD_H

#include "control/control_private.h"

/* Orders that agents hold, of all clusters: [{kind, service, number, attempt, try, body}]. */
unsigned rebuild_tries(const json_t *orders, const char *service, uint64_t number);

/* The newest number that was received on B or is known here and was not abandoned; items: the
 * epochs of the inspected area. */
uint64_t rebuild_newest(const struct service *service, const json_t *items);
/* item: one of them. What is below the newest and has no seal is abandoned. NULL: it is known,
 * retired, damaged, or nothing tells of it. */
struct run *rebuild_epoch(struct service *service, const json_t *item, uint64_t newest,
                          const json_t *orders, struct error *error);
/* Epochs that never were received, by the orders that began them: they are abandoned, so that A
 * does not fire, and what it holds is removed; but for those that an area holds damaged. Returns
 * how many. */
int64_t rebuild_begun(struct service *service, const json_t *epochs, const json_t *orders,
                      struct error *error);

#endif
