/* journal_fixture.c: see journal_fixture.h. Broken arrangements end the test at once (CHECK). */
#include "adapter/journal/journal_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "fake/temporary.h"

#define ORIGIN "0b1e6a52-7a0e-4f8e-9f0c-2f1d35a7c001"

void fixture_init(struct journal_fixture *fixture)
{
    *fixture = (struct journal_fixture){.journal = NULL};
    temporary_make(fixture->directory, sizeof fixture->directory, "journal");
    log_set_level(LOG_LEVEL_ERROR);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void remove_tree(const char *directory)
{
    CHECK(nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void fixture_fini(struct journal_fixture *fixture)
{
    fixture_close(fixture);
    remove_tree(fixture->directory);
}

static void on_failed(void *context, const struct error *error)
{
    struct journal_fixture *fixture = context;
    fixture->failed_calls++;
    snprintf(fixture->failed_text, sizeof fixture->failed_text, "%s", error->text);
}

bool fixture_open(struct journal_fixture *fixture, struct error *error)
{
    struct journal_lmdb_options options = {.directory = fixture->directory,
                                           .origin = ORIGIN,
                                           .map_bytes = fixture->map_bytes,
                                           .map_bytes_max = fixture->map_bytes_max,
                                           .keep_records = fixture->keep_records,
                                           .keep_age_us = fixture->keep_age_us,
                                           .failed = on_failed,
                                           .failed_context = fixture};
    struct loop *loop = loop_new();
    if (!journal_lmdb_open(loop, &options, fixture->verify_all, &fixture->journal, error)) {
        loop_free(loop);
        return false;
    }
    fixture->loop = loop;
    return true;
}

void fixture_close(struct journal_fixture *fixture)
{
    if (fixture->journal != NULL)
        fixture->journal->operations->close(fixture->journal);
    fixture->journal = NULL;
    loop_free(fixture->loop);
    fixture->loop = NULL;
}

static void on_done(void *context, const struct error *error)
{
    struct journal_fixture *fixture = context;
    if (error->code == ERROR_OK) {
        fixture->done++;
        return;
    }
    fixture->failed_done++;
    fixture->last_code = error->code;
}

bool fixture_append(struct journal_fixture *fixture, const char *key, const char *payload,
                    struct error *error)
{
    struct journal_append record = {.type = JOURNAL_EPOCH, .key = key, .payload = payload};
    return journal_append_all(fixture->journal, &record, 1, on_done, fixture, error);
}

struct wait {
    struct journal_fixture *fixture;
    unsigned count;
};

static bool has_count(void *context)
{
    const struct wait *wait = context;
    return wait->fixture->done + wait->fixture->failed_done >= wait->count;
}

bool fixture_wait(struct journal_fixture *fixture, unsigned count)
{
    struct wait wait = {.fixture = fixture, .count = count};
    return loop_run_until(fixture->loop, has_count, &wait, FIXTURE_DEADLINE_MS);
}

void fixture_fill(struct journal_fixture *fixture, unsigned count)
{
    struct error error = ERROR_NONE;
    unsigned before = fixture->done;
    CHECK(fixture_open(fixture, &error));
    for (unsigned i = 1; i <= count; i++) {
        char key[8], payload[32];
        snprintf(key, sizeof key, "k%u", i % 10);
        snprintf(payload, sizeof payload, "{\"n\":%u}", i);
        CHECK(fixture_append(fixture, key, payload, &error));
    }
    fixture_close(fixture);
    CHECK(fixture->done == before + count);
}

int run_in_child(int (*fn)(void *context), void *context)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(fn(context));
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void make_path(char *path, size_t size, const char *directory, const char *name)
{
    CHECK((size_t)snprintf(path, size, "%s/%s", directory, name) < size);
}

void copy_file(const char *from, const char *to)
{
    struct buffer content;
    struct error error = ERROR_NONE;
    buffer_init(&content, 0);
    CHECK(file_read(from, (size_t)256 << 20, &content, &error));
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK(write(fd, content.data, content.size) == (ssize_t)content.size);
    close(fd);
    buffer_fini(&content);
}
