/* follow.c: see follow.h. */
#include "cli/follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/device_call.h"
#include "cli/epoch_table.h"
#include "cli/progress_bar.h"
#include "cli/terminal_line.h"

#define LOOK_EVERY_MS 300
#define UNREACHABLE_MS_MAX 60000 /* a restart of the device */
#define PLANNING_MS 3000         /* a new epoch may not be there yet */
#define SETTLING_MS 15000        /* sealed; the primary is told */

struct following {
    const struct cli *cli;
    const char *service;
    uint64_t number;
    const char *expected;
    int64_t began_ms, reached_ms, sealed_ms; /* 0: not yet */
    char *shown;                             /* the last line of JSON */
    struct terminal_line line;
    bool was_seen, is_there; /* the epoch; the device, at any time before */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- showing ---- */

static void show_bar(struct following *following, const json_t *epoch)
{
    struct buffer line;
    buffer_init(&line, 0);
    buffer_append_format(&line, "%s/%" PRIu64 "  ", following->service, following->number);
    size_t width = terminal_line_width(), used = line.size;
    progress_bar_print(epoch, width > used + 1 ? width - used - 1 : 0, &line);
    terminal_line_show(&following->line, buffer_text(&line));
    buffer_fini(&line);
}

static void show_json(struct following *following, const json_t *epoch)
{
    char *text = json_dumps(epoch, JSON_COMPACT);
    if (text != NULL && (following->shown == NULL || strcmp(text, following->shown) != 0)) {
        puts(text);
        fflush(stdout);
        free(following->shown);
        following->shown = text;
    } else {
        free(text);
    }
}

static bool shows_bar(const struct cli *cli)
{
    return cli->terminal && !cli_wants_json(cli);
}

static void show(struct following *following, const json_t *epoch)
{
    if (shows_bar(following->cli))
        show_bar(following, epoch);
    else if (following->cli->output != CLI_OUTPUT_TABLE)
        show_json(following, epoch);
}

static void show_result(struct following *following, json_t *epoch)
{
    const struct cli *cli = following->cli;
    terminal_line_clear(&following->line);
    if (!shows_bar(cli) && cli->output != CLI_OUTPUT_TABLE)
        return; /* its line was the last one */
    json_t *list = json_array();
    json_array_append(list, epoch);
    epoch_table_print(cli, list);
    json_decref(list);
}

/* ---- judging ---- */

static bool is_in(const json_t *epoch, const char *state)
{
    return strcmp(json_string_or(epoch, "state", ""), state) == 0;
}

static void say_cause(const struct cli *cli, const json_t *epoch)
{
    const json_t *cause = json_object_get(epoch, "cause");
    struct error error;
    if (!json_is_object(cause))
        return;
    json_to_error(cause, &error);
    cli_print_error(cli, &error);
}

/* An epoch is over for the caller when the next one may begin. */
static bool is_over(struct following *following, const json_t *epoch)
{
    if (is_in(epoch, "abandoned") || is_in(epoch, "retired") || epoch_waits(epoch))
        return true;
    if (!is_in(epoch, "sealed"))
        return false;
    if (following->sealed_ms == 0)
        following->sealed_ms = now_ms();
    return json_object_get(epoch, "progress") == NULL ||
           now_ms() - following->sealed_ms > SETTLING_MS;
}

static int judge(struct following *following, json_t *epoch)
{
    show_result(following, epoch);
    if (epoch_waits(epoch))
        return CLI_WAITING;
    bool was_sealed = is_in(epoch, "sealed") || is_in(epoch, "retired");
    if (strcmp(following->expected, was_sealed ? "sealed" : "abandoned") == 0)
        return CLI_OK;
    say_cause(following->cli, epoch);
    return CLI_FAILED;
}

/* ---- looking ---- */

static bool look(struct following *following, struct device_answer *ret_answer)
{
    struct device_path path;
    device_path_epoch(&path, following->service, following->number);
    device_path_parameter(&path, "view", "summary");
    return device_call(following->cli, HTTP_GET, &path, NULL, ret_answer);
}

/* Its planning may have failed: then an event says why, and there will be no epoch. */
static int never_planned(const struct cli *cli, const char *service, const struct error *missing)
{
    struct device_answer answer = {.reached = true, .error = *missing};
    struct device_path path;
    device_path_init(&path, "/v1/events");
    device_path_parameter(&path, "limit", "20");
    int status;
    json_t *events = device_ask(cli, HTTP_GET, &path, NULL, &status);
    const json_t *list = json_object_get(events, "events");
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *event = json_array_get(list, i);
        if (strcmp(json_string_or(event, "name", ""), "epoch.not-planned") != 0 ||
            strcmp(json_string_or(event, "service", ""), service) != 0)
            continue;
        error_set(&answer.error, ERROR_IO, "no epoch came of it: %s",
                  json_string_or(event, "text", ""));
        break;
    }
    json_decref(events);
    return device_failure(cli, &answer);
}

static bool is_being_planned(struct following *following)
{
    struct device_path path;
    struct device_answer answer;
    if (now_ms() - following->began_ms < PLANNING_MS)
        return true;
    device_path_init(&path, "/v1/policies");
    device_path_segment(&path, following->service);
    if (!device_call(following->cli, HTTP_GET, &path, NULL, &answer))
        return !answer.reached; /* the next look tells */
    bool runs = strcmp(json_string_or(answer.document, "state", ""), "running") == 0;
    json_decref(answer.document);
    return runs;
}

/* True: the answer is final, *ret_status says how. */
static bool is_hopeless(struct following *following, const struct device_answer *answer,
                        int *ret_status)
{
    if (!answer->reached && answer->error.code != ERROR_INVALID && following->is_there &&
        now_ms() - following->reached_ms < UNREACHABLE_MS_MAX)
        return false;
    if (answer->reached && answer->error.code == ERROR_NOT_FOUND && is_being_planned(following))
        return false;
    terminal_line_clear(&following->line);
    *ret_status = answer->reached && answer->error.code == ERROR_NOT_FOUND
                      ? never_planned(following->cli, following->service, &answer->error)
                      : device_failure(following->cli, answer);
    return true;
}

static bool is_too_late(struct following *following, int *ret_status)
{
    struct error error;
    int64_t limit_s = following->cli->timeout_s;
    if (limit_s == 0 || now_ms() - following->began_ms < limit_s * 1000)
        return false;
    terminal_line_clear(&following->line);
    if (following->was_seen)
        error_set(&error, ERROR_TIMEOUT,
                  "epoch %" PRIu64 " goes on: `coeval epoch show %s %" PRIu64 " --follow`",
                  following->number, following->service, following->number);
    else
        error_set(&error, ERROR_TIMEOUT,
                  "epoch %" PRIu64 " of '%s' was not there in time: see `coeval epoch list %s`",
                  following->number, following->service, following->service);
    cli_print_error(following->cli, &error);
    *ret_status = CLI_TIMEOUT;
    return true;
}

/* True: it is over, *ret_status says how. */
static bool look_once(struct following *following, int *ret_status)
{
    struct device_answer answer;
    if (!look(following, &answer)) {
        if (answer.reached)
            following->reached_ms = now_ms();
        following->is_there = following->is_there || answer.reached;
        return is_hopeless(following, &answer, ret_status);
    }
    following->reached_ms = now_ms();
    following->was_seen = following->is_there = true;
    show(following, answer.document);
    bool over = is_over(following, answer.document);
    if (over)
        *ret_status = judge(following, answer.document);
    json_decref(answer.document);
    return over;
}

int follow_epoch(const struct cli *cli, const char *service, uint64_t number, const char *expected,
                 bool is_there)
{
    static const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    struct following following = {.cli = cli,
                                  .service = service,
                                  .number = number,
                                  .expected = expected,
                                  .is_there = is_there};
    int status = CLI_OK;
    following.began_ms = following.reached_ms = now_ms();
    while (!look_once(&following, &status) && !is_too_late(&following, &status))
        nanosleep(&pause, NULL);
    free(following.shown);
    return status;
}
