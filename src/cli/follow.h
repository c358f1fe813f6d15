/* follow.h: stays with a running epoch until it has ended or waits for the operator. On a terminal
 * a bar, otherwise a JSON line for each change. A device that restarts meanwhile is waited for. */
#ifndef COEVAL_CLI_FOLLOW_H
#define COEVAL_CLI_FOLLOW_H

#include "cli/command_line.h"

/* expected: "sealed", or "abandoned" after an order to end it. is_there: the device has answered
 * already, so one that does not is being started anew. Prints the result and returns the exit
 * status. */
int follow_epoch(const struct cli *cli, const char *service, uint64_t number, const char *expected,
                 bool is_there);

#endif
