/* json.h: small helpers around jansson for documents with a limit (instructions, policies, records,
 * API bodies). Listings and differences are never read this way: see scanner.h.
 * The getters look a member up in an object and set ERROR_INVALID naming the member when it is
 * missing or of another type. Strings are borrowed from the document. */
#ifndef COEVAL_BASE_JSON_H
#define COEVAL_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define JSON_DOCUMENT_BYTES_MAX ((size_t)16 << 20)

/* One whole object; duplicate members, trailing bytes and bad UTF-8 are refused with line and
 * column. json_decref() the result. */
bool json_parse(const char *data, size_t size, json_t **ret_document, struct error *error);
/* What the parsed document takes in memory, about, by its text alone and not below the truth:
 * whatever a peer makes of so many bytes. Text that is no JSON gives some number. */
size_t json_memory(const char *data, size_t size);
/* Compact, members in the order they were set; sorted when canonical (for hashes). */
void json_print(const json_t *document, bool canonical, struct buffer *buffer);

bool json_get_string(const json_t *object, const char *key, const char **ret, struct error *error);
bool json_get_integer(const json_t *object, const char *key, int64_t *ret, struct error *error);
bool json_get_boolean(const json_t *object, const char *key, bool *ret, struct error *error);
bool json_get_object(const json_t *object, const char *key, json_t **ret, struct error *error);
bool json_get_array(const json_t *object, const char *key, json_t **ret, struct error *error);
/* Microseconds travel as strings of decimal digits: JSON numbers lose them in other languages. */
bool json_get_time(const json_t *object, const char *key, int64_t *ret_us, struct error *error);

/* Missing or null gives the default; another type is still an error of the sender and gives the
 * default too (used where an unknown newer form must not stop us). */
const char *json_string_or(const json_t *object, const char *key, const char *otherwise);
int64_t json_integer_or(const json_t *object, const char *key, int64_t otherwise);
bool json_boolean_or(const json_t *object, const char *key, bool otherwise);
int64_t json_time_or(const json_t *object, const char *key, int64_t otherwise);

/* Set members; abort when memory is out. Text that is not UTF-8 is stored with \xNN escapes. */
void json_set_string(json_t *object, const char *key, const char *value); /* NULL sets null */
void json_set_integer(json_t *object, const char *key, int64_t value);
void json_set_boolean(json_t *object, const char *key, bool value);
void json_set_time(json_t *object, const char *key, int64_t time_us);
void json_set_take(json_t *object, const char *key, json_t *value); /* steals the reference */
void json_append_take(json_t *array, json_t *value);

/* {"code": "NOT_FOUND", "message": "..."} and back. */
json_t *json_from_error(const struct error *error);
void json_to_error(const json_t *object, struct error *ret_error);

#endif
