/* datanode.h: the second half of an operation that a NameNode redirects to a DataNode. Private to
 * hdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_DATANODE_H
#define COEVAL_COMPONENT_HDFS_DATANODE_H

#include "component/hdfs/hdfs_store.h"

#define DATANODE_ATTEMPTS 3

/* DataNodes that failed us, as the value of excludedatanodes. */
struct datanodes_avoided {
    char hosts[DATANODE_ATTEMPTS][256];
    unsigned count;
};
void datanodes_avoid(struct datanodes_avoided *avoided, const char *url);

/* Asks the NameNode where; ret_url is the place, with our own spelling of the path. */
bool datanode_find(struct store *store, const struct call *call, enum http_method method,
                   const char *op, const char *path, const char *query,
                   const struct datanodes_avoided *avoided, struct buffer *ret_url,
                   struct error *error);
/* Sends a request without a body and returns when its answer is one below 400; its body is still to
 * be read. */
bool datanode_begin(const struct call *call, struct transfer *transfer, enum http_method method,
                    const char *op, const char *path, const char *url, struct error *error);
/* Turns an answer of 400 and more into its error. */
bool datanode_refusal(struct transfer *transfer, const char *op, const char *path,
                      struct error *error);

#endif
