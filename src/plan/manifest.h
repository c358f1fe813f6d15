/* manifest.h: what a member holds at a seal, provable from cluster B alone (doc/formats.md). A
 * chain: a full manifest now and then, deltas between. Records sorted by path_compare() in
 * compressed blocks with an index, so that one path costs one block, and an unchanged tree of any
 * size nothing. */
#ifndef COEVAL_PLAN_MANIFEST_H
#define COEVAL_PLAN_MANIFEST_H

#include "plan/container.h"
#include "plan/entry.h"

enum manifest_kind { MANIFEST_FULL = 1, MANIFEST_DELTA = 2 };

struct manifest_info {
    enum manifest_kind kind;
    const char *member;          /* its id */
    const char *epoch;           /* "g1.e42" */
    const char *parent;          /* DELTA: the epoch whose manifest it continues; else NULL */
    struct digest parent_digest; /* DELTA: of that manifest's file */
};

/* What a member holds in sum, kept up at the cost of the change. */
struct manifest_state {
    struct set_hash root; /* of all entries */
    uint64_t entries;
    uint64_t bytes; /* lengths of files */
};
/* Either may be NULL: created, deleted. */
void manifest_state_apply(struct manifest_state *state, const struct entry *old,
                          const struct entry *now);

struct manifest_record {
    bool is_deletion;
    struct entry entry; /* of a deletion the path alone */
};

/* Records in ascending order of paths; a deletion only in a DELTA. info is kept until free. */
struct manifest_writer;
struct manifest_writer *manifest_writer_new(const struct manifest_info *info,
                                            container_sink_fn *sink, void *context);
bool manifest_writer_add(struct manifest_writer *writer, const struct manifest_record *record,
                         struct error *error);
/* state: what the member holds with this manifest applied. ret_digest: of the file. */
bool manifest_writer_end(struct manifest_writer *writer, const struct manifest_state *state,
                         struct digest *ret_digest, struct error *error);
void manifest_writer_free(struct manifest_writer *writer);

/* A file somewhere: fills data from offset, all of it or an error. */
struct manifest_file {
    bool (*read_at)(void *context, uint64_t offset, void *data, size_t size, struct error *error);
    void *context;
    uint64_t size;
};

/* Checks header, footer and index; blocks are checked as they are read. file is kept until close.
 */
struct manifest;
bool manifest_open(const struct manifest_file *file, struct manifest **ret_manifest,
                   struct error *error);
void manifest_close(struct manifest *manifest);
const struct manifest_info *manifest_get_info(const struct manifest *manifest);
const struct manifest_state *manifest_get_state(const struct manifest *manifest);
uint64_t manifest_record_count(const struct manifest *manifest);

/* A place in one manifest, at most one block of it in memory. */
struct manifest_cursor {
    struct manifest *manifest;
    size_t block; /* of the records in raw; the number of blocks: none */
    struct buffer raw;
    struct reader reader;
    struct arena arena;
    struct manifest_record record; /* the one given last */
    bool has_record;
    struct buffer sought; /* the path of the last seek, while its answer stands */
    bool has_sought;
};
void manifest_cursor_init(struct manifest_cursor *cursor, struct manifest *manifest);
void manifest_cursor_fini(struct manifest_cursor *cursor);
/* The first record at or behind path; then each that follows. NULL at the end; valid until the next
 * call. Looking up ascending paths goes on in the block at hand. */
bool manifest_cursor_seek(struct manifest_cursor *cursor, const char *path,
                          const struct manifest_record **ret_record, struct error *error);
bool manifest_cursor_next(struct manifest_cursor *cursor, const struct manifest_record **ret_record,
                          struct error *error);

/* Manifests of one member, the newest first, the last one full. */
#define MANIFEST_CHAIN_MAX 64
struct manifest_chain {
    size_t count; /* 0: nothing yet */
    struct manifest_cursor cursors[MANIFEST_CHAIN_MAX];
};
/* ERROR_CORRUPT when they do not continue each other. digests: of the files, in the same order
 * (from the seals); NULL: not compared. The manifests stay the caller's. */
bool manifest_chain_init(struct manifest_chain *chain, struct manifest *const *manifests,
                         const struct digest *digests, size_t count, struct error *error);
void manifest_chain_fini(struct manifest_chain *chain);
/* The entry of a path; *ret_entry NULL: there is none. Valid until the next call. */
bool manifest_chain_get(struct manifest_chain *chain, const char *path,
                        const struct entry **ret_entry, struct error *error);
/* Every entry of `top` and below it ("" for all), in order. */
typedef bool manifest_entry_fn(void *context, const struct entry *entry, struct error *error);
bool manifest_chain_scan(struct manifest_chain *chain, const char *top, manifest_entry_fn *fn,
                         void *context, struct error *error);
/* Reads everything: each file's digest of itself (if verify_files, the costly part), and that the
 * entries of the chain are what the newest state says. */
bool manifest_chain_verify(struct manifest_chain *chain, struct error *error);
/* Time for a full one: the chain is long, or its deltas have outgrown half of what they change. */
bool manifest_chain_is_long(const struct manifest_chain *chain, size_t length_max);

#endif
