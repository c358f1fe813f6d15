/* epoch_step.h: (state, event, now) → effects. The one function that moves an epoch. */
#ifndef COEVAL_EPOCH_EPOCH_STEP_H
#define COEVAL_EPOCH_EPOCH_STEP_H

#include "epoch/epoch.h"

#define EPOCH_EVENTS(X)                                                                  \
    X(START, "start")         /* the scheduler lets a PLANNED epoch begin */             \
    X(REPORT, "report")       /* an agent's report on an instruction */                  \
    X(TIMER, "timer")         /* the time of the last TIMER effect, or any other time */ \
    X(INSPECTED, "inspected") /* the area on B was read (recovery, doubt) */             \
    X(RETIRE, "retire")       /* retention lets a sealed epoch go */                     \
    X(ABANDON, "abandon")     /* the operator's verbs */                                 \
    X(ROLLBACK, "rollback")                                                              \
    X(RESUME, "resume")                                                                  \
    X(APPROVE, "approve")                                                                \
    X(LOST, "lost") /* cluster A is gone for good: end without it */

enum epoch_event_kind {
#define X(name, text) EPOCH_EVENT_##name,
    EPOCH_EVENTS(X)
#undef X
        EPOCH_EVENT_COUNT
};
const char *epoch_event_name(enum epoch_event_kind kind);

/* RUNNING may come often or never; phases may be skipped. WAITING: the task has ended without an
 * effect and asks; an approval is a new try. DONE and FAILED are final for their try. */
enum epoch_report_status {
    EPOCH_REPORT_RUNNING,
    EPOCH_REPORT_WAITING,
    EPOCH_REPORT_DONE,
    EPOCH_REPORT_FAILED
};

struct epoch_report {
    enum epoch_instruction_kind kind;
    enum epoch_side side;
    unsigned attempt;
    unsigned try;
    enum epoch_report_status status;
    const char *phase;    /* RUNNING: "armed", "committing", "candidate", "sealed"; else NULL */
    const char *question; /* WAITING: a name of enum epoch_question */
    const json_t *asked;  /* WAITING: [{id, data_set, text}]; borrowed; NULL: an older agent */
    struct error error;   /* FAILED; and the text of WAITING */
    const json_t *result; /* may be NULL; borrowed for the call. FAILED may carry
                             {"conflict": "lost_base"}, {"missed": true}, {"seal": {...}} */
};

/* How far B's area says that the epoch is: receipt, first phase marker, rollback marker, seal. */
enum epoch_found {
    EPOCH_FOUND_NOTHING,
    EPOCH_FOUND_RECEIVED,
    EPOCH_FOUND_COMMITTING,
    EPOCH_FOUND_ROLLING_BACK,
    EPOCH_FOUND_SEALED
};

struct epoch_event {
    enum epoch_event_kind kind;
    struct epoch_report report; /* REPORT */
    enum epoch_found found;     /* INSPECTED; NOTHING abandons an epoch rebuilt from a body */
    const json_t *seal;         /* INSPECTED with FOUND_SEALED: seal.json; borrowed */
    unsigned tries_above;       /* INSPECTED after a lost journal: tries up to this one are used */
    const char *reason;         /* operator's verbs; may be NULL */
};

#define EPOCH_EFFECTS(X)                                                                       \
    X(RECORD, "record")         /* journal epoch_to_json(); always first */                    \
    X(INSTRUCT, "instruct")     /* send (again) and listen to the answers */                   \
    X(FORGET, "forget")         /* stop listening; the agent may still act on it */            \
    X(TIMER, "timer")           /* replaces the epoch's one timer; at_us 0: none */            \
    X(TELL, "tell")             /* an event for the operator */                                \
    X(BASE_MOVED, "base-moved") /* this epoch is the base now: only ever to a higher number */ \
    X(FINISHED, "finished")     /* nothing is awaited: the service is free for its next epoch */

enum epoch_effect_kind {
#define X(name, text) EPOCH_EFFECT_##name,
    EPOCH_EFFECTS(X)
#undef X
        EPOCH_EFFECT_COUNT
};
const char *epoch_effect_name(enum epoch_effect_kind kind);

enum epoch_severity { EPOCH_NOTICE, EPOCH_WARNING, EPOCH_ALARM };

#define EPOCH_COMMANDS_MAX 2

struct epoch_tell {
    const char *name; /* "epoch.stuck"; static; the list is in src/epoch/DESIGN */
    enum epoch_severity severity;
    char text[640];
    char commands[EPOCH_COMMANDS_MAX][320]; /* what to type next; "" where there is none */
};

struct epoch_effect {
    enum epoch_effect_kind kind;
    enum epoch_instruction_kind instruction; /* INSTRUCT, FORGET */
    enum epoch_side side;
    unsigned attempt;
    unsigned try;
    int64_t at_us;          /* TIMER */
    struct epoch_tell tell; /* TELL */
};

#define EPOCH_EFFECTS_MAX 12

struct epoch_effects {
    struct epoch_effect effects[EPOCH_EFFECTS_MAX];
    size_t count;
    struct error refused; /* an operator's verb that is not possible now, and what to do instead;
                             ERROR_OK otherwise */
};

/* The caller carries the effects out in order; what follows a RECORD leaves only when the record is
 * durable. Reports that no SENT instruction waits for change nothing and give no effects. */
void epoch_step(struct epoch *epoch, const struct epoch_event *event, int64_t now_us,
                struct epoch_effects *ret_effects);
/* After a restart: what the state waits for, again. Changes nothing; every effect may have been
 * carried out before. */
void epoch_resume(const struct epoch *epoch, int64_t now_us, struct epoch_effects *ret_effects);

#endif
