/* datanode.h: the second half of an operation that a NameNode redirects to a DataNode. Private to
 * hdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_DATANODE_H
#define COEVAL_COMPONENT_HDFS_DATANODE_H

#include "component/hdfs/datanode_map.h"
#include "component/hdfs/hdfs_store.h"

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
void datanodes_avoid(struct store *store, const struct call *call,
                     struct datanodes_avoided *avoided, const char *url, bool is_gone);
/* The one at url works: it may be one that was avoided. */
void datanode_works(struct store *store, const struct datanodes_avoided *avoided, const char *url);

/* Asks the NameNode where; ret_url is the place, with our own spelling of the path. */
bool datanode_find(struct store *store, const struct call *call, enum http_method method,
                   const char *op, const char *path, const char *query,
                   struct datanodes_avoided *avoided, struct buffer *ret_url, struct error *error);
/* After datanode_find() found none for a block of so many bytes (0: of the usual size): is that
 * because all are full? */
bool datanodes_are_full(struct store *store, const struct call *call, uint64_t bytes);

/* The limits of a call, with the instance's own ones for DataNodes. */
struct transfer_order datanode_order(const struct store *store, const struct call *call,
                                     enum http_method method, const char *url);
/* Sends a request without a body and returns when its answer is one below 400; its body is still to
 * be read. */
bool datanode_begin(struct store *store, const struct call *call, struct transfer *transfer,
                    enum http_method method, const char *op, const char *path, const char *url,
                    struct error *error);
/* Turns an answer of 400 and more into its error. Not WEBHDFS_FINAL: nothing was done. */
enum webhdfs_refusal datanode_refusal(struct transfer *transfer, const char *op, const char *path,
                                      struct error *error);

#endif
