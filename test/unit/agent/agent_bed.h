/* agent_bed.h: what tests of the agent's tasks stand on: directories as clusters "lyon" (A) and
 * "york" (B), an agent for each with a journal in memory, orders, and their ends. The stores go
 * through a spy (fake/spy_store.h). Only the loop's thread calls here; a failure fails the test. */
#ifndef COEVAL_TEST_AGENT_BED_H
#define COEVAL_TEST_AGENT_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/protocol.h"
#include "fake/fake_journal.h"
#include "fake/spy_store.h"

#define BED_PAIR "aaaaaaaa-0000-0000-0000-000000000001"
#define BED_SERVICE "bbbbbbbb-0000-0000-0000-000000000001"
#define BED_AREA "/coeval"

enum bed_side { LYON, YORK };

struct bed {
    char top[64]; /* lyon's tree is <top>/lyon/data */
    struct loop *loop;
    struct agent_store stores[2];
    struct fake_journal *disks[2];
    struct journal *journals[2];
    struct agent *agents[2];
    json_t *options[2];      /* of the stores */
    size_t orders_bytes_max; /* of the agents, from their next start on; 0: as usual */
};
extern struct bed bed;

int bed_set_up(void **state);
int bed_tear_down(void **state);
void bed_restart(enum bed_side side); /* stops it, and starts it anew from its journal */

void bed_lose_journal(enum bed_side side); /* the same, and all that its agent knew is gone */

/* sh -c, with $TOP, $SERVICE (directory name below an area) set. Its failure fails the test. */
void bed_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool bed_shell_says(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct bed_order {
    enum bed_side side;
    const char *kind;
    int number;           /* of the epoch */
    int base;             /* of the base epoch; 0: none */
    int generation;       /* 0: 1 */
    int fence;            /* 0: the generation */
    int attempt, try;     /* 0: 1 */
    const char *key;      /* NULL: made of what tells orders apart */
    const char *service;  /* NULL: BED_SERVICE */
    const char *more;     /* members of the body that are added or replaced, JSON; NULL */
    const char *settings; /* the same for body.settings */
    int64_t t_us;         /* 0: now */
};

#define ORDER(its_side, its_kind, its_number, its_base) \
    ((struct bed_order){.side = its_side, .kind = its_kind, .number = its_number, .base = its_base})
#define ORDER_WITH(its_side, its_kind, its_number, its_base, ...) \
    ((struct bed_order){                                          \
        .side = its_side, .kind = its_kind, .number = its_number, .base = its_base, __VA_ARGS__})

struct bed_reply {
    int status; /* HTTP; 0: no answer yet */
    char code[32];
};
/* Sent and answered; the journal has had its way. */
struct bed_reply bed_put(struct bed_order order);
/* Sent only: the reply, which must live on, comes with turns. */
void bed_put_late(struct bed_order order, struct bed_reply *reply);
/* One turn of the loop with everything that the journals have. */
void bed_turn(void);
/* One turn of the loop; the journals do nothing. */
void bed_turn_alone(void);
/* Turns until the condition holds; fails the test after half a minute. */
void bed_wait(bool (*condition)(void *context), void *context);
void bed_wait_for_hold(void); /* the spy holds a call */

struct bed_status {
    enum status_state state;
    char phase[32], code[32], question[32], text[600];
    uint64_t revision;
    struct progress progress;
    json_t *result; /* bed_forget() */
};
struct bed_status bed_get(struct bed_order order);
/* Until it is over; frees nothing. */
struct bed_status bed_end(struct bed_order order);
/* It was put: it ends so ("OK": without an error). */
void bed_expect_end(struct bed_order order, enum status_state state, const char *code);
void bed_wait_for_phase(struct bed_order order, const char *name);
/* It was put, and waits for what acts still. */
void bed_expect_accepted(struct bed_order order);
/* Put, ended, and done, or the test fails. */
void bed_do(struct bed_order order);
/* Put, ended, and failed with this code. */
void bed_fail(struct bed_order order, const char *code);
void bed_forget(struct bed_status *status);

/* Epoch `number` of base from A to a seal on B and its copy on A. */
void bed_seal(int number, int base);

#endif
