/* file.h: small local files (configuration, tokens, policies of the command line) read whole, and
 * written so that a crash leaves the old one or the new one. */
#ifndef COEVAL_BASE_FILE_H
#define COEVAL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

bool file_read(const char *path, size_t limit_bytes, struct buffer *ret_content,
               struct error *error);
/* Temporary name beside it, fsync, rename, fsync of the directory. */
bool file_write_durable(const char *path, const void *data, size_t size, unsigned mode,
                        struct error *error);
/* The last one with this mode, those above it as the umask has them: others may live there, too.
 * What is there already stays as it is. */
bool file_make_directories(const char *path, unsigned mode, struct error *error);

#endif
