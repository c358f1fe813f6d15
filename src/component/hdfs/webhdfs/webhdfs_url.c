/* webhdfs_url.c: see webhdfs_url.h. */
#include "component/hdfs/webhdfs/webhdfs_url.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

void webhdfs_url_start(struct buffer *url, const char *path, const char *op, const char *user)
{
    buffer_append_text(url, "/webhdfs/v1");
    path_percent_encode(url, path, true);
    buffer_append_format(url, "?op=%s", op);
    if (user != NULL)
        webhdfs_url_add(url, "user.name", user);
}

void webhdfs_url_add(struct buffer *url, const char *name, const char *value)
{
    for (const char *p = name; *p != '\0'; p++)
        CHECK(!isupper((unsigned char)*p));
    buffer_append_format(url, "&%s=", name);
    path_percent_encode(url, value, false);
}

void webhdfs_url_add_number(struct buffer *url, const char *name, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    webhdfs_url_add(url, name, text);
}

/* The authority of an http(s) URL: "host:port". NULL: not such a URL, or with a user in it. */
static const char *authority(const char *url, size_t *ret_size)
{
    const char *start = NULL;
    if (strncmp(url, "http://", 7) == 0)
        start = url + 7;
    else if (strncmp(url, "https://", 8) == 0)
        start = url + 8;
    if (start == NULL)
        return NULL;
    size_t size = strcspn(start, "/?#");
    if (size == 0 || memchr(start, '@', size) != NULL)
        return NULL;
    *ret_size = size;
    return start;
}

bool webhdfs_redirect(const char *location, const char *path, struct buffer *ret_url,
                      struct error *error)
{
    size_t size;
    const char *host = authority(location, &size);
    const char *query = host != NULL ? strchr(host + size, '?') : NULL;
    bool printable = true;
    for (const char *p = location; *p != '\0'; p++)
        printable = printable && *p > 0x20 && *p < 0x7f;
    if (query == NULL || strchr(query, '#') != NULL || !printable)
        return error_set(error, ERROR_PROTOCOL, "the redirect of %s leads nowhere", path);
    buffer_append(ret_url, location, (size_t)(host - location) + size);
    buffer_append_text(ret_url, "/webhdfs/v1");
    path_percent_encode(ret_url, path, true);
    buffer_append_text(ret_url, query);
    return true;
}

bool webhdfs_address(const char *url, char *ret_address, size_t size)
{
    size_t length;
    const char *start = authority(url, &length);
    if (start == NULL || length >= size)
        return false;
    memcpy(ret_address, start, length);
    ret_address[length] = '\0';
    return true;
}

bool webhdfs_host(const char *url, char *ret_host, size_t size)
{
    size_t length;
    const char *host = authority(url, &length);
    if (host == NULL)
        return false;
    const char *colon = memrchr(host, ':', length);
    if (colon != NULL && memchr(colon, ']', (size_t)(host + length - colon)) == NULL)
        length = (size_t)(colon - host);
    if (length == 0 || length >= size)
        return false;
    memcpy(ret_host, host, length);
    ret_host[length] = '\0';
    return true;
}
