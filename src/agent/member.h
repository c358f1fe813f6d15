/* member.h: the members of an epoch as an instruction names them: a data set on A and its place on
 * B. Strings live in the instruction's document or in the arena. */
#ifndef COEVAL_AGENT_MEMBER_H
#define COEVAL_AGENT_MEMBER_H

#include "agent/task.h"

struct member {
    const char *id;              /* letters and digits */
    const char *instance;        /* on A */
    const char *source_root;     /* snapshot root */
    const char *source_path;     /* absolute, under source_root */
    const char *source_below;    /* source_path relative to source_root */
    const char *target_instance; /* on B */
    const char *target_root;
    const char *target_path;
    const char *target_below;
    bool tombstone; /* gone from A: B's copy stays as it is sealed, empty in the end */
    const json_t *document;
};

struct members {
    struct member *list;
    size_t count;
};

/* The body's "members". */
bool members_read(struct task *task, struct members *ret_members, struct error *error);

/* Ends the try with a question for the operator: "shrink", "touched", "lost_base", "adopt". Others
 * of the same try may ask the same, and are answered with it; another question waits for the next.
 */
bool member_ask(struct task *task, const struct member *member, const char *question,
                struct error *error, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Yes, for this member, by the body's "approvals" (by "approved": for all, an older device's). */
bool member_is_approved(const struct task *task, const struct member *member, const char *question);

/* A distinct snapshot root and its store. */
struct member_root {
    const char *instance;
    const char *root;
    struct store_ref ref;
};
struct member_roots {
    struct member_root *list;
    size_t count;
};
/* Distinct roots of one side ("a": sources, "b": targets), in the order of the members. */
bool members_roots(struct task *task, const struct members *members, bool target,
                   const char *cluster, struct member_roots *ret_roots, struct error *error);

/* settings.clusters.a / .b */
bool task_clusters(struct task *task, const char **ret_a, const char **ret_b, struct error *error);
const json_t *task_settings(const struct task *task); /* body.settings; may be NULL */
/* settings.exclude, NULL-terminated, in the task's arena. */
const char *const *task_excludes(struct task *task);
/* Compares each store of the body's settings.stores that this task uses with what it is now. */
bool task_check_stores(struct task *task, struct error *error);

#endif
