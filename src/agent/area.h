/* area.h: where things lie in Coeval's own directory of a cluster (doc/formats.md):
 *   <area>/<pair>/<service>/policy.json
 *   <area>/<pair>/<service>/g1.e5/difference.<member>   on A: taken directly after the snapshots
 *   <area>/<pair>/<service>/g1.e5/plan.<member> receipt.<member> received.json phase.<name>
 *                                 manifest.<member> seal.json              on B
 * and where staging lies in a target root: <root>/.coeval/<short
 * service>.g1.e5.<member>/{new,park}. All strings live in the caller's arena. */
#ifndef COEVAL_AGENT_AREA_H
#define COEVAL_AGENT_AREA_H

#include "agent/protocol.h"
#include "component/store_util.h"

const char *area_service(struct arena *arena, const char *area, const char *pair,
                         const char *service);
const char *area_epoch(struct arena *arena, const char *area, const char *pair, const char *service,
                       int64_t generation, int64_t number);
/* The same for the epoch of an instruction. */
const char *area_of(struct arena *arena, struct store_ref ref,
                    const struct instruction *instruction);
/* "g1.e5" and back. */
const char *area_epoch_name(struct arena *arena, int64_t generation, int64_t number);
bool area_parse_epoch_name(const char *name, int64_t *ret_generation, int64_t *ret_number);

/* <root>/.coeval/<name of this epoch's part>; member ids are plain letters and digits. */
const char *area_staging(struct arena *arena, const char *root,
                         const struct instruction *instruction, const char *member);
/* The first eight characters of a UUID: what snapshot names and staging carry. */
const char *area_short_id(struct arena *arena, const char *id);
/* coeval.<pair>.<service>.g<generation>.e<number>.a<attempt>.<UTC basic> (short ids). */
const char *area_snapshot_name(struct arena *arena, const char *pair, const char *service,
                               int64_t generation, int64_t number, int64_t attempt, int64_t t_us);
/* True for a name of ours of this pair and service; fills in the epoch. */
bool area_parse_snapshot_name(const char *name, const char *pair, const char *service,
                              int64_t *ret_generation, int64_t *ret_number, int64_t *ret_attempt);

/* Makes the area and the epoch's directory, mode 0700. */
bool area_make(struct store_ref ref, const struct call *call, const char *directory,
               struct error *error);
/* Marker files of the commit: there or not; written through store_write_file. */
bool area_mark(struct store_ref ref, const struct call *call, const char *directory,
               const char *name, struct error *error);
/* In the base's directory: a roll-back brought parts of this member back by copying. */
const char *area_restored_mark(struct arena *arena, const char *member);
bool area_is_marked(struct store_ref ref, const struct call *call, const char *directory,
                    const char *name, bool *ret_marked, struct error *error);
/* JSON documents of the area, read with a limit. CORRUPT: not JSON any more. */
bool area_read_json(struct store_ref ref, const struct call *call, const char *path,
                    json_t **ret_document, struct error *error);
bool area_write_json(struct store_ref ref, const struct call *call, const char *path,
                     const json_t *document, struct error *error);

struct task;
/* Writes the body's settings.policy and what belongs to it into the service's directory. */
bool area_keep_policy(struct task *task, const struct call *call, struct store_ref home,
                      struct error *error);

#endif
