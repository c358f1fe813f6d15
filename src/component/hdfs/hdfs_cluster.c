/* hdfs_cluster.c: the cluster as a whole: who it is, how much fits in, what snapshots
 * pin, what its clock says. */
#include <stdlib.h>

#include "base/json.h"
#include "base/path.h"
#include "component/hdfs/clock_hint.h"
#include "component/hdfs/hdfs_store.h"

bool hdfs_identify(struct store *store, const struct call *call,
                   char ret_identity[STORE_IDENTITY_SIZE], struct error *error)
{
    struct buffer text;
    buffer_init(&text, 0);
    bool done = hdfs_jmx(store, call, "NameNodeInfo", "ClusterId", &text, error);
    buffer_append_byte(&text, '/');
    done = done && hdfs_jmx(store, call, "NameNodeInfo", "BlockPoolId", &text, error);
    if (done && text.size >= STORE_IDENTITY_SIZE)
        done = error_set(error, ERROR_LIMIT, "the cluster's identity is too long");
    if (done)
        snprintf(ret_identity, STORE_IDENTITY_SIZE, "%s", buffer_text(&text));
    buffer_fini(&text);
    return done;
}

/* --- space -------------------------------------------------------------------------------------
 */

/* Bytes that can be written, after replication as the cluster does it by default. */
static bool cluster_space(struct store *store, const struct call *call, uint64_t *ret_bytes,
                          uint64_t *ret_replication, struct error *error)
{
    struct buffer text;
    json_t *document = NULL, *defaults = NULL;
    buffer_init(&text, 0);
    bool done = hdfs_jmx(store, call, "FSNamesystemState", "CapacityRemaining", &text, error) &&
                hdfs_get_json(store, call, "GETSERVERDEFAULTS", "/", NULL, &document, error) &&
                json_get_object(document, "FsServerDefaults", &defaults, error);
    int64_t replication = done ? json_integer_or(defaults, "replication", 1) : 1;
    *ret_replication = replication > 0 ? (uint64_t)replication : 1;
    *ret_bytes = strtoull(buffer_text(&text), NULL, 10) / *ret_replication;
    json_decref(document);
    buffer_fini(&text);
    return done;
}

static uint64_t left(int64_t quota, int64_t used)
{
    return quota > used ? (uint64_t)(quota - used) : 0;
}

/* The quotas of the directory itself; those of its parents are not looked at. */
static bool apply_quota(struct store *store, const struct call *call, const char *path,
                        uint64_t replication, struct store_space *space, struct error *error)
{
    json_t *document = NULL, *summary = NULL;
    struct error why = ERROR_NONE;
    if (!hdfs_get_json(store, call, "GETCONTENTSUMMARY", path, NULL, &document, &why)) {
        if (why.code != ERROR_NOT_FOUND) /* a directory that is still to be made has no quota */
            *error = why;
        return why.code == ERROR_NOT_FOUND;
    }
    bool done = json_get_object(document, "ContentSummary", &summary, error);
    int64_t names = json_integer_or(summary, "quota", -1);
    int64_t bytes = json_integer_or(summary, "spaceQuota", -1);
    int64_t used =
        json_integer_or(summary, "fileCount", 0) + json_integer_or(summary, "directoryCount", 0);
    if (done && names >= 0 && names < INT64_MAX) /* "/" has that, which is none */
        space->free_objects = left(names, used);
    if (done && bytes >= 0) {
        uint64_t room = left(bytes, json_integer_or(summary, "spaceConsumed", 0)) / replication;
        space->free_bytes = room < space->free_bytes ? room : space->free_bytes;
    }
    json_decref(document);
    return done;
}

bool hdfs_space(struct store *store, const struct call *call, const char *path,
                struct store_space *ret_space, struct error *error)
{
    struct store_space space = {.free_objects = UINT64_MAX};
    uint64_t replication;
    if (!cluster_space(store, call, &space.free_bytes, &replication, error) ||
        !apply_quota(store, call, path, replication, &space, error))
        return error_wrap(error, "space");
    *ret_space = space;
    return true;
}

/* --- what snapshots pin ------------------------------------------------------------------------
 */

static bool summarise(struct store *store, const struct call *call, const char *path,
                      const char *member, uint64_t *ret_bytes, struct error *error)
{
    json_t *document = NULL, *summary = NULL;
    bool done = hdfs_get_json(store, call, "GETCONTENTSUMMARY", path, NULL, &document, error) &&
                json_get_object(document, "ContentSummary", &summary, error);
    int64_t bytes = done ? json_integer_or(summary, member, -1) : -1;
    if (done) /* before 3.3 the snapshots' part is not told */
        *ret_bytes = bytes < 0 ? UINT64_MAX : (uint64_t)bytes;
    json_decref(document);
    return done;
}

/* Of the live directory: the space of what is in its snapshots only, of all of them. The base is
 * the oldest that has a hold, so nearly all of it is the base's; what was renamed out of here
 * counts as well. A directory that is gone lies in the snapshot alone, all of it. */
bool hdfs_pinned(struct store *store, const struct call *call, const char *root,
                 const char *relative, const char *snapshot, uint64_t *ret_bytes,
                 struct error *error)
{
    struct arena arena;
    struct error gone = ERROR_NONE;
    arena_init(&arena);
    bool done = summarise(store, call, path_join(&arena, root, relative), "snapshotSpaceConsumed",
                          ret_bytes, &gone);
    if (!done && gone.code == ERROR_NOT_FOUND)
        done = summarise(store, call, hdfs_snapshot_path(store, root, snapshot, relative, &arena),
                         "spaceConsumed", ret_bytes, error);
    else if (!done)
        *error = gone;
    arena_fini(&arena);
    return done || error_wrap(error, "what snapshots of %.100s pin", root);
}

/* --- clock -------------------------------------------------------------------------------------
 */

#define CLOCK_SAMPLES 3

bool hdfs_clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                       int64_t *ret_uncertainty_us, struct error *error)
{
    int64_t best_offset = 0, best = INT64_MAX;
    for (int i = 0; i < CLOCK_SAMPLES; i++) { /* the fastest exchange knows most */
        struct namenode_answer answer;
        int64_t offset, uncertainty;
        namenode_answer_init(&answer);
        bool done = hdfs_get(store, call, "GETFILESTATUS", "/", NULL, &answer, error);
        if (done && !clock_hint(buffer_text(&answer.date), buffer_text(&answer.cookie),
                                answer.sent_us, answer.answered_us, &offset, &uncertainty))
            done = error_set(error, ERROR_PROTOCOL, "the NameNode does not tell its time");
        namenode_answer_fini(&answer);
        if (!done)
            return false;
        if (uncertainty < best) {
            best = uncertainty;
            best_offset = offset;
        }
    }
    *ret_offset_us = best_offset;
    *ret_uncertainty_us = best;
    return true;
}
