/* spy_store.h: a component between the code under test and a real one: it notes what is called, and
 * can make a call fail, or hold it until the test lets it go. One spy for a process. */
#ifndef COEVAL_FAKE_SPY_STORE_H
#define COEVAL_FAKE_SPY_STORE_H

#include "component/component.h"

/* The table of `real` with the spy before it; stores are those that `real` opened. Forgets all. */
const struct component *spy_component(const struct component *real);
/* Features that the table shows from now on. */
void spy_set_features(unsigned features);

/* The next `times` calls of an operation ("rename", "confirm", ...) whose path has `part` in it end
 * with that code, undone. confirm has the path "". Up to four of these at a time. */
void spy_fail(const char *operation, const char *part, enum error_code code, unsigned times);
/* The next such call waits until spy_release(). */
void spy_hold(const char *operation, const char *part);
bool spy_is_holding(void); /* it waits */
void spy_release(void);

/* What was called, "rename /data/a", a line each, oldest first; borrowed until the next call here.
 */
const char *spy_trace(void);
void spy_forget(void);
/* The most that an arena held already when stat, describe or snapshot_path got it. */
size_t spy_arena_bytes(void);
/* The place of the first line with this beginning and `part` in it; -1: none. */
int spy_place(const char *operation, const char *part);
int spy_last_place(const char *operation, const char *part);

#endif
