/* fuzz_protocol.c: any JSON as an instruction and as a status. What is taken is the same after it
 * has been written again. */
#include <string.h>

#include "agent/protocol.h"
#include "base/check.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_instruction(json_t *document)
{
    struct instruction instruction, again;
    struct error error = ERROR_NONE;
    if (!instruction_parse(document, &instruction, &error)) {
        CHECK(error.code != ERROR_OK);
        return;
    }
    CHECK(strlen(instruction.key) < PROTOCOL_KEY_SIZE && json_is_object(instruction.body));
    json_t *body = json_deep_copy(instruction.body);
    json_t *written = instruction_format(&instruction, body);
    CHECK(instruction_parse(written, &again, &error));
    json_t *twice = instruction_format(&again, json_incref(body));
    CHECK(instruction_same_order(written, twice));
    json_decref(twice);
    json_decref(written);
}

static void try_status(const json_t *document)
{
    struct status status, again;
    struct error error = ERROR_NONE;
    if (!status_parse(document, &status, &error)) {
        CHECK(error.code != ERROR_OK);
        return;
    }
    json_t *written = status_format(&status);
    CHECK(status_parse(written, &again, &error));
    CHECK(again.state == status.state && again.revision == status.revision &&
          strcmp(again.key, status.key) == 0 && again.error.code == status.error.code);
    json_decref(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *document = NULL;
    struct error error;
    if (!json_parse((const char *)data, size, &document, &error))
        return 0;
    try_status(document);
    try_instruction(document);
    json_decref(document);
    return 0;
}
