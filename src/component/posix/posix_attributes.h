/* posix_attributes.h: an object's attributes as an entry, and back. All work on an open descriptor
 * (O_PATH is enough), so that a name which users change under us cannot lead elsewhere. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_ATTRIBUTES_H
#define COEVAL_COMPONENT_POSIX_POSIX_ATTRIBUTES_H

#include <sys/stat.h>

#include "component/posix/posix_store.h"

/* What tells whether an object is the same and unchanged. Two equal stamps mean equal content and
 * attributes, unless the change fell into the same tick of the file system's clock (is_racy). */
struct posix_stamp {
    uint64_t device;
    uint64_t inode;
    int64_t birth_ns; /* 0: unknown */
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
};
bool posix_stamp_equal(const struct posix_stamp *a, const struct posix_stamp *b);

struct posix_status {
    struct posix_stamp stamp;
    uint32_t user, group;
    uint32_t type;   /* S_IFMT bits */
    uint32_t mode;   /* 07777 bits */
    int64_t seen_ns; /* when this was read, on the clock of file times */
    bool is_sparse;
    bool is_mount; /* something is mounted here */
};
/* Changed so shortly before it was seen that a later change could leave the same times behind. */
bool posix_status_is_racy(const struct posix_status *status);
/* fstatat() without following; "" with an object's descriptor is the object. False with errno. */
bool posix_read_status(int directory, const char *name, struct posix_status *ret_status);
/* Files, directories and symbolic links; all else is not carried. */
bool posix_is_carried(const struct posix_status *status);

/* What list() and stat() say; path stays NULL. */
void posix_entry_of_status(struct store *store, const struct posix_status *status,
                           struct arena *arena, struct entry *ret_entry);
/* Adds link target, ACL and xattrs. False with errno. */
bool posix_describe_object(struct store *store, int object, struct arena *arena,
                           struct entry *entry);
bool posix_set_object(struct store *store, int object, const struct entry *entry, unsigned fields,
                      const char *path, struct error *error);

/* posix_acl.c. False with errno. */
bool posix_acl_read(struct store *store, const char *proc_path, bool is_directory,
                    struct arena *arena, const char **ret_text);
bool posix_acl_write(struct store *store, const char *proc_path, const struct posix_status *status,
                     const char *text, const char *path, struct error *error);
/* Of a name in a directory, without following it. */
bool posix_acl_is_there(int directory, const char *name);

/* posix_xattr.c */
bool posix_xattrs_read(const char *proc_path, struct arena *arena, struct entry *entry);
bool posix_xattrs_write(const char *proc_path, const struct entry *entry, const char *path,
                        struct error *error);

#endif
