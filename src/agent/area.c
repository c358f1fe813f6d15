/* area.c: names and small documents of the area. */
#include "agent/area.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "base/size.h"
#include "base/timestamp.h"

#define SHORT_ID_LENGTH 8

const char *area_service(struct arena *arena, const char *area, const char *pair,
                         const char *service)
{
    return arena_format(arena, "%s/%s/%s", area, pair, service);
}

const char *area_epoch_name(struct arena *arena, int64_t generation, int64_t number)
{
    return arena_format(arena, "g%lld.e%lld", (long long)generation, (long long)number);
}

bool area_parse_epoch_name(const char *name, int64_t *ret_generation, int64_t *ret_number)
{
    long long generation, number;
    int used = 0;
    if (sscanf(name, "g%lld.e%lld%n", &generation, &number, &used) != 2 || name[used] != '\0' ||
        generation < 0 || number < 1)
        return false;
    *ret_generation = generation;
    *ret_number = number;
    return true;
}

const char *area_epoch(struct arena *arena, const char *area, const char *pair, const char *service,
                       int64_t generation, int64_t number)
{
    return arena_format(arena, "%s/%s", area_service(arena, area, pair, service),
                        area_epoch_name(arena, generation, number));
}

const char *area_of(struct arena *arena, struct store_ref ref,
                    const struct instruction *instruction)
{
    return area_epoch(arena, ref.area, instruction->pair, instruction->service,
                      instruction->generation, instruction->number);
}

const char *area_short_id(struct arena *arena, const char *id)
{
    size_t length = strlen(id);
    return arena_copy(arena, id, length < SHORT_ID_LENGTH ? length : SHORT_ID_LENGTH);
}

const char *area_staging(struct arena *arena, const char *root,
                         const struct instruction *instruction, const char *member)
{
    const char *name =
        arena_format(arena, "%s/%s.%s.%s", STAGING_NAME, area_short_id(arena, instruction->service),
                     area_epoch_name(arena, instruction->generation, instruction->number), member);
    return path_join(arena, root, name);
}

static const char *snapshot_prefix(struct arena *arena, const char *pair, const char *service)
{
    return arena_format(arena, "coeval.%s.%s.", area_short_id(arena, pair),
                        area_short_id(arena, service));
}

const char *area_snapshot_name(struct arena *arena, const char *pair, const char *service,
                               int64_t generation, int64_t number, int64_t attempt, int64_t t_us)
{
    char basic[TIMESTAMP_TEXT_SIZE];
    timestamp_format_basic(t_us, basic);
    return arena_format(arena, "%sg%lld.e%lld.a%lld.%s", snapshot_prefix(arena, pair, service),
                        (long long)generation, (long long)number, (long long)attempt, basic);
}

bool area_parse_snapshot_name(const char *name, const char *pair, const char *service,
                              int64_t *ret_generation, int64_t *ret_number, int64_t *ret_attempt)
{
    struct arena arena;
    arena_init(&arena);
    const char *prefix = snapshot_prefix(&arena, pair, service);
    size_t length = strlen(prefix);
    long long generation, number, attempt;
    bool ours = strncmp(name, prefix, length) == 0 &&
                sscanf(name + length, "g%lld.e%lld.a%lld.", &generation, &number, &attempt) == 3;
    arena_fini(&arena);
    if (!ours)
        return false;
    *ret_generation = generation;
    *ret_number = number;
    *ret_attempt = attempt;
    return true;
}

bool area_make(struct store_ref ref, const struct call *call, const char *directory,
               struct error *error)
{
    return store_make_directories(ref, call, directory, 0700, error) ||
           error_wrap(error, "Coeval's area %s", directory);
}

bool area_mark(struct store_ref ref, const struct call *call, const char *directory,
               const char *name, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *path = arena_format(&arena, "%s/phase.%s", directory, name);
    bool written = store_write_file(ref, call, path, "1\n", 2, error);
    arena_fini(&arena);
    return written;
}

const char *area_restored_mark(struct arena *arena, const char *member)
{
    return arena_format(arena, "%s.restored", member);
}

bool area_is_marked(struct store_ref ref, const struct call *call, const char *directory,
                    const char *name, bool *ret_marked, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *path = arena_format(&arena, "%s/phase.%s", directory, name);
    bool looked = store_exists(ref, call, path, ret_marked, error);
    arena_fini(&arena);
    return looked;
}

bool area_read_json(struct store_ref ref, const struct call *call, const char *path,
                    json_t **ret_document, struct error *error)
{
    struct buffer content;
    buffer_init(&content, JSON_DOCUMENT_BYTES_MAX);
    bool read = store_read_file(ref, call, path, JSON_DOCUMENT_BYTES_MAX, &content, error);
    bool parsed = read && json_parse(buffer_text(&content), content.size, ret_document, error);
    buffer_fini(&content);
    if (read && !parsed)
        error->code = ERROR_CORRUPT; /* it was whole when it got its name */
    return parsed || error_wrap(error, "%s", path);
}

bool area_write_json(struct store_ref ref, const struct call *call, const char *path,
                     const json_t *document, struct error *error)
{
    struct buffer content;
    buffer_init(&content, JSON_DOCUMENT_BYTES_MAX);
    json_print(document, true, &content);
    bool written = content.failed
                       ? error_set(error, ERROR_LIMIT, "more than %s of JSON",
                                   size_text(JSON_DOCUMENT_BYTES_MAX).text)
                       : store_write_file(ref, call, path, content.data, content.size, error);
    buffer_fini(&content);
    return written || error_wrap(error, "%s", path);
}
