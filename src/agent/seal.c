/* seal.c: seal.json: what an epoch consists of and what proves it. Writing it is the commit point.
 */
#include <string.h>

#include "agent/area.h"
#include "agent/commit.h"
#include "agent/seal_file.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/path.h"

static bool describe_member(struct commit *commit, struct commit_member *item, json_t *members,
                            struct error *error)
{
    struct snapshot snapshot;
    char text[DIGEST_TEXT_SIZE];
    if (!item->target.component->snapshot_get(item->target.store, &commit->call,
                                              item->member->target_root, commit->candidate,
                                              &snapshot, error))
        return error_wrap(error, "seal snapshot of %s", item->member->target_root);
    json_t *object = json_deep_copy(item->member->document), *manifest = json_object();
    json_t *frozen = json_object();
    json_append_take(members, object);
    json_set_string(frozen, "name", commit->candidate);
    json_set_integer(frozen, "id", (int64_t)snapshot.id);
    json_set_time(frozen, "instant_us", snapshot.instant_us);
    json_set_string(frozen, "path", item->candidate);
    json_set_take(object, "snapshot", frozen);
    json_set_string(object, "source_snapshot", commit->snapshot);
    json_set_string(manifest, "file",
                    arena_format(&commit->arena, "manifest.%s", item->member->id));
    json_set_string(manifest, "kind", item->is_full ? "full" : "delta");
    json_set_string(manifest, "parent", item->is_full ? NULL : item->parent);
    digest_format(&item->digest, text);
    json_set_string(manifest, "sha256", text);
    json_set_integer(manifest, "entries", (int64_t)item->state.entries);
    json_set_integer(manifest, "bytes", (int64_t)item->state.bytes);
    hex_format(item->state.root.bytes, DIGEST_SIZE, text);
    json_set_string(manifest, "root_hash", text);
    json_set_take(object, "manifest", manifest);
    json_set_boolean(object, "tombstone", item->member->tombstone);
    json_t *saved = commit_describe_saved(commit, item, error);
    if (json_array_size(saved) > 0)
        json_set_take(object, "saved", json_incref(saved));
    json_decref(saved);
    return saved != NULL;
}

static void copy_member(json_t *seal, const json_t *body, const char *key)
{
    json_t *value = json_object_get(body, key);
    json_set_take(seal, key, value == NULL ? json_null() : json_deep_copy(value));
}

static json_t *describe_epoch(struct commit *commit, json_t *members)
{
    const struct instruction *instruction = &commit->task->instruction;
    static const char *const kept[] = {"t_us", "grade", "skew_us",        "direction",
                                       "mode", "base",  "group_revision", "slot_us"};
    json_t *seal = json_object();
    json_set_integer(seal, "schema", SEAL_SCHEMA);
    json_set_string(seal, "pair", instruction->pair);
    json_set_string(seal, "service", instruction->service);
    json_set_string(seal, "service_name", instruction->service_name);
    json_set_integer(seal, "generation", instruction->generation);
    json_set_integer(seal, "number", instruction->number);
    json_set_integer(seal, "attempt", instruction->attempt);
    json_set_string(seal, "snapshot", commit->candidate);
    for (size_t i = 0; i < ARRAY_LENGTH(kept); i++)
        copy_member(seal, instruction->body, kept[i]);
    copy_member(seal, task_settings(commit->task), "exclude");
    copy_member(seal, task_settings(commit->task), "clusters");
    copy_member(seal, json_object_get(instruction->body, "moment"), "roots");
    json_set_take(seal, "members", members);
    json_set_time(seal, "sealed_at_us", clock_realtime_us());
    return seal;
}

bool commit_write_seal(struct commit *commit, json_t **ret_seal, struct error *error)
{
    json_t *members = json_array();
    CHECK(commit->candidate != NULL); /* the stage before has taken it */
    for (size_t i = 0; i < commit->members.count; i++)
        if (!describe_member(commit, &commit->list[i], members, error)) {
            json_decref(members);
            return false;
        }
    json_t *seal = describe_epoch(commit, members);
    seal_sign(seal);
    crash_point("agent.seal.writing", task_scope(commit->task));
    if (!commit->home.component->confirm(commit->home.store, &commit->call, error) ||
        !area_write_json(commit->home, &commit->call, commit_path(commit, "seal.json"), seal,
                         error)) {
        json_decref(seal);
        return false;
    }
    crash_point("agent.seal.written", task_scope(commit->task));
    *ret_seal = seal;
    return true;
}
