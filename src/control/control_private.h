/* control_private.h: what the files of control/ share. The loop thread owns all of it.
 *   control.c   start, stop, journal objects in and out
 *   service.c   one service: its schedule, its epochs
 *   planner.c   from a slot to an epoch with settings   history.c   old epochs go
 *   runner.c    one epoch: interprets the effects of epoch_step()   behind.c   an old journal
 *   ask.c       instructions outside an epoch (check, catalogue, inspect, ...)
 *   links.c     the ways to the agents   long_work.c  how far such work is
 *   left.c, outlook.c (check, simulate), apply.c, registry.c, root_move.c, events.c, recover.c */
#ifndef COEVAL_CONTROL_CONTROL_PRIVATE_H
#define COEVAL_CONTROL_CONTROL_PRIVATE_H

#include "base/list.h"
#include "base/random.h"
#include "control/control.h"
#include "control/holds.h"
#include "control/left.h"
#include "control/orphans.h"
#include "control/scrub.h"
#include "epoch/epoch_step.h"
#include "policy/policy.h"
#include "policy/zone.h"

#define EVENTS_KEPT 4000

struct pair {
    struct list node;
    char id[UUID_TEXT_SIZE];
    char *name, *primary, *secondary;
    int64_t generation;
    int64_t fenced; /* generation that an agent refuses for another device's newer one; 0: none */
};

struct control {
    struct loop *loop;
    struct control_options options;
    struct list services, pairs;
    struct list asks;
    struct list listeners;
    struct list works;   /* long ones under way */
    struct list calls;   /* answers still owed to callers */
    struct list records; /* handed to the journal and not durable yet, in order */
    struct timer *record_timer;
    struct reaper reaper;
    json_t *events; /* ring, oldest first */
    uint64_t event_sequence;
    json_t *roots;  /* [{cluster, instance, root, since_us, services}] */
    json_t *stores; /* {"cluster/instance": identity} */
    struct links *links;
    bool stopping;
    bool ending; /* being freed: no answer is given any more */
};

/* One service: a policy and its epochs. */
struct service {
    struct list node;
    struct control *control;
    char id[UUID_TEXT_SIZE];
    char *name;
    struct pair *pair;
    json_t *policy_document; /* canonical */
    struct policy policy;
    struct zone zone; /* of the policy's schedule, when has_zone */
    bool has_zone;
    int64_t revision;
    char *broken;     /* why the policy does not work on this machine; NULL: it does */
    bool told_behind; /* the clock is behind the last slot, and the operator knows */
    bool firing;      /* a slot is being recorded */
    bool moving;      /* a root of it is: nothing begins */
    bool deleted;     /* the policy is gone; its epochs are still shown */
    struct schedule_state schedule;
    uint64_t begun_number; /* the epoch of schedule.begun_us has this number or a higher one */
    struct wall_timer *timer;
    struct list runs; /* epochs that are not final, and seals not yet retired; ascending */
    uint64_t next_number;
    struct epoch_base base;    /* number 0: none */
    uint64_t since_sweep;      /* sealed epochs since the last one with a sweep */
    bool base_distrusted;      /* a root moved, a commit was rolled back oddly: compare next time */
    json_t *suspects;          /* of the base's moment */
    json_t *left;              /* [{cluster, instance, path, bytes}]: left.c */
    struct hold hold;          /* of the base on A */
    struct scrub scrub;        /* of the newest seal on B */
    json_t *passed;            /* counters {missed, overrun, coalesced} */
    struct planning *planning; /* an epoch is being planned; NULL otherwise */
};

#include "control/events.h"
#include "control/long_work.h"
#include "control/run.h"

/* ---- control.c ---- */
const struct control_cluster *control_find_cluster(struct control *control, const char *name);
/* NOT_FOUND with what there is instead. */
bool control_knows(struct control *control, const char *cluster, const char *instance,
                   struct error *error);
struct service *control_find_service(struct control *control, const char *name_or_id);
struct pair *control_find_pair(struct control *control, const char *name);
/* Appends; retries for as long as the journal is full. done may be NULL. */
void control_record(struct control *control, const struct journal_append *records, size_t count,
                    journal_done_fn *done, void *context);
char *control_text(json_t *document); /* steals; free() the text */
size_t control_text_size(const json_t *document);
/* Answers a caller in a later turn; result is stolen (may be NULL with an error). */
void control_answer(struct control *control, control_done_fn *done, void *context, json_t *result,
                    const struct error *error);

void control_save_pair(struct control *control, const struct pair *pair);

/* ---- service.c ---- */
struct service *service_new(struct control *control, const char *id, const char *name);
void service_free(struct service *service);
bool service_set_policy(struct service *service, json_t *document, int64_t revision,
                        struct error *error);  /* document is stolen on success */
void service_tick(struct service *service);    /* decide now, arm the timer */
char *service_object(struct service *service); /* its journal object; free() it */
void service_save(struct service *service);
/* done once it is durable, or will never be. */
void service_save_then(struct service *service, journal_done_fn *done, void *context);
bool service_is_busy(struct service *service); /* something of it has begun */
void service_epoch_ended(struct service *service);
/* B has a seal that A could not keep: what A holds is no base for B's present tree. */
bool service_base_is_behind(const struct service *service);
void service_retain(struct service *service);
/* What the policy says now, to the agents of an epoch that was planned by an older one. */
void service_send_limits(struct service *service);
json_t *service_limits(const struct service *service);
struct run *service_find_run(struct service *service, uint64_t number);
struct run *service_running(struct service *service); /* run_is_busy(); or NULL */
bool service_load(struct control *control, const char *id, const json_t *object,
                  struct error *error);

/* ---- planner.c ---- */
void plan_epoch(struct service *service, int64_t slot_us, int64_t moment_us);
void planning_free(struct planning *planning);

/* ---- registry.c ---- */
void registry_set_store(struct control *control, const char *cluster, const char *instance,
                        const char *identity);
const char *registry_store(struct control *control, const char *cluster, const char *instance);
void registry_add_root(struct control *control, const char *cluster, const char *instance,
                       const char *root);
void registry_remove_root(struct control *control, size_t index);
/* The registered root that covers the path, or NULL. */
const char *registry_root_of(struct control *control, const char *cluster, const char *instance,
                             const char *path);

/* ---- report.c ---- */
json_t *report_epoch(const struct run *run); /* without the documents of its steps */
json_t *report_service(struct service *service);

#endif
