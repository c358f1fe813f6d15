/* journal_owner.h: the file "owner" of a journal's directory: whoever holds its lock is the daemon.
 * An open-file-description lock and not flock(2), because the inspection tool can ask who holds it
 * without taking it for an instant, which could make a starting daemon believe in a second one. */
#ifndef COEVAL_JOURNAL_LMDB_JOURNAL_OWNER_H
#define COEVAL_JOURNAL_LMDB_JOURNAL_OWNER_H

#include <stdbool.h>

#include "base/error.h"

/* ERROR_CONFLICT names the process that has it. The lock lasts until the file is closed. */
bool journal_owner_take(const char *directory, int *ret_fd, struct error *error);
void journal_owner_release(int fd); /* -1 is fine */
/* *ret_pid is 0 when nobody owns it, -1 when somebody does and has not written his number. */
bool journal_owner_ask(const char *directory, int *ret_pid, struct error *error);

#endif
