/* instruction.h: the orders an epoch gives to the agents, and how far each one is. An instruction
 * is known by its key; whatever is sent under one key has one body, so that it may be delivered any
 * number of times and asked for after any restart. What an agent must do for each kind, and what
 * it answers, stands in src/epoch/DESIGN. */
#ifndef COEVAL_EPOCH_INSTRUCTION_H
#define COEVAL_EPOCH_INSTRUCTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

/* A: the primary, B: the secondary. */
enum epoch_side { EPOCH_SIDE_A, EPOCH_SIDE_B, EPOCH_SIDE_COUNT };
const char *epoch_side_name(enum epoch_side side); /* "a" */

/* Names are part of the wire and of the journal.
 *   resolve   A      members of the group, as they are now
 *   snapshot  A      prepare, be armed, fire at T, read back, store the differences
 *   disarm    A      answers {"fired": bool}; after false the snapshot will never be taken
 *   transfer  A | B  pull: B fetches; push: A brings. Done: everything of the epoch is on B
 *   commit    B      park, place, compare, candidate, verify, seal
 *   rollback  B      back to the base; refused with the seal when the epoch is sealed
 *   discard   A, B   stops what runs for the attempt, removes its snapshots and staging
 *   settle    A      copy of the seal into A's area
 *   retire    A, B   removes the snapshots of a sealed epoch, unless a hold names them */
#define EPOCH_INSTRUCTIONS(X) \
    X(RESOLVE, "resolve")     \
    X(SNAPSHOT, "snapshot")   \
    X(DISARM, "disarm")       \
    X(TRANSFER, "transfer")   \
    X(COMMIT, "commit")       \
    X(ROLLBACK, "rollback")   \
    X(DISCARD, "discard")     \
    X(SETTLE, "settle")       \
    X(RETIRE, "retire")

enum epoch_instruction_kind {
#define X(name, text) EPOCH_INSTRUCTION_##name,
    EPOCH_INSTRUCTIONS(X)
#undef X
        EPOCH_INSTRUCTION_COUNT
};
const char *epoch_instruction_name(enum epoch_instruction_kind kind); /* "resolve" */
bool epoch_instruction_from_name(const char *name, enum epoch_instruction_kind *ret_kind);

/* NONE → SENT → DONE | FAILED | FORGOTTEN, SENT → RETRY | WAITING → SENT (the next try). Only a
 * SENT instruction with the same attempt and try listens to reports. */
#define EPOCH_INSTRUCTION_STATUSES(X)                              \
    X(NONE, "none")                                                \
    X(SENT, "sent")                                                \
    X(RETRY, "retry")     /* the next try leaves at retry_at_us */ \
    X(WAITING, "waiting") /* for the operator's answer */          \
    X(DONE, "done")                                                \
    X(FAILED, "failed")                                            \
    X(FORGOTTEN, "forgotten")

enum epoch_instruction_status {
#define X(name, text) EPOCH_INSTRUCTION_##name,
    EPOCH_INSTRUCTION_STATUSES(X)
#undef X
        EPOCH_INSTRUCTION_STATUS_COUNT
};

/* Of the epoch's present attempt. */
struct epoch_instruction {
    enum epoch_instruction_status status;
    unsigned try;      /* 1 for the first; 0: never sent */
    unsigned failures; /* in a row, since the operator last spoke */
    int64_t retry_at_us;
};

struct epoch;

/* Hexadecimal SHA-256 over (service, generation, number, attempt, kind, side, try). */
void epoch_instruction_key(const struct epoch *epoch, enum epoch_instruction_kind kind,
                           enum epoch_side side, unsigned attempt, unsigned try,
                           char ret_key[DIGEST_TEXT_SIZE]);
/* The body of the present try, a new reference; its members are listed in src/epoch/DESIGN. A
 * function of the epoch alone and, while the instruction is SENT, always the same one: re-sending
 * after a restart is no conflict. What the shell adds (device, deadline) changes from one
 * delivery to the next and must not be compared by the agent. */
json_t *epoch_instruction_body(const struct epoch *epoch, enum epoch_instruction_kind kind,
                               enum epoch_side side);

#endif
