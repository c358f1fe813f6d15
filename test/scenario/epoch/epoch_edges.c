/* epoch_edges.c: the table of (state, event) → state in src/epoch/DESIGN, made by trying every
 * event in every situation of an epoch. Compares, or rewrites the block with --update. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "player.h"

#define BEGIN "<!-- edges -->\n"
#define END "<!-- end of edges -->\n"

#define MOMENT "{\"outcome\": \"fired\", \"grade\": \"atomic\", \"skew_us\": 7}"
#define SEAL "{\"number\": 42, \"generation\": 1, \"attempt\": 1}"

/* Ways into each situation: the events behind those of the situation named in `after`. */
static const struct situation {
    const char *name, *after, *events;
} situations[] = {
    {"planned", NULL, ""},
    {"planned, resolve out", "planned", "1 start"},
    {"preparing", "planned, resolve out", "2 report resolve a done {\"members\": [{}]}"},
    {"preparing, disarm out", "preparing", "95 timer"},
    {"preparing, discard out (moment taken again)", "preparing",
     "3 report snapshot a failed UNAVAILABLE"},
    {"armed", "preparing", "90 report snapshot a running armed"},
    {"armed, disarm out", "armed", "162 timer"},
    {"snapped", "armed", "101 report snapshot a done " MOMENT},
    {"receiving", "snapped", "102 report transfer b running"},
    {"receiving, asks", "receiving", "103 report transfer b waiting shrink"},
    {"received", "receiving", "104 report transfer b done {}"},
    {"received, asks", "received", "105 report commit b waiting touched"},
    {"committing", "received", "105 report commit b running committing"},
    {"committing, asks", "committing", "106 report commit b waiting touched"},
    {"candidate", "committing", "107 report commit b running candidate"},
    {"candidate, asks", "candidate", "108 report commit b waiting touched"},
    {"stuck (commit failed)", "committing", "108 report commit b failed NO_SPACE"},
    {"rolling_back", "stuck (commit failed)", "109 rollback"},
    {"stuck (rollback failed)", "rolling_back", "110 report rollback b failed NO_SPACE"},
    {"sealed, settle out", "candidate", "109 report commit b done {\"seal\": " SEAL "}"},
    {"sealed", "sealed, settle out", "110 report settle a done"},
    {"sealed, retire out", "sealed", "900 retire"},
    {"retired", "sealed, retire out", "901 report retire a done\n902 report retire b done"},
    {"abandoning, disarm out", "armed", "95 abandon"},
    {"abandoning, discard B out", "receiving", "110 abandon"},
    {"abandoning, discard A out", "abandoning, discard B out", "111 report discard b done"},
    {"abandoned", "abandoning, discard A out", "112 report discard a done"},
};

static const char *const events[] = {
    "start",
    "timer",
    "report resolve a done {\"members\": [{}]}",
    "report resolve a done {\"members\": []}",
    "report resolve a failed UNAVAILABLE",
    "report resolve a failed DENIED",
    "report snapshot a running armed",
    "report snapshot a done {\"outcome\": \"fired\", \"grade\": \"bounded\", \"skew_us\": 7}",
    "report snapshot a done {\"outcome\": \"fired\", \"grade\": \"bounded\", \"skew_us\": 9000}",
    "report snapshot a done {\"outcome\": \"fired\", \"grade\": \"fuzzy\", \"skew_us\": 7}",
    "report snapshot a done {\"outcome\": \"missed\"}",
    "report snapshot a failed UNAVAILABLE",
    "report snapshot a failed DENIED",
    "report disarm a done {\"fired\": true}",
    "report disarm a done {\"fired\": false}",
    "report disarm a failed UNAVAILABLE",
    "report disarm a failed CORRUPT",
    "report transfer b running",
    "report transfer b waiting shrink",
    "report transfer b waiting lost_base",
    "report transfer b done {}",
    "report transfer b failed UNAVAILABLE",
    "report transfer b failed DENIED",
    "report commit b running committing",
    "report commit b running candidate",
    "report commit b running sealed {\"seal\": " SEAL "}",
    "report commit b waiting touched",
    "report commit b done {\"seal\": " SEAL "}",
    "report commit b failed UNAVAILABLE",
    "report commit b failed NO_SPACE",
    "report rollback b done",
    "report rollback b failed CONFLICT {\"seal\": " SEAL "}",
    "report rollback b failed UNAVAILABLE",
    "report rollback b failed NO_SPACE",
    "report discard a done",
    "report discard a failed UNAVAILABLE",
    "report discard a failed DENIED",
    "report discard b done",
    "report settle a done",
    "report settle a failed UNAVAILABLE",
    "report settle a failed NOT_FOUND",
    "report retire a done",
    "report retire a failed CONFLICT",
    "report retire b done",
    "inspected nothing",
    "inspected received",
    "inspected committing",
    "inspected rolling_back",
    ("inspected sealed " SEAL),
    "retire",
    "abandon",
    "rollback",
    "resume",
    "approve",
    "lost",
};

static void play(struct player *player, const char *line)
{
    struct error error = ERROR_NONE;
    if (!player_play(player, line, &error)) {
        fprintf(stderr, "epoch_edges: %s\n", error.text);
        abort();
    }
}

static const struct situation *find_situation(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(situations); i++)
        if (strcmp(situations[i].name, name) == 0)
            return &situations[i];
    CHECK_UNREACHABLE();
}

static void enter_situation(struct player *player, const struct situation *situation)
{
    char *copy = memory_copy_string(situation->events), *rest = NULL;
    if (situation->after != NULL)
        enter_situation(player, find_situation(situation->after));
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        play(player, line);
    free(copy);
}

/* "→ snapped; transfer.b". Empty when nothing happened. */
static void describe(const struct player *player, struct buffer *text)
{
    const struct epoch_effects *effects = &player->effects;
    const char *separator = "";
    if (effects->refused.code != ERROR_OK) {
        buffer_append_text(text, "refused");
        return;
    }
    if (effects->count == 0 || effects->effects[0].kind != EPOCH_EFFECT_RECORD)
        return;
    buffer_append_format(text, "%s", epoch_state_name(player->epoch.state));
    for (size_t i = 0; i < effects->count; i++) {
        const struct epoch_effect *effect = &effects->effects[i];
        if (effect->kind == EPOCH_EFFECT_INSTRUCT)
            buffer_append_format(text, "%s %s.%s", *separator == '\0' ? ";" : separator,
                                 epoch_instruction_name(effect->instruction),
                                 epoch_side_name(effect->side));
        else if (effect->kind == EPOCH_EFFECT_FORGET)
            buffer_append_format(text, "%s forget %s.%s", *separator == '\0' ? ";" : separator,
                                 epoch_instruction_name(effect->instruction),
                                 epoch_side_name(effect->side));
        else if (effect->kind == EPOCH_EFFECT_TELL)
            buffer_append_format(text, "%s %s", *separator == '\0' ? ";" : separator,
                                 effect->tell.name);
        else if (effect->kind == EPOCH_EFFECT_BASE_MOVED)
            buffer_append_format(text, "%s base moved", *separator == '\0' ? ";" : separator);
        else
            continue;
        separator = ",";
    }
}

static void try_event(const struct situation *situation, const char *event, struct buffer *row)
{
    struct player *player = memory_new(sizeof *player);
    struct error error = ERROR_NONE;
    char line[256];
    CHECK(player_init(player, "{}", &error));
    enter_situation(player, situation);
    snprintf(line, sizeof line, "%s %s", strcmp(event, "timer") == 0 ? "5000" : "1000", event);
    if (strstr(situation->name, "planned") != NULL && strcmp(event, "timer") != 0)
        snprintf(line, sizeof line, "3 %s", event);
    play(player, line);
    describe(player, row);
    player_fini(player);
    free(player);
}

static void print_table(struct buffer *table)
{
    buffer_append_text(table, "| in | event | becomes; and gives |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < ARRAY_LENGTH(situations); i++)
        for (size_t j = 0; j < ARRAY_LENGTH(events); j++) {
            struct buffer row;
            buffer_init(&row, 0);
            try_event(&situations[i], events[j], &row);
            if (row.size > 0)
                buffer_append_format(table, "| %s | %s | %s |\n", situations[i].name, events[j],
                                     buffer_text(&row));
            buffer_fini(&row);
        }
}

/* The file with the block between the marks replaced. */
static void replace_block(const char *file, const char *table, struct buffer *ret_file)
{
    const char *begin = strstr(file, BEGIN), *end = strstr(file, END);
    CHECK(begin != NULL && end != NULL && begin < end);
    begin += strlen(BEGIN);
    buffer_append(ret_file, file, (size_t)(begin - file));
    buffer_append_text(ret_file, table);
    buffer_append_text(ret_file, end);
}

int main(int argument_count, char **arguments)
{
    bool update = argument_count > 2 && strcmp(arguments[1], "--update") == 0;
    struct buffer before, table, after;
    struct error error = ERROR_NONE;
    CHECK(argument_count > 1);
    const char *path = arguments[argument_count - 1];
    buffer_init(&before, 0);
    buffer_init(&table, 0);
    buffer_init(&after, 0);
    if (!file_read(path, (size_t)1 << 20, &before, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    print_table(&table);
    replace_block(buffer_text(&before), buffer_text(&table), &after);
    bool same = strcmp(buffer_text(&before), buffer_text(&after)) == 0;
    if (!same && update)
        same = file_write_durable(path, buffer_text(&after), after.size, 0644, &error);
    if (!same)
        printf("# the table in %s is not what the code does; run epoch_edges --update on it\n",
               path);
    printf("%sok 1 - the table of edges\n1..1\n", same ? "" : "not ");
    buffer_fini(&before);
    buffer_fini(&table);
    buffer_fini(&after);
    return same ? 0 : 1;
}
