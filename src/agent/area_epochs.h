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
    bool released; /* its snapshots are gone here by hold_max; the seal's copy tells of it still */
    bool received; /* received.json is there */
    bool back;     /* a member is on its way back to the base */
    bool begun;    /* a commit has begun */
    bool proven;   /* a manifest is there: on B */
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
/* The bases of epochs that are received and not sealed: they finish by them, or go back to them. */
bool area_bases(struct store_ref ref, const struct call *call, const char *pair,
                const char *service, struct arena *arena, struct area_epochs *ret_bases,
                struct error *error);
bool area_epochs_have(const struct area_epochs *epochs, int64_t generation, int64_t number);
/* Removes the directories of retired epochs that no kept manifest chain goes through: that of an
 * epoch which is not retired, or of one of the bases. */
bool area_collect(struct store_ref ref, const struct call *call, const char *pair,
                  const char *service, const struct area_epochs *bases, struct error *error);
/* <root>/.coeval itself, when it is empty; what another service has in it stays. */
bool area_remove_staging_top(struct store_ref ref, const struct call *call, const char *root,
                             struct error *error);

#endif
