/* posix_bench.h: a posix store over a temporary directory, and what users do behind its back. */
#ifndef COEVAL_TEST_POSIX_BENCH_H
#define COEVAL_TEST_POSIX_BENCH_H

#include "component/component.h"

struct bench {
    char base[1024]; /* on the file system of the build directory: tmpfs keeps no user.* attributes
                      */
    struct store *store;
};

/* barrier NULL: none; the file is made. */
void bench_init(struct bench *bench, const char *barrier);
void bench_fini(struct bench *bench); /* removes everything */
struct store *bench_open(const struct bench *bench, const char *barrier);

/* The call gave true (OK) or false with this code; else the test fails. Clears the error. */
void bench_expect(bool result, struct error *error, enum error_code code);

/* For the tests of snapshots: a bench with a barrier, /r/f "content", /r/d/g "below", allowed. The
 * state is the bench. */
int bench_setup_root(void **state);
int bench_teardown_root(void **state);
void bench_take(struct bench *bench, const char *name); /* snapshot of /r */
/* "M f,D g," between snapshots of /r. */
void bench_expect_difference(struct bench *bench, const char *from, const char *to,
                             const char *expected);
/* A difference_fn; context: struct buffer. */
bool bench_append_line(void *context, const struct difference *difference, struct error *error);

/* Paths as the store has them; failures end the program. */
const char *bench_path(const struct bench *bench, const char *path); /* valid for four calls */
void bench_directory(const struct bench *bench, const char *path);
void bench_write(const struct bench *bench, const char *path, const char *text);
bool bench_overwrite(const struct bench *bench, const char *path, const char *text);
bool bench_is_there(const struct bench *bench, const char *path);

#endif
