/* fuzz_replay.c: the main() of a fuzz target where there is no libFuzzer: runs each file of the
 * corpus directories that are its arguments, whole and cut off at every length. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define CUTS_MAX ((size_t)2000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of exactly this size, so that a sanitizer sees every read beyond it. */
static void run_one(const char *data, size_t size)
{
    uint8_t *copy = memory_new(size);
    if (size > 0)
        memcpy(copy, data, size);
    CHECK(LLVMFuzzerTestOneInput(copy, size) == 0);
    free(copy);
}

static bool replay(const char *path, struct error *error)
{
    struct buffer content;
    buffer_init(&content, 2 * FILE_BYTES_MAX);
    bool read = file_read(path, FILE_BYTES_MAX, &content, error);
    if (read) {
        run_one(content.data, content.size);
        size_t step = content.size / CUTS_MAX + 1;
        for (size_t size = 0; size < content.size; size += step)
            run_one(content.data, size);
    }
    buffer_fini(&content);
    return read;
}

/* How many files; -1 when one of them cannot be read. */
static int replay_directory(const char *directory)
{
    int count = 0;
    struct error error = ERROR_NONE;
    DIR *entries = opendir(directory);
    if (entries == NULL)
        error_set(&error, ERROR_NOT_FOUND, "%s is not a directory that can be read", directory);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.' && replay(path, &error))
            count++;
    }
    if (entries != NULL)
        closedir(entries);
    if (error.code == ERROR_OK)
        return count;
    fprintf(stderr, "%s\n", error.text);
    return -1;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int count = replay_directory(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d files replayed\n", total);
    return total > 0 ? 0 : 1; /* a corpus without files tests nothing */
}
