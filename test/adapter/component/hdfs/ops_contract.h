/* ops_contract.h: what hdfs_ops.h promises, asked of any table and cluster: of a model NameNode
 * (ops_contract_test.c) and of a real one (test/integration/hdfs_contract_test.c). */
#ifndef COEVAL_TEST_HDFS_OPS_CONTRACT_H
#define COEVAL_TEST_HDFS_OPS_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component/hdfs/hdfs_ops.h"

/* What the cases work with; each has a directory of its own. */
struct ops_bed {
    const struct hdfs_ops *ops;
    struct hdfs_session *session;
    const char *directory;     /* an existing one, for all cases */
    const char *owner, *group; /* known to the cluster */
    /* the copy's source is asked for by its component: */
    const struct component *component;
    struct store *store;
    struct call call;
    struct call_counters counters;
    struct arena arena;
    struct error error;
    struct hdfs_problem problem;
    struct hdfs_mutation mutation; /* of the last change */
    char *own;                     /* directory of this case */
    unsigned number;
};
extern struct ops_bed bed;

/* A store at that NameNode, with that directory; ends the program when there is none. One at a
 * time. */
struct store *ops_open(const char *url, const char *area, const char *directory);
void ops_close(struct store *store);
/* Runs every case and returns how many failed. */
int ops_contract_run(const struct ops_bed *with);

/* --- for the cases */

#define ASK bed.session, &bed.call
#define DO bed.session, &bed.call, ops_effect()
#define TOLD &bed.problem, &bed.error

const struct hdfs_mutation *ops_effect(void); /* a new one, at the active server */
const char *ops_at(const char *name);         /* in the directory of this case */
void ops_done(bool done, const char *file, int line);
/* Failed with this code and exception ("": no server refused, by our own or no answer). */
void ops_refused(bool done, enum error_code code, const char *exception, const char *file,
                 int line);
#define done(result) ops_done((result), __FILE__, __LINE__)
#define refused(code, exception, result) \
    ops_refused((result), (code), (exception), __FILE__, __LINE__)

void ops_put(const char *name, const char *text);
bool ops_write(const char *name, const char *text); /* the same, which may be refused */
const char *ops_get(const char *name, uint64_t offset);
struct hdfs_status ops_look(const char *name);
bool ops_is_there(const char *name);

extern const struct CMUnitTest ops_tree_cases[];     /* ops_tree_cases.c */
extern const struct CMUnitTest ops_snapshot_cases[]; /* ops_snapshot_cases.c */

#endif
