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

static void print_exit_codes(void)
{
    fputs("\nExit status:\n", stdout);
#define X(name, number, text) printf("  %d  %s\n", number, text);
    EXIT_CODES(X)
#undef X
}

static void print_command(const char *path, const struct command *command)
{
    printf("Usage: %s%s%s%s\n\n%s\n", path, command->arguments[0] == '\0' ? "" : " ",
           command->arguments, command->options[0] == '\0' ? "" : " [OPTIONS]", command->summary);
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
    if (strchr(path, ' ') == NULL)
        print_exit_codes();
}
