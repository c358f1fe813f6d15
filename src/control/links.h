/* links.h: what the operator is told of the ways to the agents. */
#ifndef COEVAL_CONTROL_LINKS_H
#define COEVAL_CONTROL_LINKS_H

struct control;
struct links;

/* Listens to the link of every cluster, until it is freed. */
struct links *links_watch(struct control *control);
void links_free(struct links *links); /* NULL is fine */

#endif
