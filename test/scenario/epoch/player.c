/* player.c: reads event lines and plays them; see player.h. */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

#define SECOND_US 1000000.0

/* A whole policy in the small: T is 100 s unless a scenario says otherwise. */
static const char ordinary[] =
    "{\"pair\": \"11112222-3333-4444-8555-666677778888\","
    " \"service\": \"aaaabbbb-cccc-4ddd-8eee-ffff00001111\", \"service_name\": \"bills\","
    " \"generation\": 1, \"number\": 42, \"attempt\": 1, \"slot_us\": \"100000000\","
    " \"mode\": \"incremental\", \"direction\": \"pull\", \"group_revision\": 7,"
    " \"base\": {\"generation\": 1, \"number\": 41, \"attempt\": 1,"
    "            \"snapshot_a\": \"base-a\", \"snapshot_b\": \"base-b\"},"
    " \"limits\": {\"lead_us\": \"30000000\", \"margin_us\": \"5000000\","
    "              \"grace_us\": \"2000000\", \"answer_us\": \"60000000\","
    "              \"backoff_us\": \"1000000\", \"backoff_max_us\": \"8000000\","
    "              \"tries_max\": 3, \"attempts_max\": 3, \"consistency\": \"bounded\","
    "              \"max_skew_us\": 5000, \"on_skew\": \"fail\", \"adopt_compare\": false}}";

static json_t *parse_or_abort(const char *text)
{
    struct error error = ERROR_NONE;
    json_t *document = NULL;
    if (!json_parse(text, strlen(text), &document, &error))
        fprintf(stderr, "%s\n", error.text);
    CHECK(document != NULL);
    return document;
}

bool player_init(struct player *player, const char *given, struct error *error)
{
    json_t *document = parse_or_abort(ordinary), *changes = NULL;
    *player = (struct player){0};
    epoch_init(&player->epoch);
    bool ok = json_parse(given, strlen(given), &changes, error);
    if (ok) {
        json_t *limits = json_object_get(changes, "limits");
        if (limits != NULL)
            CHECK(json_object_update(json_object_get(document, "limits"), limits) == 0);
        json_object_del(changes, "limits");
        CHECK(json_object_update(document, changes) == 0);
        ok = epoch_from_json(document, &player->epoch, error);
    }
    json_decref(document);
    json_decref(changes);
    return ok;
}

void player_fini(struct player *player)
{
    epoch_fini(&player->epoch);
}

/* The words of a line, one at a time; the rest of the line may be JSON. */
static const char *next_word(char **cursor)
{
    char *word = *cursor + strspn(*cursor, " ");
    size_t length = strcspn(word, " ");
    if (length == 0)
        return NULL;
    *cursor = word + length;
    if (**cursor != '\0')
        *(*cursor)++ = '\0';
    return word;
}

static bool take_number(char **cursor, const char *prefix, unsigned *ret_number)
{
    char *word = *cursor + strspn(*cursor, " ");
    if (strncmp(word, prefix, strlen(prefix)) != 0)
        return false;
    *ret_number = (unsigned)strtoul(word + strlen(prefix), cursor, 10);
    return true;
}

static bool take_document(char **cursor, json_t **ret_document, struct error *error)
{
    char *text = *cursor + strspn(*cursor, " ");
    *ret_document = NULL;
    if (*text == '\0')
        return true;
    return json_parse(text, strlen(text), ret_document, error);
}

static bool read_outcome(char **cursor, struct epoch_report *report, struct error *error)
{
    const char *status = next_word(cursor), *detail;
    if (status == NULL)
        return error_set(error, ERROR_INVALID, "a report has a status");
    if (strcmp(status, "running") == 0) {
        report->status = EPOCH_REPORT_RUNNING;
        report->phase = next_word(cursor);
        return true;
    }
    if (strcmp(status, "done") == 0) {
        report->status = EPOCH_REPORT_DONE;
        return true;
    }
    detail = next_word(cursor);
    report->status = strcmp(status, "waiting") == 0 ? EPOCH_REPORT_WAITING : EPOCH_REPORT_FAILED;
    if (report->status == EPOCH_REPORT_WAITING) {
        report->question = detail;
        return error_set(&report->error, ERROR_CONFLICT, "the agent asks"), true;
    }
    enum error_code code;
    if (!error_code_from_name(detail == NULL ? "" : detail, &code))
        return error_set(error, ERROR_INVALID, "no error code '%s'", detail);
    error_set(&report->error, code, "the agent says %s", error_code_text(code));
    return true;
}

static bool read_report(struct player *player, char **cursor, struct epoch_event *event,
                        json_t **ret_document, struct error *error)
{
    struct epoch_report *report = &event->report;
    const char *kind = next_word(cursor), *side = next_word(cursor);
    if (side == NULL || !epoch_instruction_from_name(kind, &report->kind))
        return error_set(error, ERROR_INVALID, "a report has a kind and a side");
    report->side = side[0] == 'a' ? EPOCH_SIDE_A : EPOCH_SIDE_B;
    report->attempt = player->epoch.attempt;
    report->try = player->epoch.instructions[report->kind][report->side].try;
    take_number(cursor, "attempt=", &report->attempt);
    take_number(cursor, "try=", &report->try);
    if (!read_outcome(cursor, report, error) || !take_document(cursor, ret_document, error))
        return false;
    report->result = *ret_document;
    report->asked = json_object_get(*ret_document, "asked");
    return true;
}

static bool read_inspected(char **cursor, struct epoch_event *event, json_t **ret_document,
                           struct error *error)
{
    static const char *const founds[] = {"nothing", "received", "committing", "rolling_back",
                                         "sealed"};
    const char *found = next_word(cursor);
    for (size_t i = 0; i < ARRAY_LENGTH(founds); i++)
        if (found != NULL && strcmp(found, founds[i]) == 0)
            event->found = (enum epoch_found)i;
    take_number(cursor, "tries_above=", &event->tries_above);
    if (!take_document(cursor, ret_document, error))
        return false;
    event->seal = *ret_document;
    return true;
}

static bool read_event(struct player *player, const char *name, char *rest,
                       struct epoch_event *event, json_t **ret_document, struct error *error)
{
    for (int kind = 0; kind < EPOCH_EVENT_COUNT; kind++) {
        if (strcmp(name, epoch_event_name((enum epoch_event_kind)kind)) != 0)
            continue;
        event->kind = (enum epoch_event_kind)kind;
        if (event->kind == EPOCH_EVENT_REPORT)
            return read_report(player, &rest, event, ret_document, error);
        if (event->kind == EPOCH_EVENT_INSPECTED)
            return read_inspected(&rest, event, ret_document, error);
        event->reason = rest;
        return true;
    }
    return error_set(error, ERROR_INVALID, "no event '%s'", name);
}

/* Through the journal's text and back; the document must not change on the way. */
static bool come_back(struct epoch *epoch, struct error *error)
{
    struct epoch again;
    struct buffer before, after;
    buffer_init(&before, 0);
    buffer_init(&after, 0);
    json_t *document = epoch_to_json(epoch);
    json_print(document, true, &before);
    json_decref(document);
    bool ok = json_parse(before.data, before.size, &document, error) &&
              epoch_from_json(document, &again, error);
    CHECK(ok);
    json_decref(document);
    document = epoch_to_json(&again);
    json_print(document, true, &after);
    json_decref(document);
    ok = strcmp(buffer_text(&before), buffer_text(&after)) == 0 ||
         error_set(error, ERROR_CORRUPT, "the document comes back as %s", buffer_text(&after));
    buffer_fini(&before);
    buffer_fini(&after);
    epoch_fini(epoch);
    *epoch = again;
    return ok;
}

/* What is out is what a restart sends. */
static bool check_resume(const struct epoch *epoch, int64_t now_us, struct error *error)
{
    struct epoch_effects *effects = memory_new(sizeof *effects);
    size_t sent = 0, out = 0;
    epoch_resume(epoch, now_us, effects);
    for (size_t i = 0; i < effects->count; i++)
        sent += effects->effects[i].kind == EPOCH_EFFECT_INSTRUCT;
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            out += epoch->instructions[kind][side].status == EPOCH_INSTRUCTION_SENT;
    free(effects);
    return sent == out || error_set(error, ERROR_CORRUPT, "resume sends %zu of %zu", sent, out);
}

static bool check_order(const struct epoch_effects *effects, struct error *error)
{
    for (size_t i = 1; i < effects->count; i++)
        if (effects->effects[i].kind == EPOCH_EFFECT_RECORD)
            return error_set(error, ERROR_CORRUPT, "the record is not the first effect");
    for (size_t i = 0; i < effects->count; i++)
        if (effects->effects[i].kind == EPOCH_EFFECT_INSTRUCT &&
            effects->effects[0].kind != EPOCH_EFFECT_RECORD)
            return error_set(error, ERROR_CORRUPT, "an order without a record");
    return true;
}

static bool play_event(struct player *player, const char *name, char *rest, int64_t now_us,
                       struct error *error)
{
    struct epoch_event event = {.kind = EPOCH_EVENT_START};
    json_t *document = NULL;
    bool ok = read_event(player, name, rest, &event, &document, error);
    if (ok) {
        epoch_step(&player->epoch, &event, now_us, &player->effects);
        ok = check_order(&player->effects, error);
    }
    json_decref(document);
    return ok;
}

bool player_play(struct player *player, const char *line, struct error *error)
{
    char *copy = memory_copy_string(line), *cursor = copy;
    const char *time = next_word(&cursor), *name = next_word(&cursor);
    bool ok = true;
    if (time != NULL && time[0] != '#' && name != NULL) {
        int64_t now_us = (int64_t)(strtod(time, NULL) * SECOND_US);
        bool restart = strcmp(name, "restart") == 0;
        if (restart || player->restarts)
            ok = come_back(&player->epoch, error);
        if (ok && restart)
            epoch_resume(&player->epoch, now_us, &player->effects);
        else if (ok)
            ok = play_event(player, name, cursor, now_us, error);
        ok = ok && check_resume(&player->epoch, now_us, error);
        if (ok && player->trace != NULL) {
            buffer_append_format(player->trace, "%s\n", line);
            print_effects(&player->epoch, &player->effects, player->trace);
        }
    }
    free(copy);
    return ok || error_wrap(error, "'%.80s'", line);
}
