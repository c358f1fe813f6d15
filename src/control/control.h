/* control.h: the control device: decides policies, epochs and what the operator is told. One loop,
 * a timer for each policy. The admin interface (admin/) calls what stands here and nothing else. */
#ifndef COEVAL_CONTROL_CONTROL_H
#define COEVAL_CONTROL_CONTROL_H

#include <jansson.h>

#include "agent/link.h"
#include "base/document.h"
#include "journal/journal.h"
#include "loop/loop.h"

struct control;

struct control_instance {
    const char *name;  /* "hdfs" */
    const char *kind;  /* "hdfs" */
    unsigned features; /* of the component */
};

/* A cluster of the configuration; all borrowed, must live longer. */
struct control_cluster {
    const char *name;
    const char *location;    /* NULL: not said */
    const json_t *resources; /* {nodes, capacity}; NULL */
    const char *area;        /* Coeval's own directory on it; NULL: not said */
    const char *agent_url;   /* NULL: its agent is in this process */
    struct link *link;
    const struct control_instance *instances; /* the first one holds the area */
    size_t instance_count;
};

struct control_options {
    const char *device; /* UUID */
    struct journal *journal;
    const char *journal_directory; /* for what the operator is told; NULL: "its journal" */
    const struct control_cluster *clusters;
    size_t cluster_count;
    size_t history_max;           /* retired and abandoned epochs kept of each service; 0: 1,000 */
    bool refuses_hooks;           /* in policies: whoever sends one would run it as our user */
    int64_t instruction_limit_us; /* deadline of one transfer or commit; 0: 24 h */
    int64_t orphan_age_us; /* snapshots of no epoch are removed when they are older; 0: never */
};

/* Resumes every epoch that the journal holds. */
bool control_new(struct loop *loop, const struct control_options *options,
                 struct control **ret_control, struct error *error);
/* Starts nothing new and stops listening to agents (which go on); `stopped` runs later. */
void control_stop(struct control *control, loop_fn *stopped, void *context);
void control_free(struct control *control);

/* Answers of what takes time: once, never inside the call. result borrowed for the call; NULL on
 * error. A caller that goes away calls control_forget(context). */
typedef void control_done_fn(void *context, const json_t *result, const struct error *error);
void control_forget(struct control *control, const void *context);

/* How far the work is whose answer will go to this context. False: nothing is under way, or it is
 * not long work. */
struct control_progress {
    char doing[96];       /* "asking cluster west" */
    const char *unit;     /* of the counts: "clusters", "entries", "steps" */
    uint64_t done, total; /* total 0: not known yet */
    /* What reads or moves content; bytes_total 0: it does not, or is not that far. */
    uint64_t bytes_done, bytes_total, bytes_per_second;
    int64_t seconds_left; /* -1: nobody knows */
};
bool control_progress(struct control *control, const void *context,
                      struct control_progress *ret_progress);

/* Policies. apply validates against the live stores of both clusters; dry_run changes nothing. */
void control_apply_policy(struct control *control, struct document *document, bool dry_run,
                          const char *reason, control_done_fn *done, void *context);
json_t *control_policies(struct control *control);
bool control_policy(struct control *control, const char *name, json_t **ret, struct error *error);
/* Its epochs and seals stay; nothing on the clusters is removed. */
void control_delete_policy(struct control *control, const char *name, const char *reason,
                           control_done_fn *done, void *context);
/* "run" (an epoch now), "pause", "resume". */
void control_policy_verb(struct control *control, const char *name, const char *verb,
                         const char *reason, control_done_fn *done, void *context);

/* Epochs, newest first; service NULL: all. id: "<service name>/<number>". */
json_t *control_epochs(struct control *control, const char *service, size_t limit);
bool control_epoch(struct control *control, const char *service, uint64_t number, json_t **ret,
                   struct error *error);
/* "abandon", "rollback", "resume", "approve", "lost". */
void control_epoch_verb(struct control *control, const char *service, uint64_t number,
                        const char *verb, const char *reason, control_done_fn *done, void *context);
/* Compares the seal with its manifest, entry by entry, on B. */
void control_verify(struct control *control, const char *service, uint64_t number,
                    control_done_fn *done, void *context);

json_t *control_status(struct control *control); /* services, clusters, alarms, clock */
json_t *control_clusters(struct control *control);
/* Data sets below a path of an instance, for a policy page. */
void control_catalogue(struct control *control, const char *cluster, const char *instance,
                       const char *path, control_done_fn *done, void *context);
/* Preflight of every hop of every policy (or of one), with remedies. */
void control_check(struct control *control, const char *service, control_done_fn *done,
                   void *context);
json_t *control_roots(struct control *control);
/* What a change of roots would mean; move carries it out between epochs: the base is lost and the
 * next epoch compares by checksum. False: refused at once, and done is not called. */
bool control_root_plan(struct control *control, const char *cluster, const char *instance,
                       const char *root, json_t **ret, struct error *error);
bool control_root_move(struct control *control, const char *cluster, const char *instance,
                       const char *root, const char *reason, control_done_fn *done, void *context,
                       struct error *error);
/* What would happen until then, slot by slot. */
bool control_simulate(struct control *control, int64_t until_us, json_t **ret, struct error *error);
/* Rebuilds services, policies and epochs from the areas of every cluster that answers. */
void control_recover(struct control *control, const char *reason, control_done_fn *done,
                     void *context);

/* Events: {sequence, time, severity, name, service, number, text, commands}. Listeners hear each
 * new one once it is durable. */
json_t *control_events(struct control *control, uint64_t after, size_t limit);
typedef void control_event_fn(void *context, const json_t *event);
struct control_listener;
struct control_listener *control_listen(struct control *control, control_event_fn *fn,
                                        void *context);
void control_unlisten(struct control_listener *listener);

#endif
