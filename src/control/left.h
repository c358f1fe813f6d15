/* left.h: what lies on a secondary of data sets that left their policy: no epoch keeps it up to
 * date, and nobody removes it but people. Included by control_private.h. */
#ifndef COEVAL_CONTROL_LEFT_H
#define COEVAL_CONTROL_LEFT_H

#include <jansson.h>

#include "loop/loop.h"

struct control;
struct run;
struct service;

/* The base moves to a run: what only the one before has is told, and kept in mind. */
void left_note(struct service *service, const struct run *before, const struct run *run);
/* For the API, a new reference: [{instance, path, bytes, seals, remedy}]. */
json_t *left_report(struct service *service);
/* Asks the cluster which of its entries are still there, and forgets the others; done once,
 * inside the call when there are none. */
void left_look(struct control *control, const char *cluster, loop_fn *done, void *context);

#endif
