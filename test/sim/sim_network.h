/* sim_network.h: messages between the control device and the agents: late, lost, doubled, out of
 * order; and those of a device that was thought dead. */
#ifndef COEVAL_TEST_SIM_SIM_NETWORK_H
#define COEVAL_TEST_SIM_SIM_NETWORK_H

#include "base/digest.h"
#include "sim_world.h"

enum message_kind {
    MESSAGE_PUT,       /* control → agent: an instruction and its body */
    MESSAGE_GET,       /* what became of it? */
    MESSAGE_STATUS,    /* agent → control */
    MESSAGE_UNKNOWN,   /* agent → control: no such instruction here */
    MESSAGE_CONFLICT,  /* agent → control: another body under this key */
    MESSAGE_FENCED,    /* agent → control: a higher generation was seen */
    MESSAGE_INSPECT,   /* control → agent: what lies in the area? Generation 0: only which
                          generation was seen last */
    MESSAGE_INSPECTION /* agent → control */
};

struct message {
    enum message_kind kind;
    enum process from, to;
    uint64_t generation; /* of the sender's pair record; FENCED, INSPECTION: the agent's */
    char key[DIGEST_TEXT_SIZE];
    char *text;   /* owned: body or status */
    bool is_echo; /* sent again by nobody: a device that woke up, a packet found again */
};

struct network {
    struct message sent[64]; /* some orders of the past, to come again */
    size_t sent_count;
};

struct network *network_new(void);
void network_free(struct network *network);
/* Takes text. */
void network_send(struct world *world, const struct message *message);
/* An order of the past arrives once more, with the generation it had. */
void network_echo(struct world *world);

#endif
