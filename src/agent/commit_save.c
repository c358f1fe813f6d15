/* commit_save.c: what an epoch takes away that Coeval did not make is kept in the area, with a list
 * that says where it was: <area>/saved/<service>/<epoch>.<member>[.<kind>]/{<number>, list}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/area_file.h"
#include "agent/commit.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"

/* Kinds: "" what a first or restored epoch replaces; commit_foreign.c has the others. */
static const char *directory_of(struct commit *commit, const struct commit_member *item,
                                const char *kind)
{
    return kind[0] == '\0' ? item->saved : arena_format(&commit->arena, "%s.%s", item->saved, kind);
}

/* ---- moving --------------------------------------------------------------------------------- */

/* The area may lie on another file system than the root, or in another encryption zone: then by
 * copying, whole or not at all under its name. `from` is still there after that. */
static bool copy_to(struct commit *commit, struct commit_member *item, const char *from,
                    const char *to, struct error *error)
{
    struct store_ref ref = item->target;
    const char *half = arena_format(&commit->arena, "%s.new", to);
    return store_remove_all(ref, &commit->call, half, error) &&
           store_copy_tree(ref, &commit->call, from, half, commit_target_fields(item), error) &&
           ref.component->rename(ref.store, &commit->call, half, to, false, error);
}

bool commit_move(struct commit *commit, struct commit_member *item, const char *from,
                 const char *to, struct error *error)
{
    struct error failure = ERROR_NONE;
    if (item->target.component->rename(item->target.store, &commit->call, from, to, false,
                                       &failure))
        return true;
    if (failure.code == ERROR_INVALID)
        return copy_to(commit, item, from, to, error);
    *error = failure;
    return false;
}

/* ---- saving --------------------------------------------------------------------------------- */

static bool stop_at_any(void *context, const struct entry *entry, struct error *error)
{
    (void)context;
    return error_set(error, ERROR_EXISTS, "%s", entry->path);
}

/* NOT_FOUND and an empty directory are the same: nothing was parked. */
static bool has_content(struct commit *commit, struct commit_member *item, const char *directory,
                        bool *ret_content, struct error *error)
{
    struct error found = ERROR_NONE;
    bool listed = item->target.component->list(item->target.store, &commit->call, directory,
                                               stop_at_any, NULL, &found);
    *ret_content = !listed && found.code == ERROR_EXISTS;
    if (listed || *ret_content)
        return true;
    if (found.code == ERROR_NOT_FOUND) /* staging goes as it is: the store must vouch for it */
        return item->target.component->confirm(item->target.store, &commit->call, error);
    *error = found;
    return false;
}

bool commit_save_parked(struct commit *commit, struct commit_member *item, struct error *error)
{
    const char *park = path_join(&commit->arena, item->staging, "park");
    bool there, content;
    if (item->base != INTAKE_LIVE)
        return true;
    if (!store_exists(item->target, &commit->call, item->saved, &there, error))
        return false;
    if (there)
        return true; /* moved before a crash */
    return has_content(commit, item, park, &content, error) &&
           (!content ||
            (store_make_directories(item->target, &commit->call,
                                    path_parent(&commit->arena, item->saved), 0700, error) &&
             commit_move(commit, item, park, item->saved, error)) ||
            error_wrap(error, "save what this epoch replaces"));
}

/* What was parked and is still there is what was copied: the copy goes. Else what was saved is
 * parked again, from the start if a crash left half of it. */
bool commit_unsave(struct commit *commit, struct commit_member *item, struct error *error)
{
    const char *park = path_join(&commit->arena, item->staging, "park");
    bool saved, parked;
    if (!store_exists(item->target, &commit->call, item->saved, &saved, error))
        return false;
    if (!saved)
        return true;
    if (!store_exists(item->target, &commit->call, park, &parked, error))
        return false;
    if (!parked || item->cleaned) {
        if (!store_remove_all(item->target, &commit->call, park, error) ||
            !commit_move(commit, item, item->saved, park, error))
            return false;
    }
    return store_remove_all(item->target, &commit->call, item->saved, error);
}

/* ---- the list ------------------------------------------------------------------------------- */

struct catalogue {
    const struct plan_step **steps; /* by the number in staging */
    uint32_t count;
    const char **placed; /* places to which something came, sorted */
    size_t placed_count;
    const char *kind;
    struct area_file_writer *file;
};

static int compare_places(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void catalogue_init(struct catalogue *catalogue, const struct plan *plan, const char *kind)
{
    enum plan_step_kind saved = strcmp(kind, "back") == 0 ? PLAN_PLACE : PLAN_PARK;
    *catalogue = (struct catalogue){.kind = kind};
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].staged >= catalogue->count)
            catalogue->count = plan->steps[i].staged + 1;
    catalogue->steps = memory_new((catalogue->count + 1) * sizeof *catalogue->steps);
    catalogue->placed = memory_new((plan->step_count + 1) * sizeof *catalogue->placed);
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->kind == saved && step->other == NULL)
            catalogue->steps[step->staged] = step;
        if (step->kind == PLAN_PLACE)
            catalogue->placed[catalogue->placed_count++] = step->place;
    }
    if (catalogue->placed_count > 0)
        qsort(catalogue->placed, catalogue->placed_count, sizeof *catalogue->placed,
              compare_places);
}

static void catalogue_fini(struct catalogue *catalogue)
{
    free(catalogue->steps);
    free(catalogue->placed);
}

static const char *why_saved(const struct catalogue *catalogue, const char *place)
{
    if (catalogue->kind[0] != '\0')
        return "written-meanwhile";
    bool came =
        catalogue->placed_count > 0 && bsearch(&place, catalogue->placed, catalogue->placed_count,
                                               sizeof *catalogue->placed, compare_places) != NULL;
    return came ? "replaced" : "removed";
}

/* All of it, on one line: odd bytes as \\xNN, where the name is no UTF-8 all beyond ASCII. */
static void print_place(struct buffer *line, const char *place)
{
    bool utf8 = path_is_utf8(place);
    for (const char *at = place; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        bool plain = byte >= ' ' && byte != 0x7f && byte != '\\' && (utf8 || byte < 0x80);
        if (plain)
            buffer_append(line, at, 1);
        else
            buffer_append_format(line, "\\x%02x", byte);
    }
}

static bool list_one(void *context, const struct entry *entry, struct error *error)
{
    struct catalogue *catalogue = context;
    struct buffer line;
    char *end;
    unsigned long number = strtoul(path_name(entry->path), &end, 10);
    if (*end != '\0' || number >= catalogue->count || catalogue->steps[number] == NULL)
        return true;
    const char *place = catalogue->steps[number]->place;
    buffer_init(&line, 0);
    buffer_append_format(&line, "%lu\t%s\t", number, why_saved(catalogue, place));
    print_place(&line, place);
    buffer_append_text(&line, "\n");
    bool written = area_file_sink(catalogue->file, line.data, line.size, error);
    buffer_fini(&line);
    return written;
}

static bool write_list(struct commit *commit, struct commit_member *item, const char *directory,
                       struct catalogue *catalogue, struct error *error)
{
    struct store_ref ref = item->target;
    const char *path = path_join(&commit->arena, directory, "list");
    const char *head = arena_format(
        &commit->arena, "# number\twhy\tpath below %s:%s; epoch %d of %s, service %s\n",
        item->member->target_instance, item->member->target_path,
        (int)commit->task->instruction.number, commit->task->instruction.service_name,
        commit->task->instruction.service);
    if (!area_file_new(ref, &commit->call, path, &catalogue->file, error))
        return false;
    if (area_file_sink(catalogue->file, head, strlen(head), error) &&
        ref.component->list(ref.store, &commit->call, directory, list_one, catalogue, error))
        return area_file_commit(catalogue->file, error);
    area_file_abort(catalogue->file);
    return false;
}

bool commit_list_saved(struct commit *commit, struct commit_member *item, const char *kind,
                       struct error *error)
{
    struct catalogue catalogue;
    const char *directory = directory_of(commit, item, kind);
    bool there;
    if (!store_exists(item->target, &commit->call, directory, &there, error))
        return false;
    if (!there)
        return true;
    catalogue_init(&catalogue, &item->plan, kind);
    bool listed = write_list(commit, item, directory, &catalogue, error);
    catalogue_fini(&catalogue);
    return listed || error_wrap(error, "list what is saved");
}

/* ---- what the seal says of it --------------------------------------------------------------- */

#define EXAMPLE_BYTES_MAX 8192 /* of the head and the first line behind it */

struct reading {
    int64_t lines;
    struct buffer begin; /* of the list */
};

static bool read_lines(void *context, const void *data, size_t size, struct error *error)
{
    struct reading *reading = context;
    const char *at = data, *end = at + size;
    size_t room = EXAMPLE_BYTES_MAX - reading->begin.size;
    (void)error;
    buffer_append(&reading->begin, data, size < room ? size : room);
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL && ++at <= end)
        reading->lines++;
    return true;
}

/* So that who reads the event knows at once what it is about. A longer path is seen in the list. */
static void set_example(json_t *list, struct buffer *begin)
{
    char *line = strchr(buffer_text(begin), '\n');
    char *why = line == NULL ? NULL : strchr(line + 1, '\t');
    char *path = why == NULL ? NULL : strchr(why + 1, '\t');
    char *end = path == NULL ? NULL : strchr(path + 1, '\n');
    if (end == NULL)
        return;
    *path = *end = '\0';
    json_set_string(list, "why", why + 1);
    json_set_string(list, "example", path + 1);
}

json_t *commit_describe_saved(struct commit *commit, struct commit_member *item,
                              struct error *error)
{
    static const char *const kinds[] = {"", "during"};
    json_t *saved = json_array();
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        struct error absent = ERROR_NONE;
        struct reading reading = {.lines = 0};
        buffer_init(&reading.begin, 0);
        const char *path = path_join(&commit->arena, directory_of(commit, item, kinds[i]), "list");
        bool read =
            area_file_read(item->target, &commit->call, path, read_lines, &reading, &absent);
        if (read) {
            json_t *list = json_object();
            json_set_string(list, "instance", item->member->target_instance);
            json_set_string(list, "list", path);
            json_set_integer(list, "objects", reading.lines - 1); /* the first one is the head */
            set_example(list, &reading.begin);
            json_append_take(saved, list);
        }
        buffer_fini(&reading.begin);
        if (!read && absent.code != ERROR_NOT_FOUND) {
            json_decref(saved);
            *error = absent;
            return NULL;
        }
    }
    return saved;
}
