/* watchdog.h: an end that is not waited for longer than it may take, whoever hangs: a thread of its
 * own, because the loop may be the one that waits (for a disk, for a thread). */
#ifndef COEVAL_DAEMON_WATCHDOG_H
#define COEVAL_DAEMON_WATCHDOG_H

#include <stdint.h>

struct watchdog;

/* The process ends with this status unless the watchdog is freed within the limit. */
struct watchdog *watchdog_new(int64_t limit_ms, int status);
void watchdog_free(struct watchdog *watchdog); /* NULL is fine */

#endif
