/* command_line.c: reads what was typed, level by level: coeval [OPTIONS] policy list [OPTIONS].
 * Every complaint says what to type. */
#include "cli/command_line.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"
#include "cli/cli_print.h"
#include "cli/exit_code.h"
#include "cli/human.h"

#define TOKEN_BYTES_MAX ((size_t)4096)
#define PATH_SIZE 64

enum reading { READING_ON, READING_HELP, READING_FAILED };

struct level {
    struct cli *cli;
    const struct command *command;
    const char *token_file;
    char *const *argv;    /* all that was typed */
    char path[PATH_SIZE]; /* "coeval policy" */
};

static enum reading complain(const struct level *level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What was not read yet counts too: a script that wants JSON gets its mistakes in JSON. */
static bool json_is_wanted(char *const *argv)
{
    for (; *argv != NULL; argv++) {
        bool apart = strcmp(*argv, "-o") == 0 || strcmp(*argv, "--output") == 0;
        if (strcmp(*argv, "-ojson") == 0 || strcmp(*argv, "--output=json") == 0 ||
            (apart && argv[1] != NULL && strcmp(argv[1], "json") == 0))
            return true;
    }
    return false;
}

static enum reading complain(const struct level *level, const char *format, ...)
{
    struct cli cli = {.command = level->path};
    struct error error = {.code = ERROR_INVALID};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    cli.output = json_is_wanted(level->argv) ? CLI_OUTPUT_JSON : CLI_OUTPUT_TABLE;
    cli_print_error(&cli, &error);
    if (cli.output != CLI_OUTPUT_JSON)
        fprintf(stderr, "Type `%s --help`.\n", level->path);
    return READING_FAILED;
}

/* ---- values ---- */

static enum reading read_output(struct level *level, const char *value)
{
    if (strcmp(value, "json") != 0 && strcmp(value, "table") != 0)
        return complain(level, "--output is table or json, not '%s'", value);
    level->cli->output = value[0] == 'j' ? CLI_OUTPUT_JSON : CLI_OUTPUT_TABLE;
    return READING_ON;
}

static enum reading read_value(struct level *level, int letter, const char *value)
{
    struct cli *cli = level->cli;
    switch (letter) {
    case 'o':
        return read_output(level, value);
    case 'D':
        cli->device = value;
        break;
    case 'T':
        level->token_file = value;
        break;
    case 'f':
        cli->file = value;
        break;
    case 'r':
        cli->reason = value;
        break;
    case 'u':
        cli->until = value;
        break;
    case 't':
        if (!human_parse_duration(value, &cli->timeout_s))
            return complain(level, "--timeout '%s' is no duration: 90s, 15m, 2h, PT1H30M", value);
        break;
    case 'a':
        cli->has_after = true;
        if (!human_parse_count(value, &cli->after))
            return complain(level, "--after '%s' is not a number", value);
        break;
    case 'l':
        if (!human_parse_count(value, &cli->limit) || cli->limit == 0)
            return complain(level, "--limit '%s' is not a number above 0", value);
        break;
    default:
        CHECK_UNREACHABLE();
    }
    return READING_ON;
}

static enum reading read_flag(struct level *level, int letter)
{
    struct cli *cli = level->cli;
    bool *const flags[] = {&cli->dry_run, &cli->wait, &cli->no_wait, &cli->follow, &cli->exit_code};
    static const char letters[] = "nwWFX";
    if (letter == 'h')
        return READING_HELP;
    const char *at = strchr(letters, letter);
    CHECK(at != NULL);
    *flags[at - letters] = true;
    return READING_ON;
}

/* ---- options ---- */

static bool takes(const struct command *command, const struct command_option *option)
{
    return option->global ||
           (command->group == NULL && strchr(command->options, option->letter) != NULL);
}

struct option_forms {
    struct option longs[32];
    char shorts[32];
};

static void make_forms(const struct command *command, struct option_forms *forms)
{
    size_t count = 0;
    char *at = forms->shorts;
    memset(forms, 0, sizeof *forms);
    if (command->group != NULL)
        *at++ = '+'; /* options of the command behind it are not ours to read */
    *at++ = ':';
    for (size_t i = 0; i < command_option_count; i++) {
        const struct command_option *option = &command_options[i];
        if (!takes(command, option))
            continue;
        CHECK(count + 1 < ARRAY_LENGTH(forms->longs));
        forms->longs[count++] =
            (struct option){option->name, option->value == NULL ? no_argument : required_argument,
                            NULL, option->letter};
        if (!command_option_has_short(option))
            continue;
        *at++ = option->letter;
        if (option->value != NULL)
            *at++ = ':';
    }
}

static enum reading bad_option(const struct level *level, int problem, char *const *argv)
{
    const char *text = argv[optind - 1];
    char letter[3] = {'-', (char)optopt, '\0'};
    bool is_short = text[0] != '-' || text[1] != '-';
    if (problem == ':')
        return complain(level, "option %s wants a value", text);
    return complain(level, "there is no option %s here", is_short ? letter : text);
}

static enum reading read_options(struct level *level, int argc, char **argv)
{
    struct option_forms forms;
    make_forms(level->command, &forms);
    optind = 0; /* GNU: begin anew */
    opterr = 0;
    for (int letter; (letter = getopt_long(argc, argv, forms.shorts, forms.longs, NULL)) != -1;) {
        if (letter == '?' || letter == ':')
            return bad_option(level, letter, argv);
        enum reading reading =
            optarg != NULL ? read_value(level, letter, optarg) : read_flag(level, letter);
        if (reading != READING_ON)
            return reading;
    }
    return READING_ON;
}

/* ---- words ---- */

static enum reading unknown_word(const struct level *level, const char *word)
{
    struct buffer names;
    buffer_init(&names, 0);
    for (const struct command *command = level->command->group; command->name != NULL; command++)
        buffer_append_format(&names, "%s%s", names.size == 0 ? "" : ", ", command->name);
    enum reading reading =
        word == NULL ? complain(level, "a command is missing: one of %s", buffer_text(&names))
                     : complain(level, "'%s' is no command: one of %s", word, buffer_text(&names));
    buffer_fini(&names);
    return reading;
}

static enum reading enter(struct level *level, const char *word)
{
    const struct command *command = level->command->group;
    while (word != NULL && command->name != NULL && strcmp(command->name, word) != 0)
        command++;
    if (word == NULL || command->name == NULL)
        return unknown_word(level, word);
    size_t used = strlen(level->path);
    snprintf(level->path + used, sizeof level->path - used, " %s", command->name);
    level->command = command;
    return READING_ON;
}

static bool is_given(const struct cli *cli, char letter)
{
    return letter == 'f'   ? cli->file != NULL
           : letter == 'r' ? cli->reason != NULL
                           : cli->until != NULL;
}

/* A letter of the command's options with a mark behind it. */
static bool must_be_given(const struct command *command, const struct command_option *option)
{
    const char *at = strchr(command->options, option->letter);
    return at != NULL && at[1] == '!';
}

static enum reading check_needs(const struct level *level)
{
    for (size_t i = 0; i < command_option_count; i++) {
        const struct command_option *option = &command_options[i];
        if (must_be_given(level->command, option) && !is_given(level->cli, option->letter))
            return complain(level, "--%s %s is missing: %s", option->name, option->value,
                            option->help);
    }
    return READING_ON;
}

/* Of "SERVICE [NUMBER]": two words, one of which must be there. */
static void count_words(const char *arguments, size_t *ret_min, size_t *ret_max)
{
    *ret_min = *ret_max = 0;
    for (const char *at = arguments; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
        *ret_min += *at != '[';
        *ret_max += 1;
    }
}

static enum reading take_arguments(struct level *level, int argc, char **argv)
{
    const struct command *command = level->command;
    struct cli *cli = level->cli;
    size_t count = (size_t)(argc - optind), least, most;
    count_words(command->arguments, &least, &most);
    CHECK(most <= CLI_ARGUMENTS_MAX);
    if (count < least)
        return complain(level, "something is missing: %s %s", level->path, command->arguments);
    if (count > most)
        return complain(level, "'%s' is one argument too many: %s%s%s", argv[optind + (int)most],
                        level->path, command->arguments[0] == '\0' ? "" : " ", command->arguments);
    for (size_t i = 0; i < count; i++)
        cli->arguments[i] = argv[optind + (int)i];
    cli->argument_count = count;
    return check_needs(level);
}

/* ---- surroundings ---- */

static enum reading read_token(struct level *level)
{
    struct cli *cli = level->cli;
    struct buffer content;
    struct error error;
    if (level->token_file == NULL)
        level->token_file = getenv("COEVAL_TOKEN_FILE");
    if (level->token_file == NULL || level->token_file[0] == '\0')
        return READING_ON;
    buffer_init(&content, 0);
    bool done = file_read(level->token_file, TOKEN_BYTES_MAX, &content, &error);
    if (done)
        cli->token =
            arena_copy(&cli->arena, buffer_text(&content), strcspn(buffer_text(&content), "\r\n"));
    buffer_fini(&content);
    return done ? READING_ON : complain(level, "--token-file: %s", error.text);
}

static enum reading look_around(struct level *level)
{
    struct cli *cli = level->cli;
    const char *terminal = getenv("TERM"), *colourless = getenv("NO_COLOR");
    if (cli->device == NULL)
        cli->device = getenv("COEVAL_DEVICE");
    if (cli->device == NULL || cli->device[0] == '\0')
        cli->device = CLI_DEVICE_DEFAULT;
    cli->terminal = isatty(STDOUT_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
    cli->colours = cli->terminal && (colourless == NULL || colourless[0] == '\0');
    if (strncmp(cli->device, "http://", 7) != 0)
        return complain(level, "the device is http://HOST:PORT, not '%s'", cli->device);
    cli->command = level->path;
    cli->row = level->command;
    return read_token(level);
}

/* ---- all of it ---- */

static enum reading read_all(struct level *level, int argc, char **argv)
{
    for (;;) {
        enum reading reading = read_options(level, argc, argv);
        if (reading != READING_ON)
            return reading;
        if (level->command->group == NULL)
            break;
        reading = enter(level, argv[optind]);
        if (reading != READING_ON)
            return reading;
        argc -= optind;
        argv += optind;
    }
    enum reading reading = take_arguments(level, argc, argv);
    return reading == READING_ON ? look_around(level) : reading;
}

int command_line_run(const struct command *root, int argc, char **argv)
{
    struct cli cli = {.output = CLI_OUTPUT_AUTO};
    struct level level = {.cli = &cli, .command = root, .argv = argv};
    int status = CLI_OK;
    arena_init(&cli.arena);
    snprintf(level.path, sizeof level.path, "%s", root->name);
    enum reading reading = read_all(&level, argc, argv);
    if (reading == READING_FAILED)
        status = CLI_USAGE;
    else if (reading == READING_HELP)
        command_print_help(level.path, level.command);
    else
        status = level.command->run(&cli);
    arena_fini(&cli.arena);
    return status;
}
