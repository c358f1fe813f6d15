/* tool_objects.c: the commands verify, epochs and export. */
#include "journal-tool/journal_tool.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/timestamp.h"

static void print_sound(const struct tool *tool, uint64_t records)
{
    uint64_t trimmed = journal_reader_trimmed(tool->reader);
    if (tool->json)
        printf("{\"records\":%" PRIu64 ",\"sound\":true,\"trimmed\":%" PRIu64 "}\n", records,
               trimmed);
    else
        printf("sound: %" PRIu64 " records, chain and objects intact\n", records);
    if (!tool->json && trimmed > 0)
        printf("records up to %" PRIu64 " were trimmed; the chain begins behind them\n", trimmed);
}

enum tool_exit tool_verify(struct tool *tool)
{
    struct error error = ERROR_NONE;
    uint64_t records = 0, sequence = 0;
    bool sound = journal_reader_verify(tool->reader, &records, &sequence, &error);
    if (!sound && error.code != ERROR_CORRUPT)
        return tool_fail(&error);
    if (sound) {
        print_sound(tool, records);
        return TOOL_OK;
    }
    if (tool->json) {
        fputs("{\"reason\":", stdout);
        tool_print_string(error.text);
        printf(",\"sequence\":%" PRIu64 ",\"sound\":false}\n", sequence);
    } else {
        printf("corrupt: sequence %" PRIu64 ": ", sequence);
        tool_print_text(error.text);
        putchar('\n');
    }
    return TOOL_CORRUPT;
}

/* Epochs: whoever wrote them, old or new, a member that is not there shows as "-". */

struct epoch_list {
    const struct tool *tool;
    bool any;
};

static const char *const epoch_members[] = {"service_name", "generation", "number",
                                            "attempt",      "state",      "t_us"};

/* A string or a number, as text; NULL for anything else. */
static const char *member_text(const json_t *document, const char *name, char text[32])
{
    const json_t *member = json_object_get(document, name);
    if (json_is_string(member))
        return json_string_value(member);
    if (!json_is_integer(member))
        return NULL;
    snprintf(text, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(member));
    return text;
}

static const char *instant_text(const char *microseconds, char text[TIMESTAMP_TEXT_SIZE])
{
    char *end;
    long long value = strtoll(microseconds, &end, 10);
    if (end == microseconds || *end != '\0')
        return microseconds;
    timestamp_format(value, text);
    return text;
}

static void print_epoch_text(const char *key, const json_t *document)
{
    static const int widths[] = {24, 4, 8, 4, 14, 28};
    for (size_t i = 0; i < ARRAY_LENGTH(epoch_members); i++) {
        char number[32], instant[TIMESTAMP_TEXT_SIZE];
        const char *text = member_text(document, epoch_members[i], number);
        if (text != NULL && strcmp(epoch_members[i], "t_us") == 0)
            text = instant_text(text, instant);
        text = text == NULL ? "-" : text;
        tool_print_text(text);
        printf("%*s ", strlen(text) < (size_t)widths[i] ? widths[i] - (int)strlen(text) : 0, "");
    }
    tool_print_text(key);
    putchar('\n');
}

static void print_epoch_json(const char *key, const json_t *document)
{
    json_t *object = json_object();
    json_set_string(object, "key", key);
    for (size_t i = 0; i < ARRAY_LENGTH(epoch_members); i++) {
        json_t *member = json_object_get(document, epoch_members[i]);
        json_set_take(object, epoch_members[i], member == NULL ? json_null() : json_incref(member));
    }
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    CHECK(text != NULL);
    fputs(text, stdout);
    free(text);
    json_decref(object);
}

static bool show_epoch(void *context, const char *key, const char *payload, size_t size,
                       struct error *error)
{
    struct epoch_list *list = context;
    struct error ignored = ERROR_NONE;
    json_t *document = NULL;
    json_parse(payload, size, &document, &ignored);
    if (list->tool->json) {
        fputs(list->any ? ",\n" : "\n", stdout);
        print_epoch_json(key, document);
    } else {
        print_epoch_text(key, document);
    }
    list->any = true;
    json_decref(document);
    return tool_output_is_open(error);
}

enum tool_exit tool_epochs(struct tool *tool)
{
    struct error error = ERROR_NONE;
    struct epoch_list list = {.tool = tool};
    if (tool->json)
        fputs("{\"epochs\":[", stdout);
    else
        printf("%-24s %-4s %-8s %-4s %-14s %-28s %s\n", "SERVICE", "GEN", "NUMBER", "TRY", "STATE",
               "T", "KEY");
    bool read = journal_reader_objects(tool->reader, JOURNAL_EPOCH, show_epoch, &list, &error);
    if (read && tool->json)
        fputs("]}\n", stdout);
    return read ? TOOL_OK : tool_fail(&error);
}

/* Export: written as it is read; types by name and keys in byte order give sorted members. */

struct export
{
    bool any_type, any_key;
    const char *type_name;
};

static bool export_object(void *context, const char *key, const char *payload, size_t size,
                          struct error *error)
{
    struct export *export = context;
    if (!export->any_key) {
        fputs(export->any_type ? "},\n" : "\n", stdout);
        tool_print_string(export->type_name);
        fputs(":{\n", stdout);
    } else {
        fputs(",\n", stdout);
    }
    export->any_type = export->any_key = true;
    tool_print_string(key);
    putchar(':');
    tool_print_payload(payload, size);
    return tool_output_is_open(error);
}

static int compare_type_names(const void *a, const void *b)
{
    char first[24];
    snprintf(first, sizeof first, "%s", journal_type_name(*(const unsigned *)a));
    return strcmp(first, journal_type_name(*(const unsigned *)b));
}

enum tool_exit tool_export(struct tool *tool)
{
    struct error error = ERROR_NONE;
    unsigned types[JOURNAL_TYPE_MAX];
    struct export export = {.any_type = false};
    bool read = true;
    for (unsigned i = 0; i < JOURNAL_TYPE_MAX; i++)
        types[i] = i + 1;
    qsort(types, JOURNAL_TYPE_MAX, sizeof types[0], compare_type_names);
    fputs("{\"journal\":", stdout);
    tool_print_string(journal_reader_id(tool->reader));
    printf(",\"last_sequence\":%" PRIu64 ",\"objects\":{", journal_reader_last(tool->reader));
    for (unsigned i = 0; read && i < JOURNAL_TYPE_MAX; i++) {
        char name[24];
        snprintf(name, sizeof name, "%s", journal_type_name(types[i]));
        export.any_key = false;
        export.type_name = name;
        read = journal_reader_objects(tool->reader, types[i], export_object, &export, &error);
    }
    if (!read)
        return tool_fail(&error);
    fputs(export.any_type ? "}}}\n" : "}}\n", stdout);
    return TOOL_OK;
}
