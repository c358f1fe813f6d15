/* contract_fixture.c: see contract_fixture.h. */
#include "contract_fixture.h"

#include <string.h>

#include "base/check.h"
#include "base/path.h"

struct fixture fixture;

int fixture_setup(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    arena_init(&fixture.arena);
    fixture.call = (struct call){.counters = &fixture.counters};
    fixture.directory =
        arena_format(&fixture.arena, "%s/t%u", fixture.contract->directory, ++fixture.number);
    if (!fixture.component->make_directory(fixture.store, &fixture.call, fixture.directory, 0755,
                                           &error)) {
        print_error("%s\n", error.text);
        return -1;
    }
    return 0;
}

int fixture_teardown(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    /* Best effort: a store that refuses to remove a root with snapshots keeps it for its own end.
     */
    store_remove_all(fixture.ref, &fixture.call, fixture.directory, &error);
    arena_fini(&fixture.arena);
    return 0;
}

bool has_feature(unsigned feature)
{
    return (fixture.component->features & feature) != 0;
}

const char *at(const char *relative)
{
    return path_join(&fixture.arena, fixture.directory, relative);
}

void check_true(bool result, const struct error *error, const char *file, int line)
{
    if (result)
        return;
    print_error("unexpected %s: %s\n", error_name(error->code), error->text);
    _fail(file, line);
}

void check_code(bool result, struct error *error, enum error_code code, const char *file, int line)
{
    if (result || error->code != code) {
        print_error("%s instead of %s: %s\n", result ? "success" : error_name(error->code),
                    error_name(code), result ? "" : error->text);
        _fail(file, line);
    }
    if (error->text[0] == '\0')
        _fail(file, line);
    *error = ERROR_NONE;
}

void make(const char *relative)
{
    struct error error = ERROR_NONE;
    ok(fixture.component->make_directory(fixture.store, &fixture.call, at(relative), 0755, &error));
}

void put_bytes(const char *relative, const void *data, size_t size)
{
    struct error error = ERROR_NONE;
    struct store_writer *writer = NULL;
    ok(fixture.component->write_open(fixture.store, &fixture.call, at(relative), 0644, &writer,
                                     &error));
    if (size > 0)
        ok(fixture.component->write(writer, data, size, &error));
    ok(fixture.component->write_close(writer, true, &error));
}

void put(const char *relative, const char *text)
{
    put_bytes(relative, text, strlen(text));
}

const char *get_path(const char *path)
{
    struct error error = ERROR_NONE;
    struct buffer content;
    buffer_init(&content, 0);
    if (!store_read_file(fixture.ref, &fixture.call, path, 1 << 20, &content, &error)) {
        check_code(false, &error, ERROR_NOT_FOUND, __FILE__, __LINE__);
        return NULL;
    }
    const char *text = arena_copy(&fixture.arena, buffer_text(&content), content.size);
    buffer_fini(&content);
    return text;
}

const char *get(const char *relative)
{
    return get_path(at(relative));
}

void move(const char *from, const char *to)
{
    struct error error = ERROR_NONE;
    ok(fixture.component->rename(fixture.store, &fixture.call, at(from), at(to), false, &error));
}

void drop(const char *relative)
{
    struct error error = ERROR_NONE;
    ok(fixture.component->remove(fixture.store, &fixture.call, at(relative), true, &error));
}

bool is_there(const char *relative)
{
    struct error error = ERROR_NONE;
    bool there = false;
    ok(store_exists(fixture.ref, &fixture.call, at(relative), &there, &error));
    return there;
}

struct entry look_path(const char *path)
{
    struct error error = ERROR_NONE;
    struct entry entry = {0};
    ok(fixture.component->describe(fixture.store, &fixture.call, path, &fixture.arena, &entry,
                                   &error));
    return entry;
}

struct entry look(const char *relative)
{
    return look_path(at(relative));
}

#define LONG_50 "abcdefghijklmnopqrstuvwxyz0123456789-_~ABCDEFGHIJK"
#define LONG_255 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 "12345"

const char *const *odd_names(void)
{
    static const char *const names[] = {"\x01",
                                        "\t",
                                        "\n",
                                        "\r\n",
                                        " ",
                                        " leading and trailing ",
                                        "!",
                                        "\"quotes\"",
                                        "#hash",
                                        "%",
                                        "%2F",
                                        "%41",
                                        "&",
                                        "'single'",
                                        "*",
                                        "+plus",
                                        "-rf",
                                        "..dots",
                                        "=",
                                        "?",
                                        LONG_255,
                                        "back\\slash",
                                        "e\xcc\x81 NFD",
                                        "new\nline",
                                        "semi;colon",
                                        "tab\there",
                                        "\xc3\xa9 NFC",
                                        "\xe2\x80\xae rtl",
                                        "\xf0\x9f\x98\x80 emoji",
                                        NULL};
    static const char *const any[] = {"a:b", "\x80\xff not UTF-8", NULL};
    static const char *all[ARRAY_LENGTH(names) + ARRAY_LENGTH(any)];
    size_t count = 0;
    for (size_t i = 0; names[i] != NULL; i++)
        all[count++] = names[i];
    for (size_t i = 0; any[i] != NULL && has_feature(COMPONENT_NAMES_ANY); i++)
        all[count++] = any[i];
    all[count] = NULL;
    return all;
}
