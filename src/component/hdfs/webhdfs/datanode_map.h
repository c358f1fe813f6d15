/* datanode_map.h: what a store knows of its DataNodes: under which address each one is excluded
 * (excludedatanodes takes ip:port of data transfer, a redirect names host:port of HTTP), which of
 * them stood still or died lately, and whether any has room. Safe from several threads; reads no
 * clock. Private to webhdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_DATANODE_MAP_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_DATANODE_MAP_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define DATANODE_AVOIDED_MS ((int64_t)10 * 60 * 1000)
#define DATANODE_ADDRESS_SIZE 272 /* of a host, a colon, a port */

struct datanode_map;
struct datanode_map *datanode_map_new(void);
void datanode_map_free(struct datanode_map *map);

/* LiveNodes of the NameNode's JMX bean NameNodeInfo: takes the place of what was known. */
bool datanode_map_learn(struct datanode_map *map, const char *live_nodes, size_t size,
                        int64_t now_ns, struct error *error);
/* address: "host:port" as redirects have it. False: not known, or what is known is too old. */
bool datanode_map_find(struct datanode_map *map, const char *address, int64_t now_ns,
                       char ret_excluded[DATANODE_ADDRESS_SIZE]);
/* True: there are DataNodes, all have told how much room they have, and none of them has so much.
 */
bool datanode_map_is_full(struct datanode_map *map, uint64_t bytes);

/* For the next ten minutes nobody needs to wait for this one again; as datanode_map_find() told. */
void datanode_map_avoid(struct datanode_map *map, const char *excluded, int64_t now_ns);
/* It works again. */
void datanode_map_forget(struct datanode_map *map, const char *excluded);
/* Appends those to avoid that the list lacks, each behind a comma. */
void datanode_map_print_avoided(struct datanode_map *map, int64_t now_ns, struct buffer *ret_list);

#endif
