/* run.h: an epoch in memory, and what listens for it (runner.c). Included by control_private.h. */
#ifndef COEVAL_CONTROL_RUN_H
#define COEVAL_CONTROL_RUN_H

#include "agent/link.h"
#include "base/list.h"
#include "control/rate.h"
#include "epoch/epoch_step.h"
#include "loop/timer.h"

struct service;
struct run;
/* Which instruction an order's answers belong to. */
struct run_listening {
    struct run *run;
    enum epoch_instruction_kind kind;
    enum epoch_side side;
    unsigned attempt;
    unsigned try;
};

/* An epoch in memory. */
struct run {
    struct list node;
    struct service *service;
    struct epoch epoch;
    struct timer *timer;
    struct link_order *orders[EPOCH_INSTRUCTION_COUNT][EPOCH_SIDE_COUNT];
    struct run_listening listenings[EPOCH_INSTRUCTION_COUNT][EPOCH_SIDE_COUNT];
    struct progress progress; /* of the newest running instruction, for people */
    struct rate rate;
    bool retired_a; /* its snapshots on A are gone already (retention per side) */
    bool retiring_a;
    bool lost_b; /* its snapshots on B are gone with their root: nothing can be restored from it */
    bool recorded;  /* its newest state is durable */
    bool is_slim;   /* an ended one: its documents are in the journal only (history.c) */
    unsigned steps; /* whose records are not durable, or whose effects are being carried out */
};

struct run *run_new(struct service *service); /* epoch initialised, not yet in a state */
void run_free(struct run *run);
void run_event(struct run *run, const struct epoch_event *event, struct error *ret_refused);
void run_resume(struct run *run);
void run_use_up(const struct run *run); /* its slot and its T are none of its service any more */
void run_save(struct run *run);         /* its record, without a step of the epoch */
/* Looks whether the report tells of epochs that this device has never heard of; refused: the agent
 * did not take the order. */
void behind_check(struct run *run, const struct epoch_report *report, bool refused);
/* Leaves the documents of an ended epoch to the journal, if nothing needs them any more. */
void history_slim(struct run *run);
/* Brings them back; a run that is not slim is left as it is. */
bool history_fill(struct run *run, struct error *error);
/* As it is recorded, for one look: epoch_fini() it. */
bool history_read(const struct run *run, struct epoch *ret_epoch, struct error *error);
/* Lets old final epochs go. Where a new one begins: never while a list of runs is walked. */
void history_prune(struct service *service);
bool run_is_busy(const struct run *run); /* the next epoch must wait */

#endif
