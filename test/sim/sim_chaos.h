/* sim_chaos.h: what goes wrong, who writes, who decides: crashes, lost disks, a lost cluster,
 * others on the target, the source's users, the operator. */
#ifndef COEVAL_TEST_SIM_SIM_CHAOS_H
#define COEVAL_TEST_SIM_SIM_CHAOS_H

#include "sim_agent.h"

struct chaos {
    uint32_t next_id, next_version;
    bool may_lose_a; /* in this run */
    bool a_is_lost, lost_is_declared;
    int64_t no_space_until_us;  /* commits on B fail for good until then */
    uint64_t record_generation; /* of the pair's record: it outlives every device */
    unsigned foreign_count;     /* files that others made on B */
};

struct chaos *chaos_new(struct world *world);
void chaos_free(struct chaos *chaos);
void chaos_start(struct world *world); /* fills the source, then lets everybody loose */
bool chaos_refuses(struct world *world, const struct held *held);
/* At the worst moment, now and then: with a write not durable, an act on its way. */
void chaos_crash_soon(struct world *world, enum process process, unsigned per_mille);
/* The operator, not knowing that B has just sealed it, wants the epoch back. */
void chaos_race(struct world *world, uint64_t number);
bool chaos_a_is_lost(const struct world *world);
bool chaos_lost_is_declared(const struct world *world);
/* Faults end: who is down comes back, nobody else touches anything. */
void chaos_end(struct world *world);

/* sim_people.c */
void people_start(struct world *world);
void writer_fill(struct world *world);

#endif
