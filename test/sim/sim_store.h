/* sim_store.h: one simulated cluster: the live trees of the members, snapshots, and Coeval's area.
 * What is done to it is an op, a value: it can be carried out, lost, or carried out long after its
 * sender is dead. */
#ifndef COEVAL_TEST_SIM_SIM_STORE_H
#define COEVAL_TEST_SIM_SIM_STORE_H

#include "epoch/epoch.h"
#include "sim_steps.h"
#include "sim_world.h"

#define MEMBERS_MAX 3
#define OWNER_FOREIGN "foreign"

struct snapshot {
    char name[EPOCH_NAME_SIZE];
    int member;
    int64_t instant_us;
    struct tree tree;
};

/* Markers of a commit, each durable before what follows: those of plan/, and two around them. */
enum mark {
    MARK_PARKED = PLAN_MARK_PARKED,
    MARK_BACK = PLAN_MARK_BACK,
    MARK_BACK_PARKED = PLAN_MARK_BACK_PARKED,
    MARK_CHECKED = 1 << 16, /* the target was as the base seal says; the commit begins */
    MARK_CLEAN = 1 << 17    /* compared; what is parked may go from now on */
};

/* What the area of a cluster says about one attempt of an epoch. */
struct area {
    uint64_t number;
    unsigned attempt;
    char *body; /* of the instruction that began here: for recovery */
    bool disarmed, discarded;
    /* A: */
    bool has_moment, settled;
    int64_t instants_us[MEMBERS_MAX];
    /* B: */
    bool has_plan, received, seal_written, sealed, retired;
    struct steps steps[MEMBERS_MAX];
    struct tree manifest[MEMBERS_MAX];
    unsigned marks;
    char name[EPOCH_NAME_SIZE], base_name[EPOCH_NAME_SIZE]; /* snapshots: new, before */
    char *seal; /* the document; it counts only when sealed */
};

struct cluster {
    enum process agent; /* AGENT_A or AGENT_B, also its number */
    bool is_lost;       /* for good */
    int member_count;
    struct tree live[MEMBERS_MAX];
    struct tree saved; /* what others made and we moved out of the way */
    struct snapshot *snapshots;
    size_t snapshot_count;
    struct area *areas[256];
    size_t area_count;
    uint64_t hold;  /* A: number of the newest settled epoch */
    uint64_t fence; /* highest generation seen */
};

struct cluster *cluster_new(enum process agent, int member_count);
void cluster_free(struct cluster *cluster);
struct area *area_find(const struct cluster *cluster, uint64_t number, unsigned attempt);
struct area *area_get(struct cluster *cluster, uint64_t number, unsigned attempt);
struct snapshot *snapshot_find(const struct cluster *cluster, int member, const char *name);
bool snapshots_complete(const struct cluster *cluster, const char *name);
/* The sealed attempt with the highest number, not retired; NULL: none. */
struct area *newest_seal(const struct cluster *cluster);
/* What the live trees of B are: the snapshot of its newest seal, whatever an order says; "": none.
 */
const char *newest_name(const struct cluster *cluster);

enum op_kind {
    OP_MAKE_DIRECTORY,
    OP_WRITE, /* a whole file that must not exist */
    OP_RENAME,
    OP_REMOVE_EMPTY, /* a directory with nothing in it */
    OP_REMOVE,       /* with all below */
    OP_SAVE,         /* out of the member, to where the operator finds it */
    OP_SNAPSHOT,
    OP_UNSNAPSHOT,
    OP_AREA_BODY,
    OP_AREA_DISARMED,
    OP_AREA_DISCARDED,
    OP_AREA_MOMENT, /* instants of the snapshots called name */
    OP_AREA_PLAN,
    OP_AREA_RECEIVED,
    OP_AREA_MARK,
    OP_AREA_SEAL_WRITE, /* under its temporary name */
    OP_AREA_SEAL_FORGET,
    OP_AREA_SEAL_RENAME,
    OP_AREA_UNRECEIVED,
    OP_AREA_SETTLED,
    OP_AREA_HOLD,
    OP_AREA_RETIRED
};
const char *op_name(enum op_kind kind);

struct op {
    enum op_kind kind;
    enum process cluster;
    int member;
    char path[PATH_SIZE], to[PATH_SIZE];
    uint32_t id, version;
    char name[EPOCH_NAME_SIZE]; /* snapshots */
    char base_a[EPOCH_NAME_SIZE], base_b[EPOCH_NAME_SIZE];
    bool by_path;    /* AREA_PLAN: nothing is known of the base on A */
    uint64_t number; /* area ops and checks: whose */
    unsigned attempt;
    unsigned mark;
    bool is_late; /* its sender is dead */
    char *text;   /* owned: body or seal */
};

/* False: nothing was changed (something is there, is not there, no such parent, cluster lost). */
bool op_apply(struct world *world, const struct op *op);
struct op *op_copy(const struct op *op);
void op_free(void *op);

#endif
