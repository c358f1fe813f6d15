/* sim_network.c: see sim_network.h. */
#include "sim_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim_agent.h"
#include "sim_control.h"

struct network *network_new(void)
{
    return memory_new(sizeof(struct network));
}

void network_free(struct network *network)
{
    for (size_t i = 0; i < network->sent_count; i++)
        free(network->sent[i].text);
    free(network);
}

static void message_free(void *data)
{
    struct message *message = data;
    free(message->text);
    free(message);
}

static struct message *message_copy(const struct message *message)
{
    struct message *copy = memory_new(sizeof *copy);
    *copy = *message;
    copy->text = memory_copy_string(message->text);
    return copy;
}

static void arrive(struct world *world, void *data)
{
    struct message *message = data;
    if (!world->is_up[message->to])
        return;
    if (message->to == CONTROL)
        control_receive(world, message);
    else
        agent_receive(world, world->agents[message->to], message);
}

static int64_t delay(struct world *world)
{
    return mishap(world, 40) ? chance_us(world, 20 * MS, 8 * SECOND)
                             : chance_us(world, 200, 15 * MS);
}

/* A sample of all orders, old ones included. */
static void remember(struct world *world, const struct message *message)
{
    struct network *network = world->network;
    size_t slot = network->sent_count;
    if (message->kind != MESSAGE_PUT || message->is_echo)
        return;
    if (slot == ARRAY_LENGTH(network->sent)) {
        slot = random_below(&world->random, slot);
        free(network->sent[slot].text);
    } else {
        network->sent_count++;
    }
    network->sent[slot] = *message;
    network->sent[slot].text = memory_copy_string(message->text);
}

void network_send(struct world *world, const struct message *message)
{
    struct message owned = *message;
    remember(world, message);
    if (mishap(world, 50))
        later(world, delay(world), NOBODY, arrive, message_copy(message), message_free);
    if (mishap(world, 60))
        free(owned.text);
    else {
        struct message *flying = memory_new(sizeof *flying);
        *flying = owned;
        later(world, delay(world), NOBODY, arrive, flying, message_free);
    }
}

void network_echo(struct world *world)
{
    struct network *network = world->network;
    if (network->sent_count == 0)
        return;
    struct message *echo =
        message_copy(&network->sent[random_below(&world->random, network->sent_count)]);
    echo->is_echo = true;
    later(world, delay(world), NOBODY, arrive, echo, message_free);
}
