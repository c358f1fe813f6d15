/* snapshot_report_test.c: the answers of a real NameNode to 51 kinds of change
 * (data/differences.txt, made by test/integration/difference_cases.py), in both forms, against what
 * is expected of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fake/report_page.h"

static const char *data_path;

#define LINES_MAX 32

struct lines {
    char text[LINES_MAX][128];
    size_t count;
};

static bool collect(void *context, const struct difference *difference, struct error *error)
{
    struct lines *lines = context;
    (void)error;
    CHECK(lines->count < LINES_MAX);
    snprintf(lines->text[lines->count++], sizeof lines->text[0], "%c %s%s%s",
             (char)difference->kind, difference->path, difference->target != NULL ? " -> " : "",
             difference->target != NULL ? difference->target : "");
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void assert_same(const char *name, struct lines *actual, struct lines *expected)
{
    qsort(actual->text, actual->count, sizeof actual->text[0], by_text);
    qsort(expected->text, expected->count, sizeof expected->text[0], by_text);
    if (actual->count != expected->count)
        fail_msg("%s: %zu differences instead of %zu", name, actual->count, expected->count);
    for (size_t i = 0; i < actual->count; i++)
        if (strcmp(actual->text[i], expected->text[i]) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", name, actual->text[i], expected->text[i]);
}

/* One case of the data file. */
struct recorded {
    char name[128];
    struct lines expected, reported, merged;
    struct report_merge merge;
    bool last, open;
    size_t pages;
};

static void cut_everywhere(const char *text, bool is_page)
{
    for (size_t size = 0; size < strlen(text); size++) {
        struct lines lines = {.count = 0};
        struct error error = ERROR_NONE;
        bool last, done;
        if (is_page) {
            struct report_merge merge;
            report_merge_init(&merge, collect, &lines);
            done = report_page_merge(&merge, text, size, "/a", &last, &error);
            report_merge_fini(&merge);
        } else {
            done = report_read(text, size, "/a", "s1", "s2", collect, &lines, &error);
        }
        assert_false(done);
        assert_int_equal(error.code, ERROR_UNAVAILABLE);
        assert_int_equal(lines.count, 0); /* nothing of a damaged answer is told */
    }
}

static void end_case(struct recorded *recorded)
{
    struct error error = ERROR_NONE;
    if (!recorded->open)
        return;
    assert_true(recorded->last);
    assert_true(report_merge_end(&recorded->merge, &error));
    report_merge_fini(&recorded->merge);
    assert_same(recorded->name, &recorded->reported, &recorded->expected);
    assert_same(recorded->name, &recorded->merged, &recorded->expected);
}

static void take_line(struct recorded *recorded, char *line)
{
    struct error error = ERROR_NONE;
    if (strncmp(line, "case ", 5) == 0) {
        end_case(recorded);
        memset(recorded, 0, sizeof *recorded);
        recorded->open = true;
        snprintf(recorded->name, sizeof recorded->name, "%s", line + 5);
        report_merge_init(&recorded->merge, collect, &recorded->merged);
    } else if (strncmp(line, "expect ", 7) == 0) {
        snprintf(recorded->expected.text[recorded->expected.count++], 128, "%s", line + 7);
    } else if (strncmp(line, "report ", 7) == 0) {
        assert_true(report_read(line + 7, strlen(line + 7), "/a", "s1", "s2", collect,
                                &recorded->reported, &error));
        cut_everywhere(line + 7, false);
    } else if (strncmp(line, "page ", 5) == 0) {
        assert_false(recorded->last);
        assert_true(report_page_merge(&recorded->merge, line + 5, strlen(line + 5), "/a",
                                      &recorded->last, &error));
        recorded->pages++;
        cut_everywhere(line + 5, true);
    }
}

static void test_recorded_answers(void **state)
{
    (void)state;
    FILE *file = fopen(data_path, "r");
    static struct recorded recorded;
    char *line = NULL;
    size_t capacity = 0, cases = 0, pages = 0;
    assert_non_null(file);
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
        line[size - 1] = '\0';
        cases += strncmp(line, "case ", 5) == 0;
        pages += strncmp(line, "page ", 5) == 0;
        take_line(&recorded, line);
    }
    end_case(&recorded);
    free(line);
    fclose(file);
    assert_int_equal(cases, 51);
    assert_true(pages > 2 * cases / 3 + cases / 2); /* many have more than one */
}

static void expect_refusal(const char *text, const char *from, const char *to, enum error_code code)
{
    struct lines lines = {.count = 0};
    struct error error = ERROR_NONE;
    if (report_read(text, strlen(text), "/a", from, to, collect, &lines, &error))
        fail_msg("accepted: %s", text);
    assert_int_equal(error.code, code);
    assert_int_equal(lines.count, 0);
}

#define REPORT(list, from, to)                                                                    \
    "{\"SnapshotDiffReport\":{\"diffList\":" list ",\"fromSnapshot\":" from ",\"toSnapshot\":" to \
    "}}"

static void test_answers_about_something_else(void **state)
{
    (void)state;
    expect_refusal(REPORT("[]", "null", "null"), "s1", "s2", ERROR_PROTOCOL);
    expect_refusal(REPORT("[]", "\"s1\"", "\"\""), "s1", "s2", ERROR_PROTOCOL);
    expect_refusal(REPORT("[]", "\"s2\"", "\"s1\""), "s1", "s2", ERROR_PROTOCOL);
    expect_refusal("{\"SnapshotDiffReport\":{\"fromSnapshot\":\"s1\",\"toSnapshot\":\"s2\"}}", "s1",
                   "s2", ERROR_PROTOCOL);
    expect_refusal("{}", "s1", "s2", ERROR_PROTOCOL);
    struct lines lines = {.count = 0};
    struct error error = ERROR_NONE;
    static const char live[] = REPORT("[]", "\"s1\"", "\"\"");
    assert_true(report_read(live, strlen(live), "/a", "s1", "", collect, &lines, &error));
}

static void test_entries_that_make_no_sense(void **state)
{
    (void)state;
    static const struct {
        const char *entry;
        enum error_code code;
    } bad[] = {
        {"{\"type\":\"CREATE\"}", ERROR_UNAVAILABLE},
        {"{\"type\":\"TOUCH\",\"sourcePath\":\"a\"}", ERROR_UNAVAILABLE},
        {"{\"type\":\"RENAME\",\"sourcePath\":\"a\"}", ERROR_UNAVAILABLE},
        {"{\"type\":\"CREATE\",\"sourcePath\":\"a\",\"targetPath\":\"b\"}", ERROR_UNAVAILABLE},
        {"{\"type\":\"CREATE\",\"sourcePath\":\"../a\"}", ERROR_PROTOCOL},
        {"{\"type\":\"CREATE\",\"sourcePath\":\"/a\"}", ERROR_PROTOCOL},
        {"{\"type\":\"RENAME\",\"sourcePath\":\"a\",\"targetPath\":\"a//b\"}", ERROR_PROTOCOL}};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        char text[512];
        snprintf(text, sizeof text, REPORT("[%s]", "\"s1\"", "\"s2\""), bad[i].entry);
        expect_refusal(text, "s1", "s2", bad[i].code);
    }
}

#define PAGE(create, remove, earlier, path, index)                                     \
    "{\"SnapshotDiffReportListing\":{\"createList\":" create ",\"deleteList\":" remove \
    ",\"isFromEarlier\":" earlier ",\"lastIndex\":" index ",\"lastPath\":\"" path      \
    "\",\"modifyList\":[{\"dirId\":1,\"fileId\":1,\"isReference\":true,\"sourcePath\":\"\"}]}}"

static bool merge_one(struct report_merge *merge, const char *text, bool *last, struct error *error)
{
    return report_page_merge(merge, text, strlen(text), "/a", last, error);
}

static void test_pages_that_stand_still(void **state)
{
    (void)state;
    static const char page[] = PAGE("[]", "[]", "true", "k", "7");
    struct report_merge merge;
    struct lines lines = {.count = 0};
    struct error error = ERROR_NONE;
    bool last;
    report_merge_init(&merge, collect, &lines);
    assert_true(merge_one(&merge, page, &last, &error));
    assert_false(last);
    assert_string_equal(merge.last_path, "k");
    assert_int_equal(merge.last_index, 7);
    assert_false(merge_one(&merge, page, &last, &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    report_merge_fini(&merge);
}

/* From a newer to an older snapshot: the lists are those of the other direction. */
static void test_backwards(void **state)
{
    (void)state;
    static const char page[] =
        PAGE("[{\"fileId\":5,\"isReference\":true,\"sourcePath\":\"g2\"},"
             "{\"fileId\":6,\"isReference\":true,\"sourcePath\":\"came\"},"
             "{\"fileId\":7,\"isReference\":false,\"sourcePath\":\"new\"}]",
             "[{\"fileId\":5,\"isReference\":true,\"sourcePath\":\"g\",\"targetPath\":\"g2\"},"
             "{\"fileId\":8,\"isReference\":false,\"sourcePath\":\"old\"},"
             "{\"fileId\":9,\"isReference\":true,\"sourcePath\":\"left\"}]",
             "false", "", "-1");
    struct lines expected = {{"M ", "R g2 -> g", "D came", "D new", "C old", "C left"}, 6};
    struct lines lines = {.count = 0};
    struct report_merge merge;
    struct error error = ERROR_NONE;
    bool last;
    report_merge_init(&merge, collect, &lines);
    assert_true(merge_one(&merge, page, &last, &error));
    assert_true(last);
    assert_true(report_merge_end(&merge, &error));
    assert_same("backwards", &lines, &expected);
    report_merge_fini(&merge);
}

static void test_staging_is_left_out(void **state)
{
    (void)state;
    static const struct {
        struct difference told;
        const char *heard;
    } cases[] = {{{DIFFERENCE_CREATE, ".coeval", NULL}, NULL},
                 {{DIFFERENCE_DELETE, ".coeval", NULL}, NULL},
                 {{DIFFERENCE_MODIFY, ".coeval/e1", NULL}, NULL},
                 {{DIFFERENCE_RENAME, ".coeval/e1/1", ".coeval/e1/2"}, NULL},
                 {{DIFFERENCE_RENAME, "f", ".coeval/e1/park/2"}, "D f"},
                 {{DIFFERENCE_RENAME, ".coeval/e1/st/1", "k/f"}, "C k/f"},
                 {{DIFFERENCE_RENAME, "f", "g"}, "R f -> g"},
                 {{DIFFERENCE_CREATE, ".coevals", NULL}, "C .coevals"},
                 {{DIFFERENCE_MODIFY, "", NULL}, "M "},
                 {{DIFFERENCE_CREATE, "k/.coeval", NULL}, "C k/.coeval"}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct lines lines = {.count = 0};
        struct report_filter filter = {.fn = collect, .context = &lines};
        struct error error = ERROR_NONE;
        assert_true(report_filter_staging(&filter, &cases[i].told, &error));
        assert_int_equal(lines.count, cases[i].heard != NULL);
        if (cases[i].heard != NULL)
            assert_string_equal(lines.text[0], cases[i].heard);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    data_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_answers),
        cmocka_unit_test(test_answers_about_something_else),
        cmocka_unit_test(test_entries_that_make_no_sense),
        cmocka_unit_test(test_pages_that_stand_still),
        cmocka_unit_test(test_backwards),
        cmocka_unit_test(test_staging_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
