/* coeval.c: the operator's program. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit_code.h"

static const struct command top[] = {
    {.name = "status",
     .run = command_status,
     .arguments = "",
     .options = "X",
     .summary = "services, clusters, and what waits for you"},
    {.name = "check",
     .run = command_check,
     .arguments = "[SERVICE]",
     .arguments_max = 1,
     .options = "Wt",
     .summary = "try every hop before it is needed; say what to mend",
     .help = "Exit status 5 when something would keep an epoch from being sealed.\n"},
    {.name = "policy", .group = policy_commands, .summary = "what is protected, when and how"},
    {.name = "epoch", .group = epoch_commands, .summary = "runs of a policy, and orders to one"},
    {.name = "root", .group = root_commands, .summary = "directories that carry snapshots"},
    {.name = "cluster", .group = cluster_commands, .summary = "clusters and their data sets"},
    {.name = "events",
     .run = command_events,
     .arguments = "",
     .options = "Fal",
     .summary = "what the device told, oldest first"},
    {.name = "simulate",
     .run = command_simulate,
     .arguments = "",
     .options = "u",
     .needs = "u",
     .summary = "what would happen until a time",
     .help = "As if nothing failed and every epoch took as long as the last one did.\n"},
    {.name = "recover",
     .run = command_recover,
     .arguments = "",
     .options = "rWt",
     .needs = "r",
     .summary = "rebuild a lost control journal from the clusters",
     .help = "Services come back paused: look at them, then `coeval policy resume SERVICE`.\n"},
    {.name = "operation", .group = operation_commands, .summary = "long work under way"},
    {0},
};

static const struct command root = {.name = "coeval", .group = top};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_DFL); /* `coeval events | head` ends without a word */
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("coeval %s\n", COEVAL_VERSION) < 0 ? CLI_FAILED : CLI_OK;
    int status = command_line_run(&root, argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_OK) {
        fputs("coeval: the output cannot be written\n", stderr);
        return CLI_FAILED;
    }
    return status;
}
