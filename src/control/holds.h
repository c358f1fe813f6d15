/* holds.h: the hold that a service's base has on A, and its end (hold_max). Included by
 * control_private.h. */
#ifndef COEVAL_CONTROL_HOLDS_H
#define COEVAL_CONTROL_HOLDS_H

#include "loop/timer.h"
#include "policy/hold.h"

struct service;

/* What is known of the base's hold. Begins anew with each base and each start. */
struct hold {
    uint64_t of;          /* number of that base */
    enum hold_step told;  /* the operator knows */
    uint64_t bytes;       /* pinned, as last measured; HOLD_BYTES_UNKNOWN */
    bool measuring;       /* A is being asked */
    bool told_unmeasured; /* its stores do not tell, and the operator knows */
    int64_t measure_at_us;
    struct wall_timer *timer; /* the next look at it: no slot may come for long */
};

void holds_init(struct service *service);
void holds_fini(struct service *service);
/* Looks at the hold as it is now, and arms the next look. */
void holds_check(struct service *service);

#endif
