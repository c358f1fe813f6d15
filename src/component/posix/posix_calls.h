/* posix_calls.h: the entries of the component's table that have no header of their own; what each
 * does is said in component.h. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_CALLS_H
#define COEVAL_COMPONENT_POSIX_POSIX_CALLS_H

#include "component/posix/posix_store.h"

/* posix_look.c */
bool posix_stat(struct store *store, const struct call *call, const char *path, struct arena *arena,
                struct entry *ret_entry, struct error *error);
bool posix_describe(struct store *store, const struct call *call, const char *path,
                    struct arena *arena, struct entry *ret_entry, struct error *error);
bool posix_list(struct store *store, const struct call *call, const char *path, entry_fn *fn,
                void *context, struct error *error);
bool posix_space(struct store *store, const struct call *call, const char *path,
                 struct store_space *ret_space, struct error *error);
bool posix_clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                        int64_t *ret_uncertainty_us, struct error *error);
bool posix_checksum(struct store *store, const struct call *call, const char *path,
                    char ret_checksum[96], struct error *error);
bool posix_confirm(struct store *store, const struct call *call, struct error *error);

/* posix_change.c */
bool posix_make_directory(struct store *store, const struct call *call, const char *path,
                          uint32_t mode, struct error *error);
bool posix_make_symlink(struct store *store, const struct call *call, const char *path,
                        const char *link_target, struct error *error);
bool posix_rename(struct store *store, const struct call *call, const char *from, const char *to,
                  bool replace, struct error *error);
bool posix_remove(struct store *store, const struct call *call, const char *path, bool recursive,
                  struct error *error);
bool posix_remove_place(const struct posix_place *place, bool recursive, const struct call *call,
                        struct error *error);
bool posix_set_attributes(struct store *store, const struct call *call, const char *path,
                          const struct entry *entry, unsigned fields, struct error *error);

/* posix_check.c */
bool posix_check(struct store *store, const struct call *call, enum store_use use,
                 const char *const *roots, size_t root_count, finding_fn *report, void *context,
                 struct error *error);

#endif
