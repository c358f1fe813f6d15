/* journal_tool.c: coeval-journal: looks into a journal, live or dead, and never changes it. Command
 * line, and what becomes of failures. */
#include "journal-tool/journal_tool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define TAIL_LIMIT_MAX 1000000u

static const struct command {
    const char *name;
    tool_command_fn *run;
    const char *options; /* letters of option_table that it takes, besides -o */
    const char *summary;
    const char *help;
} commands[] = {
    {"dump", tool_dump, "alt", "show records, oldest first",
     "  --after N    only records behind sequence N\n"
     "  --limit N    at most N records\n"
     "  --type T     only records of one type (epoch, policy, service, ...)\n"
     "With -o json: one JSON object a line. A damaged journal is shown up to the damage.\n"},
    {"tail", tool_tail, "ltf", "show the newest records",
     "  --limit N    how many (10)\n"
     "  --type T     only records of one type\n"
     "  --follow     go on with what comes, until interrupted\n"
     "With -o json: one JSON object a line.\n"},
    {"verify", tool_verify, "", "check the whole journal",
     "Checks the file's structure, every checksum, the chain of records, and every object\n"
     "against the record that set it. Says the first bad sequence; 0: all records are sound and\n"
     "the damage is elsewhere.\n"},
    {"epochs", tool_epochs, "", "show the newest state of each epoch",
     "Service, generation, number, attempt, state and moment T of each epoch in the journal.\n"},
    {"export", tool_export, "", "write all objects as one JSON document",
     "For support: {\"journal\", \"last_sequence\", \"objects\": {TYPE: {KEY: STATE}}}, with\n"
     "sorted members; the output is JSON with and without -o.\n"},
};

static const struct option option_table[] = {
    {"after", required_argument, NULL, 'a'},
    {"limit", required_argument, NULL, 'l'},
    {"type", required_argument, NULL, 't'},
    {"follow", no_argument, NULL, 'f'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(const struct command *command)
{
    if (command != NULL) {
        printf("Usage: coeval-journal DIR %s [-o text|json] [options]\n\n%s.\n\n%s", command->name,
               command->summary, command->help);
        return;
    }
    fputs("Usage: coeval-journal DIR COMMAND [-o text|json] [options]\n\n"
          "Looks into the journal in DIR, of a running or a dead daemon, and never changes it.\n\n"
          "Commands:\n",
          stdout);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'coeval-journal COMMAND --help' tells more.\n\n"
          "Exit codes: 0 ok, 1 usage, 2 the journal cannot be opened or read (or the output not\n"
          "written), 3 the journal is corrupt.\n",
          stdout);
}

__attribute__((format(printf, 1, 2))) static enum tool_exit refuse_usage(const char *format, ...)
{
    va_list args;
    fputs("coeval-journal: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs(" (see coeval-journal --help)\n", stderr);
    return TOOL_USAGE;
}

enum tool_exit tool_fail(const struct error *error)
{
    if (error->code == ERROR_CANCELED) /* the output; told at the end */
        return TOOL_OK;
    fprintf(stderr, "coeval-journal: %s%s\n", error->code == ERROR_CORRUPT ? "corrupt: " : "",
            error->text);
    return error->code == ERROR_CORRUPT ? TOOL_CORRUPT : TOOL_CANNOT;
}

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min || value > max)
        return false;
    *ret_number = value;
    return true;
}

/* False for a bad value. */
static bool take_option(struct tool *tool, int letter, const char *value)
{
    switch (letter) {
    case 'a':
        return parse_number(value, 0, UINT64_MAX, &tool->after);
    case 'l':
        return parse_number(value, 1, TAIL_LIMIT_MAX, &tool->limit);
    case 't':
        tool->type = journal_type_from_name(value);
        return tool->type != 0;
    case 'f':
        return tool->follow = true;
    case 'o':
        tool->json = strcmp(value, "json") == 0;
        return tool->json || strcmp(value, "text") == 0;
    default:
        CHECK_UNREACHABLE();
    }
}

struct arguments {
    char given[8]; /* letters of the options, each once */
    bool help;
};

static bool parse_options(struct tool *tool, int count, char **values, struct arguments *arguments)
{
    int letter, index = 0;
    opterr = 0;
    while ((letter = getopt_long(count, values, "o:h", option_table, &index)) != -1) {
        if (letter == 'h') {
            arguments->help = true;
            continue;
        }
        if (letter == '?') {
            refuse_usage("unknown option or missing value: %s", values[optind - 1]);
            return false;
        }
        if (!take_option(tool, letter, optarg)) {
            refuse_usage("bad value '%s'", optarg);
            return false;
        }
        size_t length = strlen(arguments->given);
        if (letter != 'o' && strchr(arguments->given, letter) == NULL)
            arguments->given[length] = (char)letter;
    }
    return true;
}

bool tool_stat(const char *directory, struct stat *ret_status, struct error *error)
{
    struct buffer path;
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/data.mdb", directory);
    bool there = stat(buffer_text(&path), ret_status) == 0;
    int number = errno;
    buffer_fini(&path);
    return there || error_set_errno(error, number, "there is no journal in %s", directory);
}

static enum tool_exit run(struct tool *tool, const struct command *command)
{
    struct error error = ERROR_NONE;
    if (!tool_stat(tool->directory, &tool->file, &error))
        return tool_fail(&error);
    if (!journal_reader_open(tool->directory, &tool->reader, &error)) {
        if (error.code != ERROR_CORRUPT || command->run != tool_verify)
            return tool_fail(&error);
        if (tool->json) {
            fputs("{\"reason\":", stdout);
            tool_print_string(error.text);
            puts(",\"sequence\":1,\"sound\":false}");
        } else {
            printf("corrupt: sequence 1: %s\n", error.text);
        }
        return TOOL_CORRUPT;
    }
    enum tool_exit result = command->run(tool);
    journal_reader_close(tool->reader);
    return result;
}

/* Nobody reads any more: that is how `| head` ends, and no failure. */
static enum tool_exit finish(enum tool_exit result)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return result;
    if (errno == EPIPE)
        return result == TOOL_CORRUPT ? result : TOOL_OK;
    fprintf(stderr, "coeval-journal: write the output: %s\n", strerror(errno));
    return TOOL_CANNOT;
}

static enum tool_exit run_arguments(struct tool *tool, const struct arguments *arguments, int count,
                                    char **values)
{
    const struct command *command = NULL;
    for (int i = 0; i < count && command == NULL; i++)
        command = i > 0 || arguments->help ? find_command(values[i]) : NULL;
    if (arguments->help) {
        print_help(command);
        return TOOL_OK;
    }
    if (count < 2)
        return refuse_usage("a directory and a command are needed");
    if (count > 2)
        return refuse_usage("too many arguments: '%s'", values[2]);
    if (command == NULL)
        return refuse_usage("unknown command '%s'", values[1]);
    for (const char *letter = arguments->given; *letter != '\0'; letter++)
        if (strchr(command->options, *letter) == NULL)
            return refuse_usage("an option does not belong to '%s'", command->name);
    tool->directory = values[0];
    return run(tool, command);
}

int main(int count, char **values)
{
    struct tool tool = {.directory = NULL};
    struct arguments arguments = {.help = false};
    signal(SIGPIPE, SIG_IGN);
    if (!parse_options(&tool, count, values, &arguments))
        return TOOL_USAGE;
    return (int)finish(run_arguments(&tool, &arguments, count - optind, values + optind));
}
