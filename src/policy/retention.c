/* retention.c: see retention.h. */
#include "policy/retention.h"

#include <stdlib.h>

#include "base/check.h"

static int compare_seals(const void *left, const void *right)
{
    const struct retention_seal *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static bool rule_keeps(const struct retention_rule *rule, const struct retention_seal *seal,
                       size_t newer, int64_t reference_us)
{
    if (rule->last == 0 && rule->age_us == 0)
        return true;
    return newer < rule->last ||
           (rule->age_us > 0 && reference_us - seal->moment_us < rule->age_us);
}

/* The clock alone does not age anything: one that is days ahead for a while would retire the whole
 * history, and so would the T of a seal from that while. The seal before the newest one has to
 * agree. */
static int64_t reference(const struct retention_seal *sorted, size_t count, int64_t now_us)
{
    int64_t moment_us = count < 2 ? now_us : sorted[count - 2].moment_us;
    return moment_us < now_us ? moment_us : now_us;
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
    int64_t reference_us = reference(sorted, count, now_us);
    for (size_t i = 0; i + 1 < count; i++) { /* never the newest */
        CHECK(sorted[i].number < sorted[i + 1].number);
        if (!sorted[i].is_base && !sorted[i].is_held &&
            !rule_keeps(rule, &sorted[i], count - 1 - i, reference_us))
            ret_numbers[retired++] = sorted[i].number;
    }
    free(sorted);
    return retired;
}
