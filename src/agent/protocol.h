/* protocol.h: the words that a control device and an agent exchange: JSON documents over one
 * agent_link (link.h), the same bytes whether the agent is in this process or far away. Pure codec.
 * The bodies of each kind are described in doc/protocol.md.
 *
 *   PUT    /v1/instructions/{key}                  201 new, 200 the same again, 409 another body or
 *                                                  a late order, 409 FENCED an older generation
 *   GET    /v1/instructions/{key}?after=R&wait=S   status, once its revision is above R or S
 *                                                  seconds have passed; 404: unknown, PUT it again
 *   DELETE /v1/instructions/{key}                  stops it; 204
 *   GET    /v1/agent                               who it is, what it speaks, its clock
 */
#ifndef COEVAL_AGENT_PROTOCOL_H
#define COEVAL_AGENT_PROTOCOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

#define PROTOCOL_SCHEMA 1
#define PROTOCOL_MIN 1
#define PROTOCOL_MAX 1
#define PROTOCOL_KEY_SIZE 65
#define PROTOCOL_WAIT_MAX_S 60

/* The envelope that every instruction carries; strings are borrowed from the document. */
struct instruction {
    const char *key;
    const char *kind;    /* "snapshot", "transfer", ... */
    const char *pair;    /* id */
    const char *service; /* id */
    const char *service_name;
    int64_t generation; /* of the epoch: a part of its name */
    int64_t fence;  /* of the pair's record now: lower ones are refused; never below generation */
    int64_t number; /* of the epoch; 0 for instructions outside one (check, inspect) */
    int64_t attempt;
    int64_t try_number;
    const char *device;  /* id of the control device, for logs and for who is fenced */
    int64_t deadline_us; /* 0: none */
    const json_t *body;  /* the member "body": what the kind needs */
    json_t *document;    /* owned by whoever parsed it */
};

/* Takes over the document on success (json_decref(instruction.document) ends it). */
bool instruction_parse(json_t *document, struct instruction *ret_instruction, struct error *error);
/* The document of the envelope; body is stolen. */
json_t *instruction_format(const struct instruction *instruction, json_t *body);
/* Equal in all but the sending's device, deadline and fence: the same order sent again. */
bool instruction_same_order(const json_t *a, const json_t *b);

enum status_state { STATUS_RUNNING, STATUS_WAITING, STATUS_DONE, STATUS_FAILED };
const char *status_state_name(enum status_state state);
bool status_state_from_name(const char *name, enum status_state *ret_state);

/* Counters of a running task; a snapshot of its atomics. */
struct progress {
    uint64_t files_done, files_total;
    uint64_t bytes_done, bytes_total;
    uint64_t operations;
};

struct status {
    const char *key;
    uint64_t revision; /* grows with every change of state or phase */
    enum status_state state;
    const char *phase;    /* "prepare", "armed", "copy", ... */
    const char *question; /* WAITING: what the operator is asked; NULL otherwise */
    json_t *asked; /* WAITING: [{id, data_set, text}], the members that ask; borrowed or NULL */
    struct progress progress;
    struct error error; /* FAILED, WAITING */
    json_t *result;     /* DONE; borrowed or NULL */
    int64_t updated_us;
};

json_t *status_format(const struct status *status);
/* Strings and result are borrowed from the document. */
bool status_parse(const json_t *document, struct status *ret_status, struct error *error);

#endif
