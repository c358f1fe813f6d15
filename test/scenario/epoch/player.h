/* player.h: plays written events on an epoch and writes down the effects. One event per line:
 *     SECONDS start | timer | retire | resume | approve | lost
 *     SECONDS abandon|rollback [REASON ...]
 *     SECONDS inspected nothing|received|committing|rolling_back|sealed [tries_above=N] [SEAL]
 *     SECONDS report KIND SIDE [attempt=N] [try=N] running [PHASE] | done [JSON] |
 *             waiting QUESTION | failed CODE [JSON]
 *     SECONDS restart            from the journal's document; the effects of epoch_resume()
 * attempt and try are the epoch's present ones unless said. '#' begins a comment. */
#ifndef COEVAL_TEST_SCENARIO_PLAYER_H
#define COEVAL_TEST_SCENARIO_PLAYER_H

#include "base/buffer.h"
#include "epoch/epoch_step.h"

struct player {
    struct epoch epoch;
    struct epoch_effects effects; /* of the last event */
    struct buffer *trace;         /* NULL: not wanted */
    bool restarts;                /* come back from the journal before every event */
};

/* From a document of epoch_from_json(); what it leaves out has ordinary values (player.c). */
bool player_init(struct player *player, const char *given, struct error *error);
void player_fini(struct player *player);
/* One line of events. False: the line has no meaning, or the epoch broke a rule that holds in every
 * scenario (record first, exact round trip, resume sends what is out). */
bool player_play(struct player *player, const char *line, struct error *error);

/* player_print.c */
void print_effects(const struct epoch *epoch, const struct epoch_effects *effects,
                   struct buffer *trace);

#endif
