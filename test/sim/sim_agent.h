/* sim_agent.h: an agent: takes instructions, keeps them in its journal, carries them out one act at
 * a time. A task is a function from what can be seen (journal, stores, clock) to its next act; it
 * remembers nothing between two acts, so a crash between them is nothing special. */
#ifndef COEVAL_TEST_SIM_SIM_AGENT_H
#define COEVAL_TEST_SIM_SIM_AGENT_H

#include <jansson.h>

#include "base/error.h"
#include "epoch/instruction.h"
#include "sim_durable.h"
#include "sim_network.h"
#include "sim_store.h"

/* What a task needs of its body. */
struct order {
    enum epoch_instruction_kind kind;
    enum epoch_side side;
    uint64_t number;
    unsigned attempt, try;
    int64_t t_us, grace_us;
    char snapshot[EPOCH_NAME_SIZE], base_a[EPOCH_NAME_SIZE], base_b[EPOCH_NAME_SIZE];
    bool has_base, base_lost;
    unsigned approved;
    uint64_t generation; /* the epoch's */
};

enum held_status { HELD_RUNNING, HELD_WAITING, HELD_DONE, HELD_FAILED };

struct held {
    char key[DIGEST_TEXT_SIZE];
    char *body;
    struct order order;
    enum held_status status;
    char phase[16];
    char question[16];
    enum error_code code;
    char *result;  /* JSON or NULL */
    char *visible; /* the status that is durable: what may be told */
    bool blind;    /* defect: done again without looking */
};

#define HELD_MAX 1024

struct agent {
    enum process process;
    struct durable journal;
    struct held *held[HELD_MAX]; /* in the order of their coming */
    size_t held_count;
    struct op *flying[8]; /* acts that have left and are not answered */
    struct held *flyers[8];
};

enum decision_kind { DECIDE_OP, DECIDE_PHASE, DECIDE_WAIT, DECIDE_DONE, DECIDE_FAIL, DECIDE_ASK };

struct decision {
    enum decision_kind kind;
    struct op op;
    const char *phase;    /* PHASE */
    const char *question; /* ASK */
    int64_t until_us;     /* WAIT */
    enum error_code code; /* FAIL */
    json_t *result;       /* DONE, FAIL; taken */
};

struct task {
    struct world *world;
    struct agent *agent;
    struct held *held;
    const struct order *order;
    struct cluster *a, *b;
    struct area *area_a, *area_b; /* NULL: nothing there about this attempt */
};
typedef void task_fn(const struct task *task, struct decision *ret_decision);
task_fn task_resolve, task_snapshot, task_disarm, task_transfer, task_commit, task_rollback,
    task_discard, task_settle, task_retire;

/* sim_task_moment.c and others: the usual decisions. */
void decide_fail(struct decision *decision, enum error_code code);
void decide_done(struct decision *decision, json_t *result);
struct op *decide_op(const struct task *task, struct decision *decision, enum op_kind kind,
                     enum process cluster);
/* Staging has another name in each phase of a commit, so that what a dead agent sent in the phase
 * before finds neither source nor parent. close_door() renames it; false: it has its name. */
char *path_in_staging(const struct task *task, const char *staged, char ret_path[PATH_SIZE]);
bool is_own_staging(const struct task *task, const char *path);
bool close_door(const struct task *task, struct decision *decision);
/* Removes what is staged on B, attempt by attempt, or only by this one; false: nothing is left.
 * sim_task_rollback.c */
bool unstage_next(const struct task *task, struct decision *decision, bool own_only);
/* The next act of the plan, forward or back, its markers included; false: it is through. */
bool phase_next(const struct task *task, struct decision *decision);
json_t *seal_of(const struct area *area); /* {"seal": ...} */

struct agent *agent_new(enum process process);
void agent_free(struct agent *agent);
void agent_receive(struct world *world, struct agent *agent, const struct message *message);
void agent_crash(struct world *world, struct agent *agent, bool journal_too);
void agent_start(struct world *world, struct agent *agent);

/* sim_intake.c */
bool order_read(const char *body, struct order *ret_order);
void held_free(struct held *held);
char *held_print(const struct held *held); /* for the journal and for STATUS */
struct held *held_read(const char *key, const char *text);
void agent_inspect(struct world *world, struct agent *agent, const struct message *message);

#endif
