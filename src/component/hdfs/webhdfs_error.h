/* webhdfs_error.h: what a NameNode or DataNode refuses, as our errors. The name of the exception
 * decides, never the HTTP status and never a whole message: those change between versions. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_ERROR_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_ERROR_H

#include <stddef.h>

#include "base/error.h"

/* What to do about a refusal: nothing was done in any of these cases. */
enum webhdfs_refusal {
    WEBHDFS_FINAL,   /* tell the caller */
    WEBHDFS_STANDBY, /* ask another NameNode */
    WEBHDFS_WAIT     /* starting up, or in safe mode: ask again later */
};

#define WEBHDFS_EXCEPTION_SIZE 64

struct webhdfs_problem {
    enum webhdfs_refusal refusal;
    char exception[WEBHDFS_EXCEPTION_SIZE]; /* simple name; "" when the answer was not Hadoop's */
    bool unknown_operation;                 /* an older NameNode that lacks it */
};

/* status >= 400 and its body. context: "CREATE /a". Sets *error, whose text always ends with the
 * exception: "CREATE /a: no such thing (FileNotFoundException)". Returns what else is known. */
struct webhdfs_problem webhdfs_problem(int status, const char *body, size_t size,
                                       const char *context, struct error *error);

#endif
