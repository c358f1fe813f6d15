/* passed.c: see passed.h. Epochs of a service come one after the other, so one pair of numbers says
 * it of all of them. */
#include "agent/passed.h"

#include "agent/area.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"

static const char *path_of(struct arena *arena, struct store_ref home, const char *pair,
                           const char *service)
{
    return path_join(arena, area_service(arena, home.area, pair, service), "passed.json");
}

static bool covers(const struct passed *passed, const struct instruction *instruction)
{
    return instruction->number < passed->number ||
           (instruction->number == passed->number && instruction->attempt <= passed->attempt);
}

bool passed_read(struct store_ref home, const struct call *call, const char *pair,
                 const char *service, struct passed *ret_passed, struct error *error)
{
    struct arena arena;
    struct error failure = ERROR_NONE;
    json_t *document = NULL;
    arena_init(&arena);
    const char *path = path_of(&arena, home, pair, service);
    bool read = area_read_json(home, call, path, &document, &failure);
    bool none = failure.code == ERROR_NOT_FOUND || failure.code == ERROR_CORRUPT;
    if (failure.code == ERROR_CORRUPT)
        log_warning(LOG_AGENT, "passed.damaged", "path=\"%s\" error=\"%s\"", path, failure.text);
    if (read || none)
        *ret_passed = (struct passed){.number = json_integer_or(document, "number", 0),
                                      .attempt = json_integer_or(document, "attempt", 0)};
    else
        *error = failure;
    json_decref(document);
    arena_fini(&arena);
    return read || none;
}

bool passed_note(struct store_ref home, const struct call *call,
                 const struct instruction *instruction, struct error *error)
{
    struct arena arena;
    struct passed passed;
    if (!passed_read(home, call, instruction->pair, instruction->service, &passed, error))
        return false;
    if (covers(&passed, instruction))
        return true;
    json_t *document = json_object();
    json_set_integer(document, "schema", 1);
    json_set_integer(document, "number", instruction->number);
    json_set_integer(document, "attempt", instruction->attempt);
    arena_init(&arena);
    bool noted =
        area_make(home, call,
                  area_service(&arena, home.area, instruction->pair, instruction->service),
                  error) &&
        area_write_json(home, call, path_of(&arena, home, instruction->pair, instruction->service),
                        document, error);
    json_decref(document);
    arena_fini(&arena);
    return noted;
}

bool passed_admits(struct store_ref home, const struct call *call,
                   const struct instruction *instruction, struct passed *ret_passed,
                   struct error *error)
{
    if (!passed_read(home, call, instruction->pair, instruction->service, ret_passed, error))
        return false;
    return !covers(ret_passed, instruction) ||
           error_set(error, ERROR_EXISTS,
                     "epoch %d, attempt %d comes late: epoch %d was given up at attempt %d",
                     (int)instruction->number, (int)instruction->attempt, (int)ret_passed->number,
                     (int)ret_passed->attempt);
}
