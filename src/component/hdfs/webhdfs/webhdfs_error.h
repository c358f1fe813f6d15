/* webhdfs_error.h: what a NameNode or DataNode refuses, as our errors. The name of the exception
 * decides, never the HTTP status and never a whole message: those change between versions. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_ERROR_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_ERROR_H

#include <stddef.h>

#include "component/hdfs/hdfs_facts.h"

/* status >= 400 and its body. context: "CREATE /a". Sets *error, whose text always ends with the
 * exception: "CREATE /a: no such thing (FileNotFoundException)". Returns what else is known. */
struct hdfs_problem webhdfs_problem(int status, const char *body, size_t size, const char *context,
                                    struct error *error);

#endif
