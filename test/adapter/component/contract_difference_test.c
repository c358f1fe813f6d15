/* contract_difference_test.c: the vocabulary of difference.h, case by case, in a small language:
 * operations "d DIR", "w FILE TEXT", "o FILE TEXT" (content in place), "r PATH", "m FROM TO",
 * "M FROM TO" (replacing), "c PATH MODE", "t PATH SECONDS", "x PATH VALUE", separated by ';'.
 * Paths starting with '/' lie beside the root. Expected: "M p; R p q; ..." sorted; a '?' in front
 * marks what may be missing. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "contract_fixture.h"

#define SMALL_TREE "w f aaa; w h hhh; d k; w k/g ggg; w k/i iii; d k/sub; w k/sub/deep x"

struct difference_case {
    const char *before; /* beside SMALL_TREE */
    const char *change;
    const char *expected;
    const char *expected_blind; /* with COMPONENT_BLIND_SPOTS; NULL: the same */
};

static const struct difference_case cases[] = {
    {"", "", "", NULL},
    /* what a store with blind spots does not tell */
    {"", "t f 1000000", "M f", ""},
    {"", "t k 1000000", "M k", ""},
    {"", "o f bbb", "M f", ""},
    {"", "w new x; r new", "", NULL},
    {"", "w k/new x; r k/new", "?M k", NULL},
    {"", "c f 600; c f 644", "", NULL},
    {"", "m f z; m z f", "", "?M ; R f f"},
    /* attributes and content */
    {"", "c f 600", "M f", NULL},
    {"", "x f red", "M f", NULL},
    {"", "c k 700", "M k", NULL},
    {"", "x k red", "M k", NULL},
    {"", "c . 700", "M ", NULL},
    {"", "o f longer", "M f", NULL},
    {"", "o f ", "M f", NULL},
    {"x f red", "x f blue", "M f", NULL},
    /* made and gone */
    {"", "w new x", "C new; ?M ", NULL},
    {"", "w empty ", "C empty; ?M ", NULL},
    {"", "d new; w new/a x; d new/b", "C new; ?M ", NULL},
    {"", "w k/new x", "C k/new; ?M k", NULL},
    {"", "r f", "D f; ?M ", NULL},
    {"", "r k", "D k; ?M ", NULL},
    {"", "r k/g", "D k/g; ?M k", NULL},
    /* renames */
    {"", "m f k/f2", "?M ; ?M k; R f k/f2", NULL},
    {"", "m f z; c z 600", "?M ; M f; R f z", NULL},
    {"", "m f z; o z longer", "?M ; M f; R f z", NULL},
    {"", "m k k2", "?M ; ?M k; R k k2", NULL},
    {"", "m k k2; w k2/new x; r k2/i; m k2/g k2/g2",
     "?M ; C k/new; D k/i; ?M k; R k k2; R k/g k2/g2", NULL},
    {"", "m k k2; o k2/sub/deep longer", "?M ; ?M k; M k/sub/deep; R k k2", NULL},
    {"", "m f z; m h f; m z h", "?M ; R f h; R h f", NULL},
    {"", "m f z; m k f; m z k", "?M ; ?M f; ?M k; R f k; R k f", NULL},
    {"", "M f h", "D h; ?M ; R f h", NULL},
    {"", "d new; m f new/f", "C new; ?M ; R f new/f", NULL},
    {"", "m k/sub/deep deep; r k/sub", "D k/sub; ?M ; ?M k; R k/sub/deep deep",
     "C deep; D k/sub; ?M ; ?M k"},
    /* replaced */
    {"", "r f; w f other", "C f; D f; ?M ", NULL},
    {"", "r f; w f aaa", "C f; D f; ?M ", NULL},
    {"", "r f; d f", "C f; D f; ?M ", NULL},
    {"", "r k; w k file", "C k; D k; ?M ", NULL},
    {"", "r k; d new; w new/a x; m new k", "C k; D k; ?M ", NULL},
    /* across the border */
    {"", "m f /out", "D f; ?M ", NULL},
    {"w /came x", "m /came came", "C came; ?M ", NULL},
    {"", "d " STAGING_NAME "; w " STAGING_NAME "/1 x", "?M ", NULL},
    {"", "d " STAGING_NAME "; m f " STAGING_NAME "/1", "D f; ?M ", NULL},
    {"d " STAGING_NAME "; w " STAGING_NAME "/1 x", "m " STAGING_NAME "/1 new", "C new; ?M ", NULL},
    {"d " STAGING_NAME "; w " STAGING_NAME "/1 x", "r " STAGING_NAME, "?M ", NULL},
};

/* "." is the root, "/x" lies beside it. */
static const char *place_of(const char *path)
{
    if (strcmp(path, ".") == 0)
        return "r";
    return path[0] == '/' ? path + 1 : path_join(&fixture.arena, "r", path);
}

static void set(const char *path, const struct entry *entry, unsigned fields)
{
    struct error error = ERROR_NONE;
    ok(fixture.component->set_attributes(fixture.store, &fixture.call, at(place_of(path)), entry,
                                         fields, &error));
}

/* False: this store or test bench cannot do it. */
static bool perform(char act, const char *first, const char *second)
{
    struct error error = ERROR_NONE;
    const struct component_contract *contract = fixture.contract;
    struct entry_xattr xattr = {"user.colour", second, second == NULL ? 0 : strlen(second)};
    struct entry entry = {.xattrs = &xattr, .xattr_count = 1};
    const char *path = place_of(first);
    switch (act) {
    case 'd':
        make(path);
        return true;
    case 'w':
        put(path, second);
        return true;
    case 'o':
        return contract->rewrite != NULL && contract->rewrite(contract->context, at(path), second);
    case 'r':
        drop(path);
        return true;
    case 'm':
    case 'M':
        ok(fixture.component->rename(fixture.store, &fixture.call, at(path), at(place_of(second)),
                                     act == 'M', &error));
        return true;
    case 'c':
        entry.mode = (uint32_t)strtoul(second, NULL, 8);
        set(first, &entry, ENTRY_MODE);
        return true;
    case 't':
        entry.mtime_ns = strtoll(second, NULL, 10) * 1000000000;
        set(first, &entry, ENTRY_TIMES);
        return true;
    case 'x':
        if (has_feature(COMPONENT_XATTRS))
            set(first, &entry, ENTRY_XATTRS);
        return has_feature(COMPONENT_XATTRS);
    default:
        CHECK_UNREACHABLE();
    }
}

static bool perform_all(const char *operations)
{
    char *rest = arena_string(&fixture.arena, operations), *operation;
    while ((operation = strsep(&rest, ";")) != NULL) {
        while (*operation == ' ')
            operation++;
        if (*operation == '\0')
            continue;
        char *words = operation + 2;
        const char *first = strsep(&words, " ");
        if (!perform(operation[0], first, words == NULL ? "" : words))
            return false;
    }
    return true;
}

struct lines {
    const char *texts[64];
    size_t count;
};

static bool keep_line(void *context, const struct difference *difference, struct error *error)
{
    struct lines *lines = context;
    (void)error;
    CHECK(lines->count < ARRAY_LENGTH(lines->texts));
    lines->texts[lines->count++] =
        arena_format(&fixture.arena, "%c %s%s%s", difference->kind, difference->path,
                     difference->target == NULL ? "" : " ",
                     difference->target == NULL ? "" : difference->target);
    return true;
}

static bool take_line(struct lines *lines, const char *text)
{
    for (size_t i = 0; i < lines->count; i++)
        if (strcmp(lines->texts[i], text) == 0) {
            lines->texts[i] = lines->texts[--lines->count];
            return true;
        }
    return false;
}

/* Text to show when they differ, else NULL. */
static const char *compare_lines(const char *expected, struct lines *lines)
{
    struct buffer text;
    const char *result = NULL;
    buffer_init(&text, 0);
    char *rest = arena_string(&fixture.arena, expected), *line;
    while (expected[0] != '\0' && (line = strsep(&rest, ";")) != NULL) {
        while (*line == ' ')
            line++;
        bool optional = *line == '?';
        if (!take_line(lines, line + optional) && !optional)
            buffer_append_format(&text, " missing '%s'", line);
    }
    for (size_t i = 0; i < lines->count; i++)
        buffer_append_format(&text, " unexpected '%s'", lines->texts[i]);
    if (text.size > 0)
        result = arena_string(&fixture.arena, buffer_text(&text));
    buffer_fini(&text);
    return result;
}

static struct lines difference_of(const char *relative, const char *from, const char *to)
{
    struct error error = ERROR_NONE;
    struct lines lines = {.count = 0};
    ok(fixture.component->difference(fixture.store, &fixture.call, at("r"), relative, from, to,
                                     keep_line, &lines, &error));
    return lines;
}

static void snapshot(const char *name)
{
    struct error error = ERROR_NONE;
    struct snapshot ignored;
    ok(fixture.component->snapshot_create(fixture.store, &fixture.call, at("r"), name, &ignored,
                                          &error));
}

static void forget(const char *name)
{
    struct error error = ERROR_NONE;
    ok(fixture.component->snapshot_remove(fixture.store, &fixture.call, at("r"), name, &error));
}

static void build(const char *operations)
{
    struct error error = ERROR_NONE;
    make("r");
    assert_true(perform_all(operations));
    ok(fixture.component->allow_snapshots(fixture.store, &fixture.call, at("r"), &error));
}

/* Each case twice: to the live tree, then to a second snapshot. */
static void vocabulary_is_kept(void **state)
{
    (void)state;
    const char *top = fixture.directory;
    int failures = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct difference_case *c = &cases[i];
        const char *expected = has_feature(COMPONENT_BLIND_SPOTS) && c->expected_blind != NULL
                                   ? c->expected_blind
                                   : c->expected;
        fixture.directory = arena_format(&fixture.arena, "%s/%zu", top, i);
        make("");
        build(SMALL_TREE);
        if (perform_all(c->before)) {
            snapshot("s1");
            if (perform_all(c->change)) {
                struct lines live = difference_of("", "s1", NULL);
                snapshot("s2");
                struct lines both = difference_of("", "s1", "s2");
                const char *wrong = compare_lines(expected, &live);
                if (wrong == NULL)
                    wrong = compare_lines(expected, &both);
                if (wrong != NULL)
                    print_error("'%s' | '%s':%s\n", c->before, c->change, wrong);
                failures += wrong != NULL;
                forget("s2");
            }
            forget("s1");
        }
    }
    fixture.directory = arena_string(&fixture.arena, top);
    assert_int_equal(failures, 0);
}

static void difference_below_a_directory(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct lines lines;
    build(SMALL_TREE "; w k-not x; d a");
    snapshot("s1");
    assert_true(perform_all("w k/new x; c k-not 600; m k/g k/g2; r f; c k/sub/deep 600"));
    snapshot("s2");
    const char *expected = "C new; ?M ; R g g2; M sub/deep";
    lines = difference_of("k", "s1", "s2");
    assert_null(compare_lines(expected, &lines));
    lines = difference_of("k", "s1", NULL);
    assert_null(compare_lines(expected, &lines));
    lines = difference_of("a", "s1", "s2");
    assert_null(compare_lines("", &lines));
    bool compared = fixture.component->difference(fixture.store, &fixture.call, at("r"), "", "s1",
                                                  "none", keep_line, &lines, &error);
    assert_false(compared);
    error = ERROR_NONE;
    compared = fixture.component->difference(fixture.store, &fixture.call, at("r"), "", "none",
                                             NULL, keep_line, &lines, &error);
    assert_false(compared);
    forget("s1");
    forget("s2");
}

static void odd_names_are_in_differences(void **state)
{
    (void)state;
    struct lines lines;
    build("");
    snapshot("s1");
    size_t count = 0;
    for (const char *const *name = odd_names(); *name != NULL; name++, count++)
        put(path_join(&fixture.arena, "r", *name), *name);
    snapshot("s2");
    lines = difference_of("", "s1", "s2");
    take_line(&lines, "M ");
    for (const char *const *name = odd_names(); *name != NULL; name++)
        assert_true(take_line(&lines, arena_format(&fixture.arena, "C %s", *name)));
    assert_int_equal(lines.count, 0);
    for (const char *const *name = odd_names(); *name != NULL; name++)
        assert_string_equal(get_path(fixture.component->snapshot_path(fixture.store, at("r"), "s2",
                                                                      *name, &fixture.arena)),
                            *name);
    forget("s1");
    forget("s2");
}

static bool stop(void *context, const struct difference *difference, struct error *error)
{
    (void)difference;
    ++*(int *)context;
    return error_set(error, ERROR_LIMIT, "enough");
}

static void difference_stops_when_told(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    int seen = 0;
    build(SMALL_TREE);
    snapshot("s1");
    assert_true(perform_all("w a x; w b x"));
    fails(ERROR_LIMIT, fixture.component->difference(fixture.store, &fixture.call, at("r"), "",
                                                     "s1", NULL, stop, &seen, &error));
    assert_int_equal(seen, 1);
    forget("s1");
}

const struct CMUnitTest contract_difference_tests[] = {
    cmocka_unit_test(vocabulary_is_kept),
    cmocka_unit_test(difference_below_a_directory),
    cmocka_unit_test(odd_names_are_in_differences),
    cmocka_unit_test(difference_stops_when_told),
    {0},
};
