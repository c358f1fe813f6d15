/* events.h: what the operator is told: durable, numbered, kept in a ring. Included by
 * control_private.h. */
#ifndef COEVAL_CONTROL_EVENTS_H
#define COEVAL_CONTROL_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct control;
struct service;

void event_tell(struct control *control, const struct service *service, uint64_t number,
                const char *severity, const char *name, const char *text,
                const char *const *commands);
void events_load(struct control *control, const char *payload, size_t size);

#endif
