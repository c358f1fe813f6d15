/* posix_snapshot.h: snapshots, which on directories are copies in the area:
 *   <area>/snapshots/<32 digits of SHA-256(root)>/root    the root's path; its directory is
 * "allowed"
 *                                                /<name>/tree, index, torn
 *                                                /.making-* .removing-*  invisible, see below
 * A snapshot is made under a hidden name and renamed when all of it is on disk; it is renamed to a
 * hidden name before it is removed. Whoever works below a hidden name holds a flock on it, so that
 * what a crash left is told from what is at work, and removed by the next one to come. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_SNAPSHOT_H
#define COEVAL_COMPONENT_POSIX_POSIX_SNAPSHOT_H

#include "component/posix/posix_store.h"

/* Path of the directory of a root's snapshots. */
const char *posix_snapshots_path(struct store *store, const char *root, struct arena *arena);
/* ... and the directory, O_PATH; -1 with the error set: CONFLICT when they were never
 * allowed. */
int posix_snapshots_open(struct store *store, const char *root, struct error *error);
/* The directory of one snapshot; NOT_FOUND. */
int posix_snapshot_open(struct store *store, const char *root, const char *name,
                        struct error *error);
bool posix_snapshot_name_is_valid(const char *name, struct error *error);
/* Every visible one, in the directory's order of names; fn gets what the index says. A damaged one
 * is CORRUPT, or left out when lenient. */
bool posix_snapshots_each(int snapshots, bool lenient, snapshot_fn *fn, void *context,
                          struct error *error);
/* A fresh hidden directory with our lock on it (O_RDONLY; -1: error set). */
#define POSIX_HIDDEN_SIZE 40
int posix_hidden_make(int snapshots, char ret_name[POSIX_HIDDEN_SIZE], struct error *error);
/* What crashes left behind; errors are not told: the next one tries again. */
void posix_hidden_sweep(int snapshots, const struct call *call);

bool posix_allow_snapshots(struct store *store, const struct call *call, const char *root,
                           struct error *error);
bool posix_disallow_snapshots(struct store *store, const struct call *call, const char *root,
                              struct error *error);
bool posix_snapshot_create(struct store *store, const struct call *call, const char *root,
                           const char *name, struct snapshot *ret_snapshot, struct error *error);
bool posix_snapshot_get(struct store *store, const struct call *call, const char *root,
                        const char *name, struct snapshot *ret_snapshot, struct error *error);
bool posix_snapshot_list(struct store *store, const struct call *call, const char *root,
                         snapshot_fn *fn, void *context, struct error *error);
bool posix_snapshot_remove(struct store *store, const struct call *call, const char *root,
                           const char *name, struct error *error);
const char *posix_snapshot_path(struct store *store, const char *root, const char *snapshot,
                                const char *relative, struct arena *arena);
bool posix_pinned(struct store *store, const struct call *call, const char *root,
                  const char *relative, const char *snapshot, uint64_t *ret_bytes,
                  struct error *error);
bool posix_difference(struct store *store, const struct call *call, const char *root,
                      const char *relative, const char *from, const char *to, difference_fn *fn,
                      void *context, struct error *error);

#endif
