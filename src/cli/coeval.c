/* coeval.c: the operator's program. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit_code.h"

#define GROUP(name_, group_, summary_)                      \
    {                                                       \
        .name = name_, .group = group_, .summary = summary_ \
    }

static const struct command top[] = {
    COMMAND("status", command_status, "", "X", "services, clusters, and what waits for you"),
    COMMAND("check", command_check, "[SERVICE]", "Wt",
            "try every hop before it is needed; say what to mend",
            .help =
                "With SERVICE, of the policies only that one is looked at; clusters are always.\n"
                "Exit status 5 when something would keep an epoch from being sealed.\n"),
    GROUP("policy", policy_commands, "what is protected, when and how"),
    GROUP("epoch", epoch_commands, "runs of a policy, and orders to one"),
    GROUP("root", root_commands, "directories that carry snapshots"),
    GROUP("cluster", cluster_commands, "clusters and their data sets"),
    COMMAND("events", command_events, "", "Fal", "what the device told, oldest first",
            .help =
                "The newest 100, or as many as --limit says; with --after the oldest behind it.\n"),
    COMMAND("simulate", command_simulate, "", "u!", "what would happen until a time",
            .help = "As if nothing failed and every epoch took as long as the last one did.\n"),
    COMMAND("recover", command_recover, "", "r!Wt",
            "rebuild a lost control journal from the clusters",
            .help = "Services come back paused: look at them, then `coeval policy resume "
                    "SERVICE`.\n"),
    GROUP("operation", operation_commands, "long work under way"),
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
