/* operation_show.h: what long work came to: findings of a check, of a verification, of a recovery.
 */
#ifndef COEVAL_CLI_OPERATION_SHOW_H
#define COEVAL_CLI_OPERATION_SHOW_H

#include <jansson.h>

#include "cli/device_call.h"

/* Prints the operation, takes it, and returns the exit status: FAILED when it failed, or found what
 * must not be. NULL, and a status that is not OK: returns the status. */
int operation_show(const struct cli *cli, json_t *operation, int status);
/* Begins one, waits for it unless --no-wait, shows it. body is taken, path is ended. */
int operation_run(const struct cli *cli, const char *words, json_t *body);
int operation_run_at(const struct cli *cli, struct device_path *path, json_t *body);

/* What a change of roots means, below a line that says which. */
void root_plan_print(const json_t *plan);

#endif
