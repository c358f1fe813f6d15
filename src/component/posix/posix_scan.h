/* posix_scan.h: names of a directory in byte order, and a tree in the order of path_compare(),
 * pulled object by object so that it can be merged with an index. Memory: the names of the
 * directories on the way down; two descriptors, however deep. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_SCAN_H
#define COEVAL_COMPONENT_POSIX_POSIX_SCAN_H

#include "component/posix/posix_attributes.h"

struct posix_listing {
    const char **names;
    size_t count;
};
/* directory may be O_PATH. False with errno. */
bool posix_read_names(int directory, struct arena *arena, struct posix_listing *ret_listing);

struct posix_scan_item {
    const char *path; /* relative to the scan's top; "" is the top, which comes first */
    struct posix_place place;
    struct posix_status status;
};

struct posix_scan_level;
struct posix_scan {
    int top;                /* O_PATH, owned */
    int directory;          /* of the names of the level that is at work; -1: to be opened again */
    bool with_special;      /* FIFOs, sockets and devices too */
    const char *skipped[2]; /* paths that are left out with all below: staging and the area */
    struct posix_scan_level *level; /* the deepest */
    struct posix_scan_item item;
    uint64_t device; /* of the top */
    bool started;
};

/* root/relative of the live tree. Staging directly below the root and the area are left out. */
bool posix_scan_open(struct posix_scan *scan, struct store *store, const char *root,
                     const char *relative, struct error *error);
void posix_scan_close(struct posix_scan *scan);
/* *ret_item NULL: the end; otherwise valid until the next call. What vanishes meanwhile is left
 * out. A directory on which another file system is mounted comes with status.is_mount and is not
 * entered. */
bool posix_scan_next(struct posix_scan *scan, const struct call *call,
                     const struct posix_scan_item **ret_item, struct error *error);

#endif
