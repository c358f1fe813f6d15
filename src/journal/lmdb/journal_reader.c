/* journal_reader.c: the inspection tool's view of a journal, live or dead; see journal_lmdb.h. */
#include "journal/lmdb/journal_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "journal/lmdb/journal_owner.h"
#include "journal/lmdb/lmdb_anchor.h"
#include "journal/lmdb/lmdb_verify.h"

#define PAGE_RECORDS 1000 /* copied out in one read transaction, at most */
#define PAGE_BYTES ((size_t)1 << 20)

struct journal_reader {
    struct lmdb_store store;
    MDB_txn *txn; /* reset between pages */
    char *directory;
    bool lockless;       /* nobody owns the journal and lock.mdb cannot be written */
    struct error damage; /* of the pages: LMDB must not read them */
};

/* A page of records or objects, copied. */
struct reader_page {
    struct arena arena;
    struct journal_record *records;
    size_t count, limit;
};

static char *path_in(const char *directory, const char *name)
{
    struct buffer path;
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/%s", directory, name);
    return buffer_take(&path);
}

/* Opening */

static bool check_head(const char *directory, struct error *error)
{
    char *path = path_in(directory, "data.mdb");
    int fd = open(path, O_RDONLY | O_CLOEXEC), number = errno;
    free(path);
    if (fd < 0)
        return error_set_errno(error, number, "there is no journal to read in %s", directory);
    bool sound = lmdb_pages_check_head(fd, error);
    close(fd);
    return sound;
}

/* Never made here: it would belong to whoever looks, root perhaps, and shut the daemon out. */
static bool can_lock(const char *directory, struct error *error)
{
    char *path = path_in(directory, "lock.mdb");
    bool is_there = access(path, F_OK) == 0 || error_set_errno(error, errno, "look at %s", path);
    free(path);
    return is_there && lmdb_store_reserve_lock(directory, error);
}

/* A reader tells the writer through lock.mdb which pages it looks at. Without that the writer may
 * use them again, so reading without it is only right when there is no writer. */
static bool choose_locking(struct journal_reader *reader, struct error *error)
{
    int pid;
    struct error why = ERROR_NONE;
    if (can_lock(reader->directory, &why))
        return true;
    if (!journal_owner_ask(reader->directory, &pid, error))
        return false;
    if (pid != 0)
        return error_set(error, ERROR_DENIED,
                         "process %d is using the journal and lock.mdb cannot be written (%s): "
                         "run as that process's user",
                         pid, why.text);
    reader->lockless = true;
    return true;
}

static bool open_store(struct journal_reader *reader, struct error *error)
{
    unsigned flags = MDB_RDONLY | (reader->lockless ? MDB_NOLOCK : 0);
    if (!lmdb_store_open(&reader->store, reader->directory, flags, 0, error) ||
        !lmdb_store_begin_read(&reader->store, &reader->txn, error))
        return false;
    lmdb_store_check_pages(&reader->store, reader->txn, NULL, NULL, NULL, &reader->damage);
    mdb_txn_reset(reader->txn);
    if (reader->damage.code == ERROR_CORRUPT)
        return true;
    if (reader->damage.code != ERROR_OK) {
        *error = reader->damage;
        return false;
    }
    return lmdb_store_open_databases(&reader->store, false, error);
}

bool journal_reader_open(const char *directory, struct journal_reader **ret_reader,
                         struct error *error)
{
    struct journal_reader *reader = memory_new(sizeof *reader);
    reader->directory = memory_copy_string(directory);
    if (!check_head(directory, error) || !choose_locking(reader, error) ||
        !open_store(reader, error)) {
        journal_reader_close(reader);
        return false;
    }
    *ret_reader = reader;
    return true;
}

void journal_reader_close(struct journal_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->txn != NULL)
        mdb_txn_abort(reader->txn);
    lmdb_store_close(&reader->store);
    free(reader->directory);
    free(reader);
}

const char *journal_reader_id(const struct journal_reader *reader)
{
    return reader->store.journal_id;
}

int journal_reader_owner(const struct journal_reader *reader)
{
    int pid;
    struct error error = ERROR_NONE;
    return journal_owner_ask(reader->directory, &pid, &error) ? pid : -1;
}

/* Pages */

static bool page_begin(struct journal_reader *reader, struct error *error)
{
    if (reader->lockless && journal_reader_owner(reader) != 0)
        return error_set(error, ERROR_UNAVAILABLE,
                         "a process began to use the journal, and lock.mdb cannot be written: run "
                         "as that process's user");
    return lmdb_store_renew(&reader->store, reader->txn, error);
}

static void page_end(struct journal_reader *reader)
{
    mdb_txn_reset(reader->txn);
}

static void page_init(struct reader_page *page, size_t limit)
{
    *page = (struct reader_page){.limit = limit < PAGE_RECORDS ? limit : PAGE_RECORDS};
    arena_init(&page->arena);
    page->records = memory_new(page->limit * sizeof page->records[0]);
}

static void page_clear(struct reader_page *page)
{
    arena_fini(&page->arena);
    page->count = 0;
}

static void page_fini(struct reader_page *page)
{
    page_clear(page);
    free(page->records);
}

static void page_add(struct reader_page *page, const struct journal_record *record, bool *ret_more)
{
    struct journal_record *copy = &page->records[page->count++];
    *copy = *record;
    copy->key = arena_string(&page->arena, record->key);
    if (record->payload != NULL)
        copy->payload = arena_copy(&page->arena, record->payload, record->payload_size);
    *ret_more = page->count < page->limit && page->arena.used_bytes < PAGE_BYTES;
}

static bool add_record(void *context, const struct journal_record *record, bool *ret_more,
                       struct error *error)
{
    (void)error;
    page_add(context, record, ret_more);
    return true;
}

static bool add_object(void *context, const char *key, uint64_t sequence, const char *payload,
                       size_t size, bool *ret_more, struct error *error)
{
    (void)error;
    struct journal_record object = {
        .sequence = sequence, .key = key, .payload = payload, .payload_size = size};
    page_add(context, &object, ret_more);
    return true;
}

/* Records */

struct salvage_visit {
    uint64_t after;
    size_t left;
    journal_record_fn *fn;
    void *context;
};

static bool visit_salvaged(void *context, const struct journal_record *record, bool *ret_more,
                           struct error *error)
{
    struct salvage_visit *visit = context;
    if (record->sequence <= visit->after)
        return true;
    *ret_more = --visit->left > 0;
    return visit->fn(visit->context, record, error);
}

/* Pages of a damaged file are read by ourselves. *ret_bad: the first record that cannot be. */
static bool salvage(struct journal_reader *reader, struct salvage_visit *visit, uint64_t *ret_bad,
                    struct error *error)
{
    struct lmdb_salvage state = {
        .chain = {.next = 1}, .visit = visit == NULL ? NULL : visit_salvaged, .context = visit};
    struct lmdb_pages_options pages = {.transaction = 0};
    if (!page_begin(reader, error))
        return false;
    pages.transaction = mdb_txn_id(reader->txn);
    int code = mdb_env_get_fd(reader->store.env, &pages.fd);
    CHECK(code == 0);
    bool read = lmdb_salvage_records(&state, &pages, error);
    page_end(reader);
    *ret_bad = read ? 0 : state.chain.next;
    if (!read && error->code == ERROR_CORRUPT && strncmp(error->text, "record ", 7) != 0)
        error_wrap(error, "record %llu cannot be read", (unsigned long long)state.chain.next);
    return read;
}

/* Of one page; what was read before the error still goes to fn. */
static bool give_records(struct reader_page *page, bool read, const struct error *why,
                         journal_record_fn *fn, void *context, struct error *error)
{
    for (size_t i = 0; i < page->count; i++)
        if (!fn(context, &page->records[i], error))
            return false;
    if (!read)
        *error = *why;
    return read;
}

static bool read_pages(struct journal_reader *reader, struct journal_chain *chain, size_t limit,
                       journal_record_fn *fn, void *context, struct error *error)
{
    struct reader_page page;
    struct error why = ERROR_NONE;
    bool read = true, more = true;
    page_init(&page, limit);
    while (read && more && limit > 0) {
        page_clear(&page);
        page.limit = limit < page.limit ? limit : page.limit;
        if (!page_begin(reader, error)) {
            read = false;
            break;
        }
        read = lmdb_scan_records(&reader->store, reader->txn, chain, add_record, &page, &why);
        page_end(reader);
        more = page.count > 0;
        limit -= page.count;
        read = give_records(&page, read, &why, fn, context, error);
    }
    page_fini(&page);
    return read;
}

bool journal_reader_records(struct journal_reader *reader, uint64_t after, size_t limit,
                            journal_record_fn *fn, void *context, struct error *error)
{
    if (limit == 0)
        return true;
    if (reader->damage.code != ERROR_OK) {
        uint64_t bad;
        struct salvage_visit visit = {.after = after, .left = limit, .fn = fn, .context = context};
        return salvage(reader, &visit, &bad, error);
    }
    struct journal_chain chain = lmdb_chain_after(&reader->store, after);
    return read_pages(reader, &chain, limit, fn, context, error);
}

uint64_t journal_reader_last(struct journal_reader *reader)
{
    struct error error = ERROR_NONE;
    uint64_t last = 0, count;
    uint32_t crc;
    if (reader->damage.code != ERROR_OK || !page_begin(reader, &error))
        return 0;
    bool known = lmdb_last_record(&reader->store, reader->txn, &last, &crc, &count, &error);
    page_end(reader);
    return known ? last : 0;
}

uint64_t journal_reader_trimmed(struct journal_reader *reader)
{
    struct error error = ERROR_NONE;
    struct lmdb_anchor anchor = {.through = 0};
    if (reader->damage.code != ERROR_OK || !page_begin(reader, &error))
        return 0;
    if (!lmdb_anchor_read(&reader->store, reader->txn, &anchor, &error))
        anchor.through = 0;
    page_end(reader);
    return anchor.through;
}

/* Objects */

bool journal_reader_objects(struct journal_reader *reader, unsigned type, journal_object_fn *fn,
                            void *context, struct error *error)
{
    struct reader_page page;
    char after[JOURNAL_KEY_BYTES_MAX + 1] = "";
    bool read = true, more = true;
    if (reader->damage.code != ERROR_OK) {
        *error = reader->damage;
        return false;
    }
    page_init(&page, PAGE_RECORDS);
    while (read && more) {
        page_clear(&page);
        if (!page_begin(reader, error)) {
            read = false;
            break;
        }
        read = lmdb_scan_objects(&reader->store, reader->txn, type, after[0] == '\0' ? NULL : after,
                                 add_object, &page, error);
        page_end(reader);
        for (size_t i = 0; read && i < page.count; i++)
            read = fn(context, page.records[i].key, page.records[i].payload,
                      page.records[i].payload_size, error);
        more = page.count > 0;
        if (more)
            memcpy(after, page.records[page.count - 1].key,
                   strlen(page.records[page.count - 1].key) + 1);
    }
    page_fini(&page);
    return read;
}

/* Verification */

static bool verify_damaged(struct journal_reader *reader, uint64_t *ret_sequence,
                           struct error *error)
{
    if (salvage(reader, NULL, ret_sequence, error))
        *error = reader->damage;
    return false;
}

bool journal_reader_verify(struct journal_reader *reader, uint64_t *ret_records,
                           uint64_t *ret_sequence, struct error *error)
{
    struct lmdb_verify verify;
    bool finished = false, sound = true;
    if (reader->damage.code != ERROR_OK)
        return verify_damaged(reader, ret_sequence, error);
    lmdb_verify_init(&verify, &reader->store, 0);
    while (sound && !finished) {
        if (!page_begin(reader, error))
            return false;
        sound = lmdb_verify_step(&verify, reader->txn, &finished, error);
        page_end(reader);
    }
    *ret_records = verify.records;
    if (!sound)
        *ret_sequence = lmdb_verify_bad_sequence(&verify);
    return sound;
}
