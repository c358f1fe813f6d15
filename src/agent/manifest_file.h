/* manifest_file.h: a member's manifests in the area: the chain of an epoch opened as one view, and
 * the pull form of it for comparisons. */
#ifndef COEVAL_AGENT_MANIFEST_FILE_H
#define COEVAL_AGENT_MANIFEST_FILE_H

#include "component/store_util.h"
#include "plan/manifest.h"

struct manifest_view;
/* directory: of the epoch; its siblings hold the parents that the manifests name. */
bool manifest_view_open(struct store_ref home, const struct call *call, const char *directory,
                        const char *member, struct manifest_view **ret_view, struct error *error);
void manifest_view_close(struct manifest_view *view);
struct manifest_chain *manifest_view_chain(struct manifest_view *view);
/* SHA-256 of the newest file as it lies there now. */
bool manifest_view_digest(struct manifest_view *view, struct digest *ret_digest,
                          struct error *error);
/* An entry_next_fn: every entry in order, from the start; not to be mixed with the chain's calls.
 */
bool manifest_view_next(void *view, const struct entry **ret_entry, struct error *error);

#endif
