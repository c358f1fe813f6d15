/* error.c: codes with their properties, and texts that are cut rather than allocated. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct {
    const char *name;
    bool retry;
    int status;
    const char *text;
} codes[] = {
#define X(name, retry, status, text) {#name, retry, status, text},
    ERROR_CODES(X)
#undef X
};

#define CODE_COUNT (sizeof codes / sizeof codes[0])

static void set_text(struct error *error, enum error_code code, const char *format, va_list args)
{
    CHECK(error != NULL);
    CHECK(code != ERROR_OK);
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, args);
}

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_text(error, code, format, args);
    va_end(args);
    return false;
}

static enum error_code code_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERROR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return ERROR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_DENIED;
    case ENOSPC:
    case EDQUOT:
        return ERROR_NO_SPACE;
    case EINVAL:
    case ENAMETOOLONG:
        return ERROR_INVALID;
    case ETIMEDOUT:
        return ERROR_TIMEOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EAGAIN:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return ERROR_UNAVAILABLE;
    default:
        return ERROR_IO;
    }
}

bool error_set_errno(struct error *error, int number, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_text(error, code_of_errno(number), format, args);
    va_end(args);
    size_t used = strlen(error->text);
    snprintf(error->text + used, sizeof error->text - used, ": %s", strerror(number));
    return false;
}

bool error_wrap(struct error *error, const char *format, ...)
{
    CHECK(error != NULL);
    CHECK(error->code != ERROR_OK);
    char inner[sizeof error->text];
    memcpy(inner, error->text, sizeof inner);
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    size_t used = strlen(error->text);
    snprintf(error->text + used, sizeof error->text - used, ": %s", inner);
    return false;
}

bool error_is_retriable(enum error_code code)
{
    CHECK((size_t)code < CODE_COUNT);
    return codes[code].retry;
}

int error_http_status(enum error_code code)
{
    CHECK((size_t)code < CODE_COUNT);
    return codes[code].status;
}

const char *error_name(enum error_code code)
{
    CHECK((size_t)code < CODE_COUNT);
    return codes[code].name;
}

const char *error_code_text(enum error_code code)
{
    CHECK((size_t)code < CODE_COUNT);
    return codes[code].text;
}

bool error_code_from_name(const char *name, enum error_code *ret_code)
{
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (strcmp(codes[i].name, name) == 0) {
            *ret_code = (enum error_code)i;
            return true;
        }
    return false;
}
