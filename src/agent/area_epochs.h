/* area_epochs.h: the epochs that an area holds, found by listing it: what `recover` builds on, and
 * what keeps a manifest chain whole when old epochs go. */
#ifndef COEVAL_AGENT_AREA_EPOCHS_H
#define COEVAL_AGENT_AREA_EPOCHS_H

#include "agent/area.h"

struct area_epoch {
    int64_t generation;
    int64_t number;
    bool sealed;   /* seal.json is there */
    bool retired;  /* its snapshots are gone; only its manifest may still be needed */
    bool received; /* received.json is there */
    bool back;     /* a member is on its way back to the base */
    bool begun;    /* a commit has begun */
};

struct area_epochs {
    struct area_epoch *list; /* ascending by number */
    size_t count;
};

/* All epochs of a service; an area without it has none. */
bool area_list_epochs(struct store_ref ref, const struct call *call, const char *pair,
                      const char *service, struct arena *arena, struct area_epochs *ret_epochs,
                      struct error *error);
/* The newest one that is sealed and not retired, below that number (INT64_MAX: of all). Looks at no
 * more directories than it must. */
bool area_newest_seal(struct store_ref ref, const struct call *call, const char *pair,
                      const char *service, int64_t below, struct area_epoch *ret_epoch,
                      bool *ret_found, struct error *error);
/* Removes the directories of retired epochs that no kept manifest chain goes through. */
bool area_collect(struct store_ref ref, const struct call *call, const char *pair,
                  const char *service, struct error *error);
/* <root>/.coeval itself, when it is empty; what another service has in it stays. */
bool area_remove_staging_top(struct store_ref ref, const struct call *call, const char *root,
                             struct error *error);

#endif
