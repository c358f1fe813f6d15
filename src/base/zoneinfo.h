/* zoneinfo.h: the bytes of a time zone, from the system's database. policy/zone.h reads them; the
 * file access is here because a pure folder does none. */
#ifndef COEVAL_BASE_ZONEINFO_H
#define COEVAL_BASE_ZONEINFO_H

#include "base/buffer.h"
#include "base/error.h"

#define ZONEINFO_BYTES_MAX ((size_t)1 << 20)

/* name: "Europe/Berlin". From $TZDIR or /usr/share/zoneinfo. NOT_FOUND names the package. */
bool zoneinfo_read(const char *name, struct buffer *ret_content, struct error *error);

#endif
