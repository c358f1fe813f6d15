/* operation_wait.c: see operation_wait.h. */
#include "cli/operation_wait.h"

#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/progress_bar.h"
#include "cli/terminal_line.h"

/* Of one long poll, in seconds: it ends early only with the work itself, so whoever looks at a bar
 * asks again sooner. */
#define POLL "20"
#define POLL_WATCHED "1"

bool operation_runs(const json_t *operation)
{
    return strcmp(json_string_or(operation, "phase", ""), "running") == 0;
}

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static json_t *ask(const struct cli *cli, const char *id, const char *seconds, int *ret_status)
{
    struct device_path path;
    device_path_init(&path, "/v1/operations");
    device_path_segment(&path, id);
    device_path_parameter(&path, "wait", seconds);
    return device_ask(cli, HTTP_GET, &path, NULL, ret_status);
}

static void show_bar(struct terminal_line *line, const json_t *operation)
{
    struct buffer text;
    buffer_init(&text, 0);
    progress_bar_print_operation(operation, terminal_line_width() - 1, &text);
    terminal_line_show(line, buffer_text(&text));
    buffer_fini(&text);
}

json_t *operation_wait(const struct cli *cli, const char *id, bool wait, int *ret_status)
{
    bool watched = cli->terminal && !cli_wants_json(cli);
    const char *poll = !wait ? NULL : watched ? POLL_WATCHED : POLL;
    struct terminal_line line = {.shown = false};
    int64_t began_s = now_s();
    json_t *operation;
    while ((operation = ask(cli, id, poll, ret_status)) != NULL && wait &&
           operation_runs(operation)) {
        if (cli->timeout_s > 0 && now_s() - began_s >= cli->timeout_s) {
            *ret_status = CLI_TIMEOUT;
            break;
        }
        if (watched)
            show_bar(&line, operation);
        json_decref(operation);
    }
    terminal_line_clear(&line);
    return operation;
}

json_t *operation_begin(const struct cli *cli, struct device_path *path, json_t *body,
                        int *ret_status)
{
    struct arena arena;
    json_t *begun = device_ask(cli, HTTP_POST, path, body, ret_status);
    if (begun == NULL || cli->no_wait)
        return begun;
    arena_init(&arena);
    const char *id = arena_string(&arena, json_string_or(begun, "id", ""));
    json_decref(begun);
    json_t *operation = operation_wait(cli, id, true, ret_status);
    arena_fini(&arena);
    return operation;
}
