/* plan_scenario_test.c: recorded differences in, plans out, as text.
 *
 *   plan_scenario_test [--update] DIRECTORY
 *
 * given.txt has a case a line: change | differences | judgements | sweep. The plan of each case and
 * the difference that the target must then show are compared with expect.txt; --update rewrites it,
 * and whoever did that reads what changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "plan/expected.h"

#define FIELDS 4
#define DIFFERENCES_MAX 32

static const char *const verdicts[] = {"undecided", "nothing", "attributes", "content"};

struct said {
    char lines[DIFFERENCES_MAX][128];
    size_t count;
};

static bool hear(void *context, const struct difference *difference, struct error *error)
{
    struct said *said = context;
    (void)error;
    CHECK(said->count < DIFFERENCES_MAX);
    snprintf(said->lines[said->count++], sizeof said->lines[0], "%c %s%s%s", (char)difference->kind,
             difference->path, difference->target == NULL ? "" : " > ",
             difference->target == NULL ? "" : difference->target);
    return true;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool add_differences(struct changes *changes, char *text, struct error *error)
{
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        char *target = strchr(word, '>');
        if (target != NULL)
            *target++ = '\0';
        struct difference difference = {(enum difference_kind)word[0], word + 2, target};
        if (!changes_add(changes, &difference, error))
            return false;
    }
    return true;
}

static bool add_sweep(struct changes *changes, char *text, struct error *error)
{
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest))
        if (!changes_add_candidate(changes, word, true, false, error))
            return false;
    return true;
}

/* "f=content,.=attributes": "." is the top. A directory unless the judgement is of content or the
 * path has no judgement. */
static enum change_verdict judgement(const char *text, const char *path)
{
    const char *name = path[0] == '\0' ? "." : path;
    size_t length = strlen(name);
    for (const char *at = text; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        if (strncmp(at, name, length) != 0 || at[length] != '=')
            continue;
        for (size_t i = 0; i < ARRAY_LENGTH(verdicts); i++)
            if (strncmp(at + length + 1, verdicts[i], strlen(verdicts[i])) == 0)
                return (enum change_verdict)i;
    }
    return CHANGE_UNDECIDED;
}

static bool judge(struct changes *changes, const char *judgements, struct error *error)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct change *change = changes->items[i];
        if (change->kind != CHANGE_TOUCHED)
            continue;
        enum change_verdict verdict = judgement(judgements, change->old_path);
        const char *name = strrchr(change->old_path, 'f');
        bool is_file = name != NULL || verdict == CHANGE_CONTENT;
        struct entry base = {.type = is_file ? ENTRY_FILE : ENTRY_DIRECTORY, .mtime_ns = 1};
        struct entry now = base;
        if (verdict == CHANGE_CONTENT || (verdict == CHANGE_UNDECIDED && !is_file))
            now.mtime_ns = 2;
        if (verdict == CHANGE_ATTRIBUTES)
            now.mode = 0600;
        if (!change_judge(changes, change, &base, &now, ENTRY_ATTRIBUTES, error))
            return false;
    }
    return true;
}

static void print_touched(const struct changes *changes, struct buffer *text)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = changes->items[i];
        if (change->kind == CHANGE_TOUCHED && change->verdict != CHANGE_NOTHING)
            buffer_append_format(text, "  look at '%s', now '%s': %s\n", change->old_path,
                                 change->new_path, verdicts[change->verdict]);
    }
}

static void print_plan(const struct plan *plan, struct buffer *text)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        char name[PLAN_NAME_SIZE];
        plan_step_name(step, name);
        if (step->kind == PLAN_PARK)
            buffer_append_format(text, "  %u park '%s' as %s%s\n", step->number, step->place, name,
                                 step->other == NULL ? ", it goes" : "");
        else
            buffer_append_format(text, "  %u place %s at '%s'\n", step->number, name, step->place);
    }
    for (size_t i = 0; i < plan->attribute_count; i++)
        buffer_append_format(text, "  attributes of '%s'\n", plan->attributes[i].new_path);
    for (size_t i = 0; i < plan->time_count; i++)
        if (plan->times[i].new_path != NULL)
            buffer_append_format(text, "  time of '%s'\n", plan->times[i].new_path);
}

static bool print_expected(const struct plan *plan, struct buffer *text, struct error *error)
{
    struct said said = {.count = 0};
    if (!expected_difference(plan, hear, &said, error))
        return false;
    qsort(said.lines, said.count, sizeof said.lines[0], compare_lines);
    buffer_append_text(text, "  target shows:");
    for (size_t i = 0; i < said.count; i++)
        buffer_append_format(text, "%s %s", i > 0 ? "," : "", said.lines[i]);
    buffer_append_text(text, said.count == 0 ? " nothing\n" : "\n");
    return true;
}

static bool run_case(char *const fields[FIELDS], struct buffer *text, struct error *error)
{
    struct change_options options = {.limit_bytes = 1 << 20};
    struct changes changes;
    struct arena arena;
    struct plan plan;
    arena_init(&arena);
    changes_init(&changes, &options);
    bool ok = add_differences(&changes, fields[1], error) &&
              add_sweep(&changes, fields[3], error) && changes_normalise(&changes, error) &&
              judge(&changes, fields[2], error);
    if (ok)
        print_touched(&changes, text);
    ok = ok && changes_settle(&changes, error);
    for (size_t i = 0; i < changes.directory_count; i++)
        changes.directories[i].known = true;
    ok = ok && plan_build(&changes, "scenario", &arena, &plan, error);
    if (ok) {
        print_plan(&plan, text);
        ok = print_expected(&plan, text, error);
    }
    changes_fini(&changes);
    arena_fini(&arena);
    return ok;
}

/* Cuts "a | b | c | d" in place; missing fields are empty. */
static void cut(char *line, char *ret_fields[FIELDS])
{
    static char nothing[1];
    for (size_t i = 0; i < FIELDS; i++) {
        char *bar = strstr(line, " |");
        if (bar != NULL)
            *bar = '\0';
        ret_fields[i] = line + (*line == ' ');
        line = bar == NULL ? nothing : bar + 2;
    }
}

static size_t run_all(char *given, struct buffer *text, struct error *error)
{
    size_t cases = 0;
    char *rest = NULL;
    for (char *line = strtok_r(given, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *fields[FIELDS];
        if (line[0] == '#')
            continue;
        buffer_append_format(text, "%s\n", line);
        cut(line, fields);
        if (!run_case(fields, text, error)) {
            error_wrap(error, "%s", fields[0]);
            return 0;
        }
        cases++;
    }
    return cases;
}

static bool compare(const char *path, struct buffer *actual, bool update, struct error *error)
{
    struct buffer expected = {0};
    if (update)
        return file_write_durable(path, actual->data, actual->size, 0644, error);
    if (!file_read(path, 1 << 20, &expected, error))
        return false;
    bool same = strcmp(buffer_text(&expected), buffer_text(actual)) == 0;
    if (!same) {
        printf("%s", buffer_text(actual));
        error_set(error, ERROR_CONFLICT, "the plans above are not those of %s", path);
    }
    buffer_fini(&expected);
    return same;
}

int main(int argc, char **argv)
{
    struct error error = ERROR_NONE;
    struct buffer given = {0}, actual = {0};
    bool update = argc == 3 && strcmp(argv[1], "--update") == 0;
    char path[4096];
    CHECK(argc == 2 || update);
    snprintf(path, sizeof path, "%s/given.txt", argv[argc - 1]);
    size_t cases = 0;
    if (file_read(path, 1 << 20, &given, &error))
        cases = run_all(given.data, &actual, &error);
    snprintf(path, sizeof path, "%s/expect.txt", argv[argc - 1]);
    bool ok = cases > 0 && compare(path, &actual, update, &error);
    printf("# %zu cases%s%s\n", cases, ok ? "" : ": ", ok ? "" : error.text);
    buffer_fini(&given);
    buffer_fini(&actual);
    return !ok;
}
