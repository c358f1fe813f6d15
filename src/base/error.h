/* error.h: the one error type. An operating error is a value and is handled; a broken invariant
 * is check.h's business. No heap: an error can be copied, stored and forgotten. */
#ifndef COEVAL_BASE_ERROR_H
#define COEVAL_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* A code exists only where some caller acts on it. Columns: name, may a retry help?, HTTP status
 * that an API answers, text. UNCERTAIN: a request left and no answer came; the effect may exist:
 * look before you act again. */
#define ERROR_CODES(X)                                \
    X(OK, false, 200, "success")                      \
    X(CANCELED, false, 499, "canceled")               \
    X(TIMEOUT, true, 504, "timed out")                \
    X(UNAVAILABLE, true, 503, "peer unavailable")     \
    X(UNCERTAIN, true, 504, "outcome unknown")        \
    X(CONFLICT, false, 409, "conflicting state")      \
    X(FENCED, false, 409, "not active any more")      \
    X(CORRUPT, false, 500, "corrupt data")            \
    X(DENIED, false, 403, "denied")                   \
    X(NOT_FOUND, false, 404, "not found")             \
    X(EXISTS, false, 409, "exists already")           \
    X(INVALID, false, 400, "invalid input")           \
    X(LIMIT, false, 413, "limit exceeded")            \
    X(NO_SPACE, false, 507, "no space or quota left") \
    X(IO, false, 500, "input/output error")           \
    X(PROTOCOL, false, 502, "peer broke the protocol")

enum error_code {
#define X(name, retry, status, text) ERROR_##name,
    ERROR_CODES(X)
#undef X
};

struct error {
    enum error_code code; /* ERROR_OK while nothing went wrong */
    char text[256];       /* "seal epoch 41: snapshot /warehouse: namenode refused (standby)" */
};

#define ERROR_NONE ((struct error){.code = ERROR_OK})

/* Sets the error and returns false, so that failing is one statement. The text is cut, never
 * allocated. */
bool error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* From errno: ENOENT becomes NOT_FOUND and so on; the text ends with strerror. Returns false. */
bool error_set_errno(struct error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts context in front of an error that is set: "context: old text". Returns false. */
bool error_wrap(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool error_is_retriable(enum error_code code);
int error_http_status(enum error_code code);
const char *error_name(enum error_code code); /* "NOT_FOUND" */
bool error_code_from_name(const char *name, enum error_code *ret_code);
const char *error_code_text(enum error_code code); /* "not found" */

#endif
