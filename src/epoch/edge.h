/* edge.h: what a step is made of. Only the files of epoch/ include it: epoch_step.c opens and
 * closes a step, the others move the epoch and add effects through these. */
#ifndef COEVAL_EPOCH_EDGE_H
#define COEVAL_EPOCH_EDGE_H

#include "epoch/epoch_step.h"

struct step {
    struct epoch *epoch;
    int64_t now_us;
    struct epoch_effects *effects;
    bool changed;
};

/* edge.c */
struct epoch_effect *step_add(struct step *step, enum epoch_effect_kind kind);
void step_enter(struct step *step, enum epoch_state state);
/* The next try leaves now. */
void step_instruct(struct step *step, enum epoch_instruction_kind kind, enum epoch_side side);
/* Stops waiting for it, sent or not yet; nothing when it has ended. */
void step_forget(struct step *step, enum epoch_instruction_kind kind, enum epoch_side side);
/* ... all of them: the state that comes waits for nothing of before. */
void step_forget_all(struct step *step);
/* The next try leaves after a pause that doubles with each failure. */
void step_retry(struct step *step, enum epoch_instruction_kind kind, enum epoch_side side,
                const struct error *why);
struct epoch_tell *step_tell(struct step *step, const char *name, enum epoch_severity severity,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "coeval epoch VERB SERVICE NUMBER", behind the commands that are there. */
void step_command(const struct step *step, struct epoch_tell *tell, const char *verb);
void step_ask_no_more(struct step *step);
void step_refuse(struct step *step, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline struct epoch_instruction *
instruction_of(struct epoch *epoch, enum epoch_instruction_kind kind, enum epoch_side side)
{
    return &epoch->instructions[kind][side];
}
/* An answer to it is awaited: sent, or about to be sent again. */
bool is_open(const struct epoch *epoch, enum epoch_instruction_kind kind, enum epoch_side side);
bool has_ended(const struct epoch *epoch, enum epoch_instruction_kind kind, enum epoch_side side);
enum epoch_side transfer_side(const struct epoch *epoch);
bool may_retry(const struct step *step, enum epoch_instruction_kind kind, enum epoch_side side,
               enum error_code code);

/* epoch_moment.c: up to the snapshot, and away from an epoch before its commit. */
void step_start(struct step *step);
void report_resolve(struct step *step, const struct epoch_report *report);
void report_snapshot(struct step *step, const struct epoch_report *report);
void report_disarm(struct step *step, const struct epoch_report *report);
void report_discard(struct step *step, const struct epoch_report *report);
/* By when the state must have its answer; 0: no such time. */
int64_t moment_deadline(const struct epoch *epoch);
void moment_overdue(struct step *step);
/* Decided: removes what was made, in an order in which nothing runs that could make it again. */
void step_abandon(struct step *step, const struct error *cause);
void step_clean_up(struct step *step);

/* epoch_delivery.c: from the transfer to the retirement. */
void report_transfer(struct step *step, const struct epoch_report *report);
void report_commit(struct step *step, const struct epoch_report *report);
void report_rollback(struct step *step, const struct epoch_report *report);
void report_settle(struct step *step, const struct epoch_report *report);
void report_retire(struct step *step, const struct epoch_report *report);
void step_received(struct step *step);
void step_roll_back(struct step *step, const struct error *cause);
/* True when seal is one of this epoch; it is SEALED then. */
bool step_seal(struct step *step, const json_t *seal);
void step_inspected(struct step *step, const struct epoch_event *event);
void step_retire(struct step *step);

/* epoch_operator.c: the verbs. */
void operator_abandon(struct step *step, const char *reason);
void operator_rollback(struct step *step, const char *reason);
void operator_resume(struct step *step);
void operator_approve(struct step *step);
void operator_lost(struct step *step);

#endif
