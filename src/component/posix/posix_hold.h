/* posix_hold.h: the exclusive lock on the barrier file, shared by all moments of a store that want
 * it at one time: services with one T do not wait for each other, only writers do. Granted again
 * while it is held; let go when the last one releases it. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_HOLD_H
#define COEVAL_COMPONENT_POSIX_POSIX_HOLD_H

#include "component/posix/posix_store.h"

/* The barrier file, opened for locking; -1 with the error set. */
int posix_barrier_open(struct store *store, struct error *error);

/* Of the file that the barrier is now; NULL with the error set. */
struct posix_hold;
struct posix_hold *posix_hold_open(struct store *store, struct error *error);
void posix_hold_close(struct posix_hold *hold); /* NULL is fine */
/* Allocates nothing. False: errno, ETIMEDOUT when writers did not let go in time. */
bool posix_hold_take(struct posix_hold *hold, int64_t wait_ns);
void posix_hold_release(struct posix_hold *hold);

#endif
