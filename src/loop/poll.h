/* poll.h: readiness of a foreign descriptor (libcurl's, the ZooKeeper client's). Stop the poll
 * before the library may close the descriptor. */
#ifndef COEVAL_LOOP_POLL_H
#define COEVAL_LOOP_POLL_H

#include "loop/loop.h"

#define POLL_READABLE 1u
#define POLL_WRITABLE 2u

struct poll;
typedef void poll_fn(void *context, unsigned events, bool failed);
/* The descriptor is one that epoll takes and that no other poll holds; anything else is our defect.
 */
struct poll *poll_new(struct loop *loop, int fd, poll_fn *fn, void *context);
void poll_free(struct poll *poll); /* stops at once; the descriptor may be closed afterwards */
void poll_start(struct poll *poll, unsigned events);
void poll_stop(struct poll *poll);

#endif
