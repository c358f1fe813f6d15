/* journal_fixture.h: a journal on LMDB in a directory of its own, for the adapter tests. LMDB
 * allows one opening of a file in a process: a second opener, or a reader beside a writer, is a
 * child. */
#ifndef COEVAL_ADAPTER_JOURNAL_FIXTURE_H
#define COEVAL_ADAPTER_JOURNAL_FIXTURE_H

#include <sys/types.h>

#include "journal/lmdb/journal_lmdb.h"

#define FIXTURE_DEADLINE_MS 20000

struct journal_fixture {
    char directory[64];
    uint64_t map_bytes, map_bytes_max; /* 0: the default */
    uint64_t keep_records;             /* 0: the default; else whatever their age, but for */
    int64_t keep_age_us;
    bool verify_all;
    struct loop *loop;
    struct journal *journal;    /* NULL while closed */
    unsigned done, failed_done; /* calls that were told durable, and not */
    enum error_code last_code;  /* of the newest failed done */
    unsigned failed_calls;      /* of the failed callback */
    char failed_text[256];
};

void fixture_init(struct journal_fixture *fixture);
void fixture_fini(struct journal_fixture *fixture); /* closes, and removes the directory */
bool fixture_open(struct journal_fixture *fixture, struct error *error);
void fixture_close(struct journal_fixture *fixture);
/* One record (with an object when key is given), counted when its done comes. */
bool fixture_append(struct journal_fixture *fixture, const char *key, const char *payload,
                    struct error *error);
/* Until done + failed_done has reached count; false at the deadline. */
bool fixture_wait(struct journal_fixture *fixture, unsigned count);
/* Opens, appends count records "{"n":1}".. under keys "k0".."k9" in turn, closes. */
void fixture_fill(struct journal_fixture *fixture, unsigned count);

/* fn in a child; -1 when a signal ended it, else its exit code. Not with an open journal. */
int run_in_child(int (*fn)(void *context), void *context);
void make_path(char *path, size_t size, const char *directory, const char *name);
void copy_file(const char *from, const char *to);
void remove_tree(const char *directory);

#endif
