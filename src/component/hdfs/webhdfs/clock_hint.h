/* clock_hint.h: the NameNode's clock out of the header of any of its answers. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_CLOCK_HINT_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_CLOCK_HINT_H

#include <stdbool.h>
#include <stdint.h>

/* The NameNode's clock when it answered, between two of ours; and how well it is known.
 * date: the Date header, of whole seconds. cookie: Set-Cookie; hadoop.auth carries its expiry, the
 * NameNode's clock plus the token's validity in milliseconds. That is not documented, so it is only
 * believed where it fits the Date under the default validity of ten hours. */
bool clock_hint(const char *date, const char *cookie, int64_t sent_us, int64_t answered_us,
                int64_t *ret_offset_us, int64_t *ret_uncertainty_us);

#endif
