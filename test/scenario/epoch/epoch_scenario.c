/* epoch_scenario.c: runs every folder {given, events, expect} below the one it is told. Each is
 * played twice: as it is, and coming back from the journal before every event; both must give the
 * expected effects. --update rewrites expect. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"
#include "player.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

static bool read_part(const char *folder, const char *name, struct buffer *ret_text,
                      struct error *error)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_read(path, FILE_BYTES_MAX, ret_text, error);
}

static bool play_all(const char *folder, bool restarts, struct buffer *trace, struct error *error)
{
    struct player *player = memory_new(sizeof *player);
    struct buffer given, events;
    char *line, *rest = NULL;
    buffer_init(&given, 0);
    buffer_init(&events, 0);
    bool ok = read_part(folder, "given", &given, error) &&
              read_part(folder, "events", &events, error) &&
              player_init(player, buffer_text(&given), error);
    player->trace = trace;
    player->restarts = restarts;
    for (line = ok ? strtok_r(events.data, "\n", &rest) : NULL; ok && line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        ok = player_play(player, line, error);
    player_fini(player);
    free(player);
    buffer_fini(&given);
    buffer_fini(&events);
    return ok;
}

static void show_first_difference(const char *expected, const char *actual)
{
    size_t line = 1, i = 0;
    for (; expected[i] != '\0' && expected[i] == actual[i]; i++)
        line += expected[i] == '\n';
    while (i > 0 && expected[i - 1] != '\n')
        i--;
    printf("# line %zu: expected '%.*s', got '%.*s'\n", line, (int)strcspn(expected + i, "\n"),
           expected + i, (int)strcspn(actual + i, "\n"), actual + i);
}

static bool run(const char *folder, bool update)
{
    struct buffer trace, again, expected;
    struct error error = ERROR_NONE;
    char path[512];
    buffer_init(&trace, 0);
    buffer_init(&again, 0);
    buffer_init(&expected, 0);
    snprintf(path, sizeof path, "%s/expect", folder);
    bool ok = play_all(folder, false, &trace, &error) && play_all(folder, true, &again, &error);
    if (ok && update)
        ok = file_write_durable(path, buffer_text(&trace), trace.size, 0644, &error);
    ok = ok && read_part(folder, "expect", &expected, &error);
    if (!ok)
        printf("# %s\n", error.text);
    if (ok && strcmp(buffer_text(&expected), buffer_text(&trace)) != 0) {
        show_first_difference(buffer_text(&expected), buffer_text(&trace));
        ok = false;
    }
    if (ok && strcmp(buffer_text(&trace), buffer_text(&again)) != 0) {
        printf("# with a restart before every event:\n");
        show_first_difference(buffer_text(&trace), buffer_text(&again));
        ok = false;
    }
    buffer_fini(&trace);
    buffer_fini(&again);
    buffer_fini(&expected);
    return ok;
}

static int is_scenario(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_type == DT_DIR;
}

int main(int argument_count, char **arguments)
{
    bool update = argument_count > 2 && strcmp(arguments[1], "--update") == 0;
    const char *top = arguments[argument_count - 1];
    struct dirent **entries = NULL;
    int failed = 0, count;
    if (argument_count < 2) {
        fprintf(stderr, "usage: epoch_scenario [--update] FOLDER\n");
        return 2;
    }
    count = scandir(top, &entries, is_scenario, alphasort);
    CHECK(count > 0);
    for (int i = 0; i < count; i++) {
        char folder[400];
        snprintf(folder, sizeof folder, "%s/%s", top, entries[i]->d_name);
        bool ok = run(folder, update);
        printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, entries[i]->d_name);
        failed += !ok;
        free(entries[i]);
    }
    free(entries);
    printf("1..%d\n", count);
    return failed == 0 ? 0 : 1;
}
