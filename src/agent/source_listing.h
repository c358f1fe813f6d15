/* source_listing.h: what A's snapshot holds of a member, noted while it is compared with a target
 * that no seal vouches for (adopted, restored, base lost). It lies beside the plan as a full
 * manifest, "manifest.<member>.source", so that the commit can prove the frozen tree equal to the
 * source, and not only to itself; it goes when the epoch is sealed. */
#ifndef COEVAL_AGENT_SOURCE_LISTING_H
#define COEVAL_AGENT_SOURCE_LISTING_H

#include "agent/intake.h"
#include "plan/listing_difference.h"
#include "plan/manifest.h"

struct source_listing;

/* The name under which manifest_view_open() finds it. */
const char *source_listing_member(struct arena *arena, const char *member);

/* source is pulled through, and borrowed until the end. */
bool source_listing_new(struct intake *intake, const struct listing *source,
                        struct source_listing **ret_listing, struct error *error);
/* An entry_next_fn: hands on what the source gives, and notes it. */
bool source_listing_next(void *listing, const struct entry **ret_entry, struct error *error);
/* Of a source that was pulled to its end; good false: nothing is kept. The listing is gone. */
bool source_listing_end(struct source_listing *listing, bool good, struct manifest_state *ret_state,
                        struct error *error);

#endif
