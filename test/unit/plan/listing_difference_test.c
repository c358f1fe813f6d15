/* listing_difference_test.c: listings written as text, differences as sorted text. A listing is
 * "path=id[,length[,mtime[,mode]]] ...", in order; a path that ends in '/' is a directory, one that
 * ends in '@' a symlink; "." is the top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/check.h"
#include "plan/listing_difference.h"

struct text_listing {
    struct arena arena;
    struct entry entries[32];
    size_t count, next;
    size_t fail_at; /* the call that fails; 0: none */
    size_t calls;
};

static void parse_word(struct text_listing *listing, char *word)
{
    struct entry *entry = &listing->entries[listing->count++];
    char *numbers = strchr(word, '=');
    *numbers++ = '\0';
    size_t length = strlen(word);
    *entry = (struct entry){.type = ENTRY_FILE, .mode = 0644, .owner = "o", .group = "g"};
    if (word[length - 1] == '/' || word[length - 1] == '@') {
        entry->type = word[length - 1] == '/' ? ENTRY_DIRECTORY : ENTRY_SYMLINK;
        entry->link_target = entry->type == ENTRY_SYMLINK ? "t" : NULL;
        word[length - 1] = '\0';
    }
    if (strcmp(word, ".") == 0) {
        entry->type = ENTRY_DIRECTORY;
        word[0] = '\0';
    }
    entry->path = arena_string(&listing->arena, word);
    entry->file_id = strtoull(numbers, &numbers, 10);
    entry->birth_ns = 9;
    entry->length = *numbers == ',' ? strtoull(numbers + 1, &numbers, 10) : 0;
    entry->mtime_ns = *numbers == ',' ? strtoll(numbers + 1, &numbers, 10) : 0;
    entry->mode = *numbers == ',' ? (uint32_t)strtoul(numbers + 1, &numbers, 8) : 0644;
}

static void parse(struct text_listing *listing, const char *text)
{
    *listing = (struct text_listing){0};
    char *copy = arena_string(&listing->arena, text), *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        parse_word(listing, word);
}

static bool next_entry(void *context, const struct entry **ret_entry, struct error *error)
{
    struct text_listing *listing = context;
    if (++listing->calls == listing->fail_at)
        return error_set(error, ERROR_IO, "listing broke");
    *ret_entry = listing->next < listing->count ? &listing->entries[listing->next++] : NULL;
    return true;
}

struct said {
    char lines[64][96];
    size_t count;
    size_t room; /* the line after so many fails */
};

static bool hear(void *context, const struct difference *difference, struct error *error)
{
    struct said *said = context;
    if (said->count == said->room)
        return error_set(error, ERROR_IO, "heard enough");
    snprintf(said->lines[said->count++], sizeof said->lines[0], "%c %s%s%s", (char)difference->kind,
             difference->path, difference->target == NULL ? "" : ">",
             difference->target == NULL ? "" : difference->target);
    return true;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static const struct listing_options by_birth = {LISTING_BY_BIRTH, ENTRY_ATTRIBUTES, 1 << 20, false};
static const struct listing_options by_id = {LISTING_BY_ID, ENTRY_ATTRIBUTES, 1 << 20, false};
static const struct listing_options by_path = {LISTING_BY_PATH, ENTRY_ATTRIBUTES, 1 << 20, false};

static bool run(struct text_listing *old, struct text_listing *new,
                const struct listing_options *options, struct said *said, struct error *error)
{
    struct listing a = {next_entry, old}, b = {next_entry, new};
    bool ok = listing_difference(&a, &b, options, hear, said, error);
    arena_fini(&old->arena);
    arena_fini(&new->arena);
    return ok;
}

static void check_said(struct said *said, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    qsort(said->lines, said->count, sizeof said->lines[0], compare_lines);
    for (size_t i = 0; i < said->count; i++) {
        buffer_append_text(&text, i > 0 ? "|" : "");
        buffer_append_text(&text, said->lines[i]);
    }
    assert_string_equal(buffer_text(&text), expected);
    buffer_fini(&text);
}

static void check_difference(const char *old_text, const char *new_text,
                             const struct listing_options *options, const char *expected)
{
    struct text_listing old, new;
    struct said said = {.room = 64};
    struct error error = ERROR_NONE;
    parse(&old, old_text);
    parse(&new, new_text);
    assert_true(run(&old, &new, options, &said, &error));
    check_said(&said, expected);
}

/* By path all is said while the listings are read, else at their end: where no identity is known
 * both must say the same. */
static void check_by_path(const char *old_text, const char *new_text)
{
    struct said said[2] = {{.room = 64}, {.room = 64}};
    for (int by_identity = 0; by_identity < 2; by_identity++) {
        struct text_listing old, new;
        struct error error = ERROR_NONE;
        parse(&old, old_text);
        parse(&new, new_text);
        for (size_t i = 0; i < ARRAY_LENGTH(old.entries); i++)
            old.entries[i].file_id = new.entries[i].file_id = 0;
        assert_true(run(&old, &new, by_identity ? &by_id : &by_path, &said[by_identity], &error));
    }
    struct buffer text;
    buffer_init(&text, 0);
    qsort(said[1].lines, said[1].count, sizeof said[1].lines[0], compare_lines);
    for (size_t i = 0; i < said[1].count; i++)
        buffer_append_format(&text, "%s%s", i > 0 ? "|" : "", said[1].lines[i]);
    check_said(&said[0], buffer_text(&text));
    buffer_fini(&text);
}

static void check(const char *old_text, const char *new_text, const char *expected)
{
    check_by_path(old_text, new_text);
    check_by_path(new_text, old_text);
    check_difference(old_text, new_text, &by_birth, expected);
    check_difference(old_text, new_text, &by_id, expected);
}

#define BASE ".=1 f=2,10 h=3,2 k/=4 k/g=5,4"

/* The cases of facts R4.4, in their words; two differ from HDFS: a rename out of a deleted
 * directory is remembered, and times count. */
static void test_cases_of_hdfs(void **state)
{
    (void)state;
    check(BASE, BASE, "");
    check(BASE, ".=1 f=2,11 h=3,2 k/=4 k/g=5,4", "M f");
    check(BASE, ".=1 f=2,10,7 h=3,2 k/=4 k/g=5,4", "M f");
    check(BASE, ".=1 f=2,10,0,600 h=3,2 k/=4 k/g=5,4", "M f");
    check(BASE, ".=1 f=2,10 h=3,2 k/=4,0,0,700 k/g=5,4", "M k");
    check(BASE, ".=1,0,0,700 f=2,10 h=3,2 k/=4 k/g=5,4", "M ");
    check(BASE, ".=1 h=3,2 k/=4 k/f2=2,10 k/g=5,4", "M |M k|R f>k/f2");
    check(BASE, ".=1 f=2,10 h=3,2 k2/=4 k2/g=5,4", "M |R k>k2");
    check(BASE, ".=1 f=2,10 h=3,2 k2/=4 k2/new=6", "C k/new|D k/g|M |M k|R k>k2");
    check(BASE, ".=1 f=2,10 h=3,2 k2/=4 k2/g2=5,4", "M |M k|R k/g>k2/g2|R k>k2");
    check(BASE, ".=1 f=2,10 gtop=5,4 h=3,2 k2/=4", "M |M k|R k/g>gtop|R k>k2");
    check(BASE, ".=1 f2=2,11 h=3,2 k/=4 k/g=5,4", "M |M f|R f>f2");
    check(BASE, ".=1 f=3,2 h=2,10 k/=4 k/g=5,4", "M |R f>h|R h>f");
    check(BASE, ".=1 f/=4 f/g=5,4 h=3,2 k=2,10", "M |R f>k|R k>f");
    check(BASE, ".=1 h=2,10 k/=4 k/g=5,4", "D h|M |R f>h");
    check(BASE, ".=1 h=3,2 k/=4 k/g=5,4", "D f|M ");
    check(BASE, ".=1 came=6 f=2,10 h=3,2 k/=4 k/g=5,4", "C came|M ");
    check(BASE, ".=1 f=6,10 h=3,2 k/=4 k/g=5,4", "C f|D f|M ");
    check(BASE, ".=1 f=2,10 h=3,2 k/=6 k/g=7,4", "C k|D k|M ");
    check(BASE, ".=1 f/=6 f/x=7 h=3,2 k/=4 k/g=5,4", "C f|D f|M ");
    check(BASE, ".=1 h=3,2 k/=4 k/g=5,4 new/=6 new/f=2,10", "C new|M |R f>new/f");
    check(BASE, ".=1 f=2,10 g=5,4 h=3,2", "D k|M |R k/g>g");
    check(".=1 k/=2 k/g=3 m/=4 m/q/=5 m/q/z=6", ".=1 m/=4 m/k/=2 m/k/g=3", "D m/q|M |M m|R k>m/k");
}

static void test_what_text_alone_would_get_wrong(void **state)
{
    (void)state;
    /* two directories swap, their files do not: both stay at their paths and yet both moved */
    check(".=1 a/=2 a/f=3 b/=4 b/f=5", ".=1 a/=4 a/f=3 b/=2 b/f=5",
          "M |M a|M b|R a/f>a/f|R a>b|R b/f>b/f|R b>a");
    /* a directory is replaced, its file saved into the new one */
    check(".=1 a/=2 a/f=3 a/x=6", ".=1 a/=4 a/f=3", "C a|D a|M |R a/f>a/f");
    /* a child becomes its parent's parent */
    check(".=1 k/=2 k/s/=3 k/s/x=4", ".=1 s/=3 s/k/=2 s/x=4", "M |M k|M k/s|R k/s>s|R k>s/k");
    /* out of a directory that is new, in one that is deleted: nothing is said twice */
    check(".=1 d/=2 d/e/=3 d/e/f=4", ".=1 n/=5 n/m/=6 n/m/f=4,1",
          "C n|D d|M |M d/e/f|R d/e/f>n/m/f");
    /* the new owner of an old name is no directory */
    check(".=1 d/=2 d/e=3 z=4", ".=1 d=4", "D d|M |R z>d");
    /* hard links: the one at its path stays, the others are paired in order */
    check(".=1 a/=2 a/l1=7 a/l2=7", ".=1 b/=2 b/l1=7 b/l2=7", "M |R a>b");
    check(".=1 a/=2 a/l1=7 a/l2=7", ".=1 a/=9 a/l2=7 a/l3=7", "C a|D a|M |R a/l1>a/l3|R a/l2>a/l2");
    check(".=1 l@=3", ".=1 l=3", "C l|D l|M ");
    check("", ".=1 f=2", "C ");
    check(".=1 f=2", "", "D ");
}

static void test_many_objects(void **state)
{
    (void)state;
    check(".=1 a/=2 a/1=11 a/2=12 a/3=13 a/4=14 a/5=15 a/6=16 a/7=17 a/8=18 a/9=19 b/=3 b/1=21 "
          "b/2=22 b/3=23 b/4=24 b/5=25 b/6=26 b/7=27",
          ".=1 c/=2 c/1=11 c/2=12 c/3=13 c/4=14 c/5=15 c/6=16 c/7=17 c/8=18 c/9=27",
          "D a/9|D b|M |M a|R a>c|R b/7>c/9");
}

/* Two trees that have nothing in common but the top cost no more than two that are equal. */
static void test_by_path_remembers_nothing(void **state)
{
    (void)state;
    const struct listing_options tight = {LISTING_BY_PATH, ENTRY_ATTRIBUTES, 1, false};
    check_difference(".=1 a/=2 a/b/=3 a/b/c=4 a/d=5 x=6 y/=7", ".=1 a=2 b/=3 b/c/=4 b/c/d=5 y/=7",
                     &tight, "C a|C b|D a|D x|M ");
    check_difference(".=1 a/=2 a/b/=3 a/b/c=4 a/b/d=4 a/e=5 f=6",
                     ".=1 a/=2 a/b/=3 a/b/c=4,1 a/b/x=4 a/f=5 f=6", &tight,
                     "C a/b/x|C a/f|D a/b/d|D a/e|M a|M a/b|M a/b/c");
}

static void test_identity(void **state)
{
    (void)state;
    check_difference(BASE, ".=7 f=3,10 h=2,2 k2/=4 k2/g=5,4", &by_path, "C k2|D k|M ");
    check_difference(".=1 a=0 b=0", ".=1 a=0 c=0", &by_id, "C c|D b|M ");
    struct text_listing old, new;
    struct error error = ERROR_NONE;
    for (int unique = 0; unique < 2; unique++) {
        struct said said = {.room = 64};
        parse(&old, ".=1 a=5 b=6 c=7");
        parse(&new, ".=1 a=5 c=8 d=6");
        for (size_t i = 0; i < old.count; i++) /* births are not known */
            old.entries[i].birth_ns = new.entries[i].birth_ns = 0;
        assert_true(run(&old, &new, unique ? &by_id : &by_birth, &said, &error));
        check_said(&said, unique ? "C c|D c|M |R b>d" : "C c|C d|D b|D c|M ");
    }
    struct said said = {.room = 64};
    parse(&old, ".=1 a=5 b=6");
    parse(&new, ".=1 a=5 c=6");
    new.entries[1].birth_ns = new.entries[2].birth_ns = 10; /* the ids were given out again */
    assert_true(run(&old, &new, &by_id, &said, &error));
    check_said(&said, "C a|C c|D a|D b|M ");
}

static void test_what_counts_as_modified(void **state)
{
    (void)state;
    struct text_listing old, new;
    struct error error = ERROR_NONE;
    const struct listing_options no_times = {LISTING_BY_ID, ENTRY_ALL & ~ENTRY_TIMES, 1 << 20,
                                             false};
    struct said said = {.room = 64};
    parse(&old, ".=1 a=2 b=3 c=4 d=5 e=6 l@=7 m/=8 n@=9");
    parse(&new, ".=1,0,5 a=2,0,5 b=3,0,5 c=4 d=5 e=6 l@=7,0,5 m/=8,0,5 n@=9");
    old.entries[2].crc_known = new.entries[2].crc_known = true;
    old.entries[3].crc_known = new.entries[3].crc_known = true;
    new.entries[3].crc32c = 1;
    new.entries[4].has_acl = true;
    old.entries[5].has_acl = true; /* described on one side only: presence counts */
    new.entries[5].acl = "user:bob:rwx";
    new.entries[8].link_target = "elsewhere";
    assert_true(run(&old, &new, &no_times, &said, &error));
    check_said(&said, "M a|M c|M d|M n");
    said.count = 0;
    parse(&old, ".=1 a=2");
    parse(&new, ".=1 a=2");
    old.entries[1].acl = "user:bob:r--";
    new.entries[1].acl = "user:bob:rwx";
    assert_true(run(&old, &new, &by_id, &said, &error));
    check_said(&said, "M a");
    check(".=1 l@=2 m/=3", ".=1,0,9 l@=2,0,9 m/=3,0,9", "M l|M m");
}

static void test_drifting_times_of_directories(void **state)
{
    (void)state;
    struct text_listing old, new;
    struct error error = ERROR_NONE;
    const struct listing_options drifting = {LISTING_BY_PATH, ENTRY_ATTRIBUTES, 1 << 20, true};
    struct said said = {.room = 64};
    parse(&old, ".=1 a=2 l@=3 m/=4 n/=5");
    parse(&new, ".=1 a=2,0,9 l@=3,0,9 m/=4,0,9 n/=5,0,9");
    new.entries[4].mode = 0700;
    assert_true(run(&old, &new, &drifting, &said, &error));
    check_said(&said, "M a|M l|M n");
}

static void test_disorder_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {".=1 b=2 a=3", ".=1 a=2 a=3"};
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(bad); i++) {
        struct text_listing old, new;
        struct said said = {.room = 64};
        struct error error = ERROR_NONE;
        parse(&old, i % 2 == 0 ? bad[i / 2] : ".=1");
        parse(&new, i % 2 == 1 ? bad[i / 2] : ".=1");
        assert_false(run(&old, &new, &by_id, &said, &error));
        assert_int_equal(error.code, ERROR_INVALID);
    }
}

#define EVENTFUL_OLD ".=1 a/=2 a/f=3 b/=4 b/f=5 c/=6 d=7 m=8"
#define EVENTFUL_NEW ".=1 a/=4 a/f=3 b/=2 b/f=5 d=7,1 e=9 m=8"

static void test_failures_come_through(void **state)
{
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        struct text_listing old, new;
        struct said said = {.room = 64};
        struct error error = ERROR_NONE;
        parse(&old, EVENTFUL_OLD);
        parse(&new, EVENTFUL_NEW);
        if (i < 20)
            said.room = i;
        else
            (i % 2 == 0 ? &old : &new)->fail_at = (i - 20) / 2 + 1;
        bool ok = run(&old, &new, &by_id, &said, &error);
        assert_int_equal(ok, error.code == ERROR_OK);
        assert_int_equal(ok, (i >= 10 && i < 20) || i >= 38);
    }
}

static void test_memory_has_a_limit(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 4000; limit += 500) {
        const struct listing_options small = {LISTING_BY_ID, ENTRY_ATTRIBUTES, limit, false};
        struct text_listing old, new;
        struct said said = {.room = 64};
        struct error error = ERROR_NONE;
        parse(&old, EVENTFUL_OLD);
        parse(&new, EVENTFUL_NEW);
        assert_false(run(&old, &new, &small, &said, &error));
        assert_int_equal(error.code, ERROR_LIMIT);
        parse(&old, ".=1 a=2 b=3 c=4");
        parse(&new, ".=1 a=2,1 b=3 c=4");
        assert_true(run(&old, &new, &small, &said, &error)); /* what stays costs nothing */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_of_hdfs),
        cmocka_unit_test(test_what_text_alone_would_get_wrong),
        cmocka_unit_test(test_many_objects),
        cmocka_unit_test(test_by_path_remembers_nothing),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_what_counts_as_modified),
        cmocka_unit_test(test_drifting_times_of_directories),
        cmocka_unit_test(test_disorder_is_refused),
        cmocka_unit_test(test_failures_come_through),
        cmocka_unit_test(test_memory_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
