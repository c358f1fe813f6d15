/* suspect_name.c: see suspect_name.h. */
#include "agent/suspect_name.h"

#include <string.h>

#include "base/buffer.h"
#include "base/path.h"

json_t *suspect_name(const char *path)
{
    struct buffer text;
    if (path_is_utf8(path))
        return json_string(path);
    buffer_init(&text, 0);
    buffer_append_byte(&text, '/');
    path_percent_encode(&text, path, true);
    json_t *name = json_string(buffer_text(&text));
    buffer_fini(&text);
    return name;
}

bool suspect_path(const json_t *name, struct arena *arena, const char **ret_path,
                  struct error *error)
{
    const char *text = json_string_value(name), *path = text;
    struct buffer decoded;
    buffer_init(&decoded, 0);
    bool known = text != NULL;
    if (known && text[0] == '/') {
        known = path_percent_decode(&decoded, text + 1, strlen(text + 1));
        path = arena_string(arena, buffer_text(&decoded));
    }
    buffer_fini(&decoded);
    if (!known || !path_is_clean_relative(path))
        return error_set(error, ERROR_INVALID, "a list of suspects holds '%.150s'",
                         text != NULL ? text : "");
    *ret_path = path;
    return true;
}
