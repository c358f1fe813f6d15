/* document.h: a small tree that people write (configuration, policy) and where each value of it
 * stood, so that every complaint names file, line and column. yaml/ makes documents from files; a
 * body from the API has no positions, and complaints then name the member instead
 * ("retention.source.last"). Readers walk it by nodes and take nothing they did not ask for. */
#ifndef COEVAL_BASE_DOCUMENT_H
#define COEVAL_BASE_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct document_position {
    uint32_t line; /* from 1; 0: unknown */
    uint32_t column;
};

struct document_place;
struct document {
    char *name; /* of the file, for messages; NULL: none */
    json_t *root;
    struct document_position start; /* of the root */
    struct document_place *places;
    size_t place_count;
    size_t place_capacity;
};

/* Takes the reference of root. Without document_add_place() there are no positions. */
void document_init(struct document *document, const char *name, json_t *root);
void document_fini(struct document *document);
/* Where value, the member or element of container at index (in insertion order), stands. */
void document_add_place(struct document *document, const json_t *container, size_t index,
                        const json_t *value, struct document_position key_position,
                        struct document_position value_position);

/* One value and where it hangs: valid as long as the document. */
struct node {
    const struct document *document;
    const json_t *value;     /* NULL: the member is not there */
    const json_t *container; /* NULL: the root */
    const char *key;         /* in an object */
    size_t index;            /* in an array */
};

struct node node_root(const struct document *document);
/* "FILE:LINE:COLUMN: text" (a missing member: position of its object), or "path.of.member: text".
 * Returns false. */
bool node_refuse(const struct node *node, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An object with no other members than these; the complaint lists them, the likeliest first. */
bool node_check_keys(const struct node *node, const char *const *keys, size_t key_count,
                     struct error *error);
/* The member or element; its value is NULL when it is not there. The node must be an object, or an
 * array with more than index elements. */
struct node node_member(const struct node *object, const char *key);
struct node node_element(const struct node *array, size_t index);
/* The same, and "'key' is missing" when it is not there. */
bool node_require(const struct node *object, const char *key, struct node *ret_member,
                  struct error *error);

/* Type and range; the result is untouched on failure. Strings are borrowed from the document. */
bool node_string(const struct node *node, const char **ret_text, struct error *error);
bool node_integer(const struct node *node, int64_t minimum, int64_t maximum, int64_t *ret_value,
                  struct error *error);
bool node_boolean(const struct node *node, bool *ret_value, struct error *error);
bool node_array(const struct node *node, size_t *ret_count, struct error *error);
/* One of the names; the result is its index. */
bool node_choice(const struct node *node, const char *const *names, size_t name_count,
                 size_t *ret_index, struct error *error);

#endif
