/* run_files.c: O_TMPFILE, so that nothing is left behind whatever happens. */
#include "agent/run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

struct run_files {
    struct sorter_runs runs;
    char *directory;
    int *descriptors;
    unsigned count;
};

void run_files_free(struct run_files *files)
{
    if (files == NULL)
        return;
    for (unsigned i = 0; i < files->count; i++)
        close(files->descriptors[i]);
    free(files->descriptors);
    free(files->directory);
    free(files);
}

static bool create_run(void *context, uint32_t run, struct error *error)
{
    struct run_files *files = context;
    CHECK(run == files->count);
    int fd = open(files->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "a file for sorting in %s", files->directory);
    files->descriptors = memory_resize(files->descriptors, (run + 1) * sizeof(int));
    files->descriptors[files->count++] = fd;
    return true;
}

static bool append_run(void *context, uint32_t run, const void *data, size_t size,
                       struct error *error)
{
    struct run_files *files = context;
    const char *place = data;
    while (size > 0) {
        ssize_t put = write(files->descriptors[run], place, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_errno(error, errno, "sort in %s", files->directory);
        place += put;
        size -= (size_t)put;
    }
    return true;
}

/* The space comes back at once; the number is not used again. */
static bool remove_run(void *context, uint32_t run, struct error *error)
{
    struct run_files *files = context;
    return ftruncate(files->descriptors[run], 0) == 0 ||
           error_set_errno(error, errno, "sort in %s", files->directory);
}

static bool read_run(void *context, uint32_t run, uint64_t offset, void *data, size_t size,
                     size_t *ret_size, struct error *error)
{
    struct run_files *files = context;
    size_t got = 0;
    while (got < size) {
        ssize_t part =
            pread(files->descriptors[run], (char *)data + got, size - got, (off_t)(offset + got));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return error_set_errno(error, errno, "sort in %s", files->directory);
        if (part == 0)
            break;
        got += (size_t)part;
    }
    *ret_size = got;
    return true;
}

struct run_files *run_files_new(const char *directory)
{
    struct run_files *files = memory_new(sizeof *files);
    files->directory = memory_copy_string(directory);
    files->runs = (struct sorter_runs){files, create_run, append_run, read_run, remove_run};
    return files;
}

const struct sorter_runs *run_files_runs(struct run_files *files)
{
    return &files->runs;
}
