/* world_private.h: what the parts of the simulated machine share. */
#ifndef COEVAL_SIM_WORLD_PRIVATE_H
#define COEVAL_SIM_WORLD_PRIVATE_H

#include "world.h"

#define WORLD_FAILED 10 /* exit status of a seed that found something */

_Noreturn void fiber_abandon(void); /* never resumed */
/* The scene's answer to a death: what was not durable is lost, a new life comes later. */
extern void (*world_process_died)(struct loop *loop);
void world_set_clock(int64_t by_us);
void world_clock_was_set(void); /* tells the wall timers */

#endif
