/* turn.c: see turn.h. */
#include "cli/turn.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/device_call.h"
#include "cli/epoch_table.h"
#include "cli/exit_code.h"
#include "cli/progress_bar.h"
#include "cli/terminal_line.h"

#define LOOK_EVERY_MS 300
#define UNREACHABLE_MS_MAX 60000 /* a restart of the device */

struct turn {
    struct cli *cli;
    const char *service;
    const struct error *refusal;
    int64_t began_ms, reached_ms;
    struct terminal_line line;
    bool was_told;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Why nothing seems to happen: a bar, or one line. A reader of JSON waits for JSON. */
static void show(struct turn *turn, const json_t *running)
{
    const struct cli *cli = turn->cli;
    if (cli->terminal && !cli_wants_json(cli)) {
        struct buffer line;
        buffer_init(&line, 0);
        buffer_append_text(&line, "waits for the one that runs: ");
        size_t width = terminal_line_width(), used = line.size;
        progress_bar_print(running, width > used + 1 ? width - used - 1 : 0, &line);
        terminal_line_show(&turn->line, buffer_text(&line));
        buffer_fini(&line);
    } else if (!turn->was_told && !cli_wants_json(cli)) {
        cli_print_hint("an epoch is running: the new one begins when it has ended");
    }
    turn->was_told = true;
}

static bool is_too_late(struct turn *turn)
{
    struct error error;
    int64_t limit_s = turn->cli->timeout_s;
    if (limit_s == 0 || now_ms() - turn->began_ms < limit_s * 1000)
        return false;
    error_set(&error, ERROR_TIMEOUT,
              "no epoch was begun, one of '%s' still runs: coeval epoch list %s", turn->service,
              turn->service);
    cli_print_error(turn->cli, &error);
    return true;
}

/* Somebody must act before there can be another epoch. */
static int tell_refused(struct turn *turn, const json_t *running)
{
    cli_print_error(turn->cli, turn->refusal);
    if (!epoch_waits(running))
        return (int)exit_code_of(turn->refusal->code);
    if (!cli_wants_json(turn->cli))
        epoch_print_question(running);
    return CLI_WAITING;
}

enum turn_state { TURN_RUNS, TURN_FREE, TURN_OVER };

static enum turn_state look(struct turn *turn, int *ret_status)
{
    struct device_path path;
    device_path_init(&path, "/v1/policies");
    device_path_segment(&path, turn->service);
    struct device_answer answer;
    if (!device_call(turn->cli, HTTP_GET, &path, NULL, &answer)) {
        if (!answer.reached && now_ms() - turn->reached_ms < UNREACHABLE_MS_MAX)
            return TURN_RUNS; /* it did answer our order */
        terminal_line_clear(&turn->line);
        *ret_status = device_failure(turn->cli, &answer);
        return TURN_OVER;
    }
    json_t *policy = answer.document;
    turn->reached_ms = now_ms();
    const char *state = json_string_or(policy, "state", "");
    const json_t *running = json_object_get(policy, "running");
    enum turn_state result = TURN_FREE;
    if (strcmp(state, "running") == 0) {
        result = TURN_RUNS;
        show(turn, running);
    } else if (strcmp(state, "idle") != 0 && strcmp(state, "paused") != 0) {
        result = TURN_OVER;
        terminal_line_clear(&turn->line);
        *ret_status = tell_refused(turn, running);
    }
    json_decref(policy);
    return result;
}

bool turn_await(struct cli *cli, const char *service, const struct error *refusal, int *ret_status)
{
    static const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    struct turn turn = {.cli = cli, .service = service, .refusal = refusal, .began_ms = now_ms()};
    turn.reached_ms = turn.began_ms;
    enum turn_state state;
    while ((state = look(&turn, ret_status)) == TURN_RUNS) {
        if (is_too_late(&turn)) {
            terminal_line_clear(&turn.line);
            *ret_status = CLI_TIMEOUT;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    terminal_line_clear(&turn.line);
    if (cli->timeout_s > 0) {
        int64_t left_s = cli->timeout_s - (now_ms() - turn.began_ms) / 1000;
        cli->timeout_s = left_s < 1 ? 1 : left_s;
    }
    return state == TURN_FREE;
}
