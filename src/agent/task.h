/* task.h: an instruction being carried out: a row of stages, each run by one or more executors
 * (jobs of the work queue), straight-line, decided by looking, so that any stage can run again
 * after a crash. The loop thread owns the struct; executors touch only what is marked so. */
#ifndef COEVAL_AGENT_TASK_H
#define COEVAL_AGENT_TASK_H

#include <pthread.h>

#include "agent/agent.h"
#include "agent/protocol.h"
#include "base/list.h"
#include "loop/timer.h"

struct task;

/* In an executor; lane is 0 .. width-1. False with a retriable code: the stage runs again after a
 * pause; ERROR_CONFLICT after member_ask(): the instruction waits for the operator. */
typedef bool task_run_fn(struct task *task, unsigned lane, struct error *error);

struct task_stage {
    const char *phase;                    /* told to the control device, durable before the stage */
    task_run_fn *run;                     /* NULL: start does it */
    unsigned (*width)(struct task *task); /* how many executors at once; NULL: one */
    /* On the loop, instead of run: ends by task_stage_done(). */
    void (*start)(struct task *task);
};

struct task_kind {
    const char *name;
    const struct task_stage *stages;
    size_t stage_count;
    bool is_long;         /* counts against long_jobs_max */
    bool is_alone;        /* for a service one at a time: they write the same files */
    bool stops_others;    /* runs beside what it makes end */
    bool only_reads;      /* how far it is tell the bytes that it has read */
    bool runs_to_the_end; /* stages are entered although it shall stop: the last one
                             undoes what an earlier one did outside */
    void (*make_state)(struct task *task); /* on the loop, with the task; NULL */
    void (*cancel)(struct task *task);     /* on the loop, hurries a stage with start; NULL */
    void (*other_over)(
        struct task *task); /* on the loop, while running: another task ended; NULL */
    /* On the loop: a stage has failed for good; NULL: the task ends. True: kept, to be told by the
     * last stage; those between run, because they undo what an earlier one did outside. */
    bool (*keep_failure)(struct task *task, const struct error *error);
    void (*free_state)(struct task *task);
};

/* NULL: unknown kind. */
const struct task_kind *task_kind_find(const char *name);

struct task {
    struct list node;
    struct agent *agent;
    const struct task_kind *kind;
    struct instruction instruction;
    /* status: loop thread */
    uint64_t revision;
    enum status_state state;
    char phase[32];
    /* what is shown while a change is on its way to the journal: how it was before */
    uint64_t shown_revision;
    char shown_phase[32];
    struct error error;
    int64_t updated_us;
    struct list waiters;
    size_t bytes; /* counted in the agent's orders_bytes */
    /* running: loop thread */
    size_t stage;
    uint64_t scope; /* of this try's calls: another one read before it, and proves nothing to it */
    unsigned jobs_left;
    unsigned failures;      /* of this stage in a row */
    struct error job_error; /* first failure of this round */
    struct timer *retry;
    bool running;
    bool resumed;     /* of an earlier run of the daemon: what that did outside is not known */
    bool pausing;     /* the retry timer runs */
    bool has_slot;    /* counted in the agent's long_jobs */
    unsigned changes; /* on their way to the journal: the task must outlive them */
    bool unsaved;     /* a change never got there */
    uint64_t told;    /* counters, as waiters last heard them */
    bool forgotten;   /* deleted by the control device: goes when nothing needs it any more */
    bool is_fenced;   /* its generation is past: it ends as FENCED */
    /* shared with executors */
    pthread_mutex_t mutex; /* guards the rest, but for atomics */
    struct arena arena;    /* dies with the task */
    json_t *result;        /* object; filled by the stages, sent when done */
    char question[32];
    json_t *asked; /* array: the members that ask it */
    void *own;     /* the kind's own state */
    atomic_bool abort;
    struct call_counters counters;
    atomic_uint_fast64_t files_total, bytes_total;
    struct limiter *limiter;
};

/* For executors. */
struct call task_call(struct task *task); /* deadline, abort, limiter, counters of this task */
bool task_store(struct task *task, const char *cluster, const char *instance,
                struct store_ref *ret_ref, struct error *error);
/* The first store of a cluster: where its area lies. */
bool task_area_store(struct task *task, const char *cluster, struct store_ref *ret_ref,
                     struct error *error);
void task_result_take(struct task *task, const char *key, json_t *value); /* steals value */
/* Somebody called member_ask(): the try ends with that question. */
bool task_asks(struct task *task);
const char *task_scope(const struct task *task); /* cluster's name, for crash points and logs */

/* Loop thread. */
struct task *task_new(struct agent *agent, const struct task_kind *kind,
                      const struct instruction *instruction);
void task_free(struct task *task);
void task_start(struct task *task);                             /* from stage 0 */
void task_refuse(struct task *task, const struct error *error); /* which has not begun */
/* Asks; it ends as failed (CANCELED) unless it was done. What only waits for a slot ends at once.
 * While the agent stops it ends as running: the next start goes on with it. */
void task_stop(struct task *task);
void task_stage_done(struct task *task, const struct error *error);
json_t *task_record(struct task *task); /* as it is, for the journal */
/* As the journal has it, for everybody else: an end that is not durable is still running, and a
 * phase that is not has not begun. */
json_t *task_status(struct task *task);
uint64_t task_revision(const struct task *task);
bool task_is_over(const struct task *task);
void task_is_durable(struct task *task); /* the journal has it as it is: so it is shown */
/* State, phase or error changed: makes it durable, then tells the waiters. */
void task_changed(struct task *task, loop_fn *durable, void *context);

/* What the agent gives its tasks. */
struct agent_parts {
    struct loop *loop;
    const struct agent_options *options;
    struct list tasks;
    struct list moments; /* moment threads */
    unsigned long_jobs;
    uint64_t scopes; /* the last one given */
    bool stopping;
    struct list limiters; /* one per service */
    size_t orders_bytes;  /* of all tasks: their orders and results, as text */
};
struct agent_parts *agent_parts(struct agent *agent);
json_t *agent_fences(struct agent *agent); /* {pair: {generation, device}}: the highest seen */
/* Running, or something of it is on its way to the journal. */
bool task_is_busy(const struct task *task);
void agent_task_over(struct agent *agent, struct task *task);
void agent_tell_waiters(struct task *task);

#endif
