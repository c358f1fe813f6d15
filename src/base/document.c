/* document.c: see document.h. Places are searched one by one, and paths are found by walking the
 * tree: both happen once, for the complaint that ends the reading. */
#include "base/document.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"

struct document_place {
    const json_t *container; /* arrays and objects are never shared: the pointer is an identity */
    size_t index;
    const json_t *value;
    struct document_position key_position;
    struct document_position value_position;
};

/* A text of the error's size: longer complaints are cut there anyway. */
#define COMPLAINT_SIZE sizeof(((struct error *)NULL)->text)

void document_init(struct document *document, const char *name, json_t *root)
{
    CHECK(root != NULL);
    *document = (struct document){.name = memory_copy_string(name), .root = root};
}

void document_fini(struct document *document)
{
    free(document->name);
    free(document->places);
    json_decref(document->root);
    *document = (struct document){.name = NULL};
}

void document_add_place(struct document *document, const json_t *container, size_t index,
                        const json_t *value, struct document_position key_position,
                        struct document_position value_position)
{
    if (document->place_count == document->place_capacity) {
        document->place_capacity =
            document->place_capacity == 0 ? 64 : 2 * document->place_capacity;
        document->places =
            memory_resize(document->places, document->place_capacity * sizeof document->places[0]);
    }
    document->places[document->place_count++] =
        (struct document_place){container, index, value, key_position, value_position};
}

struct node node_root(const struct document *document)
{
    return (struct node){.document = document, .value = document->root};
}

/* Position of a member in its object, in the order in which members were set. */
static size_t index_of_key(const json_t *object, const char *key)
{
    size_t index = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        if (strcmp(name, key) == 0)
            break;
        index++;
    }
    return index;
}

static const struct document_place *find_place(const struct node *node)
{
    const struct document *document = node->document;
    size_t index = node->key != NULL ? index_of_key(node->container, node->key) : node->index;
    for (size_t i = 0; i < document->place_count; i++)
        if (document->places[i].container == node->container && document->places[i].index == index)
            return &document->places[i];
    return NULL;
}

static struct document_position container_position(const struct document *document,
                                                   const json_t *container)
{
    for (size_t i = 0; i < document->place_count; i++)
        if (document->places[i].value == container)
            return document->places[i].value_position;
    return document->start;
}

static struct document_position node_position(const struct node *node, bool of_key)
{
    if (node->container == NULL)
        return node->document->start;
    if (node->value == NULL)
        return container_position(node->document, node->container);
    const struct document_place *place = find_place(node);
    if (place == NULL)
        return (struct document_position){0, 0};
    return of_key ? place->key_position : place->value_position;
}

/* Appends ".member[3]" for the way from `from` down to `to`; false when it is not below. */
static bool print_way(struct buffer *way, const json_t *from, const json_t *to)
{
    if (from == to)
        return true;
    size_t before = way->size, index;
    const char *key;
    json_t *value;
    json_array_foreach(from, index, value) {
        buffer_append_format(way, "[%zu]", index);
        if (print_way(way, value, to))
            return true;
        buffer_truncate(way, before);
    }
    json_object_foreach((json_t *)(uintptr_t)from, key, value) {
        buffer_append_format(way, ".%s", key);
        if (print_way(way, value, to))
            return true;
        buffer_truncate(way, before);
    }
    return false;
}

static void print_path(struct buffer *text, const struct node *node)
{
    struct buffer way;
    buffer_init(&way, 0);
    if (node->container != NULL) {
        CHECK(print_way(&way, node->document->root, node->container));
        if (node->key == NULL)
            buffer_append_format(&way, "[%zu]", node->index);
        else if (node->value != NULL)
            buffer_append_format(&way, ".%s", node->key);
    }
    const char *path = buffer_text(&way);
    if (*path != '\0')
        buffer_append_format(text, "%s: ", path + (*path == '.'));
    buffer_fini(&way);
}

static bool refuse_at(const struct node *node, bool of_key, struct error *error,
                      const char *complaint)
{
    struct document_position position = node_position(node, of_key);
    const char *name = node->document->name;
    struct buffer text;
    buffer_init(&text, 0);
    if (name != NULL)
        buffer_append_format(&text, "%s:", name);
    if (position.line != 0) {
        buffer_append_format(&text, "%" PRIu32 ":%" PRIu32 ": ", position.line, position.column);
    } else {
        buffer_append_text(&text, name != NULL ? " " : "");
        print_path(&text, node);
    }
    error_set(error, ERROR_INVALID, "%s%s", buffer_text(&text), complaint);
    buffer_fini(&text);
    return false;
}

bool node_refuse(const struct node *node, struct error *error, const char *format, ...)
{
    char complaint[COMPLAINT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(complaint, sizeof complaint, format, args);
    va_end(args);
    return refuse_at(node, false, error, complaint);
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "a mapping";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
    default:
        return "empty";
    }
}

/* Complains about the type: "'last' must be an integer, not text". */
static bool refuse_type(const struct node *node, const char *expected, struct error *error)
{
    CHECK(node->value != NULL);
    if (node->key != NULL)
        return node_refuse(node, error, "'%s' must be %s, not %s", node->key, expected,
                           type_name(node->value));
    return node_refuse(node, error, "must be %s, not %s", expected, type_name(node->value));
}

/* Letters in common at both ends: enough to find a slip of the finger or a forgotten plural. */
static size_t likeness(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b), front = 0, back = 0;
    while (a[front] != '\0' && a[front] == b[front])
        front++;
    while (back < length_a - front && back < length_b - front &&
           a[length_a - 1 - back] == b[length_b - 1 - back])
        back++;
    return front + back;
}

static bool refuse_key(const struct node *member, const char *const *keys, size_t key_count,
                       struct error *error)
{
    struct buffer text;
    size_t best = 0;
    for (size_t i = 1; i < key_count; i++)
        if (likeness(keys[i], member->key) > likeness(keys[best], member->key))
            best = i;
    buffer_init(&text, 0);
    buffer_append_format(&text, "unknown key '%.60s'; ", member->key);
    if (2 * likeness(keys[best], member->key) >= strlen(member->key))
        buffer_append_format(&text, "did you mean '%s'? ", keys[best]);
    buffer_append_text(&text, "allowed:");
    for (size_t i = 0; i < key_count; i++)
        buffer_append_format(&text, " %s", keys[i]);
    bool result = refuse_at(member, true, error, buffer_text(&text));
    buffer_fini(&text);
    return result;
}

bool node_check_keys(const struct node *node, const char *const *keys, size_t key_count,
                     struct error *error)
{
    CHECK(key_count > 0);
    if (!json_is_object(node->value))
        return refuse_type(node, "a mapping", error);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)node->value, key, value) {
        size_t i = 0;
        while (i < key_count && strcmp(keys[i], key) != 0)
            i++;
        struct node member = node_member(node, key);
        if (i == key_count)
            return refuse_key(&member, keys, key_count, error);
    }
    return true;
}

struct node node_member(const struct node *object, const char *key)
{
    CHECK(json_is_object(object->value));
    return (struct node){.document = object->document,
                         .value = json_object_get(object->value, key),
                         .container = object->value,
                         .key = key};
}

struct node node_element(const struct node *array, size_t index)
{
    CHECK(json_is_array(array->value) && index < json_array_size(array->value));
    return (struct node){.document = array->document,
                         .value = json_array_get(array->value, index),
                         .container = array->value,
                         .index = index};
}

bool node_require(const struct node *object, const char *key, struct node *ret_member,
                  struct error *error)
{
    struct node member = node_member(object, key);
    if (member.value == NULL)
        return node_refuse(&member, error, "'%s' is missing", key);
    *ret_member = member;
    return true;
}

bool node_string(const struct node *node, const char **ret_text, struct error *error)
{
    if (!json_is_string(node->value))
        return refuse_type(node, "text", error);
    if (strlen(json_string_value(node->value)) != json_string_length(node->value))
        return node_refuse(node, error, "text with a NUL in it");
    *ret_text = json_string_value(node->value);
    return true;
}

bool node_integer(const struct node *node, int64_t minimum, int64_t maximum, int64_t *ret_value,
                  struct error *error)
{
    if (!json_is_integer(node->value))
        return refuse_type(node, "an integer", error);
    int64_t value = json_integer_value(node->value);
    if (value < minimum || value > maximum)
        return node_refuse(node, error, "%" PRId64 " is not between %" PRId64 " and %" PRId64,
                           value, minimum, maximum);
    *ret_value = value;
    return true;
}

bool node_boolean(const struct node *node, bool *ret_value, struct error *error)
{
    if (!json_is_boolean(node->value))
        return refuse_type(node, "true or false", error);
    *ret_value = json_is_true(node->value);
    return true;
}

bool node_array(const struct node *node, size_t *ret_count, struct error *error)
{
    if (!json_is_array(node->value))
        return refuse_type(node, "a list", error);
    *ret_count = json_array_size(node->value);
    return true;
}

bool node_choice(const struct node *node, const char *const *names, size_t name_count,
                 size_t *ret_index, struct error *error)
{
    const char *text;
    if (!node_string(node, &text, error))
        return false;
    for (size_t i = 0; i < name_count; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_index = i;
            return true;
        }
    struct buffer list;
    buffer_init(&list, 0);
    for (size_t i = 0; i < name_count; i++)
        buffer_append_format(&list, "%s%s", i == 0 ? "" : "|", names[i]);
    node_refuse(node, error, "'%.60s' is not one of %s", text, buffer_text(&list));
    buffer_fini(&list);
    return false;
}
