/* webhdfs_session.h: what the files of webhdfs/ share: the open session, short forms of calls, and
 * the functions of the table by topic (hdfs_ops.h). Private to webhdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_SESSION_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_SESSION_H

#include "component/hdfs/hdfs_ops.h"
#include "component/hdfs/webhdfs/namenode.h"

struct hdfs_session {
    struct namenodes namenodes;
    struct datanode_map *datanodes;
    int64_t datanode_connect_ms, datanode_silence_ms; /* 0: as the call has it */
};

/* --- calls (webhdfs_call.c); problem may be NULL */

bool webhdfs_get(struct hdfs_session *session, const struct call *call, const char *op,
                 const char *path, const char *query, struct namenode_answer *answer, HDFS_TOLD);
/* A change whose answer does not matter, or only its {"boolean": ...} (NULL: not asked). The id of
 * the mutation goes nowhere: WebHDFS has no place for it. */
bool webhdfs_change(HDFS_DO, enum http_method method, const char *op, const char *path,
                    const char *query, bool *ret_boolean, HDFS_TOLD);
/* Builds a query for the two above: "&name=value" with encoding; NULL ends. Free the result. */
char *webhdfs_query(const char *name, const char *value, ...) __attribute__((sentinel));
/* A read whose answer is small: one object, by its name. json_decref() the document. */
bool webhdfs_get_object(HDFS_ASK, const char *op, const char *path, const char *query,
                        const char *member, json_t **ret_document, json_t **ret_object, HDFS_TOLD);
/* Any page of a NameNode's HTTP server, "/jmx?..", "/conf?..". node: that one, or HDFS_NODE_ANY: a
 * standby may be the one to answer. */
bool webhdfs_get_plain(HDFS_ASK, unsigned node, const char *url, json_t **ret_document, HDFS_TOLD);
/* One attribute of a JMX bean as text: "NameNodeInfo", "ClusterId". */
bool webhdfs_jmx(HDFS_ASK, const char *bean, const char *attribute, struct buffer *ret_text,
                 HDFS_TOLD);

/* --- the table, by file */

bool webhdfs_find_active(HDFS_ASK, unsigned *ret_node, HDFS_TOLD);
bool webhdfs_probe(HDFS_ASK, unsigned node, HDFS_TOLD);
bool webhdfs_version(HDFS_ASK, struct arena *arena, const char **ret_version, HDFS_TOLD);
bool webhdfs_identity(HDFS_ASK, struct arena *arena, struct hdfs_identity *ret_identity, HDFS_TOLD);
bool webhdfs_capacity(HDFS_ASK, struct hdfs_capacity *ret_capacity, HDFS_TOLD);
bool webhdfs_clock(HDFS_ASK, struct hdfs_clock *ret_clock, HDFS_TOLD);
bool webhdfs_freezes_open_files(HDFS_ASK, unsigned node, bool *ret_freezes, HDFS_TOLD);

bool webhdfs_status(HDFS_ASK, const char *path, struct arena *arena, struct hdfs_status *ret_status,
                    HDFS_TOLD);
bool webhdfs_list_page(HDFS_ASK, const char *path, const char *after, struct arena *arena,
                       struct hdfs_page *ret_page, HDFS_TOLD);
bool webhdfs_acl(HDFS_ASK, const char *path, struct arena *arena, const char **ret_acl, HDFS_TOLD);
bool webhdfs_xattrs(HDFS_ASK, const char *path, struct arena *arena,
                    struct entry_xattr **ret_xattrs, size_t *ret_count, HDFS_TOLD);
bool webhdfs_policy(HDFS_ASK, const char *path, struct arena *arena, const char **ret_name,
                    HDFS_TOLD);
bool webhdfs_summary(HDFS_ASK, const char *path, struct hdfs_summary *ret_summary, HDFS_TOLD);
bool webhdfs_is_open(HDFS_ASK, const char *path, bool *ret_open, HDFS_TOLD);
bool webhdfs_checksum(HDFS_ASK, const char *path, char ret_checksum[96], HDFS_TOLD);

bool webhdfs_mkdirs(HDFS_DO, const char *path, uint32_t mode, bool *ret_made, HDFS_TOLD);
bool webhdfs_rename(HDFS_DO, const char *from, const char *to, bool replace, HDFS_TOLD);
bool webhdfs_remove(HDFS_DO, const char *path, bool recursive, bool *ret_removed, HDFS_TOLD);
bool webhdfs_set_attribute(HDFS_DO, const char *path, const struct hdfs_attribute *attribute,
                           HDFS_TOLD);

bool webhdfs_copy_file(HDFS_DO, const struct hdfs_create *create, const struct hdfs_copy *copy,
                       struct copy_result *ret_result, HDFS_TOLD);
bool webhdfs_read_open(HDFS_ASK, const char *path, uint64_t offset, struct hdfs_reader **ret_reader,
                       HDFS_TOLD);
bool webhdfs_read(struct hdfs_reader *reader, void *data, size_t size, size_t *ret_size, HDFS_TOLD);
void webhdfs_read_close(struct hdfs_reader *reader);
bool webhdfs_write_open(HDFS_DO, const struct hdfs_create *create, struct hdfs_writer **ret_writer,
                        HDFS_TOLD);
bool webhdfs_write(struct hdfs_writer *writer, const void *data, size_t size, HDFS_TOLD);
bool webhdfs_write_close(struct hdfs_writer *writer, bool commit, HDFS_TOLD);

bool webhdfs_allow_snapshots(HDFS_DO, const char *root, HDFS_TOLD);
bool webhdfs_disallow_snapshots(HDFS_DO, const char *root, HDFS_TOLD);
bool webhdfs_snapshot_create(HDFS_DO, const char *root, const char *name, HDFS_TOLD);
bool webhdfs_snapshot_remove(HDFS_DO, const char *root, const char *name, HDFS_TOLD);
bool webhdfs_snapshots(HDFS_ASK, const char *root, struct arena *arena,
                       struct hdfs_snapshots *ret_list, HDFS_TOLD);
bool webhdfs_snapshottables(HDFS_ASK, struct arena *arena, struct hdfs_snapshottables *ret_list,
                            HDFS_TOLD);
bool webhdfs_difference(HDFS_ASK, const char *path, const char *from, const char *to,
                        difference_fn *fn, void *context, HDFS_TOLD);
bool webhdfs_difference_page(HDFS_ASK, const char *path, const char *from, const char *to,
                             const char *last_path, int64_t last_index, struct arena *arena,
                             struct hdfs_row_page *ret_page, HDFS_TOLD);

bool webhdfs_volley_prepare(HDFS_ASK, struct moment_root *roots,
                            const struct hdfs_mutation *mutations, size_t count,
                            struct hdfs_volley **ret_volley, unsigned *ret_node, HDFS_TOLD);
void webhdfs_volley_fire(struct hdfs_volley *volley);
enum hdfs_shot webhdfs_volley_outcome(struct hdfs_volley *volley, size_t index, HDFS_TOLD);
void webhdfs_volley_free(struct hdfs_volley *volley);

#endif
