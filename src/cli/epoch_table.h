/* epoch_table.h: epochs, one a line. */
#ifndef COEVAL_CLI_EPOCH_TABLE_H
#define COEVAL_CLI_EPOCH_TABLE_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/command_line.h"

/* list: epochs as the API gives them. A first column names the service when they are of several. */
void epoch_table_print(const struct cli *cli, const json_t *list);
/* What an epoch waits for and what may be typed now; nothing when it does not wait. */
void epoch_print_question(const json_t *epoch);
bool epoch_waits(const json_t *epoch);

#endif
