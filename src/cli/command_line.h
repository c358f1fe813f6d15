/* command_line.h: what was typed, as a struct, and the table of commands that it is read by. */
#ifndef COEVAL_CLI_COMMAND_LINE_H
#define COEVAL_CLI_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define CLI_DEVICE_DEFAULT "http://127.0.0.1:7077"
#define CLI_ARGUMENTS_MAX 4

enum cli_output { CLI_OUTPUT_AUTO, CLI_OUTPUT_TABLE, CLI_OUTPUT_JSON };

struct command;
struct cli {
    struct arena arena;        /* lives as long as the command */
    const char *command;       /* "coeval policy list", for messages */
    const struct command *row; /* of the table: what was typed */
    const char *arguments[CLI_ARGUMENTS_MAX];
    size_t argument_count;
    /* where to */
    const char *device;
    const char *token; /* NULL: none */
    /* how to show it */
    enum cli_output output;
    bool terminal; /* stdout is one */
    bool colours;
    /* options of some commands */
    const char *file;
    const char *reason;
    const char *until;
    bool dry_run, wait, no_wait, follow, exit_code;
    bool has_after;
    uint64_t after;
    uint64_t limit;    /* 0: not given */
    int64_t timeout_s; /* 0: none */
};

/* A command, or a group of commands. Tables end with a name of NULL. */
struct command {
    const char *name;
    const struct command *group; /* NULL: a command */
    int (*run)(struct cli *cli); /* returns an enum exit_code */
    const char *arguments;       /* "SERVICE [NUMBER]": what has no bracket must be there */
    const char *options;         /* letters of the option table; "r!": it must be there */
    const char *summary;
    const char *help;    /* more text; NULL: none */
    const char *outcome; /* of an order, for whoever carries out several of them; NULL */
};
/* A row: the summary, and behind it what else the command has (.help = ...). */
#define COMMAND(name_, run_, arguments_, options_, ...)                           \
    {                                                                             \
        .name = name_, .run = run_, .arguments = arguments_, .options = options_, \
        .summary = __VA_ARGS__                                                    \
    }

/* One option. The letter stands for it in tables; only few are typed as a short form. */
struct command_option {
    const char *name;
    const char *value; /* "FILE"; NULL: a flag */
    char letter;
    bool global;
    const char *help;
};
extern const struct command_option command_options[];
extern const size_t command_option_count;
bool command_option_has_short(const struct command_option *option);

/* Reads the arguments and runs the command: returns the exit status. */
int command_line_run(const struct command *root, int argc, char **argv);

/* command_help.c */
void command_print_help(const char *path, const struct command *command);

#endif
