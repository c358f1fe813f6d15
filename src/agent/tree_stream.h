/* tree_stream.h: a tree of a store as a pull stream of entries in the order of path_compare(), for
 * the comparisons of plan/listing_difference.h. Memory: one listing per level of depth. */
#ifndef COEVAL_AGENT_TREE_STREAM_H
#define COEVAL_AGENT_TREE_STREAM_H

#include "component/store_util.h"
#include "plan/exclusion.h"
#include "plan/listing_difference.h"

struct tree_stream;

struct tree_options {
    const struct exclusions *exclusions; /* NULL: none */
    bool described;                      /* with ACL, xattrs and policies: calls per object */
    bool with_crc;                       /* read every file that has no known CRC: costs the data */
    bool skip_staging;                   /* ".coeval" directly below the top is not there */
};

/* top may be missing: then the stream is empty. */
struct tree_stream *tree_stream_new(struct store_ref ref, const struct call *call, const char *top,
                                    const struct tree_options *options);
void tree_stream_free(struct tree_stream *stream);
/* An entry_next_fn: the entry is borrowed until the next call; the top comes first with path "". */
bool tree_stream_next(void *stream, const struct entry **ret_entry, struct error *error);

#endif
