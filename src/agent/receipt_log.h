/* receipt_log.h: the receipt of a member while it is being received, in the agent's work directory:
 * after a restart what it names (and what lies in staging) is not fetched again. When complete it
 * is copied into B's area. Loss of the log costs only time. */
#ifndef COEVAL_AGENT_RECEIPT_LOG_H
#define COEVAL_AGENT_RECEIPT_LOG_H

#include "component/store_util.h"
#include "plan/receipt.h"

struct receipt_log;
/* name: of the file in directory; it must be different for a different plan. *ret_resumed: it holds
 * records of an earlier run. */
bool receipt_log_open(const char *directory, const char *name, struct receipt_log **ret_log,
                      bool *ret_resumed, struct error *error);
/* Was this object received before? *ret_length: of the file. Not to be mixed with add() from other
 * threads without a lock of the caller's. */
bool receipt_log_has(const struct receipt_log *log, uint32_t step, const char *inside,
                     uint64_t *ret_length);
bool receipt_log_add(struct receipt_log *log, const struct receipt_record *record,
                     struct error *error);
/* Ends it, copies it to path on the store, removes it. The log is gone either way. */
bool receipt_log_deliver(struct receipt_log *log, struct store_ref ref, const struct call *call,
                         const char *path, struct error *error);
/* Keeps it for a later run. NULL is fine. */
void receipt_log_close(struct receipt_log *log);
/* Logs in directory whose name begins with prefix, but for keep (NULL: none is kept). */
void receipt_log_remove_others(const char *directory, const char *prefix, const char *keep);

#endif
