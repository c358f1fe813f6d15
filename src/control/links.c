/* links.c: see links.h. */
#include "control/links.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "control/control_private.h"

struct watched_link {
    struct control *control;
    const struct control_cluster *cluster;
};

struct links {
    size_t count;
    struct watched_link watched[];
};

static void agent_denies(void *context, const struct error *error)
{
    const struct watched_link *watched = context;
    char text[400];
    snprintf(text, sizeof text, "cluster %s: %s; orders wait until it takes them",
             watched->cluster->name, error->text);
    event_tell(watched->control, NULL, 0, "alarm", "agent.denied", text,
               (const char *const[]){"coeval cluster list", NULL});
}

struct links *links_watch(struct control *control)
{
    size_t count = control->options.cluster_count;
    struct links *links = memory_new(sizeof *links + count * sizeof links->watched[0]);
    links->count = count;
    for (size_t i = 0; i < count; i++) {
        links->watched[i] = (struct watched_link){control, &control->options.clusters[i]};
        link_on_denied(links->watched[i].cluster->link, agent_denies, &links->watched[i]);
    }
    return links;
}

void links_free(struct links *links)
{
    for (size_t i = 0; links != NULL && i < links->count; i++)
        link_on_denied(links->watched[i].cluster->link, NULL, NULL);
    free(links);
}
