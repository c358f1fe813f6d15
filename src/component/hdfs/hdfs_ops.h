/* hdfs_ops.h: what can be asked of a cluster of HDFS, as a table of intentions. What HDFS means
 * (hdfs_*.c: looking before MKDIRS and after a lost reply, the order of attributes, confirm(),
 * merging differences) works on this and on nothing else; webhdfs/ implements it, a native one may
 * follow, chosen per store or per file. ops_contract_test.c asks a table for all of this.
 *
 * Calls block, run in executors, are safe from several threads on one session, and end by call's
 * deadline; each takes its operations from call's limiter and counts them. Paths are absolute and
 * such as HDFS can carry (hdfs_path.h): the caller has looked. Whatever is handed in is borrowed
 * for the call; what comes out lies in the arena given, or is the caller's to close.
 *
 * Errors as in component.h: the exception's class decides, never a status or a whole message; the
 * text ends with the class in brackets. UNAVAILABLE: nothing was done; UNCERTAIN: a change left and
 * no answer came. *problem (NULL: not wanted) is set whenever a call fails. Standby, start-up and
 * safe mode are waited for inside, for call's wait. Reads remember who answered them (looked_at);
 * what is asked of the cluster as a whole is no such read: a standby tells it too. */
#ifndef COEVAL_COMPONENT_HDFS_HDFS_OPS_H
#define COEVAL_COMPONENT_HDFS_HDFS_OPS_H

#include "component/component.h"
#include "component/hdfs/hdfs_facts.h"

struct hdfs_session; /* connections of one implementation to one cluster */
struct hdfs_reader;
struct hdfs_writer;
struct hdfs_volley; /* snapshots that are made together */

/* What every call begins with, a change too, and what every call ends with. */
#define HDFS_ASK struct hdfs_session *session, const struct call *call
#define HDFS_DO HDFS_ASK, const struct hdfs_mutation *mutation
#define HDFS_TOLD struct hdfs_problem *problem, struct error *error

/* Where copy_file reads. ops NULL: no HDFS; else an implementation that knows both may let bytes
 * go by without looking into them. order, with the reader of its component, always serves. */
struct hdfs_copy {
    const struct copy_order *order;
    const struct hdfs_ops *source_ops;
    struct hdfs_session *source;
};

enum hdfs_shot { HDFS_SHOT_SILENT, HDFS_SHOT_DONE, HDFS_SHOT_REFUSED };

struct hdfs_ops {
    const char *name; /* "webhdfs" */

    /* Options: those of hdfs.h. No wait: connections are made by the calls. */
    bool (*check_options)(const json_t *options, struct error *error);
    bool (*open)(const json_t *options, struct hdfs_session **ret_session, struct error *error);
    void (*close)(struct hdfs_session *session); /* NULL is fine */

    /* Servers. Names and user are borrowed, as long as the session. looked_at: true and the one
     * server that answered all reads of this thread in call's scope since forget_looks()
     * (HDFS_NODE_ANY: it has read nothing); false: the active one changed, the reads prove nothing
     * together. */
    const char *(*user)(const struct hdfs_session *session);
    unsigned (*node_count)(const struct hdfs_session *session);
    const char *(*node_name)(const struct hdfs_session *session, unsigned node);
    bool (*looked_at)(HDFS_ASK, unsigned *ret_node);
    void (*forget_looks)(struct hdfs_session *session);
    bool (*find_active)(HDFS_ASK, unsigned *ret_node, HDFS_TOLD); /* a read of "/" */
    bool (*probe)(HDFS_ASK, unsigned node, HDFS_TOLD); /* the same at that one and no other */

    /* The cluster. */
    bool (*version)(HDFS_ASK, struct arena *arena, const char **ret_version, HDFS_TOLD);
    bool (*identity)(HDFS_ASK, struct arena *arena, struct hdfs_identity *ret_identity, HDFS_TOLD);
    bool (*capacity)(HDFS_ASK, struct hdfs_capacity *ret_capacity, HDFS_TOLD);
    bool (*clock)(HDFS_ASK, struct hdfs_clock *ret_clock, HDFS_TOLD); /* one exchange */
    /* Does that server freeze open files in snapshots? */
    bool (*freezes_open_files)(HDFS_ASK, unsigned node, bool *ret_freezes, HDFS_TOLD);

    /* Looking. list_page: the names behind `after` ("": from the first); a file gives itself, under
     * the name "". acl, xattrs: an object that has none gives NULL, 0; xattrs come unsorted, of all
     * name spaces that the user may see. policy: the name of the one in effect. is_open: of a live
     * path. */
    bool (*status)(HDFS_ASK, const char *path, struct arena *arena, struct hdfs_status *ret_status,
                   HDFS_TOLD);
    bool (*list_page)(HDFS_ASK, const char *path, const char *after, struct arena *arena,
                      struct hdfs_page *ret_page, HDFS_TOLD);
    bool (*acl)(HDFS_ASK, const char *path, struct arena *arena, const char **ret_acl, HDFS_TOLD);
    bool (*xattrs)(HDFS_ASK, const char *path, struct arena *arena, struct entry_xattr **ret_xattrs,
                   size_t *ret_count, HDFS_TOLD);
    bool (*policy)(HDFS_ASK, const char *path, struct arena *arena, const char **ret_name,
                   HDFS_TOLD);
    bool (*summary)(HDFS_ASK, const char *path, struct hdfs_summary *ret_summary, HDFS_TOLD);
    bool (*is_open)(HDFS_ASK, const char *path, bool *ret_open, HDFS_TOLD);
    bool (*checksum)(HDFS_ASK, const char *path, char ret_checksum[96], HDFS_TOLD);

    /* Changes. mkdirs makes parents and is content with what is there, *ret_made then true too.
     * rename: never into a directory. remove: *ret_removed false: nothing was there. */
    bool (*mkdirs)(HDFS_DO, const char *path, uint32_t mode, bool *ret_made, HDFS_TOLD);
    bool (*rename)(HDFS_DO, const char *from, const char *to, bool replace, HDFS_TOLD);
    bool (*remove)(HDFS_DO, const char *path, bool recursive, bool *ret_removed, HDFS_TOLD);
    bool (*set_attribute)(HDFS_DO, const char *path, const struct hdfs_attribute *attribute,
                          HDFS_TOLD);

    /* Content. A file is whole and closed, or not there: UNAVAILABLE and every refusal say so, else
     * UNCERTAIN. What is refused at write_open may be told by write or write_close. copy_file takes
     * bytes from the limiter; read and write only count them. It leaves out the comparison of
     * checksums. */
    bool (*copy_file)(HDFS_DO, const struct hdfs_create *create, const struct hdfs_copy *copy,
                      struct copy_result *ret_result, HDFS_TOLD);
    bool (*read_open)(HDFS_ASK, const char *path, uint64_t offset, struct hdfs_reader **ret_reader,
                      HDFS_TOLD);
    bool (*read)(struct hdfs_reader *reader, void *data, size_t size, size_t *ret_size, HDFS_TOLD);
    void (*read_close)(struct hdfs_reader *reader);
    bool (*write_open)(HDFS_DO, const struct hdfs_create *create, struct hdfs_writer **ret_writer,
                       HDFS_TOLD);
    bool (*write)(struct hdfs_writer *writer, const void *data, size_t size, HDFS_TOLD);
    bool (*write_close)(struct hdfs_writer *writer, bool commit, HDFS_TOLD);

    /* Snapshots. difference: in one answer; LIMIT when it is too long, nothing told by then. to "":
     * the live tree. difference_page: between snapshots; "" and -1: the first one. */
    bool (*allow_snapshots)(HDFS_DO, const char *root, HDFS_TOLD);
    bool (*disallow_snapshots)(HDFS_DO, const char *root, HDFS_TOLD);
    bool (*snapshot_create)(HDFS_DO, const char *root, const char *name, HDFS_TOLD);
    bool (*snapshot_remove)(HDFS_DO, const char *root, const char *name, HDFS_TOLD);
    bool (*snapshots)(HDFS_ASK, const char *root, struct arena *arena,
                      struct hdfs_snapshots *ret_list, HDFS_TOLD);
    bool (*snapshottables)(HDFS_ASK, struct arena *arena, struct hdfs_snapshottables *ret_list,
                           HDFS_TOLD);
    bool (*difference)(HDFS_ASK, const char *path, const char *from, const char *to,
                       difference_fn *fn, void *context, HDFS_TOLD);
    bool (*difference_page)(HDFS_ASK, const char *path, const char *from, const char *to,
                            const char *last_path, int64_t last_index, struct arena *arena,
                            struct hdfs_row_page *ret_page, HDFS_TOLD);

    /* Snapshots of many roots, together. prepare connects, finds every root snapshottable (else
     * CONFLICT) and allocates all that firing needs; *ret_node will make them. roots and mutations
     * (one for each) are kept until free. fire sets fired, sent_ns, answered_ns, and error where
     * nothing left. outcome of one that was fired: SILENT: no answer, look; REFUSED: with *error.
     */
    bool (*snapshot_many_prepare)(HDFS_ASK, struct moment_root *roots,
                                  const struct hdfs_mutation *mutations, size_t count,
                                  struct hdfs_volley **ret_volley, unsigned *ret_node, HDFS_TOLD);
    void (*snapshot_many_fire)(struct hdfs_volley *volley);
    enum hdfs_shot (*snapshot_many_outcome)(struct hdfs_volley *volley, size_t index, HDFS_TOLD);
    void (*snapshot_many_free)(struct hdfs_volley *volley); /* NULL is fine */
};

/* The implementations: named here and by hdfs_store.c's choice, nowhere else. */
extern const struct hdfs_ops webhdfs_ops; /* webhdfs/ */

#endif
