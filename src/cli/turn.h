/* turn.h: after an order to begin an epoch was refused because another one runs: stays until that
 * one has ended. A first epoch often begins with the policy itself (t0: now). */
#ifndef COEVAL_CLI_TURN_H
#define COEVAL_CLI_TURN_H

#include "base/error.h"
#include "cli/command_line.h"

/* refusal: what the device said. True: the service is idle, the order may be given again, and
 * cli->timeout_s is what is left of it. False: *ret_status says how it ended, and it was told. */
bool turn_await(struct cli *cli, const char *service, const struct error *refusal, int *ret_status);

#endif
