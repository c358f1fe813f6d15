/* sorter.c: runs are sequences of u32 key size, u32 value size, key, value. Too many runs are first
 * merged in groups of neighbours, which keeps equal keys in order. */
#include "plan/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"

#define RECORD_HEADER 8
#define WRITE_BYTES ((size_t)32 << 10)

/* Reads one run through a window of its bytes. */
struct run_reader {
    uint32_t run;
    uint32_t order;  /* among those being merged */
    uint64_t offset; /* of the bytes behind the window */
    struct buffer window;
    size_t at;
    bool ended;
    struct sorter_record record;
};

struct sorter {
    struct sorter_options options;
    struct buffer data; /* records in memory, as in a run */
    size_t *offsets;    /* of each in data */
    size_t count, capacity;
    uint32_t first_run; /* runs below it are merged and gone */
    uint32_t next_run;
    bool finished;
    size_t next;                /* without runs: the next record in memory */
    struct run_reader *readers; /* merging: a heap of pointers over these */
    struct run_reader **heap;
    size_t heap_count, reader_count;
    struct run_reader *last; /* gave the last record; moves on at the next call */
};

struct sorter *sorter_new(const struct sorter_options *options)
{
    CHECK(options->memory_bytes >= SORTER_MEMORY_MIN);
    struct sorter *sorter = memory_new(sizeof *sorter);
    sorter->options = *options;
    buffer_init(&sorter->data, options->memory_bytes + 1);
    return sorter;
}

static void close_readers(struct sorter *sorter)
{
    for (size_t i = 0; i < sorter->reader_count; i++)
        buffer_fini(&sorter->readers[i].window);
    free(sorter->readers);
    free(sorter->heap);
    sorter->readers = NULL;
    sorter->heap = NULL;
    sorter->last = NULL;
    sorter->reader_count = sorter->heap_count = 0;
}

void sorter_free(struct sorter *sorter)
{
    if (sorter == NULL)
        return;
    close_readers(sorter);
    buffer_fini(&sorter->data);
    free(sorter->offsets);
    free(sorter);
}

uint32_t sorter_run_count(const struct sorter *sorter)
{
    return sorter->next_run;
}

static uint32_t size_at(const char *data)
{
    struct reader reader;
    reader_init(&reader, data, 4);
    return reader_u32(&reader);
}

static struct sorter_record record_at(const char *data)
{
    size_t key = size_at(data), value = size_at(data + 4);
    return (struct sorter_record){{data + RECORD_HEADER, key}, data + RECORD_HEADER + key, value};
}

static void append_record(struct buffer *buffer, const struct sorter_record *record)
{
    buffer_append_u32(buffer, (uint32_t)record->key.size);
    buffer_append_u32(buffer, (uint32_t)record->value_size);
    buffer_append(buffer, record->key.data, record->key.size);
    buffer_append(buffer, record->value, record->value_size);
}

static int compare_offsets(const void *a, const void *b, void *context)
{
    const struct sorter *sorter = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    struct sorter_record first = record_at(sorter->data.data + x);
    struct sorter_record second = record_at(sorter->data.data + y);
    int order = sorter->options.compare(&first.key, &second.key);
    return order != 0 ? order : x < y ? -1 : 1; /* nothing is compared with itself */
}

static void sort_memory(struct sorter *sorter)
{
    if (sorter->count > 1)
        qsort_r(sorter->offsets, sorter->count, sizeof *sorter->offsets, compare_offsets, sorter);
}

static bool write_out(struct sorter *sorter, uint32_t run, struct buffer *pending, size_t at_least,
                      struct error *error)
{
    const struct sorter_runs *runs = sorter->options.runs;
    if (pending->size < at_least || pending->size == 0)
        return true;
    bool ok = runs->append(runs->context, run, pending->data, pending->size, error);
    buffer_clear(pending);
    return ok;
}

static bool spill_sorted(struct sorter *sorter, uint32_t run, struct buffer *pending,
                         struct error *error)
{
    for (size_t i = 0; i < sorter->count; i++) {
        struct sorter_record record = record_at(sorter->data.data + sorter->offsets[i]);
        append_record(pending, &record);
        if (!write_out(sorter, run, pending, WRITE_BYTES, error))
            return false;
    }
    return write_out(sorter, run, pending, 0, error);
}

static bool spill(struct sorter *sorter, struct error *error)
{
    const struct sorter_runs *runs = sorter->options.runs;
    struct buffer pending = {0};
    uint32_t run = sorter->next_run++;
    sort_memory(sorter);
    bool ok = runs->create(runs->context, run, error) && spill_sorted(sorter, run, &pending, error);
    buffer_fini(&pending);
    buffer_clear(&sorter->data);
    sorter->count = 0;
    return ok;
}

bool sorter_add(struct sorter *sorter, const struct sorter_record *record, struct error *error)
{
    CHECK(!sorter->finished);
    size_t size = RECORD_HEADER + record->key.size + record->value_size;
    size_t limit = sorter->options.memory_bytes;
    if (size > limit / 8)
        return error_set(error, ERROR_LIMIT, "a record of %zu bytes cannot be sorted in %zu", size,
                         limit);
    size_t used = sorter->data.size + (sorter->count + 1) * sizeof *sorter->offsets;
    if (used + size > limit && !spill(sorter, error))
        return false;
    if (sorter->count == sorter->capacity) {
        sorter->capacity = sorter->capacity == 0 ? 64 : sorter->capacity * 2;
        sorter->offsets =
            memory_resize(sorter->offsets, sorter->capacity * sizeof *sorter->offsets);
    }
    sorter->offsets[sorter->count++] = sorter->data.size;
    append_record(&sorter->data, record);
    CHECK(!sorter->data.failed);
    return true;
}

/* Makes size bytes available behind `at`; *ret_all false: the run ends before. */
static bool fill(struct sorter *sorter, struct run_reader *reader, size_t size, bool *ret_all,
                 struct error *error)
{
    const struct sorter_runs *runs = sorter->options.runs;
    size_t have = reader->window.size - reader->at;
    *ret_all = have >= size;
    if (*ret_all)
        return true;
    buffer_consume(&reader->window, reader->at);
    reader->at = 0;
    size_t want = size - have > WRITE_BYTES ? size - have : WRITE_BYTES, got = 0;
    char *place = buffer_reserve(&reader->window, want);
    CHECK(place != NULL);
    if (!runs->read(runs->context, reader->run, reader->offset, place, want, &got, error))
        return false;
    buffer_commit(&reader->window, got);
    reader->offset += got;
    *ret_all = reader->window.size >= size;
    return true;
}

/* The next record of a run into reader->record, or ended. */
static bool read_record(struct sorter *sorter, struct run_reader *reader, struct error *error)
{
    bool all;
    if (!fill(sorter, reader, RECORD_HEADER, &all, error))
        return false;
    if (!all && reader->window.size == reader->at) {
        reader->ended = true;
        return true;
    }
    const char *data = reader->window.data + reader->at;
    size_t key = all ? size_at(data) : 0, value = all ? size_at(data + 4) : 0;
    size_t limit = sorter->options.memory_bytes;
    if (!all || key > limit || value > limit ||
        !fill(sorter, reader, RECORD_HEADER + key + value, &all, error) || !all)
        return error->code != ERROR_OK
                   ? false
                   : error_set(error, ERROR_CORRUPT, "sorted run %u is cut short or damaged",
                               reader->run);
    reader->record = record_at(reader->window.data + reader->at);
    reader->at += RECORD_HEADER + key + value;
    return true;
}

static bool is_before(const struct sorter *sorter, const struct run_reader *a,
                      const struct run_reader *b)
{
    int order = sorter->options.compare(&a->record.key, &b->record.key);
    return order < 0 || (order == 0 && a->order < b->order);
}

static void sink(struct sorter *sorter, size_t at)
{
    for (;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < sorter->heap_count && is_before(sorter, sorter->heap[left], sorter->heap[least]))
            least = left;
        if (right < sorter->heap_count &&
            is_before(sorter, sorter->heap[right], sorter->heap[least]))
            least = right;
        if (least == at)
            return;
        struct run_reader *swapped = sorter->heap[at];
        sorter->heap[at] = sorter->heap[least];
        sorter->heap[least] = swapped;
        at = least;
    }
}

static bool open_readers(struct sorter *sorter, uint32_t first, uint32_t count, struct error *error)
{
    close_readers(sorter);
    sorter->readers = memory_new(count * sizeof *sorter->readers);
    sorter->heap = memory_new(count * sizeof(struct run_reader *));
    sorter->reader_count = count;
    for (uint32_t i = 0; i < count; i++) {
        sorter->readers[i] = (struct run_reader){.run = first + i, .order = i};
        buffer_init(&sorter->readers[i].window, 3 * sorter->options.memory_bytes);
        if (!read_record(sorter, &sorter->readers[i], error))
            return false;
        CHECK(!sorter->readers[i].ended); /* no run is empty */
        sorter->heap[sorter->heap_count++] = &sorter->readers[i];
    }
    for (size_t i = sorter->heap_count; i-- > 0;)
        sink(sorter, i);
    return true;
}

static bool next_merged(struct sorter *sorter, struct sorter_record *ret_record,
                        struct error *error)
{
    if (sorter->last != NULL) {
        if (!read_record(sorter, sorter->last, error))
            return false;
        if (sorter->last->ended)
            sorter->heap[0] = sorter->heap[--sorter->heap_count];
        sink(sorter, 0);
    }
    sorter->last = sorter->heap_count > 0 ? sorter->heap[0] : NULL;
    *ret_record =
        sorter->last == NULL ? (struct sorter_record){{NULL, 0}, NULL, 0} : sorter->last->record;
    return true;
}

static bool merge_into(struct sorter *sorter, uint32_t run, struct buffer *pending,
                       struct error *error)
{
    struct sorter_record record;
    while (next_merged(sorter, &record, error)) {
        if (record.key.data == NULL)
            return write_out(sorter, run, pending, 0, error);
        append_record(pending, &record);
        if (!write_out(sorter, run, pending, WRITE_BYTES, error))
            return false;
    }
    return false;
}

static bool merge_group(struct sorter *sorter, uint32_t first, uint32_t count, struct error *error)
{
    const struct sorter_runs *runs = sorter->options.runs;
    struct buffer pending = {0};
    uint32_t run = sorter->next_run++;
    bool ok = open_readers(sorter, first, count, error) &&
              runs->create(runs->context, run, error) && merge_into(sorter, run, &pending, error);
    buffer_fini(&pending);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = runs->remove(runs->context, first + i, error);
    return ok;
}

/* One pass over all runs; groups of neighbours become the runs of the next pass. */
static bool merge_pass(struct sorter *sorter, uint32_t fan_in, struct error *error)
{
    uint32_t end = sorter->next_run;
    while (sorter->first_run < end) {
        uint32_t count = end - sorter->first_run < fan_in ? end - sorter->first_run : fan_in;
        if (!merge_group(sorter, sorter->first_run, count, error))
            return false;
        sorter->first_run += count;
    }
    return true;
}

bool sorter_finish(struct sorter *sorter, struct error *error)
{
    CHECK(!sorter->finished);
    sorter->finished = true;
    if (sorter->next_run == 0) {
        sort_memory(sorter);
        return true;
    }
    if (sorter->count > 0 && !spill(sorter, error))
        return false;
    buffer_fini(&sorter->data);
    uint32_t fan_in = (uint32_t)(sorter->options.memory_bytes / (2 * WRITE_BYTES));
    fan_in = fan_in < 2 ? 2 : fan_in;
    while (sorter->next_run - sorter->first_run > fan_in)
        if (!merge_pass(sorter, fan_in, error))
            return false;
    return open_readers(sorter, sorter->first_run, sorter->next_run - sorter->first_run, error);
}

bool sorter_next(struct sorter *sorter, struct sorter_record *ret_record, struct error *error)
{
    CHECK(sorter->finished);
    if (sorter->next_run > 0)
        return next_merged(sorter, ret_record, error);
    *ret_record = sorter->next < sorter->count
                      ? record_at(sorter->data.data + sorter->offsets[sorter->next++])
                      : (struct sorter_record){{NULL, 0}, NULL, 0};
    return true;
}
