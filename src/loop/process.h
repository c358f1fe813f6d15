/* process.h: signals to this process, and child processes (hooks). */
#ifndef COEVAL_LOOP_PROCESS_H
#define COEVAL_LOOP_PROCESS_H

#include <stdint.h>

#include "base/error.h"
#include "loop/loop.h"

struct signal_watch;
typedef void signal_fn(void *context, int number);
struct signal_watch *signal_watch_new(struct loop *loop, int number, signal_fn *fn, void *context);
void signal_watch_free(struct signal_watch *watch);

/* Runs a command without a shell in its own process group, with stdin from /dev/null and output to
 * a bounded tail (8 KiB, both outputs in their order; NUL becomes '?'). arguments[0] is looked up
 * in PATH; environment NULL inherits ours. Both lists end with NULL and are borrowed for the call.
 * At the deadline it asks the whole group to end (TERM), and kills it (KILL) 2 s later, or at once
 * when its leader ends. done() runs once, never inside process_new(), and may free the process.
 * error: OK for exit status 0, TIMEOUT, NOT_FOUND or DENIED for a command that cannot be started,
 * or IO with the status and the tail of the output. */
struct process;
typedef void process_fn(void *context, const struct error *error, const char *output_tail);
struct process *process_new(struct loop *loop, const char *const *arguments,
                            const char *const *environment, int64_t timeout_ms, process_fn *done,
                            void *context);
/* Kills the group when it runs; done() is not called any more. */
void process_free(struct process *process);

#endif
