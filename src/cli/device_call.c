/* device_call.c: see device_call.h. */
#include "cli/device_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "cli/cli_print.h"

#define CALL_TIMEOUT_MS 200000 /* a policy's stores are asked before it is answered */
#define ANSWER_BYTES_MAX ((size_t)64 << 20)

/* ---- paths ---- */

void device_path_init(struct device_path *path, const char *words)
{
    buffer_init(&path->text, 0);
    path->has_query = false;
    buffer_append_text(&path->text, words);
}

void device_path_fini(struct device_path *path)
{
    buffer_fini(&path->text);
}

void device_path_segment(struct device_path *path, const char *text)
{
    buffer_append_byte(&path->text, '/');
    path_percent_encode(&path->text, text, false);
}

void device_path_number(struct device_path *path, uint64_t number)
{
    buffer_append_format(&path->text, "/%" PRIu64, number);
}

void device_path_words(struct device_path *path, const char *words)
{
    buffer_append_text(&path->text, words);
}

void device_path_parameter(struct device_path *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buffer_append_format(&path->text, "%c%s=", path->has_query ? '&' : '?', name);
    path_percent_encode(&path->text, value, false);
    path->has_query = true;
}

void device_path_count(struct device_path *path, const char *name, uint64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, count);
    device_path_parameter(path, name, count == 0 ? NULL : text);
}

void device_path_epoch(struct device_path *path, const char *service, uint64_t number)
{
    device_path_init(path, "/v1/services");
    device_path_segment(path, service);
    device_path_words(path, "/epochs");
    device_path_number(path, number);
}

/* ---- one request ---- */

static const char *url_of(struct arena *arena, const struct cli *cli, struct device_path *path)
{
    size_t length = strlen(cli->device);
    while (length > 0 && cli->device[length - 1] == '/')
        length--;
    return arena_format(arena, "%.*s%s", (int)length, cli->device, buffer_text(&path->text));
}

static void read_answer(const struct cli *cli, const struct http_result *result,
                        struct device_answer *answer)
{
    struct error error;
    json_t *document, *refusal;
    if (!json_parse(buffer_text(&result->body), result->body.size, &document, &error)) {
        error_set(&answer->error, ERROR_PROTOCOL,
                  "%s answers with status %d and no JSON: is it a Coeval device?", cli->device,
                  result->status);
        return;
    }
    answer->reached = true;
    if (result->status < 400) {
        answer->document = document;
        return;
    }
    if (json_get_object(document, "error", &refusal, &error)) {
        json_to_error(refusal, &answer->error);
        if (result->status == 401)
            answer->error.code = ERROR_DENIED;
    } else {
        error_set(&answer->error, ERROR_PROTOCOL, "%s answers with status %d and does not say why",
                  cli->device, result->status);
    }
    json_decref(document);
}

static void not_reached(const struct cli *cli, struct error *error)
{
    if (error->code == ERROR_UNAVAILABLE)
        error_wrap(error,
                   "no device at %s (is coevald running? --device or $COEVAL_DEVICE "
                   "names another)",
                   cli->device);
    else
        error_wrap(error, "device at %s", cli->device);
}

bool device_call(const struct cli *cli, enum http_method method, struct device_path *path,
                 json_t *body, struct device_answer *ret_answer)
{
    struct arena arena;
    struct buffer text;
    struct http_result result = {0};
    arena_init(&arena);
    buffer_init(&text, 0);
    buffer_init(&result.body, ANSWER_BYTES_MAX);
    if (body != NULL)
        json_print(body, false, &text);
    struct http_call call = {.method = method,
                             .url = url_of(&arena, cli, path),
                             .token = cli->token,
                             .body = body == NULL ? NULL : buffer_text(&text),
                             .body_size = text.size,
                             .timeout_ms = CALL_TIMEOUT_MS,
                             .answer_bytes_max = ANSWER_BYTES_MAX};
    *ret_answer = (struct device_answer){.error = ERROR_NONE};
    if (http_call_now(&call, &result, &ret_answer->error))
        read_answer(cli, &result, ret_answer);
    else
        not_reached(cli, &ret_answer->error);
    buffer_fini(&result.body);
    buffer_fini(&text);
    arena_fini(&arena);
    device_path_fini(path);
    json_decref(body);
    return ret_answer->document != NULL;
}

int device_failure(const struct cli *cli, const struct device_answer *answer)
{
    CHECK(answer->error.code != ERROR_OK);
    cli_print_error(cli, &answer->error);
    /* An address that is none is a matter of usage. */
    if (!answer->reached)
        return answer->error.code == ERROR_INVALID ? CLI_USAGE : CLI_UNREACHABLE;
    return (int)exit_code_of(answer->error.code);
}

json_t *device_ask(const struct cli *cli, enum http_method method, struct device_path *path,
                   json_t *body, int *ret_status)
{
    struct device_answer answer;
    *ret_status = CLI_OK;
    if (!device_call(cli, method, path, body, &answer))
        *ret_status = device_failure(cli, &answer);
    return answer.document;
}

json_t *device_get(const struct cli *cli, const char *words, int *ret_status)
{
    struct device_path path;
    device_path_init(&path, words);
    return device_ask(cli, HTTP_GET, &path, NULL, ret_status);
}

int device_tell(struct cli *cli, enum http_method method, struct device_path *path, json_t *body,
                device_show_fn *show)
{
    int status;
    json_t *answer = device_ask(cli, method, path, body, &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(answer);
    else
        show(cli, answer);
    json_decref(answer);
    return status;
}

int device_tell_of(struct cli *cli, const char *words, device_show_fn *show)
{
    struct device_path path;
    device_path_init(&path, words);
    return device_tell(cli, HTTP_GET, &path, NULL, show);
}

json_t *device_reason(const struct cli *cli)
{
    json_t *body = json_object();
    if (cli->reason != NULL)
        json_set_string(body, "reason", cli->reason);
    return body;
}
