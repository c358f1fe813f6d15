/* protocol.c: codec of instructions and their status. Unknown members are ignored within a schema,
 * so that two devices may differ by one version. */
#include "agent/protocol.h"

#include <string.h>

#include "base/check.h"
#include "base/json.h"

static const char *const state_names[] = {"running", "waiting", "done", "failed"};

static bool parse_envelope(const json_t *document, struct instruction *instruction,
                           struct error *error)
{
    int64_t schema;
    json_t *body;
    if (!json_get_integer(document, "schema", &schema, error))
        return false;
    if (schema != PROTOCOL_SCHEMA)
        return error_set(error, ERROR_PROTOCOL,
                         "instruction of schema %d; this agent speaks %d: update the older side",
                         (int)schema, PROTOCOL_SCHEMA);
    if (!json_get_string(document, "key", &instruction->key, error) ||
        !json_get_string(document, "kind", &instruction->kind, error) ||
        !json_get_string(document, "pair", &instruction->pair, error) ||
        !json_get_string(document, "service", &instruction->service, error) ||
        !json_get_integer(document, "generation", &instruction->generation, error) ||
        !json_get_integer(document, "number", &instruction->number, error) ||
        !json_get_integer(document, "attempt", &instruction->attempt, error) ||
        !json_get_string(document, "device", &instruction->device, error) ||
        !json_get_object(document, "body", &body, error))
        return error_wrap(error, "instruction");
    instruction->service_name = json_string_or(document, "service_name", instruction->service);
    int64_t fence = json_integer_or(document, "fence", instruction->generation);
    instruction->fence = fence > instruction->generation ? fence : instruction->generation;
    instruction->try_number = json_integer_or(document, "try", 1);
    instruction->deadline_us = json_time_or(document, "deadline_us", 0);
    instruction->body = body;
    return true;
}

bool instruction_parse(json_t *document, struct instruction *ret_instruction, struct error *error)
{
    struct instruction instruction = {.document = document};
    if (!parse_envelope(document, &instruction, error))
        return false;
    if (strlen(instruction.key) >= PROTOCOL_KEY_SIZE || instruction.key[0] == '\0')
        return error_set(error, ERROR_INVALID, "instruction key of %zu characters",
                         strlen(instruction.key));
    *ret_instruction = instruction;
    return true;
}

json_t *instruction_format(const struct instruction *instruction, json_t *body)
{
    CHECK(body != NULL);
    json_t *document = json_object();
    json_set_integer(document, "schema", PROTOCOL_SCHEMA);
    json_set_string(document, "key", instruction->key);
    json_set_string(document, "kind", instruction->kind);
    json_set_string(document, "pair", instruction->pair);
    json_set_string(document, "service", instruction->service);
    json_set_string(document, "service_name", instruction->service_name);
    json_set_integer(document, "generation", instruction->generation);
    json_set_integer(document, "fence",
                     instruction->fence > instruction->generation ? instruction->fence
                                                                  : instruction->generation);
    json_set_integer(document, "number", instruction->number);
    json_set_integer(document, "attempt", instruction->attempt);
    json_set_integer(document, "try", instruction->try_number);
    json_set_string(document, "device", instruction->device);
    json_set_time(document, "deadline_us", instruction->deadline_us);
    json_set_take(document, "body", body);
    return document;
}

bool instruction_same_order(const json_t *a, const json_t *b)
{
    json_t *left = json_copy((json_t *)(uintptr_t)a);
    json_t *right = json_copy((json_t *)(uintptr_t)b);
    CHECK(left != NULL && right != NULL);
    static const char *const of_the_sender[] = {"device", "deadline_us", "fence"};
    for (size_t i = 0; i < ARRAY_LENGTH(of_the_sender); i++) {
        json_object_del(left, of_the_sender[i]);
        json_object_del(right, of_the_sender[i]);
    }
    bool same = json_equal(left, right) == 1;
    json_decref(left);
    json_decref(right);
    return same;
}

const char *status_state_name(enum status_state state)
{
    CHECK((size_t)state < ARRAY_LENGTH(state_names));
    return state_names[state];
}

bool status_state_from_name(const char *name, enum status_state *ret_state)
{
    for (size_t i = 0; i < ARRAY_LENGTH(state_names); i++)
        if (strcmp(name, state_names[i]) == 0) {
            *ret_state = (enum status_state)i;
            return true;
        }
    return false;
}

static json_t *format_progress(const struct progress *progress)
{
    json_t *object = json_object();
    json_set_integer(object, "files_done", (int64_t)progress->files_done);
    json_set_integer(object, "files_total", (int64_t)progress->files_total);
    json_set_integer(object, "bytes_done", (int64_t)progress->bytes_done);
    json_set_integer(object, "bytes_total", (int64_t)progress->bytes_total);
    json_set_integer(object, "operations", (int64_t)progress->operations);
    return object;
}

json_t *status_format(const struct status *status)
{
    json_t *document = json_object();
    json_set_integer(document, "schema", PROTOCOL_SCHEMA);
    json_set_string(document, "key", status->key);
    json_set_integer(document, "revision", (int64_t)status->revision);
    json_set_string(document, "state", status_state_name(status->state));
    json_set_string(document, "phase", status->phase);
    if (status->question != NULL)
        json_set_string(document, "question", status->question);
    if (status->asked != NULL)
        json_set_take(document, "asked", json_incref(status->asked));
    json_set_take(document, "progress", format_progress(&status->progress));
    if (status->error.code != ERROR_OK)
        json_set_take(document, "error", json_from_error(&status->error));
    if (status->result != NULL)
        json_set_take(document, "result", json_incref(status->result));
    json_set_time(document, "updated_us", status->updated_us);
    return document;
}

static void parse_progress(const json_t *object, struct progress *progress)
{
    progress->files_done = (uint64_t)json_integer_or(object, "files_done", 0);
    progress->files_total = (uint64_t)json_integer_or(object, "files_total", 0);
    progress->bytes_done = (uint64_t)json_integer_or(object, "bytes_done", 0);
    progress->bytes_total = (uint64_t)json_integer_or(object, "bytes_total", 0);
    progress->operations = (uint64_t)json_integer_or(object, "operations", 0);
}

bool status_parse(const json_t *document, struct status *ret_status, struct error *error)
{
    struct status status = {.error = ERROR_NONE};
    const char *state;
    int64_t revision;
    if (!json_get_string(document, "key", &status.key, error) ||
        !json_get_integer(document, "revision", &revision, error) ||
        !json_get_string(document, "state", &state, error) ||
        !json_get_string(document, "phase", &status.phase, error))
        return error_wrap(error, "status");
    if (!status_state_from_name(state, &status.state))
        return error_set(error, ERROR_PROTOCOL, "status: unknown state '%.40s'", state);
    status.revision = (uint64_t)revision;
    status.question = json_string_or(document, "question", NULL);
    status.asked = json_object_get(document, "asked");
    parse_progress(json_object_get(document, "progress"), &status.progress);
    json_t *failure = json_object_get(document, "error");
    if (failure != NULL)
        json_to_error(failure, &status.error);
    status.result = json_object_get(document, "result");
    status.updated_us = json_time_or(document, "updated_us", 0);
    *ret_status = status;
    return true;
}
