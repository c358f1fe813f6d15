/* component.h: what a kind of store can do, as a table of intentions. The agent's tasks work on
 * this and on nothing else; posix/ and hdfs/ implement it; a contract test runs over every table.
 *
 * All calls are straight-line, blocking, run in executors, and safe from several threads on one
 * store. Every wait inside ends by call's deadline. Paths are absolute in the name space of the
 * instance, clean (path.h), bytes; what an implementation cannot carry exactly (HDFS: names that
 * are not UTF-8) it refuses by name, ERROR_INVALID, never altered. Errors: NOT_FOUND, EXISTS,
 * DENIED, NO_SPACE, LIMIT as a caller would expect; UNAVAILABLE: not done, try again; UNCERTAIN: a
 * mutation left and no answer came: look before trying again. Retries inside are only those that
 * cannot change the meaning (a read, another NameNode); the task owns the rest. */
#ifndef COEVAL_COMPONENT_COMPONENT_H
#define COEVAL_COMPONENT_COMPONENT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/grade.h"
#include "component/call.h"
#include "component/space.h"
#include "plan/difference.h"
#include "plan/entry.h"

enum component_feature {
    COMPONENT_SNAPSHOT_CHEAP = 1 << 0,   /* O(1) by the store itself; else a copy */
    COMPONENT_SNAPSHOT_ATOMIC = 1 << 1,  /* one call freezes a whole root at one instant */
    COMPONENT_DIFFERENCE_CHEAP = 1 << 2, /* costs what changed, not what exists */
    COMPONENT_BARRIER = 1 << 3,          /* writers can be held by a lock that they take */
    COMPONENT_BLIND_SPOTS = 1 << 4,      /* differences lack rewrites in place and times: sweep */
    COMPONENT_MODE = 1 << 5,
    COMPONENT_ACL = 1 << 6,
    COMPONENT_XATTRS = 1 << 7,
    COMPONENT_REPLICATION = 1 << 8, /* replication, block size, storage policy */
    COMPONENT_SYMLINKS = 1 << 9,
    COMPONENT_TIMES_NS = 1 << 10,  /* else milliseconds */
    COMPONENT_NAMES_ANY = 1 << 11, /* any bytes; else UTF-8 without ':' */
    COMPONENT_DRIFTING = 1 << 12   /* snapshots show the present mtime of a directory */
};

/* One open instance of a component on one cluster: configuration, connections. */
struct store;

struct store_config {
    const char *cluster;   /* name of the cluster */
    const char *instance;  /* "posix", "hdfs", "hdfs-archive" */
    const char *area;      /* Coeval's directory in this store: "/coeval" */
    const json_t *options; /* the instance's own settings; kept until store close */
};

#define STORE_IDENTITY_SIZE 256

/* What `check` reports; the strings are borrowed for the call. remedy: what to do, in words. */
enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_ERROR };
struct finding {
    enum finding_level level;
    const char *what;
    const char *remedy; /* NULL for OK */
};
typedef void finding_fn(void *context, const struct finding *finding);

enum store_use { STORE_UNUSED, STORE_SOURCE, STORE_TARGET, STORE_BOTH }; /* bits */

/* False stops the listing, which fails with *error. The entry is borrowed for the call. */
typedef bool entry_fn(void *context, const struct entry *entry, struct error *error);

struct snapshot {
    const char *name;
    uint64_t id;        /* orders the snapshots of a root; 0: the store has none */
    int64_t instant_us; /* when it was taken, on the store's clock */
};
typedef bool snapshot_fn(void *context, const struct snapshot *snapshot, struct error *error);

/* One root of a moment. */
struct moment_root {
    const char *root;     /* absolute */
    const char *snapshot; /* the name to give */
    /* filled in by moment_fire() and moment_finish(): */
    int64_t sent_ns;     /* CLOCK_MONOTONIC_RAW, just before the request left */
    int64_t answered_ns; /* ... just after the answer came (posix: the barrier was granted) */
    int64_t instant_us;  /* the store's own instant */
    uint64_t id;
    bool fired;    /* the request left */
    bool quiesced; /* proven that nothing changed from sent_ns to release (posix: barrier, guard) */
    bool open_files_exact; /* frozen at T, or none was open; else fuzzy, unless quiesced */
    struct error error;    /* of this root */
};

/* The moment of one store: prepared before T, fired at T, finished after. */
struct moment;
struct moment_options {
    int64_t barrier_wait_ms; /* how long writers may keep us waiting; 0: 10000 */
    int64_t look_ms; /* how long preparing may look for room (a copy takes some); 0: not at all */
};

struct copy_order {
    const struct component *source_component; /* any kind */
    struct store *source;
    const char *source_path;
    const char *target_path;   /* must not exist; its parent does */
    const struct entry *entry; /* of the source: length, block size, replication, ... */
};
struct copy_result {
    uint64_t length;
    uint32_t crc32c;
    char checksum[96]; /* checksum() of what now lies at the target; "" where there is none */
};

/* Sequential reading and writing of one file. */
struct store_reader;
struct store_writer;

struct component {
    const char *kind; /* "posix" */
    unsigned features;

    /* The settings alone, without a connection; the error names the member. */
    bool (*check_options)(const json_t *options, struct error *error);
    /* No wait: connections are made by the calls. */
    bool (*open)(const struct store_config *config, struct store **ret_store, struct error *error);
    void (*close)(struct store *store);

    /* ClusterId/BlockPoolId, an id file in the area: recorded at pairing, compared ever after. */
    bool (*identify)(struct store *store, const struct call *call,
                     char ret_identity[STORE_IDENTITY_SIZE], struct error *error);
    /* Preflight of a use with these roots; fails only when nothing could be asked. */
    bool (*check)(struct store *store, const struct call *call, enum store_use use,
                  const char *const *roots, size_t root_count, finding_fn *report, void *context,
                  struct error *error);
    bool (*space)(struct store *store, const struct call *call, const char *path,
                  struct store_space *ret_space, struct error *error);
    /* Store clock minus ours, and the width of what we know about it. */
    bool (*clock_offset)(struct store *store, const struct call *call, int64_t *ret_offset_us,
                         int64_t *ret_uncertainty_us, struct error *error);

    /* Looking. entry.path is the last name (list) or "" (stat, describe). stat and list leave out
     * ACL, xattrs and what else costs a call of its own; describe has everything. A listing comes
     * in ascending byte order of names and is streamed. */
    bool (*stat)(struct store *store, const struct call *call, const char *path,
                 struct arena *arena, struct entry *ret_entry, struct error *error);
    bool (*describe)(struct store *store, const struct call *call, const char *path,
                     struct arena *arena, struct entry *ret_entry, struct error *error);
    bool (*list)(struct store *store, const struct call *call, const char *path, entry_fn *fn,
                 void *context, struct error *error);
    /* Proof of equal content within stores of one kind and layout ("" where there is none). */
    bool (*checksum)(struct store *store, const struct call *call, const char *path,
                     char ret_checksum[96], struct error *error);
    /* After reads that decide something (exists? equal? empty?): true only if the very server that
     * answered them since acknowledges a write that reaches its journal. */
    bool (*confirm)(struct store *store, const struct call *call, struct error *error);

    /* make_directory: EXISTS when something is there. rename: never into a directory; replace
     * allows a file (or empty directory) at `to`, else EXISTS; INVALID: to another file system or
     * zone. remove: NOT_FOUND when nothing is there; EXISTS when it has content and is not
     * recursive. */
    bool (*make_directory)(struct store *store, const struct call *call, const char *path,
                           uint32_t mode, struct error *error);
    bool (*make_symlink)(struct store *store, const struct call *call, const char *path,
                         const char *link_target, struct error *error); /* NULL: no symlinks */
    bool (*rename)(struct store *store, const struct call *call, const char *from, const char *to,
                   bool replace, struct error *error);
    bool (*remove)(struct store *store, const struct call *call, const char *path, bool recursive,
                   struct error *error);
    /* Owner before mode before ACL, times last; what the store lacks is left out silently only if
     * its feature bit says so. ENTRY_ACL with acl NULL removes the ACL, default entries too. */
    bool (*set_attributes)(struct store *store, const struct call *call, const char *path,
                           const struct entry *entry, unsigned fields, struct error *error);

    /* Content. copy_file reads from any component and leaves a closed, complete file or none. */
    bool (*copy_file)(struct store *store, const struct call *call, const struct copy_order *order,
                      struct copy_result *ret_result, struct error *error);
    bool (*read_open)(struct store *store, const struct call *call, const char *path,
                      uint64_t offset, struct store_reader **ret_reader, struct error *error);
    /* *ret_size 0: end of the file. */
    bool (*read)(struct store_reader *reader, void *data, size_t size, size_t *ret_size,
                 struct error *error);
    void (*read_close)(struct store_reader *reader);
    /* Of a new file: complete once write_close(commit) is true, else removed. It ends the writer.
     */
    bool (*write_open)(struct store *store, const struct call *call, const char *path,
                       uint32_t mode, struct store_writer **ret_writer, struct error *error);
    bool (*write)(struct store_writer *writer, const void *data, size_t size, struct error *error);
    bool (*write_close)(struct store_writer *writer, bool commit, struct error *error);

    /* Snapshots. Both idempotent. allow: nested roots are CONFLICT; disallow: so are snapshots. */
    bool (*allow_snapshots)(struct store *store, const struct call *call, const char *root,
                            struct error *error);
    bool (*disallow_snapshots)(struct store *store, const struct call *call, const char *root,
                               struct error *error);
    /* Opens the connections and allocates all that firing needs. roots is kept until free. */
    bool (*moment_prepare)(struct store *store, const struct call *call, struct moment_root *roots,
                           size_t root_count, const struct moment_options *options,
                           struct moment **ret_moment, struct error *error);
    /* On the moment thread, at T: all requests leave together. Errors go into the roots. */
    void (*moment_fire)(struct moment *moment);
    /* Reads instants back, looks where a reply was lost, makes copies, releases the barrier. False:
     * no usable snapshot of some root. SNAPSHOT_ATOMIC: after a restart too, `fired` set by us. */
    bool (*moment_finish)(struct moment *moment, const struct call *call, struct error *error);
    /* Releases the barrier if it is still held. NULL is fine. */
    void (*moment_free)(struct moment *moment);
    /* Without preparation: the seal snapshots of a target, whose only writer is Coeval. */
    bool (*snapshot_create)(struct store *store, const struct call *call, const char *root,
                            const char *name, struct snapshot *ret_snapshot, struct error *error);
    bool (*snapshot_get)(struct store *store, const struct call *call, const char *root,
                         const char *name, struct snapshot *ret_snapshot, struct error *error);
    bool (*snapshot_list)(struct store *store, const struct call *call, const char *root,
                          snapshot_fn *fn, void *context, struct error *error);
    /* NOT_FOUND when it is not there. */
    bool (*snapshot_remove)(struct store *store, const struct call *call, const char *root,
                            const char *name, struct error *error);
    /* Where the snapshot of root/relative can be read: a path for the calls above, read-only. */
    const char *(*snapshot_path)(struct store *store, const char *root, const char *snapshot,
                                 const char *relative, struct arena *arena);
    /* Bytes, with replicas, kept from being freed there: from above; UINT64_MAX: not known. */
    bool (*pinned)(struct store *store, const struct call *call, const char *root,
                   const char *relative, const char *snapshot, uint64_t *ret_bytes,
                   struct error *error);
    /* Below root/relative, paths relative to that; to NULL: the live tree. Staging is left out:
     * what moved into it counts as deleted, what moved out of it as created. */
    bool (*difference)(struct store *store, const struct call *call, const char *root,
                       const char *relative, const char *from, const char *to, difference_fn *fn,
                       void *context, struct error *error);
    /* Is the file at the LIVE path open for writing, or has it grown after the snapshot: a suspect,
     * to be copied again in the next epoch? path is relative to root. */
    bool (*is_suspect)(struct store *store, const struct call *call, const char *root,
                       const char *path, const char *snapshot, bool *ret_suspect,
                       struct error *error);
};

/* By name, from daemon's list of what is compiled in, ended by NULL. NULL: unknown. */
const struct component *component_find(const struct component *const *components, const char *kind);

#define STAGING_NAME ".coeval"

#endif
