/* webhdfs_url.h: the text of WebHDFS requests. Every byte of a path or value outside the unreserved
 * ones is percent-encoded; parameter names are written in lower case, since Hadoop 3.5 silently
 * ignores any other spelling. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_URL_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_URL_H

#include "base/buffer.h"
#include "base/error.h"

/* Appends "/webhdfs/v1<path>?op=OP&user.name=USER"; user NULL: none. */
void webhdfs_url_start(struct buffer *url, const char *path, const char *op, const char *user);
void webhdfs_url_add(struct buffer *url, const char *name, const char *value);
void webhdfs_url_add_number(struct buffer *url, const char *name, int64_t value);

/* From a redirect: scheme, host, port and query of Location, but our own spelling of the path: the
 * NameNode normalises Unicode in its own, and would have another file read or written. */
bool webhdfs_redirect(const char *location, const char *path, struct buffer *ret_url,
                      struct error *error);
/* The "host:port" of a URL, and its host; false when there is none or it is too long. */
bool webhdfs_address(const char *url, char *ret_address, size_t size);
bool webhdfs_host(const char *url, char *ret_host, size_t size);

#endif
