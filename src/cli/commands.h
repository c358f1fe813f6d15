/* commands.h: the groups of commands, a file each (commands_*.c). */
#ifndef COEVAL_CLI_COMMANDS_H
#define COEVAL_CLI_COMMANDS_H

#include "cli/command_line.h"

extern const struct command policy_commands[], epoch_commands[], root_commands[],
    cluster_commands[], operation_commands[];

int command_status(struct cli *cli);
int command_check(struct cli *cli);
int command_events(struct cli *cli);
int command_simulate(struct cli *cli);
int command_recover(struct cli *cli);

#endif
