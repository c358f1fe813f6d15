/* operation_wait.h: long work on the device: begun, and waited for with a bar on a terminal. */
#ifndef COEVAL_CLI_OPERATION_WAIT_H
#define COEVAL_CLI_OPERATION_WAIT_H

#include "cli/device_call.h"

/* Begins it and, unless --no-wait, waits; gives the operation as it is then. body is taken and path
 * is ended. NULL: it was said why, *ret_status is the exit status. */
json_t *operation_begin(const struct cli *cli, struct device_path *path, json_t *body,
                        int *ret_status);
/* *ret_status TIMEOUT: --timeout was over first, and the operation still runs. */
json_t *operation_wait(const struct cli *cli, const char *id, bool wait, int *ret_status);
bool operation_runs(const json_t *operation);

#endif
