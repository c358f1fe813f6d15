/* command_options.c: every option there is, in one table. */
#include <string.h>

#include "base/check.h"
#include "cli/command_line.h"

const struct command_option command_options[] = {
    {"output", "FORMAT", 'o', true, "table (default) or json; see below for a running epoch"},
    {"device", "URL", 'D', true, "the control device (" CLI_DEVICE_DEFAULT ", or $COEVAL_DEVICE)"},
    {"token-file", "FILE", 'T', true, "its first line is the device's token ($COEVAL_TOKEN_FILE)"},
    {"help", NULL, 'h', true, "what the command does and takes"},
    {"file", "FILE", 'f', false, "YAML or JSON; - is standard input"},
    {"dry-run", NULL, 'n', false, "check everything, change nothing"},
    {"reason", "TEXT", 'r', false, "why: it is kept with the order"},
    {"wait", NULL, 'w', false, "until it has ended, showing how far it is"},
    {"no-wait", NULL, 'W', false,
     "print the operation and end; `coeval operation show` tells more"},
    {"timeout", "DURATION", 't', false, "of waiting, at most: 90s, 15m, PT1H (exit status 8)"},
    {"follow", NULL, 'F', false, "stay, and show what comes"},
    {"after", "N", 'a', false, "only what is behind sequence number N"},
    {"limit", "N", 'l', false, "at most so many"},
    {"until", "WHEN", 'u', false, "a time (2026-11-21T13:00Z) or a duration from now (36h, P7D)"},
    {"exit-code", NULL, 'X', false, "4: an agent is unreachable, 6: an epoch waits for you"},
};
const size_t command_option_count = ARRAY_LENGTH(command_options);

/* Few: what is typed rarely is better read than guessed. */
bool command_option_has_short(const struct command_option *option)
{
    return strchr("ofnwh", option->letter) != NULL;
}
