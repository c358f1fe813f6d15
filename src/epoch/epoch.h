/* epoch.h: one run of a policy, from its plan to its seal or its abandonment. The whole state is
 * this struct; the journal keeps it as one JSON document. epoch_step.h moves it; instruction.h has
 * the orders it gives. Pure: no clock, no input or output, no log. */
#ifndef COEVAL_EPOCH_EPOCH_H
#define COEVAL_EPOCH_EPOCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/grade.h"
#include "base/random.h"
#include "epoch/instruction.h"

/*  PLANNED ─► PREPARING ─► ARMED ─► SNAPPED ─► RECEIVING ─► RECEIVED ─► COMMITTING ─► CANDIDATE
 *     │        │    ▲        │ │       │           │            │   │     │    ▲ │        │  │
 *     │        │    └─retry──┤ │       │           │            │   └─►┌──┼────┼─┼────────┘  │
 *     │        └──────┬──────┴─┴───────┴───────────┘            │      ▼  │    │ └─────┐     ▼
 *     │               ▼                                         │    STUCK─────┘RESUME │   SEALED
 *     │          ABANDONING ◄── ROLLING_BACK ◄──────────────────┴──────┘  │            │   ▲  │
 *     │               ▼             ▲  ▲ └─ it was sealed already ────────┼────────────┼───┘  ▼
 *     └────────► ABANDONED          │  └──────────────────────────────────┴────────────┘  RETIRED
 *                                   └─► STUCK (ROLLBACK failed; only back from there)
 * Every edge, by state and event, is in src/epoch/DESIGN. */
#define EPOCH_STATES(X)                                                         \
    X(PLANNED, "planned")       /* nothing but reading has happened anywhere */ \
    X(PREPARING, "preparing")   /* A prepares the moment */                     \
    X(ARMED, "armed")           /* A fires at T by itself */                    \
    X(SNAPPED, "snapped")       /* the moment is held on A; transfer ordered */ \
    X(RECEIVING, "receiving")   /* bytes move */                                \
    X(RECEIVED, "received")     /* all is on B; A is not needed any more */     \
    X(COMMITTING, "committing") /* B's live tree is between two epochs */       \
    X(CANDIDATE, "candidate")   /* frozen on B, being verified */               \
    X(SEALED, "sealed")         /* seal.json lies on B */                       \
    X(RETIRED, "retired")       /* its snapshots are gone */                    \
    X(ABANDONING, "abandoning") /* decided; what was made is being removed */   \
    X(ABANDONED, "abandoned")                                                   \
    X(ROLLING_BACK, "rolling_back") /* B goes back to the base */               \
    X(STUCK, "stuck")               /* a permanent failure; the operator chooses the way */

enum epoch_state {
#define X(name, text) EPOCH_##name,
    EPOCH_STATES(X)
#undef X
        EPOCH_STATE_COUNT
};
const char *epoch_state_name(enum epoch_state state); /* "rolling_back" */
bool epoch_state_from_name(const char *name, enum epoch_state *ret_state);

enum epoch_mode { EPOCH_MODE_FULL, EPOCH_MODE_INCREMENTAL };
enum epoch_direction { EPOCH_PULL, EPOCH_PUSH };
enum epoch_on_skew { EPOCH_SKEW_FAIL, EPOCH_SKEW_RETRY, EPOCH_SKEW_ACCEPT };

/* What the operator is asked: the plan removes more than max_removed; the target was changed by
 * others; the base is gone (yes: compare by checksum); the target of a first epoch has data (yes:
 * adopt it by comparison). Only touched may come after RECEIVED. */
#define EPOCH_QUESTIONS(X) \
    X(NONE, "none")        \
    X(SHRINK, "shrink") X(TOUCHED, "touched") X(LOST_BASE, "lost_base") X(ADOPT, "adopt")
enum epoch_question {
#define X(name, text) EPOCH_QUESTION_##name,
    EPOCH_QUESTIONS(X)
#undef X
        EPOCH_QUESTION_COUNT
};
const char *epoch_question_name(enum epoch_question question);
bool epoch_question_from_name(const char *name, enum epoch_question *ret_question);

#define EPOCH_NAME_SIZE 256

/* A sealed epoch that both sides hold: a pair of references. number 0: none. */
struct epoch_base {
    uint64_t generation, number;
    unsigned attempt;
    char snapshot_a[EPOCH_NAME_SIZE];
    char snapshot_b[EPOCH_NAME_SIZE];
};

/* By the policy when the epoch is planned; later edits of the policy change nothing. */
struct epoch_limits {
    int64_t lead_us;    /* a slot of "now" and every retry: T = now + lead */
    int64_t margin_us;  /* not armed by T - margin: disarm */
    int64_t grace_us;   /* A does not fire later than T + grace: missed */
    int64_t answer_us;  /* no result by T + grace + answer: ask with disarm whether it fired */
    int64_t backoff_us; /* before the second try; doubles */
    int64_t backoff_max_us;
    unsigned tries_max;         /* of one instruction, before its failure counts as permanent */
    unsigned attempts_max;      /* moments per slot */
    enum grade consistency;     /* least grade accepted */
    int64_t max_skew_us;        /* 0: no limit */
    enum epoch_on_skew on_skew; /* what to do beyond it */
    bool adopt_compare;         /* a lost base is answered by comparing without asking */
};

struct epoch {
    char pair[UUID_TEXT_SIZE], service[UUID_TEXT_SIZE];
    char service_name[EPOCH_NAME_SIZE];
    uint64_t generation; /* of the pair's record when the epoch was planned */
    uint64_t number;     /* never falls within a service */
    unsigned attempt;    /* 1 for the first moment */
    enum epoch_state state;
    int64_t slot_us; /* 0: "now" */
    int64_t t_us;    /* T of this attempt; 0 until it is known */
    enum epoch_mode mode;
    enum epoch_direction direction;
    struct epoch_base base;
    uint64_t group_revision;
    struct epoch_limits limits;
    /* Owned documents, NULL until they exist. settings: what agents need of the policy, opaque. */
    json_t *settings;
    json_t *members;  /* array: what resolve found */
    json_t *moment;   /* result of snapshot */
    json_t *transfer; /* ... of transfer */
    json_t *commit;   /* ... of commit: {"seal": ...}, once SEALED */
    json_t *history;  /* earlier attempts: [{attempt, t_us, grade, skew_us, cause}] */
    enum grade grade; /* this and skew_us only with a moment */
    int64_t skew_us;
    struct error cause; /* of STUCK, ABANDONING, ABANDONED, or of the question */
    bool missed;        /* abandoned because T passed */
    enum epoch_question question;
    json_t *asked;     /* of the question: [{id, data_set, text}], who asks it; or NULL */
    json_t *approvals; /* [{question, members: [id]}]: answered yes for these; NULL: none */
    unsigned approved; /* bits 1 << enum epoch_question: yes for all, where nobody said who asks */
    bool base_lost;    /* the base is not usable: compare by checksum */
    bool side_a_lost;  /* the operator declared A lost: nothing is awaited from it */
    bool forward;      /* of STUCK: commit may still go forward; false once a rollback began */
    bool settled;      /* A has the seal: this epoch is the base */
    bool retiring;
    struct epoch_instruction instructions[EPOCH_INSTRUCTION_COUNT][EPOCH_SIDE_COUNT];
    int64_t entered_us[EPOCH_STATE_COUNT]; /* last time; 0: never */
};

void epoch_init(struct epoch *epoch); /* all zero but attempt 1 */
void epoch_fini(struct epoch *epoch);
bool epoch_is_final(const struct epoch *epoch); /* RETIRED or ABANDONED */

/* coeval.<pair>.<service>.g1.e42.a1.<T>, ids cut to 8 characters: the name of an attempt's
 * snapshots on A (the moment); that of B's seal begins with it. t_us must be known. */
void epoch_snapshot_name(const struct epoch *epoch, char ret_name[EPOCH_NAME_SIZE]);
/* The base that this sealed epoch is for the next one. */
struct epoch_base epoch_as_base(const struct epoch *epoch);

/* The journal's document, a new reference; exact: from_json(to_json(e)) equals e. */
json_t *epoch_to_json(const struct epoch *epoch);
/* Ids and number are required, the rest is as of epoch_init() where it is missing: the body of any
 * instruction gives back its epoch, planned (recovery). *ret_epoch is initialised; fini it. */
bool epoch_from_json(const json_t *document, struct epoch *ret_epoch, struct error *error);

#endif
