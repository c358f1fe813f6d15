/* retention.c: see retention.h. */
#include "policy/retention.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static int compare_seals(const void *left, const void *right)
{
    const struct retention_seal *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static bool rule_keeps(const struct retention_rule *rule, size_t newer, int64_t age_us)
{
    if (rule->last == 0 && rule->age_us == 0)
        return true;
    return newer < rule->last || (rule->age_us > 0 && age_us < rule->age_us);
}

/* ---- age ------------------------------------------------------------------------------------ */

static int compare_gaps(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* The lower median: of two, one of which is a jump, the other. */
static int64_t usual_gap(const int64_t *gaps, size_t count)
{
    int64_t *sorted = memory_new(count * sizeof *sorted);
    memcpy(sorted, gaps, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_gaps);
    int64_t usual = sorted[(count - 1) / 2];
    free(sorted);
    return usual;
}

/* The clock alone does not age anything. A seal is as old as the gaps between those that came after
 * it, up to the one before the newest. A gap that is much wider than usual and a good part of the
 * age is a pause, or a clock that jumped; how many seals came from that clock proves nothing. It
 * counts as a usual one: what is kept too long costs room, what is retired is gone. */
static void measure_ages(const struct retention_seal *sorted, size_t count, int64_t rule_us,
                         int64_t now_us, int64_t *ret_ages)
{
    int64_t *gaps = memory_new(count * sizeof *gaps);
    for (size_t i = 0; i + 1 < count; i++) {
        int64_t from_us = sorted[i].moment_us, to_us = sorted[i + 1].moment_us;
        to_us = to_us < now_us ? to_us : now_us;
        gaps[i] = to_us > from_us ? to_us - from_us : 0;
    }
    int64_t usual_us = count > 1 ? usual_gap(gaps, count - 1) : 0;
    int64_t wide_us = usual_us > rule_us / 8 ? 2 * usual_us : rule_us / 4;
    ret_ages[count - 1] = 0;
    if (count > 1)
        ret_ages[count - 2] = 0;
    for (size_t i = count - 1; i-- > 1;)
        ret_ages[i - 1] = ret_ages[i] + (gaps[i - 1] > wide_us ? usual_us : gaps[i - 1]);
    free(gaps);
}

size_t retention_choose(const struct retention_rule *rule, const struct retention_seal *seals,
                        size_t count, int64_t now_us, uint64_t *ret_numbers)
{
    size_t retired = 0;
    if (count == 0)
        return 0;
    struct retention_seal *sorted = memory_new(count * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = seals[i];
    qsort(sorted, count, sizeof *sorted, compare_seals);
    int64_t *ages = memory_new(count * sizeof *ages);
    measure_ages(sorted, count, rule->age_us, now_us, ages);
    for (size_t i = 0; i + 1 < count; i++) { /* never the newest */
        CHECK(sorted[i].number < sorted[i + 1].number);
        if (!sorted[i].is_base && !sorted[i].is_held && !rule_keeps(rule, count - 1 - i, ages[i]))
            ret_numbers[retired++] = sorted[i].number;
    }
    free(ages);
    free(sorted);
    return retired;
}
