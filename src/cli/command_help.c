/* command_help.c: help, printed from the tables that the arguments are read by. */
#include <stdio.h>
#include <string.h>

#include "cli/command_line.h"
#include "cli/exit_code.h"

static void print_option(const struct command_option *option)
{
    char left[40];
    bool has_short = command_option_has_short(option);
    snprintf(left, sizeof left, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
             option->value == NULL ? "" : option->value);
    if (has_short)
        printf("  -%c, %-20s  %s\n", option->letter, left, option->help);
    else
        printf("      %-20s  %s\n", left, option->help);
}

static void print_group(const char *path, const struct command *group)
{
    size_t width = 0;
    for (const struct command *command = group; command->name != NULL; command++)
        width = strlen(command->name) > width ? strlen(command->name) : width;
    printf("Usage: %s COMMAND [ARGUMENTS]\n\n", path);
    for (const struct command *command = group; command->name != NULL; command++)
        printf("  %-*s  %s\n", (int)width, command->name, command->summary);
    printf("\nType `%s COMMAND --help` for one of them.\n", path);
}

/* What a script must know before it reads standard output. */
static void print_output(void)
{
    fputs(
        "\nOutput: tables and text, the same into a pipe as on a terminal, or with -o json the "
        "device's\nanswer. An epoch that is followed (--wait, --follow) is a bar on a terminal and "
        "elsewhere a\nline of JSON for each change; -o table: only its result, -o json: the lines "
        "everywhere.\n",
        stdout);
}

static void print_exit_codes(void)
{
    fputs("\nExit status:\n", stdout);
#define X(name, number, text) printf("  %d  %s\n", number, text);
    EXIT_CODES(X)
#undef X
}

/* Options with a mark belong to the usage; any other makes [OPTIONS] of it. */
static void print_usage(const char *path, const struct command *command)
{
    bool has_optional = false;
    printf("Usage: %s%s%s", path, command->arguments[0] == '\0' ? "" : " ", command->arguments);
    for (size_t i = 0; i < command_option_count; i++) {
        const struct command_option *option = &command_options[i];
        const char *at = option->global ? NULL : strchr(command->options, option->letter);
        if (at != NULL && at[1] == '!')
            printf(" --%s %s", option->name, option->value);
        has_optional = has_optional || (at != NULL && at[1] != '!');
    }
    printf("%s\n", has_optional ? " [OPTIONS]" : "");
}

static void print_command(const char *path, const struct command *command)
{
    print_usage(path, command);
    printf("\n%s\n", command->summary);
    if (command->help != NULL)
        printf("\n%s", command->help);
    if (command->options[0] != '\0')
        fputs("\nOptions:\n", stdout);
    for (size_t i = 0; i < command_option_count; i++)
        if (!command_options[i].global &&
            strchr(command->options, command_options[i].letter) != NULL)
            print_option(&command_options[i]);
}

void command_print_help(const char *path, const struct command *command)
{
    if (command->group != NULL)
        print_group(path, command->group);
    else
        print_command(path, command);
    fputs("\nEverywhere:\n", stdout);
    for (size_t i = 0; i < command_option_count; i++)
        if (command_options[i].global)
            print_option(&command_options[i]);
    if (strchr(path, ' ') != NULL) {
        fputs("\nOutput and exit status: coeval --help\n", stdout);
        return;
    }
    fputs("      --version             print it and end\n", stdout);
    print_output();
    print_exit_codes();
}
