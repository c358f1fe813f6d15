/* sorter.h: sorts more records than memory holds. Sorted runs go out and come back through
 * callbacks, so that this stays pure; what fits into memory never leaves it. Equal keys keep the
 * order in which they were added. */
#ifndef COEVAL_PLAN_SORTER_H
#define COEVAL_PLAN_SORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Where runs live. Runs are numbered from 0 and each number is used once. */
struct sorter_runs {
    void *context;
    bool (*create)(void *context, uint32_t run, struct error *error);
    bool (*append)(void *context, uint32_t run, const void *data, size_t size, struct error *error);
    /* Fills data; *ret_size less than size only at the end of the run. */
    bool (*read)(void *context, uint32_t run, uint64_t offset, void *data, size_t size,
                 size_t *ret_size, struct error *error);
    bool (*remove)(void *context, uint32_t run, struct error *error);
};

struct sorter_key {
    const void *data;
    size_t size;
};
typedef int sorter_compare_fn(const struct sorter_key *a, const struct sorter_key *b);

struct sorter_options {
    sorter_compare_fn *compare;
    size_t memory_bytes;            /* at least SORTER_MEMORY_MIN */
    const struct sorter_runs *runs; /* kept until free */
};

#define SORTER_MEMORY_MIN ((size_t)64 << 10)

/* Borrowed until the next call. */
struct sorter_record {
    struct sorter_key key;
    const void *value;
    size_t value_size;
};

struct sorter;
struct sorter *sorter_new(const struct sorter_options *options);
void sorter_free(struct sorter *sorter); /* removes no runs: the caller drops its folder */
/* ERROR_LIMIT for a record larger than an eighth of the memory. */
bool sorter_add(struct sorter *sorter, const struct sorter_record *record, struct error *error);
/* After the last add. Then next() gives the records in order; key.data NULL: that was all. */
bool sorter_finish(struct sorter *sorter, struct error *error);
bool sorter_next(struct sorter *sorter, struct sorter_record *ret_record, struct error *error);
uint32_t sorter_run_count(const struct sorter *sorter); /* made so far: 0 while all is in memory */

#endif
