/* tool_output.c: how records look, as text and as JSON. */
#include "journal-tool/journal_tool.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "base/timestamp.h"

bool tool_output_is_open(struct error *error)
{
    return ferror(stdout) == 0 || error_set(error, ERROR_CANCELED, "the output cannot be written");
}

void tool_print_text(const char *text)
{
    bool utf8 = path_is_utf8(text);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0; /* control, in two bytes */
        if (*p < 0x20 || *p == 0x7f || c1 || (*p >= 0x80 && !utf8))
            printf("\\x%02x", *p);
        else
            putchar(*p);
        if (c1)
            printf("\\x%02x", *++p);
    }
}

static void print_json(json_t *value)
{
    char *text =
        json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
    CHECK(text != NULL);
    fputs(text, stdout);
    free(text);
}

static json_t *string_value(const char *text)
{
    json_t *holder = json_object();
    json_set_string(holder, "text", text);
    json_t *value = json_incref(json_object_get(holder, "text"));
    json_decref(holder);
    return value;
}

void tool_print_string(const char *text)
{
    json_t *value = string_value(text);
    print_json(value);
    json_decref(value);
}

static json_t *payload_value(const char *payload, size_t size)
{
    json_error_t problem;
    if (payload == NULL)
        return json_null();
    json_t *value = json_loadb(payload, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    return value != NULL ? value : string_value(payload);
}

void tool_print_payload(const char *payload, size_t size)
{
    json_t *value = payload_value(payload, size);
    print_json(value);
    json_decref(value);
}

static void print_record_json(const struct journal_record *record)
{
    char time[TIMESTAMP_TEXT_SIZE], boottime[24];
    json_t *object = json_object();
    timestamp_format(record->realtime_us, time);
    snprintf(boottime, sizeof boottime, "%" PRId64, record->boottime_ns);
    json_set_integer(object, "sequence", (int64_t)record->sequence);
    json_set_string(object, "type", journal_type_name(record->type));
    json_set_integer(object, "generation", (int64_t)record->generation);
    json_set_string(object, "origin", record->origin);
    json_set_string(object, "time", time);
    json_set_time(object, "realtime_us", record->realtime_us);
    json_set_string(object, "boottime_ns", boottime);
    json_set_string(object, "key", record->key);
    json_set_boolean(object, "removed", record->payload == NULL);
    json_set_take(object, "payload", payload_value(record->payload, record->payload_size));
    print_json(object);
    putchar('\n');
    json_decref(object);
}

static void print_record_text(const struct journal_record *record)
{
    char time[TIMESTAMP_TEXT_SIZE];
    timestamp_format(record->realtime_us, time);
    printf("%" PRIu64 "  %s  %s  g%" PRIu64 "  ", record->sequence, time,
           journal_type_name(record->type), record->generation);
    tool_print_text(record->key == NULL ? "-" : record->key);
    fputs("  ", stdout);
    tool_print_text(record->payload == NULL ? "(removed)" : record->payload);
    putchar('\n');
}

void tool_print_record(const struct tool *tool, const struct journal_record *record)
{
    if (tool->json)
        print_record_json(record);
    else
        print_record_text(record);
}
