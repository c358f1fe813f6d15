/* hdfs_store.h: what the files of hdfs/ share: the open store, short forms of calls, and the
 * functions of the table by topic. Private to hdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_HDFS_STORE_H
#define COEVAL_COMPONENT_HDFS_HDFS_STORE_H

#include "component/hdfs/hdfs.h"
#include "component/hdfs/namenode.h"
#include "component/hdfs/webhdfs_status.h"

enum open_files { OPEN_FILES_UNKNOWN, OPEN_FILES_GROW, OPEN_FILES_FROZEN };

struct store {
    struct namenodes namenodes;
    char *cluster, *instance, *area;
    struct datanode_map *datanodes;
    int64_t datanode_connect_ms, datanode_silence_ms; /* 0: as the call has it */
    atomic_int open_files; /* enum open_files: what the NameNode was last configured to do */
};

/* --- calls (hdfs_store.c) */

/* A read; path is checked. */
bool hdfs_get(struct store *store, const struct call *call, const char *op, const char *path,
              const char *query, struct namenode_answer *answer, struct error *error);
/* A change whose answer does not matter, or only its {"boolean": ...} (NULL: not asked). */
bool hdfs_change(struct store *store, const struct call *call, enum http_method method,
                 const char *op, const char *path, const char *query, bool *ret_boolean,
                 struct error *error);
/* Builds a query for the two above: "&name=value" with encoding; NULL ends. Free the result. */
char *hdfs_query(const char *name, const char *value, ...) __attribute__((sentinel));
/* A read whose answer is small: as a tree. json_decref() it. */
bool hdfs_get_json(struct store *store, const struct call *call, const char *op, const char *path,
                   const char *query, json_t **ret_document, struct error *error);
/* Any page of a NameNode's HTTP server, "/jmx?..", "/conf?..". node: that one, or NAMENODE_ANY: a
 * standby may be the one to answer. */
bool hdfs_get_plain(struct store *store, const struct call *call, unsigned node, const char *url,
                    json_t **ret_document, struct error *error);
bool hdfs_status(struct store *store, const struct call *call, const char *path,
                 struct arena *arena, struct webhdfs_status *ret_status, struct error *error);
/* One attribute of a JMX bean as text: "NameNodeInfo", "ClusterId". */
bool hdfs_jmx(struct store *store, const struct call *call, const char *bean, const char *attribute,
              struct buffer *ret_text, struct error *error);
/* A call of our own for cleaning up behind a failure: not aborted, short. */
struct call hdfs_cleanup_call(const struct call *call);

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

/* --- writing with more say than write_open() (hdfs_write.c) */
struct hdfs_create {
    const char *path;
    uint32_t mode;
    uint64_t block_size;  /* 0: the cluster's */
    uint32_t replication; /* 0: the cluster's */
};
bool hdfs_writer_open(struct store *store, const struct call *call,
                      const struct hdfs_create *create, struct store_writer **ret_writer,
                      struct error *error);

#endif
