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
void posix_making_drop_pending(struct posix_making *making);
/* Descriptors that only copying needs: a moment of many roots keeps two for each. */
void posix_making_close_copying(struct posix_making *making);
void posix_making_end(struct posix_making *making, const struct call *call);

#endif
