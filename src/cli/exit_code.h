/* exit_code.h: what `coeval` says to scripts by its exit status. One table: doc/exit-codes.md has
 * the same rows, a test compares them. Numbers are never used again for something else. */
#ifndef COEVAL_CLI_EXIT_CODE_H
#define COEVAL_CLI_EXIT_CODE_H

#include "base/error.h"

#define EXIT_CODES(X)                                                                           \
    X(OK, 0, "done")                                                                            \
    X(USAGE, 1, "wrong arguments, or a policy file that cannot be read or is not sound")        \
    X(REFUSED, 2, "the device refused the order: it conflicts with the present state")          \
    X(NOT_FOUND, 3, "no such policy, epoch, cluster or operation")                              \
    X(UNREACHABLE, 4, "the device cannot be reached, or broke off: the order may have arrived") \
    X(FAILED, 5,                                                                                \
      "the work was done and failed: abandoned epoch, findings, broken seal, full disk")        \
    X(WAITING, 6, "an epoch waits for the operator: a question to approve, or stuck")           \
    X(DENIED, 7, "the device wants a token, or another one (--token-file)")                     \
    X(TIMEOUT, 8, "--timeout passed before the end; the work goes on")

enum exit_code {
#define X(name, number, text) CLI_##name = (number),
    EXIT_CODES(X)
#undef X
};

/* Of an error that the device gave as its answer. */
enum exit_code exit_code_of(enum error_code code);

#endif
