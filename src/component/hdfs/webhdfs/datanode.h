/* datanode.h: the second half of an operation that a NameNode redirects to a DataNode. Private to
 * webhdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_DATANODE_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_DATANODE_H

#include "component/hdfs/webhdfs/datanode_map.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"

#define DATANODE_ATTEMPTS 3

/* DataNodes that failed one operation: never asked again by it. */
struct datanodes_avoided {
    char addresses[DATANODE_ATTEMPTS][DATANODE_ADDRESS_SIZE];
    unsigned count;    /* of those that can be excluded */
    unsigned failures; /* all of them */
    bool last_hope;    /* only one that the store would avoid was left to ask */
};
/* The one at url failed. is_gone: it died or stood still, so that other operations avoid it too, as
 * long as there are others. */
void datanodes_avoid(struct hdfs_session *session, const struct call *call,
                     struct datanodes_avoided *avoided, const char *url, bool is_gone);
/* The one at url works: it may be one that was avoided. */
void datanode_works(struct hdfs_session *session, const struct datanodes_avoided *avoided,
                    const char *url);

/* Asks the NameNode where; ret_url is the place, with our own spelling of the path. */
bool datanode_find(struct hdfs_session *session, const struct call *call, enum http_method method,
                   const char *op, const char *path, const char *query,
                   struct datanodes_avoided *avoided, struct buffer *ret_url, HDFS_TOLD);
/* After datanode_find() found none for a block of so many bytes (0: of the usual size): is that
 * because all are full? */
bool datanodes_are_full(struct hdfs_session *session, const struct call *call, uint64_t bytes);

/* The limits of a call, with the instance's own ones for DataNodes. */
struct transfer_order datanode_order(const struct hdfs_session *session, const struct call *call,
                                     enum http_method method, const char *url);
/* Sends a request without a body and returns when its answer is one below 400; its body is still to
 * be read. */
bool datanode_begin(struct hdfs_session *session, const struct call *call,
                    struct transfer *transfer, enum http_method method, const char *op,
                    const char *path, const char *url, HDFS_TOLD);
/* Turns an answer of 400 and more into its error. Not HDFS_FINAL: nothing was done. */
struct hdfs_problem datanode_refusal(struct transfer *transfer, const char *op, const char *path,
                                     struct error *error);

#endif
