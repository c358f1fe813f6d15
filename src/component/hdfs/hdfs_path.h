/* hdfs_path.h: which paths HDFS can carry. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_HDFS_PATH_H
#define COEVAL_COMPONENT_HDFS_HDFS_PATH_H

#include "base/error.h"

/* What HDFS can carry exactly: a clean absolute path in UTF-8 whose names hold no ':'. Anything
 * else is INVALID, by name: HDFS would store invalid UTF-8 as U+FFFD. */
bool hdfs_path_check(const char *path, struct error *error);

#endif
