/* seal_file.c: see seal_file.h. */
#include "agent/seal_file.h"

#include <string.h>

#include "agent/area.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/path.h"

static void digest_without(json_t *seal, char ret_text[DIGEST_TEXT_SIZE])
{
    struct buffer text;
    json_object_del(seal, "sha256");
    buffer_init(&text, 0);
    json_print(seal, true, &text);
    struct digest digest = digest_of(buffer_text(&text), text.size);
    buffer_fini(&text);
    digest_format(&digest, ret_text);
}

void seal_sign(json_t *seal)
{
    char text[DIGEST_TEXT_SIZE];
    digest_without(seal, text);
    json_set_string(seal, "sha256", text);
}

bool seal_check(const json_t *seal, struct error *error)
{
    char text[DIGEST_TEXT_SIZE];
    if (!json_is_object(seal) || json_integer_or(seal, "schema", 0) != SEAL_SCHEMA)
        return error_set(error, ERROR_CORRUPT, "this is no seal of schema %d", SEAL_SCHEMA);
    json_t *copy = json_copy((json_t *)(uintptr_t)seal);
    digest_without(copy, text);
    json_decref(copy);
    return strcmp(json_string_or(seal, "sha256", ""), text) == 0 ||
           error_set(error, ERROR_CORRUPT,
                     "the seal is not the one that was written: its digest "
                     "is another");
}

bool seal_read(struct store_ref ref, const struct call *call, const char *directory,
               json_t **ret_seal, struct error *error)
{
    struct arena arena;
    json_t *seal;
    arena_init(&arena);
    const char *path = path_join(&arena, directory, "seal.json");
    bool good = area_read_json(ref, call, path, &seal, error);
    if (good && !seal_check(seal, error)) {
        json_decref(seal);
        good = error_wrap(error, "%s", path);
    }
    arena_fini(&arena);
    if (good)
        *ret_seal = seal;
    else if (error->code == ERROR_LIMIT)
        error->code = ERROR_CORRUPT; /* none that was written is so long */
    return good;
}
