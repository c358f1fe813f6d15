/* sim_durable.c: see sim_durable.h. */
#include "sim_durable.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim_chaos.h"

void durable_init(struct durable *journal, enum process owner)
{
    *journal = (struct durable){.owner = owner};
}

static void drop_waiters(struct durable *journal)
{
    for (size_t i = 0; i < journal->waiter_count; i++)
        if (journal->waiters[i].release != NULL)
            journal->waiters[i].release(journal->waiters[i].data);
    journal->waiter_count = 0;
}

static void truncate_records(struct durable *journal, size_t count)
{
    while (journal->count > count) {
        struct durable_record *record = &journal->records[--journal->count];
        free(record->key);
        free(record->text);
    }
}

void durable_fini(struct durable *journal)
{
    drop_waiters(journal);
    truncate_records(journal, 0);
    free(journal->records);
    free(journal->waiters);
    durable_init(journal, journal->owner);
}

static void synced(struct world *world, void *data);

static void start_sync(struct world *world, struct durable *journal)
{
    journal->syncing = true;
    journal->syncing_upto = journal->count;
    later(world, chance_us(world, 100, coin(world, 50) ? 300 * MS : 8 * MS), journal->owner, synced,
          journal, NULL);
}

static void synced(struct world *world, void *data)
{
    struct durable *journal = data;
    journal->syncing = false;
    journal->synced = journal->syncing_upto;
    while (journal->waiter_count > 0 && journal->waiters[0].upto <= journal->synced) {
        struct durable_waiter waiter = journal->waiters[0];
        journal->waiter_count--;
        memmove(journal->waiters, journal->waiters + 1, journal->waiter_count * sizeof waiter);
        waiter.fn(world, waiter.data);
        if (waiter.release != NULL)
            waiter.release(waiter.data);
    }
    if (!journal->syncing && journal->count > journal->synced)
        start_sync(world, journal);
}

void durable_append(struct world *world, struct durable *journal, const char *key, const char *text)
{
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity == 0 ? 64 : 2 * journal->capacity;
        journal->records =
            memory_resize(journal->records, journal->capacity * sizeof(struct durable_record));
    }
    journal->records[journal->count++] =
        (struct durable_record){.key = memory_copy_string(key), .text = memory_copy_string(text)};
    if (!journal->syncing)
        start_sync(world, journal);
    chaos_crash_soon(world, journal->owner, 6);
}

void durable_then(struct world *world, struct durable *journal, event_fn *fn, void *data,
                  release_fn *release)
{
    if (journal->waiter_count == 0 && journal->synced == journal->count) {
        fn(world, data);
        if (release != NULL)
            release(data);
        return;
    }
    if (journal->waiter_count == journal->waiter_capacity) {
        journal->waiter_capacity =
            journal->waiter_capacity == 0 ? 16 : 2 * journal->waiter_capacity;
        journal->waiters = memory_resize(journal->waiters,
                                         journal->waiter_capacity * sizeof(struct durable_waiter));
    }
    journal->waiters[journal->waiter_count++] =
        (struct durable_waiter){.upto = journal->count, .fn = fn, .release = release, .data = data};
}

void durable_crash(struct world *world, struct durable *journal)
{
    drop_waiters(journal);
    truncate_records(journal, journal->synced + random_below(&world->random,
                                                             journal->count - journal->synced + 1));
    journal->synced = journal->count;
    journal->syncing = false;
}

void durable_wipe(struct durable *journal)
{
    drop_waiters(journal);
    truncate_records(journal, 0);
    journal->synced = 0;
    journal->syncing = false;
}

static bool is_first(const struct durable *journal, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(journal->records[i].key, journal->records[index].key) == 0)
            return false;
    return true;
}

void durable_replay(struct world *world, const struct durable *journal, durable_object_fn *fn)
{
    for (size_t i = 0; i < journal->count; i++) {
        size_t newest = i;
        if (!is_first(journal, i))
            continue;
        for (size_t j = i + 1; j < journal->count; j++)
            if (strcmp(journal->records[j].key, journal->records[i].key) == 0)
                newest = j;
        fn(world, journal->records[i].key, journal->records[newest].text);
    }
}
