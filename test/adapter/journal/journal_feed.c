/* journal_feed.c: a daemon's journal driven by lines, for tests of coeval-journal in Python. Each
 * line of stdin is "TYPE KEY PAYLOAD" (KEY "-": none; PAYLOAD "!": removed); once it is durable its
 * sequence is printed. The journal stays open until stdin ends. A second argument: how
 * many records are kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "journal/lmdb/journal_lmdb.h"

#define DEADLINE_MS 20000

static bool durable;

static void on_durable(void *context, const struct error *error)
{
    (void)context;
    if (error->code != ERROR_OK) {
        fprintf(stderr, "journal_feed: %s\n", error->text);
        exit(1);
    }
    durable = true;
}

static bool is_durable(void *context)
{
    (void)context;
    return durable;
}

static void feed(struct loop *loop, struct journal *journal, char *line)
{
    struct error error = ERROR_NONE;
    char *type = strtok(line, " "), *key = strtok(NULL, " "), *payload = strtok(NULL, "\n");
    CHECK(type != NULL && key != NULL && payload != NULL);
    struct journal_append record = {.type = (enum journal_type)journal_type_from_name(type),
                                    .key = strcmp(key, "-") == 0 ? NULL : key,
                                    .payload = strcmp(payload, "!") == 0 ? NULL : payload,
                                    .generation = 5};
    durable = false;
    CHECK(journal_append_all(journal, &record, 1, on_durable, NULL, &error));
    CHECK(loop_run_until(loop, is_durable, NULL, DEADLINE_MS));
    printf("%d\n", (int)journal->operations->last_sequence(journal));
    fflush(stdout);
}

int main(int count, char **values)
{
    struct journal *journal = NULL;
    struct error error = ERROR_NONE;
    char *line = NULL;
    size_t size = 0;
    CHECK(count == 2 || count == 3);
    struct loop *loop = loop_new();
    struct journal_lmdb_options options = {.directory = values[1],
                                           .origin = "0b1e6a52-7a0e-4f8e-9f0c-2f1d35a7c001",
                                           .keep_records =
                                               count == 3 ? strtoull(values[2], NULL, 10) : 0};
    if (!journal_lmdb_open(loop, &options, true, &journal, &error)) {
        fprintf(stderr, "journal_feed: %s\n", error.text);
        return 1;
    }
    while (getline(&line, &size, stdin) > 0)
        feed(loop, journal, line);
    free(line);
    journal->operations->close(journal);
    loop_free(loop);
    return 0;
}
