/* posix_bench.c: see posix_bench.h. */
#include "posix_bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "component/posix/posix.h"

struct store *bench_open(const struct bench *bench, const char *barrier)
{
    struct error error = ERROR_NONE;
    struct store *store = NULL;
    json_t *options = json_object();
    json_set_string(options, "base", bench->base);
    if (barrier != NULL)
        json_set_string(options, "barrier", barrier);
    struct store_config config = {
        .cluster = "a", .instance = "posix", .area = "/coeval", .options = options};
    if (!posix_component.open(&config, &store, &error))
        fprintf(stderr, "%s\n", error.text);
    json_decref(options);
    CHECK(store != NULL);
    return store;
}

void bench_init(struct bench *bench, const char *barrier)
{
    strcpy(bench->base, "posix-bench-XXXXXX");
    CHECK(mkdtemp(bench->base) != NULL);
    char *base = realpath(bench->base, NULL);
    CHECK(base != NULL && strlen(base) < sizeof bench->base);
    strcpy(bench->base, base);
    free(base);
    CHECK(chmod(bench->base, 0755) == 0);
    if (barrier != NULL)
        bench_write(bench, barrier, "");
    bench->store = bench_open(bench, barrier);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void bench_fini(struct bench *bench)
{
    posix_component.close(bench->store);
    CHECK(nftw(bench->base, remove_one, 64, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *bench_path(const struct bench *bench, const char *path)
{
    static char paths[4][8192];
    static unsigned next;
    char *text = paths[next++ % 4];
    CHECK(snprintf(text, sizeof paths[0], "%s%s", bench->base, path) < (int)sizeof paths[0]);
    return text;
}

void bench_directory(const struct bench *bench, const char *path)
{
    CHECK(mkdir(bench_path(bench, path), 0755) == 0);
}

static bool write_text(const struct bench *bench, const char *path, int flags, const char *text)
{
    int fd = open(bench_path(bench, path), O_WRONLY | O_CLOEXEC | flags, 0644);
    if (fd < 0)
        return false;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return close(fd) == 0 && written;
}

void bench_write(const struct bench *bench, const char *path, const char *text)
{
    CHECK(write_text(bench, path, O_CREAT | O_EXCL, text));
}

bool bench_overwrite(const struct bench *bench, const char *path, const char *text)
{
    return write_text(bench, path, O_TRUNC, text);
}

bool bench_is_there(const struct bench *bench, const char *path)
{
    return faccessat(AT_FDCWD, bench_path(bench, path), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void bench_expect(bool result, struct error *error, enum error_code code)
{
    if (result != (code == ERROR_OK) || error->code != code)
        fail_msg("%s instead of %s: %s", error_name(error->code), error_name(code), error->text);
    *error = ERROR_NONE;
}

int bench_setup_root(void **state)
{
    static struct bench bench;
    struct error error = ERROR_NONE;
    bench_init(&bench, "/barrier");
    bench_directory(&bench, "/r");
    bench_write(&bench, "/r/f", "content");
    bench_directory(&bench, "/r/d");
    bench_write(&bench, "/r/d/g", "below");
    bench_expect(posix_component.allow_snapshots(bench.store, &(struct call){0}, "/r", &error),
                 &error, ERROR_OK);
    *state = &bench;
    return 0;
}

int bench_teardown_root(void **state)
{
    bench_fini(*state);
    return 0;
}

void bench_take(struct bench *bench, const char *name)
{
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    bench_expect(posix_component.snapshot_create(bench->store, &(struct call){0}, "/r", name,
                                                 &snapshot, &error),
                 &error, ERROR_OK);
}

bool bench_append_line(void *context, const struct difference *difference, struct error *error)
{
    (void)error;
    buffer_append_format(context, "%c %s,", difference->kind, difference->path);
    return true;
}

void bench_expect_difference(struct bench *bench, const char *from, const char *to,
                             const char *expected)
{
    struct error error = ERROR_NONE;
    struct buffer text;
    buffer_init(&text, 0);
    bench_expect(posix_component.difference(bench->store, &(struct call){0}, "/r", "", from, to,
                                            bench_append_line, &text, &error),
                 &error, ERROR_OK);
    assert_string_equal(buffer_text(&text), expected);
    buffer_fini(&text);
}
