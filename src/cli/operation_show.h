/* operation_show.h: what long work came to: findings of a check, of a verification, of a recovery.
 */
#ifndef COEVAL_CLI_OPERATION_SHOW_H
#define COEVAL_CLI_OPERATION_SHOW_H

#include <jansson.h>

#include "cli/command_line.h"

/* Prints the operation, takes it, and returns the exit status: FAILED when it failed, or found what
 * must not be. NULL, and a status that is not OK: returns the status. */
int operation_show(const struct cli *cli, json_t *operation, int status);

#endif
