/* daemon.h: wires the parts of one coevald process together: the only place that names concrete
 * components, the journal's implementation and the listener. */
#ifndef COEVAL_DAEMON_DAEMON_H
#define COEVAL_DAEMON_DAEMON_H

#include "daemon/config.h"

/* The kinds of components that are compiled in, NULL-terminated. */
struct component;
extern const struct component *const daemon_components[];
bool daemon_check_instance(const struct config_instance *instance, struct error *error);

struct daemon;
bool daemon_new(const struct config *config, struct daemon **ret_daemon, struct error *error);
/* Returns the exit status: 0 after SIGTERM or SIGINT, 1 when the journal was lost. */
int daemon_run(struct daemon *daemon);
void daemon_free(struct daemon *daemon);

#endif
