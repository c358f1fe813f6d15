/* fake_journal.h: a journal in memory. struct fake_journal is the disk; a session on it is the
 * struct journal that code under test gets. Nothing happens by itself: the test says when a call
 * becomes durable and when its done runs, and may cut the power in between. */
#ifndef COEVAL_FAKE_FAKE_JOURNAL_H
#define COEVAL_FAKE_FAKE_JOURNAL_H

#include "journal/journal.h"

struct fake_journal;

struct fake_journal *fake_journal_new(const char *origin);
void fake_journal_free(struct fake_journal *fake); /* NULL is fine; no session may be open */

/* ERROR_CONFLICT while another session is open. failed may be NULL. */
bool fake_journal_open(struct fake_journal *fake, journal_done_fn *failed, void *failed_context,
                       struct journal **ret_journal, struct error *error);
/* What the clocks show to what is appended from now on. */
void fake_journal_set_time(struct fake_journal *fake, int64_t realtime_us, int64_t boottime_ns);
/* Durable, and done, before append returns: for tests that do not care. */
void fake_journal_set_immediate(struct fake_journal *fake, bool immediate);

size_t fake_journal_pending(const struct fake_journal *fake); /* calls whose done has not run */
/* Calls that were taken, and syncs that failed, since the disk is new. */
size_t fake_journal_appends(const struct fake_journal *fake);
size_t fake_journal_failures(const struct fake_journal *fake);
/* Makes the oldest call that is not durable yet durable, without telling. False: there is none. */
bool fake_journal_sync(struct fake_journal *fake);
/* Runs the oldest done, after syncing its call when need be. False: nothing pending. */
bool fake_journal_step(struct fake_journal *fake);
void fake_journal_run(struct fake_journal *fake); /* steps until nothing is pending */

/* The next sync fails with this code; ERROR_NO_SPACE until it is set to ERROR_OK again. */
void fake_journal_set_failure(struct fake_journal *fake, enum error_code code);
/* The power is cut: the session is over, what was not synced is lost, no done runs any more. */
void fake_journal_crash(struct fake_journal *fake);

#endif
