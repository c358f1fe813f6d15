/* orphans.h: snapshots of ours that no epoch has: shown by check, removed after a while. Included
 * by control_private.h. */
#ifndef COEVAL_CONTROL_ORPHANS_H
#define COEVAL_CONTROL_ORPHANS_H

#include <stddef.h>

#include "control/long_work.h"
#include "loop/timer.h"

struct control;
struct control_cluster;

/* remove_before_us 0: only to look. result: {orphans: [{instance, root, snapshot, ...}]} */
struct ask *orphans_ask(struct control *control, const struct control_cluster *cluster,
                        int64_t remove_before_us, ask_fn *fn, void *context);

struct reaper {
    struct timer *timer;
    size_t cluster; /* which is asked next */
};
void reaper_init(struct control *control);
void reaper_fini(struct control *control);
void reaper_begin(struct control *control); /* now, and every hour; control_stop() ends it */

#endif
