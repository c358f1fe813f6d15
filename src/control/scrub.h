/* scrub.h: the newest seal of a service, read again now and then. Included by control_private.h. */
#ifndef COEVAL_CONTROL_SCRUB_H
#define COEVAL_CONTROL_SCRUB_H

#include <stdint.h>

#include "loop/timer.h"

struct service;

struct scrub {
    int64_t last_us; /* the last one that came to its end; 0: none, nor a beginning to count from */
    bool running;
    uint64_t number;          /* of the epoch that is read, or was */
    struct wall_timer *timer; /* the next one */
};

void scrub_init(struct service *service);
void scrub_fini(struct service *service);
/* Begins one when it is due, else arms the timer for it. */
void scrub_check(struct service *service);

#endif
