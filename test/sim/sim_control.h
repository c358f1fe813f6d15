/* sim_control.h: the shell around the real epoch/: makes records durable before it carries out what
 * follows, sends instructions until they are answered, finds its way back from its journal or, when
 * that is gone, from the areas. */
#ifndef COEVAL_TEST_SIM_SIM_CONTROL_H
#define COEVAL_TEST_SIM_SIM_CONTROL_H

#include <jansson.h>

#include "epoch/epoch_step.h"
#include "sim_durable.h"
#include "sim_network.h"

#define EPOCHS_MAX 128
#define LINKS_MAX 64
#define RECOVERED "recovered" /* the record that ends a recovery */

struct link {
    bool used, known; /* the agent has it */
    uint64_t serial;  /* tells a poll of an earlier user of this slot apart */
    uint64_t number;
    enum epoch_instruction_kind kind;
    enum epoch_side side;
    unsigned attempt, try;
    char key[DIGEST_TEXT_SIZE];
};

struct control {
    struct durable journal;
    struct epoch *epochs[EPOCHS_MAX];
    bool finished[EPOCHS_MAX];
    size_t epoch_count;
    /* Of the service: an object in the journal. */
    uint64_t last_number, generation;
    struct epoch_base base;
    /* In memory only: */
    struct link links[LINKS_MAX];
    uint64_t next_serial;
    int64_t next_slot_us;
    bool recovering, recovered;
    bool fence_known[2];
    json_t *inspections[2];
    bool ends_without_a; /* the operator said that A is lost */
    /* Of the run: what the policy says. */
    enum epoch_direction direction;
    struct epoch_limits limits;
    int64_t period_us;
    unsigned epochs_wanted; /* no more are planned when it is 0 */
};

struct control *control_new(struct world *world);
void control_free(struct control *control);
void control_start(struct world *world);
void control_crash(struct world *world, bool journal_too);
void control_receive(struct world *world, const struct message *message);
void control_event(struct world *world, uint64_t number, const struct epoch_event *event);
struct epoch *control_find(const struct control *control, uint64_t number);
bool control_is_idle(const struct control *control);

/* sim_shell.c */
void shell_carry(struct world *world, uint64_t number, const struct epoch_effects *effects);
void shell_receive_status(struct world *world, const struct message *message);
void shell_record(struct world *world, const struct epoch *epoch);
void shell_record_service(struct world *world);

/* sim_recovery.c */
void recovery_start(struct world *world);
void recovery_receive(struct world *world, const struct message *message);
void recovery_tick(struct world *world);

#endif
