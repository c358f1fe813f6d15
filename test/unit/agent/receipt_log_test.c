/* receipt_log_test.c: what was received before a crash is known afterwards, and nothing more. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "agent/area_file.h"
#include "agent/receipt_log.h"

#define NAME "receipt.s.m1.abc"

static struct call call;
static struct error failure;
static char work[128];

static int set_up(void **state)
{
    int result = bed_set_up(state);
    failure = ERROR_NONE;
    snprintf(work, sizeof work, "%s/work.york", bed.top);
    return result;
}

static struct receipt_log *begin(bool expect_resumed)
{
    struct receipt_log *log;
    bool resumed = !expect_resumed;
    if (!receipt_log_open(work, NAME, &log, &resumed, &failure))
        fail_msg("%s", failure.text);
    assert_int_equal(resumed, expect_resumed);
    return log;
}

static void add(struct receipt_log *log, uint32_t step, const char *inside, uint64_t length)
{
    struct receipt_record record = {
        .step = step,
        .inside = inside,
        .entry = {.path = "", .type = ENTRY_FILE, .length = length, .owner = "o", .group = "g"},
        .checksum = ""};
    assert_true(receipt_log_add(log, &record, &failure));
}

static bool has(struct receipt_log *log, uint32_t step, const char *inside, uint64_t length)
{
    uint64_t its = UINT64_MAX;
    return receipt_log_has(log, step, inside, &its) && its == length;
}

struct told {
    char text[512];
};

static bool tell(void *context, const struct receipt_record *record, struct error *error)
{
    struct told *told = context;
    size_t used = strlen(told->text);
    (void)error;
    snprintf(told->text + used, sizeof told->text - used, "%u/%s ", record->step, record->inside);
    return true;
}

static struct told deliver(struct receipt_log *log)
{
    struct told told = {""};
    struct receipt_reader reader;
    bed_shell("mkdir -p $TOP/york/data");
    if (!receipt_log_deliver(log, bed.stores[YORK].ref, &call, "/data/receipt", &failure))
        fail_msg("%s", failure.text);
    receipt_reader_init(&reader, tell, &told);
    assert_true(receipt_file_read(bed.stores[YORK].ref, &call, "/data/receipt", &reader, &failure));
    receipt_reader_fini(&reader);
    return told;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_a_receipt_without_a_crash(void **state)
{
    (void)state;
    struct receipt_log *log = begin(false);
    add(log, 1, "", 5);
    add(log, 2, "a/b", 7);
    assert_false(has(log, 1, "", 5)); /* only what an earlier run received is asked for */
    assert_string_equal(deliver(log).text, "1/ 2/a/b ");
    assert_true(bed_shell_says("! test -e $TOP/work.york/" NAME));
}

static void test_going_on(void **state)
{
    (void)state;
    struct receipt_log *log = begin(false);
    add(log, 1, "", 5);
    add(log, 2, "a/b", 7);
    add(log, 2, "a/b", 8); /* again: the later one counts */
    receipt_log_close(log);
    log = begin(true);
    assert_true(has(log, 1, "", 5) && has(log, 2, "a/b", 8));
    assert_false(has(log, 2, "", 7) || has(log, 1, "a/b", 7) || has(log, 22, "a/b", 7));
    add(log, 3, "c", 1);
    assert_string_equal(deliver(log).text, "1/ 2/a/b 2/a/b 3/c ");
}

static void test_nothing_was_received(void **state)
{
    (void)state;
    receipt_log_close(begin(false));
    struct receipt_log *log = begin(false);
    assert_string_equal(deliver(log).text, "");
    receipt_log_close(NULL);
}

/* Torn anywhere: the whole records before are true, the rest is cut off. */
static void test_a_torn_end(void **state)
{
    (void)state;
    struct receipt_log *log = begin(false);
    add(log, 1, "first", 5);
    receipt_log_close(log);
    bed_shell("cp $TOP/work.york/" NAME " $TOP/one; stat -c %%s $TOP/one > $TOP/size");
    log = begin(true);
    add(log, 2, "second", 6);
    receipt_log_close(log);
    bed_shell("cp $TOP/work.york/" NAME " $TOP/two");
    while (bed_shell_says("s=$(stat -c %%s $TOP/two); test $s -gt $(($(cat $TOP/size) + 1)) && "
                          "truncate -s $((s - 7 > $(cat $TOP/size) ? s - 7 : $(cat $TOP/size) + 1))"
                          " $TOP/two && cp $TOP/two $TOP/work.york/" NAME)) {
        log = begin(true);
        assert_true(has(log, 1, "first", 5));
        assert_false(has(log, 2, "second", 6));
        add(log, 3, "third", 7);
        assert_string_equal(deliver(log).text, "1/first 3/third ");
    }
}

static void test_rubbish_is_begun_anew(void **state)
{
    (void)state;
    bed_shell("head -c 1000 /dev/zero > $TOP/work.york/" NAME);
    struct receipt_log *log = begin(false);
    add(log, 1, "a", 1);
    receipt_log_close(log);
    bed_shell("cp $TOP/work.york/" NAME " $TOP/whole");
    for (int size = 1; size < 16; size++) { /* the head itself is torn */
        bed_shell("head -c %d $TOP/whole > $TOP/work.york/" NAME, size);
        log = begin(false);
        add(log, 1, "a", 1);
        assert_string_equal(deliver(log).text, "1/a ");
    }
}

static void test_no_directory(void **state)
{
    struct receipt_log *log;
    bool resumed;
    (void)state;
    assert_false(receipt_log_open("/tmp/coeval-there-is-no-such", NAME, &log, &resumed, &failure));
    assert_int_equal(failure.code, ERROR_NOT_FOUND);
}

/* The log is what another try goes on with. */
static void test_a_delivery_that_fails(void **state)
{
    static const char *const operations[] = {"write_open", "write", "rename"};
    (void)state;
    bed_shell("mkdir -p $TOP/york/data");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct receipt_log *log = begin(i > 0);
        if (i == 0)
            add(log, 1, "a", 1);
        failure = ERROR_NONE;
        spy_fail(operations[i], "", ERROR_UNAVAILABLE, 1);
        assert_false(
            receipt_log_deliver(log, bed.stores[YORK].ref, &call, "/data/receipt", &failure));
        assert_int_equal(failure.code, ERROR_UNAVAILABLE);
        assert_true(bed_shell_says("! test -e $TOP/york/data/receipt"));
    }
    failure = ERROR_NONE;
    struct receipt_log *log = begin(true);
    assert_true(has(log, 1, "a", 1));
    assert_string_equal(deliver(log).text, "1/a ");
}

static void test_logs_of_others(void **state)
{
    (void)state;
    bed_shell("cd $TOP/work.york && touch receipt.s.m1.old receipt.s.m1.new receipt.s.m2.x other");
    receipt_log_remove_others(work, "receipt.s.m1.", "receipt.s.m1.new");
    bed_shell("cd $TOP/work.york && test ! -e receipt.s.m1.old && test -e receipt.s.m1.new && "
              "test -e receipt.s.m2.x && test -e other");
    receipt_log_remove_others(work, "receipt.", NULL);
    bed_shell("cd $TOP/work.york && test ! -e receipt.s.m2.x && test -e other");
    receipt_log_remove_others("/tmp/coeval-there-is-no-such", "receipt.", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, bed_tear_down)
        T(test_a_receipt_without_a_crash), T(test_going_on),
        T(test_nothing_was_received),      T(test_a_torn_end),
        T(test_rubbish_is_begun_anew),     T(test_no_directory),
        T(test_a_delivery_that_fails),     T(test_logs_of_others),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
