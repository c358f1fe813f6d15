/* difference_file.h: the stored difference of one member: a stream of records, closed by a count
 * and a digest, so that a cut file is known for what it is (doc/formats.md). */
#ifndef COEVAL_AGENT_DIFFERENCE_FILE_H
#define COEVAL_AGENT_DIFFERENCE_FILE_H

#include "component/store_util.h"

struct difference_writer;
/* Writes to "<path>.new"; commit renames it over path. */
bool difference_writer_new(struct store_ref ref, const struct call *call, const char *path,
                           struct difference_writer **ret_writer, struct error *error);
bool difference_writer_add(struct difference_writer *writer, const struct difference *difference,
                           struct error *error);
bool difference_writer_commit(struct difference_writer *writer, struct error *error);
void difference_writer_abort(struct difference_writer *writer);

/* NOT_FOUND: none was stored. CORRUPT: cut or damaged; fn may have run for the good part. */
bool difference_file_read(struct store_ref ref, const struct call *call, const char *path,
                          difference_fn *fn, void *context, struct error *error);

#endif
