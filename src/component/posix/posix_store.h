/* posix_store.h: the open store and how its paths become places, for the files of this folder. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_STORE_H
#define COEVAL_COMPONENT_POSIX_POSIX_STORE_H

#include <pthread.h>

#include "base/list.h"
#include "component/component.h"

struct posix_names;
struct posix_torn;

struct store {
    char *base;      /* directory of this machine that is the instance's "/" */
    char *area;      /* below base */
    char *snapshots; /* area + "/snapshots" */
    char *barrier;   /* lock file below base; NULL: none */
    struct posix_names *names;
    pthread_mutex_t hold_mutex;
    struct list holds; /* posix_hold.c */
    pthread_mutex_t torn_mutex;
    struct posix_torn *torn; /* of the snapshot that was asked for last; posix_torn.c */
};

bool posix_check_options(const json_t *options, struct error *error);
bool posix_open(const struct store_config *config, struct store **ret_store, struct error *error);
void posix_close(struct store *store);
bool posix_identify(struct store *store, const struct call *call,
                    char ret_identity[STORE_IDENTITY_SIZE], struct error *error);

/* "what path: why", with odd bytes of the path made visible and a long path cut at its front. */
bool posix_fail(struct error *error, int number, const char *what, const char *path);
bool posix_refuse(struct error *error, enum error_code code, const char *path, const char *why);

/* The base, opened anew for each call: one that was taken away is noticed, and one that was put in
 * its place is used. O_PATH; -1 with UNAVAILABLE when it is missing. */
int posix_open_base(struct store *store, struct error *error);
/* A directory below an open one, by relative path of any length, never through a symbolic link and
 * never out of it. O_PATH; -1 with errno. */
int posix_open_below(int directory, const char *relative, size_t length);
int posix_open_below_stepwise(int directory, const char *relative, size_t length); /* old kernels */
int posix_open_directory(struct store *store, const char *path, struct error *error);

/* Where an object is: the directory that holds it and its name there ("." for "/"). */
struct posix_place {
    int directory;
    const char *name; /* borrowed from the path */
};
bool posix_place_open(struct store *store, const char *path, struct posix_place *ret_place,
                      struct error *error);
void posix_place_close(struct posix_place *place);
/* The object itself, O_PATH, a symbolic link as itself. -1 with errno. */
int posix_place_object(const struct posix_place *place);

/* False: path is "/", or lies within the snapshots, which nobody changes. */
bool posix_may_change(struct store *store, const char *path, struct error *error);
/* With all missing parents. */
bool posix_make_directories(struct store *store, const char *path, struct error *error);

#define POSIX_PROC_SIZE 40
/* The path by which an open descriptor's object is reached, also one opened with O_PATH. */
void posix_proc_path(int fd, char ret_path[POSIX_PROC_SIZE]);
void posix_close_fd(int *fd); /* keeps errno; -1 is fine */

#endif
