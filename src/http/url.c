/* url.c: see url.h. */
#include "http/url.h"

#include <string.h>

#include "base/path.h"

static bool decode(const char *text, size_t size, struct buffer *ret_text)
{
    struct buffer spaced;
    buffer_init(&spaced, 0);
    buffer_append(&spaced, text, size);
    for (size_t i = 0; i < spaced.size; i++)
        if (spaced.data[i] == '+')
            spaced.data[i] = ' ';
    buffer_clear(ret_text);
    bool decoded = path_percent_decode(ret_text, buffer_text(&spaced), spaced.size);
    buffer_fini(&spaced);
    return decoded;
}

static bool name_is(const char *text, size_t size, const char *name)
{
    struct buffer decoded;
    buffer_init(&decoded, 0);
    bool same = decode(text, size, &decoded) && strcmp(buffer_text(&decoded), name) == 0;
    buffer_fini(&decoded);
    return same;
}

bool url_query_find(const char *query, const char *name, struct buffer *ret_value)
{
    const char *value = NULL;
    size_t value_size = 0;
    for (const char *at = query; *at != '\0';) {
        size_t size = strcspn(at, "&");
        const char *equals = memchr(at, '=', size);
        size_t name_size = equals == NULL ? size : (size_t)(equals - at);
        if (name_is(at, name_size, name)) {
            if (value != NULL)
                return false;
            value = equals == NULL ? at + size : equals + 1;
            value_size = (size_t)(at + size - value);
        }
        at += size;
        at += *at == '&';
    }
    return value != NULL && decode(value, value_size, ret_value);
}
