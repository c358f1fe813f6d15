/* change_test.c: normalising, in lines: "C new", "D old", "R old>new", "T old>new". The random
 * cases of test/property carry the weight; here are the edges that chance seldom meets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "plan/change.h"

static const char *const patterns[] = {"_t", "p/x"};
static const struct exclusions exclusions = {patterns, 2};

static bool add_all(struct changes *changes, const char *text, struct error *error)
{
    char copy[512], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest)) {
        char *target = strchr(word, '>');
        if (target != NULL)
            *target++ = '\0';
        struct difference difference = {(enum difference_kind)word[0], word + 2, target};
        if (!changes_add(changes, &difference, error))
            return false;
    }
    return true;
}

static void print(const struct changes *changes, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = changes->items[i];
        size_t length = strlen(text);
        snprintf(text + length, size - length, "%s%c %s%s%s", i > 0 ? "|" : "",
                 "CDRT"[change->kind], change -> old_path != NULL ? change -> old_path : "",
                 change->old_path != NULL && change->new_path != NULL ? ">" : "",
                 change->new_path != NULL ? change->new_path : "");
    }
}

static void check(const char *differences, bool forget_rescues, const char *expected)
{
    struct change_options options = {
        .exclusions = &exclusions, .forget_rescues = forget_rescues, .limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    char text[1024];
    changes_init(&changes, &options);
    assert_true(add_all(&changes, differences, &error));
    assert_true(changes_normalise(&changes, &error));
    print(&changes, text, sizeof text);
    assert_string_equal(text, expected);
    changes_fini(&changes);
}

static void test_translation(void **state)
{
    (void)state;
    check("", false, "");
    check("R k>k2|M k/f|C k/n|D k/g|M k", false, "C k2/n|D k/g|R k>k2|T k>k2|T k/f>k2/f");
    check("R k>k2|R k/s>t|M k/s/f|M gone/f|D gone", false, "D gone|R k>k2|R k/s>t|T k/s/f>t/f");
    check("C |D ", false, "C |D ");
    check("M f|M f|R a>b|R a>b|D d|D d|C n|C n", false, "C n|D d|R a>b|T f>f");
}

static void test_exclusions_at_both_ends(void **state)
{
    (void)state;
    check("C _t|D a/_t|M _t/f|M _t", false, "");
    check("R a>_t", false, "D a");
    check("R _t>a|M _t/f|C _t/n", false, "C a");
    check("R _t>k/_t", false, "");
    check("R a>_t/b|M a/f|D a/g", false, "D a");
    check("R _t/f>out", false, "C out");
    check("R p>q|M p/f", false, "C q|D p"); /* p/x comes to light as q/x */
    check("R q>p|M q/f", false, "C p|D q");
    check("M f|R f>f/_t", false, "D f");
}

static void test_excluded_goes_where_the_source_is_compared_with(void **state)
{
    (void)state;
    struct change_options options = {
        .exclusions = &exclusions, .remove_excluded = true, .limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    char text[64];
    changes_init(&changes, &options);
    assert_true(add_all(&changes, "D a/_t|D _t/f|D b|C _t/n|M _t/m", &error));
    assert_true(changes_normalise(&changes, &error));
    print(&changes, text, sizeof text);
    assert_string_equal(text, "D _t/f|D a/_t|D b");
    changes_fini(&changes);
}

static void test_what_says_nothing(void **state)
{
    (void)state;
    check("R f>f|M ", false, "T >");
    check("R k>k|R k/f>k/f|M k", false, "T k>k");
    check("R k>m|R k/f>m/f", false, "R k>m");
    check("R a>b|R b>a|R a/f>a/f", false, "R a>b|R a/f>a/f|R b>a");
    check("D k|R k/f>k/f|C k", false, "C k|D k|R k/f>k/f");
}

static void test_rescues_forgotten(void **state)
{
    (void)state;
    check("D k|R k/g>h|M k/g", false, "D k|R k/g>h|T k/g>h");
    check("D k|R k/g>h|M k/g", true, "C h|D k");
    check("D k|R k/g>h|R k/g/x>y|D k/g/z|C n|R k/m>n/m", true, "C h|C n|C y|D k");
    check("", true, "");
}

static void refuse(const char *differences, enum error_code code)
{
    struct change_options options = {.limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    changes_init(&changes, &options);
    assert_false(add_all(&changes, differences, &error) && changes_normalise(&changes, &error));
    assert_int_equal(error.code, code);
    changes_fini(&changes);
}

static void test_contradictions_are_conflicts(void **state)
{
    (void)state;
    refuse("D a|R a>b", ERROR_CONFLICT);
    refuse("R a>b|D a", ERROR_CONFLICT);
    refuse("R a>b|R a>c", ERROR_CONFLICT);
    refuse("R a>c|R b>c", ERROR_CONFLICT);
    refuse("D k|C k/n", ERROR_CONFLICT);
    refuse("R a>n|C n", ERROR_CONFLICT);
    refuse("R k>k2|C k/n|R a>k2/n", ERROR_CONFLICT);
    refuse("M ../x", ERROR_INVALID);
    refuse("R a>/b", ERROR_INVALID);
}

/* Two spellings of one new path, which only the exclusions let become creations. */
static void test_contradictions_among_creations(void **state)
{
    (void)state;
    struct change_options options = {.exclusions = &exclusions, .limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    changes_init(&changes, &options);
    assert_true(add_all(&changes, "R _t>n|C n", &error));
    assert_false(changes_normalise(&changes, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    changes_fini(&changes);
}

static struct change *only_touched(const struct changes *changes)
{
    assert_int_equal(changes->count, 1);
    assert_int_equal(changes->items[0]->kind, CHANGE_TOUCHED);
    return changes->items[0];
}

static void test_candidates(void **state)
{
    (void)state;
    struct change_options options = {.exclusions = &exclusions, .limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    char text[256];
    changes_init(&changes, &options);
    assert_true(add_all(&changes, "R k>k2|C n|D d", &error));
    assert_true(changes_add_candidate(&changes, "k/f", true, false, &error));
    assert_true(changes_add_candidate(&changes, "k2/g", false, true, &error));
    assert_true(changes_add_candidate(&changes, "k2/g", false, false, &error)); /* still forced */
    assert_true(changes_add_candidate(&changes, "n/f", false, false, &error));
    assert_true(changes_add_candidate(&changes, "d/f", true, true, &error));
    assert_true(changes_add_candidate(&changes, "d/f", false, true, &error));
    assert_true(changes_add_candidate(&changes, "k/x", false, false, &error));
    assert_true(changes_add_candidate(&changes, "_t/f", false, false, &error));
    assert_true(changes_normalise(&changes, &error));
    print(&changes, text, sizeof text);
    assert_string_equal(text, "C n|D d|R k>k2|T k/f>k2/f|T k/g>k2/g");
    assert_true(changes.items[3]->candidate && !changes.items[3]->forced);
    assert_true(changes.items[4]->candidate && changes.items[4]->forced);
    changes_fini(&changes);
}

static void test_found_by_a_sweep(void **state)
{
    (void)state;
    struct change_options options = {.exclusions = &exclusions, .limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    char text[256];
    changes_init(&changes, &options);
    assert_true(add_all(&changes, "R k>k2|M m|D d", &error));
    assert_true(changes_normalise(&changes, &error));
    assert_true(changes_add_found(&changes, "k/f", &error)); /* by its old path */
    assert_true(changes_add_found(&changes, "m", &error));   /* known already */
    assert_true(changes_add_found(&changes, "d/f", &error)); /* gone */
    print(&changes, text, sizeof text);
    assert_string_equal(text, "D d|R k>k2|T m>m|T k/f>k2/f");
    assert_true(changes.items[3]->candidate && !changes.items[3]->forced);
    changes.options.limit_bytes = 0;
    assert_false(changes_add_found(&changes, "k/g", &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    changes_fini(&changes);
}

static enum change_verdict judge(const char *difference, bool forced, const struct entry *base,
                                 const struct entry *now, unsigned fields, unsigned *ret_fields)
{
    struct change_options options = {.limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    changes_init(&changes, &options);
    assert_true(add_all(&changes, difference, &error));
    if (forced)
        assert_true(changes_add_candidate(&changes, "f", true, true, &error));
    assert_true(changes_normalise(&changes, &error));
    struct change *change = only_touched(&changes);
    bool ok = change_judge(&changes, change, base, now, fields, &error);
    if (!ok)
        assert_int_equal(error.code, ERROR_CONFLICT);
    enum change_verdict verdict = ok ? change->verdict : CHANGE_UNDECIDED;
    *ret_fields = change->fields;
    changes_fini(&changes);
    return verdict;
}

static void test_verdicts(void **state)
{
    (void)state;
    struct entry base = {.type = ENTRY_FILE, .length = 5, .mode = 0644, .mtime_ns = 7};
    struct entry now = base;
    unsigned fields, all = ENTRY_ATTRIBUTES;
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_NOTHING);
    assert_int_equal(judge("M f", true, &base, &now, all, &fields), CHANGE_CONTENT);
    now.mtime_ns = 8;
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_CONTENT);
    base.crc_known = now.crc_known = true; /* nobody needs to copy that */
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_ATTRIBUTES);
    assert_int_equal(fields, ENTRY_TIMES);
    now.crc32c = 1;
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_CONTENT);
    now = base;
    now.length = 6;
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_CONTENT);
    now = base;
    now.mode = 0600;
    now.acl = "user:bob:rwx";
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_ATTRIBUTES);
    assert_int_equal(fields, ENTRY_MODE | ENTRY_ACL);
    assert_int_equal(judge("M f", false, &base, &now, ENTRY_ACL, &fields), CHANGE_ATTRIBUTES);
    assert_int_equal(fields, ENTRY_ACL);
    assert_int_equal(judge("M f", false, &base, &now, ENTRY_OWNER, &fields), CHANGE_NOTHING);
    now.type = ENTRY_DIRECTORY;
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_UNDECIDED);
    base.type = ENTRY_DIRECTORY;
    now = base;
    now.mtime_ns = 9;
    assert_int_equal(judge("M f", true, &base, &now, all, &fields), CHANGE_NOTHING);
    base.type = now.type = ENTRY_SYMLINK;
    base.link_target = "a";
    now.link_target = "b";
    assert_int_equal(judge("M f", false, &base, &now, all, &fields), CHANGE_CONTENT);
}

static void test_settling(void **state)
{
    (void)state;
    struct change_options options = {.limit_bytes = 1 << 20};
    struct changes changes;
    struct error error = ERROR_NONE;
    struct entry file = {.type = ENTRY_FILE, .length = 5, .mtime_ns = 7}, changed = file;
    struct arena arena;
    char text[256];
    arena_init(&arena);
    changed.length = 9;
    changes_init(&changes, &options);
    /* g leaves a doomed directory with new content, f moves into a new one with new content */
    assert_true(add_all(&changes, "D k|R k/g>h|M k/g|C n|R f>n/f|M f|R e>n/e", &error));
    assert_true(changes_normalise(&changes, &error));
    for (size_t i = 0; i < changes.count; i++)
        if (changes.items[i]->kind == CHANGE_TOUCHED)
            assert_true(change_judge(&changes, changes.items[i], &file, &changed, ENTRY_ATTRIBUTES,
                                     &error));
    assert_true(changes_settle(&changes, &error));
    print(&changes, text, sizeof text);
    assert_string_equal(text, "C h|C n|D f|D k|R e>n/e");
    assert_false(changes_covers(&changes, "n/f"));
    assert_true(changes_covers(&changes, "n/e"));
    assert_false(changes_covers(&changes, "n"));
    assert_null(changes_new_path(&changes, "k/x", &arena));
    assert_string_equal(changes_new_path(&changes, "e/x", &arena), "n/e/x");
    assert_string_equal(changes_old_path(&changes, "n/e/x", &arena), "e/x");
    assert_null(changes_old_path(&changes, "n/x", &arena));
    assert_string_equal(changes_old_path(&changes, "z", &arena), "z");
    /* the top, and the new directory into which e moves */
    assert_int_equal(changes.directory_count, 2);
    changes_fini(&changes);
    arena_fini(&arena);
}

static void test_memory_has_a_limit(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    for (size_t limit = 0; limit < 3000; limit += 100) {
        struct change_options options = {.limit_bytes = limit};
        struct changes changes;
        changes_init(&changes, &options);
        bool ok = add_all(&changes, "C a|C b|C c|C d|M m", &error);
        for (int i = 0; ok && i < 60; i++) {
            char path[32];
            snprintf(path, sizeof path, "a-candidate-%d", i);
            ok = changes_add_candidate(&changes, path, i % 2 == 0, false, &error);
        }
        assert_false(ok && changes_normalise(&changes, &error));
        assert_int_equal(error.code, ERROR_LIMIT);
        changes_fini(&changes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_translation),
        cmocka_unit_test(test_exclusions_at_both_ends),
        cmocka_unit_test(test_excluded_goes_where_the_source_is_compared_with),
        cmocka_unit_test(test_what_says_nothing),
        cmocka_unit_test(test_rescues_forgotten),
        cmocka_unit_test(test_contradictions_are_conflicts),
        cmocka_unit_test(test_contradictions_among_creations),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_found_by_a_sweep),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_settling),
        cmocka_unit_test(test_memory_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
