/* url.h: the parts of a request target. Pure. */
#ifndef COEVAL_HTTP_URL_H
#define COEVAL_HTTP_URL_H

#include <stdbool.h>

#include "base/buffer.h"

/* The decoded value of a parameter of a query ("a=1&b=x%20y"; '+' is a space, as forms write it).
 * False when it is absent, there twice, or badly encoded. */
bool url_query_find(const char *query, const char *name, struct buffer *ret_value);

#endif
