/* area_file.h: larger files of the area (receipts, manifests), written and read as streams; what is
 * in them proves itself (plan/container.h). Written under "<path>.new", renamed when complete. */
#ifndef COEVAL_AGENT_AREA_FILE_H
#define COEVAL_AGENT_AREA_FILE_H

#include "component/store_util.h"
#include "plan/container.h"
#include "plan/receipt.h"

struct area_file_writer;
bool area_file_new(struct store_ref ref, const struct call *call, const char *path,
                   struct area_file_writer **ret_writer, struct error *error);
/* A container_sink_fn; the context is the writer. */
bool area_file_sink(void *writer, const void *data, size_t size, struct error *error);
/* The writer is gone either way. */
bool area_file_commit(struct area_file_writer *writer, struct error *error);
void area_file_abort(struct area_file_writer *writer);

/* Feeds the whole file to sink, piece by piece. */
bool area_file_read(struct store_ref ref, const struct call *call, const char *path,
                    container_sink_fn *sink, void *context, struct error *error);
/* The same for a receipt, which must be whole. */
bool receipt_file_read(struct store_ref ref, const struct call *call, const char *path,
                       struct receipt_reader *reader, struct error *error);
/* Exactly size bytes at offset of a file. */
bool area_file_read_at(struct store_ref ref, const struct call *call, const char *path,
                       uint64_t offset, void *data, size_t size, struct error *error);

#endif
