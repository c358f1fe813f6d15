/* posix_making.h: a snapshot in the making: begin, copy, (guard,) publish, end. Between copy and
 * publish nothing of it is visible. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_MAKING_H
#define COEVAL_COMPONENT_POSIX_POSIX_MAKING_H

#include "component/posix/posix_index.h"
#include "component/posix/posix_scan.h"
#include "component/posix/posix_snapshot.h"
#include "component/posix/posix_torn.h"

struct posix_pending;

struct posix_making {
    struct store *store;
    const char *root; /* borrowed until end, as is snapshot.name */
    struct snapshot snapshot;
    int snapshots; /* all of the root's */
    int work;      /* the hidden directory, locked */
    int tree;
    char hidden[POSIX_HIDDEN_SIZE];
    struct posix_scan scan;
    struct posix_index_writer index;
    struct posix_torn_writer torn;
    struct posix_pending *pending; /* directories whose attributes are set when they are full */
    struct buffer parent;          /* path of the directory that the next two are of */
    int parent_tree;               /* in our tree */
    int parent_previous;           /* in the previous snapshot's; -1: not there */
    /* The newest earlier snapshot; what is unchanged is linked from it. */
    struct posix_index_reader previous;
    const struct posix_record *previous_record; /* NULL: none (left) */
    int previous_tree;
    bool published;
    bool shares_blocks; /* a copy is a reflink: it takes no room */
    uint64_t room;      /* known to be free, until it is asked again */
};

/* instant_us 0: now. end must follow, also after a false. */
bool posix_making_begin(struct posix_making *making, struct store *store, const struct call *call,
                        const char *root, const char *name, int64_t instant_us,
                        struct error *error);
bool posix_making_copy(struct posix_making *making, const struct call *call, struct error *error);
/* Looks at the whole live tree again: *ret_quiet when nothing has changed since it was copied. */
bool posix_making_guard(struct posix_making *making, const struct call *call, bool *ret_quiet,
                        struct error *error);
/* Brings all of it to the disk, then makes it visible. */
bool posix_making_publish(struct posix_making *making, struct error *error);
/* posix_making_room.c: between begin and end, instead of copy: how much copying would take. */
bool posix_making_estimate(struct posix_making *making, const struct call *call,
                           uint64_t *ret_bytes, struct error *error);
/* ... and how much it may take. */
bool posix_making_free(const struct posix_making *making, uint64_t *ret_bytes, struct error *error);
bool posix_making_has_room(struct posix_making *making, const struct posix_scan_item *item,
                           struct error *error);
/* Of a file in the one directory, in the other. */
bool posix_shares_blocks(int live, int copies);
/* posix_making_copy.c: the file is a link to that of the snapshot before. */
bool posix_making_is_unchanged(struct posix_making *making, const struct posix_scan_item *item);
void posix_making_drop_pending(struct posix_making *making);
/* Descriptors that only copying needs: a moment of many roots keeps two for each. */
void posix_making_close_copying(struct posix_making *making);
void posix_making_end(struct posix_making *making, const struct call *call);

#endif
