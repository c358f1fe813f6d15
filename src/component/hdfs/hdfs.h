/* hdfs.h: HDFS as a component (DESIGN), so far over WebHDFS. Options: {"namenodes":
 * ["http://host:9870", ...], "user": "coeval"}; the user should be a superuser of the cluster (doc:
 * check says what is missing when it is not). */
#ifndef COEVAL_COMPONENT_HDFS_HDFS_H
#define COEVAL_COMPONENT_HDFS_HDFS_H

#include "component/component.h"

extern const struct component hdfs_component;

#endif
