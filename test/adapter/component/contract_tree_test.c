/* contract_tree_test.c: looking, names, making, renaming, removing. */
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "contract_fixture.h"

static bool collect_name(void *context, const struct entry *entry, struct error *error)
{
    (void)error;
    buffer_append_text(context, entry->path);
    buffer_append_byte(context, entry->type == ENTRY_DIRECTORY ? '/' : ',');
    return true;
}

/* "a,b/c," : files with ',', directories with '/'. */
static const char *list(const char *relative)
{
    struct error error = ERROR_NONE;
    struct buffer names;
    buffer_init(&names, 0);
    ok(fixture.component->list(fixture.store, &fixture.call, at(relative), collect_name, &names,
                               &error));
    const char *text = arena_string(&fixture.arena, buffer_text(&names));
    buffer_fini(&names);
    return text;
}

static void stat_tells_type_and_length(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct entry entry;
    make("d");
    put("f", "hello");
    ok(fixture.component->stat(fixture.store, &fixture.call, at("f"), &fixture.arena, &entry,
                               &error));
    assert_string_equal(entry.path, "");
    assert_int_equal(entry.type, ENTRY_FILE);
    assert_int_equal(entry.length, 5);
    assert_true(entry.mtime_ns > 0);
    assert_non_null(entry.owner);
    assert_non_null(entry.group);
    ok(fixture.component->stat(fixture.store, &fixture.call, at("d"), &fixture.arena, &entry,
                               &error));
    assert_int_equal(entry.type, ENTRY_DIRECTORY);
    assert_int_equal(entry.length, 0);
    assert_int_equal(entry.mode, 0755);
    fails(ERROR_NOT_FOUND, fixture.component->stat(fixture.store, &fixture.call, at("none"),
                                                   &fixture.arena, &entry, &error));
    fails(ERROR_NOT_FOUND, fixture.component->stat(fixture.store, &fixture.call, at("none/below"),
                                                   &fixture.arena, &entry, &error));
    fails(ERROR_NOT_FOUND, fixture.component->describe(fixture.store, &fixture.call, at("none"),
                                                       &fixture.arena, &entry, &error));
}

static void listing_is_sorted_by_bytes(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    make("b");
    make("a-");
    put("a", "");
    put("a.b", "");
    put("Z", "");
    put("\xc3\xa9", "");
    assert_string_equal(list(""), "Z,a,a-/a.b,b/\xc3\xa9,");
    assert_string_equal(list("b"), "");
    fails(ERROR_NOT_FOUND, fixture.component->list(fixture.store, &fixture.call, at("none"),
                                                   collect_name, NULL, &error));
}

static bool stop_at_second(void *context, const struct entry *entry, struct error *error)
{
    (void)entry;
    return ++*(int *)context < 2 || error_set(error, ERROR_LIMIT, "enough");
}

static void listing_stops_when_told(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    int seen = 0;
    put("a", "");
    put("b", "");
    put("c", "");
    fails(ERROR_LIMIT, fixture.component->list(fixture.store, &fixture.call, at(""), stop_at_second,
                                               &seen, &error));
    assert_int_equal(seen, 2);
}

static void listing_of_many_is_complete(void **state)
{
    (void)state;
    struct buffer expected;
    buffer_init(&expected, 0);
    for (int i = 1000; i < 1250; i++) {
        const char *name = arena_format(&fixture.arena, "d%d", i);
        make(name);
        buffer_append_format(&expected, "%s/", name);
    }
    assert_string_equal(list(""), buffer_text(&expected));
    buffer_fini(&expected);
}

static void odd_names_survive_every_call(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    for (const char *const *name = odd_names(); *name != NULL; name++) {
        make(*name);
        const char *file = path_join(&fixture.arena, *name, *name);
        put(file, *name);
        assert_string_equal(get(file), *name);
        assert_int_equal(look(file).length, strlen(*name));
        move(file, "moved");
        assert_string_equal(list(*name), "");
        move("moved", file);
        assert_string_equal(list(*name), arena_format(&fixture.arena, "%s,", *name));
        assert_string_equal(list(""), arena_format(&fixture.arena, "%s/", *name));
        ok(fixture.component->remove(fixture.store, &fixture.call, at(file), false, &error));
        ok(fixture.component->remove(fixture.store, &fixture.call, at(*name), false, &error));
        assert_string_equal(list(""), "");
    }
}

/* Twins that differ in Unicode form only stay two, each with its own content. */
static void unicode_is_never_normalised(void **state)
{
    (void)state;
    put("e\xcc\x81", "decomposed");
    put("\xc3\xa9", "composed");
    assert_string_equal(get("e\xcc\x81"), "decomposed");
    assert_string_equal(get("\xc3\xa9"), "composed");
    assert_string_equal(list(""), "e\xcc\x81,\xc3\xa9,");
    drop("\xc3\xa9");
    assert_string_equal(list(""), "e\xcc\x81,");
}

static void names_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    char name[257];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fails(ERROR_INVALID,
          fixture.component->make_directory(fixture.store, &fixture.call, at(name), 0755, &error));
    if (!has_feature(COMPONENT_NAMES_ANY)) {
        fails(ERROR_INVALID, fixture.component->make_directory(fixture.store, &fixture.call,
                                                               at("bad\xff"), 0755, &error));
        fails(ERROR_INVALID, fixture.component->make_directory(fixture.store, &fixture.call,
                                                               at("a:b"), 0755, &error));
    }
    assert_string_equal(list(""), "");
}

static void directories_are_made_once(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    ok(fixture.component->make_directory(fixture.store, &fixture.call, at("d"), 0710, &error));
    assert_int_equal(look("d").mode, 0710);
    fails(ERROR_EXISTS,
          fixture.component->make_directory(fixture.store, &fixture.call, at("d"), 0755, &error));
    assert_int_equal(look("d").mode, 0710);
    put("f", "");
    fails(ERROR_EXISTS,
          fixture.component->make_directory(fixture.store, &fixture.call, at("f"), 0755, &error));
    fails(ERROR_NOT_FOUND, fixture.component->make_directory(fixture.store, &fixture.call,
                                                             at("none/d"), 0755, &error));
}

static void util_makes_parents_and_removes_all(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    ok(store_make_directories(fixture.ref, &fixture.call, at("a/b/c"), 0700, &error));
    ok(store_make_directories(fixture.ref, &fixture.call, at("a/b/c"), 0700, &error));
    put("a/b/c/f", "x");
    put("file", "");
    fails(ERROR_EXISTS,
          store_make_directories(fixture.ref, &fixture.call, at("file"), 0700, &error));
    ok(store_remove_all(fixture.ref, &fixture.call, at("a"), &error));
    ok(store_remove_all(fixture.ref, &fixture.call, at("a"), &error));
    assert_string_equal(list(""), "file,");
}

struct rename_case {
    const char *from, *to;
    bool replace;
    enum error_code code;
    const char *after; /* the directory's listing */
};

/* f: file "f"; g: file "g"; d: directory with f; e: empty directory. */
static const struct rename_case rename_cases[] = {
    {"f", "h", false, ERROR_OK, "d/e/g,h,"},
    {"f", "g", false, ERROR_EXISTS, "d/e/f,g,"},
    {"f", "g", true, ERROR_OK, "d/e/g,"},
    {"f", "d", false, ERROR_EXISTS, "d/e/f,g,"}, /* never into a directory */
    {"f", "d", true, ERROR_EXISTS, "d/e/f,g,"},
    {"f", "e", false, ERROR_EXISTS, "d/e/f,g,"},
    {"d", "h", false, ERROR_OK, "e/f,g,h/"},
    {"d", "e", false, ERROR_EXISTS, "d/e/f,g,"},
    {"d", "e", true, ERROR_OK, "e/f,g,"},
    {"e", "d", true, ERROR_EXISTS, "d/e/f,g,"}, /* not empty */
    {"e", "f", false, ERROR_EXISTS, "d/e/f,g,"},
    {"d", "f", true, ERROR_EXISTS, "d/e/f,g,"},
    {"none", "h", false, ERROR_NOT_FOUND, "d/e/f,g,"},
    {"f", "none/h", false, ERROR_NOT_FOUND, "d/e/f,g,"},
    {"d", "d/below", false, ERROR_INVALID, "d/e/f,g,"},
};

static void rename_never_surprises(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rename_cases); i++) {
        const struct rename_case *rename = &rename_cases[i];
        struct error error = ERROR_NONE;
        put("f", "f");
        put("g", "g");
        make("d");
        put("d/f", "below");
        make("e");
        bool done = fixture.component->rename(fixture.store, &fixture.call, at(rename->from),
                                              at(rename->to), rename->replace, &error);
        if (error.code != rename->code || done != (error.code == ERROR_OK))
            fail_msg("rename %s to %s: %s %s", rename->from, rename->to, error_name(error.code),
                     error.text);
        assert_string_equal(list(""), rename->after);
        if (strstr(rename->after, "d/") != NULL)
            assert_string_equal(list("d"), "f,");
        for (const char *const *name = (const char *const[]){"d", "e", "f", "g", "h", NULL};
             *name != NULL; name++)
            if (is_there(*name))
                drop(*name);
    }
}

static void rename_keeps_object_and_attributes(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    make("d");
    put("f", "content");
    struct entry wanted = {.mode = 0640, .mtime_ns = 1234567890000000000};
    ok(fixture.component->set_attributes(fixture.store, &fixture.call, at("f"), &wanted,
                                         ENTRY_MODE | ENTRY_TIMES, &error));
    struct entry before = look("f");
    move("f", "d/g");
    struct entry after = look("d/g");
    assert_int_equal(entry_compare(&before, &after, ENTRY_ALL), 0);
    assert_int_equal(after.mtime_ns, 1234567890000000000);
    if (before.file_id != 0)
        assert_true(before.file_id == after.file_id);
    assert_string_equal(get("d/g"), "content");
}

static void remove_takes_what_it_was_told(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    make("d");
    make("d/e");
    put("d/e/f", "x");
    fails(ERROR_EXISTS,
          fixture.component->remove(fixture.store, &fixture.call, at("d"), false, &error));
    assert_string_equal(get("d/e/f"), "x");
    ok(fixture.component->remove(fixture.store, &fixture.call, at("d/e/f"), false, &error));
    ok(fixture.component->remove(fixture.store, &fixture.call, at("d/e"), false, &error));
    put("d/f", "x");
    ok(fixture.component->remove(fixture.store, &fixture.call, at("d"), true, &error));
    fails(ERROR_NOT_FOUND,
          fixture.component->remove(fixture.store, &fixture.call, at("d"), true, &error));
    fails(ERROR_NOT_FOUND,
          fixture.component->remove(fixture.store, &fixture.call, at("d"), false, &error));
}

static bool append_path(void *context, const struct entry *entry, struct error *error)
{
    return collect_name(context, entry, error);
}

static bool skip_named_skip(void *context, const char *path)
{
    (void)context;
    return strcmp(path_name(path), "skip") == 0;
}

static void walk_goes_in_path_order(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct buffer paths;
    buffer_init(&paths, 0);
    make("a");
    put("a-b", "");
    make("a/x");
    put("a/x/y", "");
    make("skip");
    put("skip/f", "");
    make("z");
    for (int described = 0; described < 2; described++) {
        buffer_clear(&paths);
        ok(store_walk(fixture.ref, &fixture.call, at(""), described, skip_named_skip, append_path,
                      &paths, &error));
        assert_string_equal(buffer_text(&paths), "/a/a/x/a/x/y,a-b,z/");
    }
    int seen = 0;
    fails(ERROR_LIMIT, store_walk(fixture.ref, &fixture.call, at(""), false, NULL, stop_at_second,
                                  &seen, &error));
    assert_int_equal(seen, 2);
    fails(ERROR_NOT_FOUND, store_walk(fixture.ref, &fixture.call, at("none"), false, NULL,
                                      append_path, &paths, &error));
    buffer_fini(&paths);
}

static void abort_and_deadline_end_every_call(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct entry entry;
    atomic_bool abort = true;
    struct call aborted = {.abort = &abort}, late = {.deadline_ns = 1};
    put("f", "x");
    fails(ERROR_CANCELED, fixture.component->stat(fixture.store, &aborted, at("f"), &fixture.arena,
                                                  &entry, &error));
    fails(ERROR_TIMEOUT, fixture.component->describe(fixture.store, &late, at("f"), &fixture.arena,
                                                     &entry, &error));
    fails(ERROR_CANCELED,
          fixture.component->remove(fixture.store, &aborted, at("f"), false, &error));
    fails(ERROR_TIMEOUT,
          fixture.component->rename(fixture.store, &late, at("f"), at("g"), false, &error));
    assert_string_equal(get("f"), "x");
    uint64_t before = atomic_load(&fixture.counters.operations);
    look("f");
    assert_true(atomic_load(&fixture.counters.operations) > before);
}

static void store_knows_itself(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    char first[STORE_IDENTITY_SIZE] = "", second[STORE_IDENTITY_SIZE] = "";
    struct store_space space = {0};
    int64_t offset_us, uncertainty_us = -1;
    ok(fixture.component->identify(fixture.store, &fixture.call, first, &error));
    ok(fixture.component->identify(fixture.store, &fixture.call, second, &error));
    assert_string_equal(first, second);
    assert_true(strlen(first) > 8);
    ok(fixture.component->space(fixture.store, &fixture.call, at(""), &space, &error));
    assert_true(space.free_bytes > 0);
    struct store_space other = {0};
    ok(fixture.component->space(fixture.store, &fixture.call, "/", &other, &error));
    assert_string_equal(space.place, other.place); /* here all of a store is one room */
    ok(fixture.component->clock_offset(fixture.store, &fixture.call, &offset_us, &uncertainty_us,
                                       &error));
    assert_true(uncertainty_us >= 0);
    ok(fixture.component->confirm(fixture.store, &fixture.call, &error));
}

const struct CMUnitTest contract_tree_tests[] = {
    cmocka_unit_test(stat_tells_type_and_length),
    cmocka_unit_test(listing_is_sorted_by_bytes),
    cmocka_unit_test(listing_stops_when_told),
    cmocka_unit_test(listing_of_many_is_complete),
    cmocka_unit_test(odd_names_survive_every_call),
    cmocka_unit_test(unicode_is_never_normalised),
    cmocka_unit_test(names_that_do_not_fit_are_refused),
    cmocka_unit_test(directories_are_made_once),
    cmocka_unit_test(util_makes_parents_and_removes_all),
    cmocka_unit_test(rename_never_surprises),
    cmocka_unit_test(rename_keeps_object_and_attributes),
    cmocka_unit_test(remove_takes_what_it_was_told),
    cmocka_unit_test(walk_goes_in_path_order),
    cmocka_unit_test(abort_and_deadline_end_every_call),
    cmocka_unit_test(store_knows_itself),
    {0},
};
