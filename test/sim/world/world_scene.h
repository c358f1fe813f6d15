/* world_scene.h: who is there: a control device, two agents, two clusters, one service. Each
 * process has a journal that loses what was not durable; people use the source, others touch the
 * target. */
#ifndef COEVAL_SIM_WORLD_SCENE_H
#define COEVAL_SIM_WORLD_SCENE_H

#include "agent/agent.h"
#include "control/control.h"
#include "fake/fake_journal.h"
#include "world.h"
#include "world_depot.h"

enum place { EAST, WEST, DEVICE, PLACE_COUNT }; /* the agent of A, of B, the control device */

#define SERVICE_NAME "bills"

struct computer {
    enum place place;
    const char *name;
    struct loop *loop; /* the present life; dead: it is down */
    unsigned lives;
    struct fake_journal *disk;
    struct journal *journal;
    bool syncing; /* an event for the journal is on its way */
    char work[96];
    struct agent *agent;     /* EAST, WEST */
    struct control *control; /* DEVICE */
    struct link *links[2];
    bool loses_journal; /* at its next start, whatever chance says */
};

struct scene {
    struct computer computers[PLACE_COUNT];
    struct store stores[2];
    /* of this seed */
    bool is_push, is_full, restores, one_root;
    unsigned network_loss; /* per thousand */
    bool source_lost;      /* A and its agent, for good */
};
extern struct scene scene;

void scene_begin(const char *directory);
void computer_start(struct computer *computer);
void scene_look_at_journals(void); /* after each event */
/* Dies sometime in its next events; comes back later. */
void computer_crash_soon(struct computer *computer);
void scene_lose_source(void);
bool computer_is_up(const struct computer *computer);

/* world_network.c */
struct link *network_link(struct loop *loop, enum place place);
void network_old_letter(void); /* an order of long ago comes once more */

/* world_people.c */
void people_begin(void);
bool people_write_on_target(void); /* others, in this seed */
void people_see_plan(void);        /* of one member: the target was looked at */
void people_see_commit(
    const char *mark);  /* a phase of a commit has ended: much may come just then */
void people_mend(void); /* others take back what they did on the target */
void people_help_back(const char *cause); /* what a roll-back stumbles over */
void operator_begin(void);                /* world_operator.c */
bool operator_recovered(void);            /* the device has all again that it lost */
void operator_lost_journal(void);
void people_forget(void); /* the device died: no answer comes */
/* Whether the newest epoch is over and sealed; its number. */
bool people_epochs_rest(uint64_t *ret_newest, bool *ret_sealed);

/* world_checker.c */
void checker_begin(void);
void checker_watch(void);
void checker_answer(const char *body, size_t size); /* what an agent says */
void checker_refusal(const char *body);
void checker_order(const char *body, size_t size); /* what it is told */
unsigned checker_seals(void);
void checker_end(void);    /* at rest, with the device's journal lost and recovered */
void checker_stands(void); /* B's live tree is its newest seal */
bool checker_is_sealed(uint64_t number);

#endif
