/* yaml_reader.c: libyaml's events become a tree. A stack of open containers, no recursion; every
 * refusal goes through refuse(), so that none lacks its position. */
#include "yaml/yaml_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/check.h"
#include "base/file.h"

struct frame {
    json_t *container; /* owned by its parent's container, or by the loader for the first */
    size_t count;      /* values so far */
    char *key;         /* object: the key that waits for its value */
    struct document_position key_position;
};

struct loader {
    yaml_parser_t parser;
    const char *name;
    struct document *document;
    struct error *error;
    struct frame stack[YAML_DEPTH_MAX];
    size_t depth;
    bool has_root;
    unsigned documents;
};

static bool refuse(struct loader *loader, yaml_mark_t mark, const char *what)
{
    return error_set(loader->error, ERROR_INVALID, "%s:%zu:%zu: %s", loader->name, mark.line + 1,
                     mark.column + 1, what);
}

static struct document_position position_of(yaml_mark_t mark)
{
    return (struct document_position){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* Hangs a value into the innermost container; takes its reference. */
static void attach(struct loader *loader, json_t *value, yaml_mark_t mark)
{
    CHECK(value != NULL);
    if (loader->depth == 0) {
        CHECK(!loader->has_root);
        loader->has_root = true;
        document_init(loader->document, loader->name, value);
        loader->document->start = position_of(mark);
        return;
    }
    struct frame *frame = &loader->stack[loader->depth - 1];
    struct document_position key = position_of(mark);
    if (json_is_array(frame->container)) {
        CHECK(json_array_append_new(frame->container, value) == 0);
    } else {
        CHECK(json_object_set_new(frame->container, frame->key, value) == 0);
        key = frame->key_position;
        free(frame->key);
        frame->key = NULL;
    }
    document_add_place(loader->document, frame->container, frame->count++, value, key,
                       position_of(mark));
}

static bool waits_for_key(const struct loader *loader)
{
    if (loader->depth == 0)
        return false;
    const struct frame *frame = &loader->stack[loader->depth - 1];
    return json_is_object(frame->container) && frame->key == NULL;
}

static bool take_key(struct loader *loader, const yaml_event_t *event)
{
    struct frame *frame = &loader->stack[loader->depth - 1];
    const char *text = (const char *)event->data.scalar.value;
    char what[128];
    if (strlen(text) != event->data.scalar.length)
        return refuse(loader, event->start_mark, "key with a NUL in it");
    if (strcmp(text, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return refuse(loader, event->start_mark, "merge keys are not supported: write it out");
    if (json_object_get(frame->container, text) != NULL) {
        snprintf(what, sizeof what, "duplicate key '%.60s'", text);
        return refuse(loader, event->start_mark, what);
    }
    frame->key = memory_copy_string(text);
    frame->key_position = position_of(event->start_mark);
    return true;
}

static bool looks_like_integer(const char *text)
{
    const char *digits = text + (*text == '-');
    size_t length = strspn(digits, "0123456789");
    return length > 0 && digits[length] == '\0' && (digits[0] != '0' || length == 1);
}

static bool take_plain(struct loader *loader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    json_t *value;
    if (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0) {
        value = json_null();
    } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        value = json_boolean(*text == 't');
    } else if (looks_like_integer(text)) {
        errno = 0;
        long long number = strtoll(text, NULL, 10);
        if (errno != 0)
            return refuse(loader, event->start_mark,
                          "integer beyond 64 bits; quote it if it is text");
        value = json_integer(number);
    } else {
        value = json_string(text);
    }
    attach(loader, value, event->start_mark);
    return true;
}

static bool take_scalar(struct loader *loader, const yaml_event_t *event)
{
    if (waits_for_key(loader))
        return take_key(loader, event);
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length)
        return refuse(loader, event->start_mark, "text with a NUL in it");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return take_plain(loader, event);
    attach(loader, json_string(text), event->start_mark);
    return true;
}

static bool open_container(struct loader *loader, json_t *container, yaml_mark_t mark)
{
    const char *problem = waits_for_key(loader)             ? "a key must be a scalar"
                          : loader->depth == YAML_DEPTH_MAX ? "nested more than 32 deep"
                                                            : NULL;
    if (problem != NULL) {
        json_decref(container);
        return refuse(loader, mark, problem);
    }
    attach(loader, container, mark);
    loader->stack[loader->depth++] = (struct frame){.container = container};
    return true;
}

static bool close_container(struct loader *loader)
{
    CHECK(loader->depth > 0);
    loader->depth--;
    CHECK(loader->stack[loader->depth].key == NULL);
    return true;
}

static bool start_document(struct loader *loader, const yaml_event_t *event)
{
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return refuse(loader, event->start_mark, "directives are not supported");
    if (++loader->documents > 1)
        return refuse(loader, event->start_mark, "a second document: one file holds one");
    return true;
}

/* Anchors and tags may sit on any value. */
static bool check_plainness(struct loader *loader, const yaml_event_t *event, const void *anchor,
                            const void *tag)
{
    if (anchor != NULL)
        return refuse(loader, event->start_mark, "anchors are not supported: write it out");
    if (tag != NULL)
        return refuse(loader, event->start_mark, "tags are not supported");
    return true;
}

static bool handle_event(struct loader *loader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return start_document(loader, event);
    case YAML_ALIAS_EVENT:
        return refuse(loader, event->start_mark, "aliases are not supported: write it out");
    case YAML_SCALAR_EVENT:
        return check_plainness(loader, event, event->data.scalar.anchor, event->data.scalar.tag) &&
               take_scalar(loader, event);
    case YAML_SEQUENCE_START_EVENT:
        return check_plainness(loader, event, event->data.sequence_start.anchor,
                               event->data.sequence_start.tag) &&
               open_container(loader, json_array(), event->start_mark);
    case YAML_MAPPING_START_EVENT:
        return check_plainness(loader, event, event->data.mapping_start.anchor,
                               event->data.mapping_start.tag) &&
               open_container(loader, json_object(), event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_container(loader);
    case YAML_STREAM_END_EVENT:
        return loader->has_root || refuse(loader, event->start_mark, "the document is empty");
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    default:
        return true;
    }
}

/* libyaml's own complaint. Errors of the reader (bad UTF-8) come without a mark: only an offset. */
static bool refuse_syntax(struct loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    CHECK(parser->error != YAML_MEMORY_ERROR);
    yaml_mark_t mark = parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark;
    return refuse(loader, mark, parser->problem != NULL ? parser->problem : "not YAML");
}

static bool load_events(struct loader *loader)
{
    for (bool at_end = false; !at_end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&loader->parser, &event))
            return refuse_syntax(loader);
        bool accepted = handle_event(loader, &event);
        at_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (!accepted)
            return false;
    }
    return true;
}

bool yaml_parse(const char *name, const char *text, size_t size, struct document *ret_document,
                struct error *error)
{
    struct document document;
    struct loader loader = {.name = name, .document = &document, .error = error};
    if (size > YAML_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, "%s: larger than %zu bytes", name, YAML_BYTES_MAX);
    CHECK(yaml_parser_initialize(&loader.parser));
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)text, size);
    bool loaded = load_events(&loader);
    yaml_parser_delete(&loader.parser);
    for (size_t i = 0; i < loader.depth; i++)
        free(loader.stack[i].key);
    if (loaded)
        *ret_document = document;
    else if (loader.has_root)
        document_fini(&document);
    return loaded;
}

bool yaml_read_file(const char *path, struct document *ret_document, struct error *error)
{
    struct buffer content;
    buffer_init(&content, 0);
    bool read = file_read(path, YAML_BYTES_MAX, &content, error) &&
                yaml_parse(path, buffer_text(&content), content.size, ret_document, error);
    buffer_fini(&content);
    return read;
}
