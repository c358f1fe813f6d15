/* commands_events.c: coeval events [--follow]. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/path.h"
#include "base/timestamp.h"
#include "cli/cli_print.h"
#include "cli/commands.h"
#include "cli/device_call.h"
#include "cli/human.h"

#define SILENCE_MS 45000 /* the device says something every 15 s */
#define AGAIN_MS 1000    /* between tries */
#define UNREACHABLE_TRIES_MAX 60

#define SEVERITY_WIDTH 7 /* "warning" */
#define NAME_WIDTH 20

static void print_severity(const struct cli *cli, const char *level)
{
    struct buffer safe, coloured;
    buffer_init(&safe, 0);
    buffer_init(&coloured, 0);
    table_print_safe(&safe, level);
    table_print_coloured(&coloured, buffer_text(&safe), cli_state_colour(level), cli->colours);
    size_t width = table_width(buffer_text(&safe));
    printf("%s%*s  ", buffer_text(&coloured),
           width < SEVERITY_WIDTH ? (int)(SEVERITY_WIDTH - width) : 0, "");
    buffer_fini(&coloured);
    buffer_fini(&safe);
}

/* The text of an epoch's event begins with the epoch, for readers that see nothing else. */
static const char *text_of(struct arena *arena, const json_t *event, const char *epoch)
{
    const char *text = json_string_or(event, "text", "");
    const char *head =
        arena_format(arena, "epoch %s of %s: ", cli_number(arena, event, "number"), epoch);
    return strncmp(text, head, strlen(head)) == 0 ? text + strlen(head) : text;
}

static void print_subject(struct arena *arena, const json_t *event)
{
    const char *name = json_string_or(event, "name", "");
    const char *service = json_string_or(event, "service", NULL);
    int64_t number = json_integer_or(event, "number", 0);
    if (service == NULL)
        cli_print_line("%-*s  %s", NAME_WIDTH, name, json_string_or(event, "text", ""));
    else if (number == 0)
        cli_print_line("%-*s  %s%s%s", NAME_WIDTH, name, service,
                       json_string_or(event, "text", "")[0] == '\0' ? "" : ": ",
                       json_string_or(event, "text", ""));
    else
        cli_print_line("%-*s  %s/%" PRId64 ": %s", NAME_WIDTH, name, service, number,
                       text_of(arena, event, service));
}

static void print_event(const struct cli *cli, const json_t *event)
{
    char time[TIMESTAMP_TEXT_SIZE], short_time[HUMAN_TEXT_SIZE];
    struct arena arena;
    size_t index;
    json_t *command;
    if (cli_wants_json(cli)) {
        cli_print_json_line(event);
        return;
    }
    arena_init(&arena);
    timestamp_format(json_time_or(event, "time_us", 0), time);
    human_instant(time, short_time);
    printf("%4" PRId64 "  %s  ", json_integer_or(event, "sequence", 0), short_time);
    print_severity(cli, json_string_or(event, "severity", ""));
    print_subject(&arena, event);
    json_array_foreach(json_object_get(event, "commands"), index, command)
        cli_print_line("      %s", json_string_value(command));
    fflush(stdout);
    arena_fini(&arena);
}

/* ---- once ---- */

static int list(struct cli *cli, uint64_t *ret_last)
{
    struct device_path path;
    int status;
    size_t index;
    json_t *event;
    device_path_init(&path, "/v1/events");
    if (cli->has_after)
        device_path_parameter(&path, "after", arena_format(&cli->arena, "%" PRIu64, cli->after));
    device_path_count(&path, "limit", cli->limit);
    json_t *answer = device_ask(cli, HTTP_GET, &path, NULL, &status);
    if (answer == NULL)
        return status;
    json_array_foreach(json_object_get(answer, "events"), index, event) {
        print_event(cli, event);
        *ret_last = (uint64_t)json_integer_or(event, "sequence", 0);
    }
    json_decref(answer);
    return status;
}

/* ---- follow ---- */

struct following {
    const struct cli *cli;
    uint64_t last; /* what was shown */
    bool heard;    /* something came on this connection */
};

static bool line_came(void *context, const char *line, size_t size)
{
    struct following *following = context;
    struct error error;
    json_t *event;
    following->heard = true;
    if (size == 0)
        return true; /* the device lives */
    if (!json_parse(line, size, &event, &error))
        return false;
    print_event(following->cli, event);
    following->last = (uint64_t)json_integer_or(event, "sequence", (int64_t)following->last);
    json_decref(event);
    return true;
}

static bool listen_once(struct following *following, struct error *error)
{
    struct arena arena;
    const struct cli *cli = following->cli;
    size_t length = strlen(cli->device);
    while (length > 0 && cli->device[length - 1] == '/')
        length--;
    arena_init(&arena);
    struct http_call call = {.method = HTTP_GET,
                             .url = arena_format(&arena, "%.*s/v1/events/stream?after=%" PRIu64,
                                                 (int)length, cli->device, following->last),
                             .token = cli->token,
                             .timeout_ms = SILENCE_MS};
    bool ended = http_stream_now(&call, line_came, following, error);
    arena_fini(&arena);
    return ended;
}

/* The device may be started anew meanwhile: nothing is lost, for events are numbered. */
static int follow(struct cli *cli, uint64_t last)
{
    static const struct timespec pause = {.tv_sec = AGAIN_MS / 1000};
    struct following following = {.cli = cli, .last = last};
    struct error error = ERROR_NONE;
    for (unsigned tries = 0; tries < UNREACHABLE_TRIES_MAX; tries++) {
        following.heard = false;
        if (!listen_once(&following, &error) && !error_is_retriable(error.code) &&
            error.code != ERROR_PROTOCOL)
            break;
        if (following.heard)
            tries = 0;
        nanosleep(&pause, NULL);
    }
    cli_print_error(cli, &error);
    return (int)exit_code_of(error.code);
}

int command_events(struct cli *cli)
{
    uint64_t last = cli->after;
    int status = list(cli, &last);
    return status == CLI_OK && cli->follow ? follow(cli, last) : status;
}
