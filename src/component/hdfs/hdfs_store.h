/* hdfs_store.h: what the files of hdfs/ share: the open store, short forms of calls, and the
 * functions of the table by topic. Private to hdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_HDFS_STORE_H
#define COEVAL_COMPONENT_HDFS_HDFS_STORE_H

#include <stdatomic.h>

#include "component/hdfs/hdfs.h"
#include "component/hdfs/hdfs_ops.h"

enum open_files { OPEN_FILES_UNKNOWN, OPEN_FILES_GROW, OPEN_FILES_FROZEN };

struct store {
    const struct hdfs_ops *ops;
    struct hdfs_session *session;
    char *cluster, *instance, *area;
    atomic_int open_files; /* enum open_files: what the NameNode was last configured to do */
    atomic_uint_fast64_t mutations; /* the id of the last one */
};

/* --- calls (hdfs_store.c) */

/* A new id, for one intended effect; at the active server. */
struct hdfs_mutation hdfs_mutation(struct store *store);
/* Passes done through; an outcome that is not known is logged with the effect's id. */
bool hdfs_settle(const struct store *store, const struct hdfs_mutation *mutation, const char *what,
                 const char *path, bool done, const struct error *error);
/* path is checked, here and in the next. */
bool hdfs_status(struct store *store, const struct call *call, const char *path,
                 struct arena *arena, struct hdfs_status *ret_status, struct error *error);
bool hdfs_make(struct store *store, const struct call *call, const char *path, uint32_t mode,
               struct error *error);

/* Nothing is at path, and its parent is a directory that can be written to (hdfs_change.c). */
bool hdfs_check_place(struct store *store, const struct call *call, const char *path,
                      struct error *error);

/* --- the table, by file; contracts in component.h */

bool hdfs_identify(struct store *store, const struct call *call,
                   char ret_identity[STORE_IDENTITY_SIZE], struct error *error);
bool hdfs_space(struct store *store, const struct call *call, const char *path,
                struct store_space *ret_space, struct error *error);
bool hdfs_clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                       int64_t *ret_uncertainty_us, struct error *error);
bool hdfs_check(struct store *store, const struct call *call, enum store_use use,
                const char *const *roots, size_t root_count, finding_fn *report, void *context,
                struct error *error);

bool hdfs_stat(struct store *store, const struct call *call, const char *path, struct arena *arena,
               struct entry *ret_entry, struct error *error);
bool hdfs_describe(struct store *store, const struct call *call, const char *path,
                   struct arena *arena, struct entry *ret_entry, struct error *error);
bool hdfs_list(struct store *store, const struct call *call, const char *path, entry_fn *fn,
               void *context, struct error *error);
bool hdfs_checksum(struct store *store, const struct call *call, const char *path,
                   char ret_checksum[96], struct error *error);
bool hdfs_confirm(struct store *store, const struct call *call, struct error *error);

bool hdfs_make_directory(struct store *store, const struct call *call, const char *path,
                         uint32_t mode, struct error *error);
bool hdfs_rename(struct store *store, const struct call *call, const char *from, const char *to,
                 bool replace, struct error *error);
bool hdfs_remove(struct store *store, const struct call *call, const char *path, bool recursive,
                 struct error *error);
bool hdfs_set_attributes(struct store *store, const struct call *call, const char *path,
                         const struct entry *entry, unsigned fields, struct error *error);

bool hdfs_copy_file(struct store *store, const struct call *call, const struct copy_order *order,
                    struct copy_result *ret_result, struct error *error);
bool hdfs_read_open(struct store *store, const struct call *call, const char *path, uint64_t offset,
                    struct store_reader **ret_reader, struct error *error);
bool hdfs_read(struct store_reader *reader, void *data, size_t size, size_t *ret_size,
               struct error *error);
void hdfs_read_close(struct store_reader *reader);
bool hdfs_write_open(struct store *store, const struct call *call, const char *path, uint32_t mode,
                     struct store_writer **ret_writer, struct error *error);
bool hdfs_write(struct store_writer *writer, const void *data, size_t size, struct error *error);
bool hdfs_write_close(struct store_writer *writer, bool commit, struct error *error);

bool hdfs_allow_snapshots(struct store *store, const struct call *call, const char *root,
                          struct error *error);
bool hdfs_disallow_snapshots(struct store *store, const struct call *call, const char *root,
                             struct error *error);
bool hdfs_snapshot_create(struct store *store, const struct call *call, const char *root,
                          const char *name, struct snapshot *ret_snapshot, struct error *error);
bool hdfs_snapshot_get(struct store *store, const struct call *call, const char *root,
                       const char *name, struct snapshot *ret_snapshot, struct error *error);
bool hdfs_snapshot_list(struct store *store, const struct call *call, const char *root,
                        snapshot_fn *fn, void *context, struct error *error);
bool hdfs_snapshot_remove(struct store *store, const struct call *call, const char *root,
                          const char *name, struct error *error);
const char *hdfs_snapshot_path(struct store *store, const char *root, const char *snapshot,
                               const char *relative, struct arena *arena);
bool hdfs_pinned(struct store *store, const struct call *call, const char *root,
                 const char *relative, const char *snapshot, uint64_t *ret_bytes,
                 struct error *error);
bool hdfs_difference(struct store *store, const struct call *call, const char *root,
                     const char *relative, const char *from, const char *to, difference_fn *fn,
                     void *context, struct error *error);
bool hdfs_is_suspect(struct store *store, const struct call *call, const char *root,
                     const char *path, const char *snapshot, bool *ret_suspect,
                     struct error *error);
/* What the active NameNode does with files that are open at a snapshot; remembered in the store.
 * _at: that NameNode, which has proven that it is the active one. */
bool hdfs_open_files(struct store *store, const struct call *call, enum open_files *ret_state,
                     struct error *error);
bool hdfs_open_files_at(struct store *store, const struct call *call, unsigned node,
                        enum open_files *ret_state, struct error *error);

bool hdfs_moment_prepare(struct store *store, const struct call *call, struct moment_root *roots,
                         size_t root_count, const struct moment_options *options,
                         struct moment **ret_moment, struct error *error);
void hdfs_moment_fire(struct moment *moment);
bool hdfs_moment_finish(struct moment *moment, const struct call *call, struct error *error);
void hdfs_moment_free(struct moment *moment);

#endif
