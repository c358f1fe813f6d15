/* commit_candidate.c: B frozen, not yet sealed: one snapshot of every root, under a name that no
 * earlier try had and no later one gets. So a removal that a dead process sent, or one that slept,
 * can never hit what was sealed since. The name is durable (candidate.json) before the first
 * snapshot has it, and the seal names it. */
#include <string.h>

#include "agent/area.h"
#include "agent/commit.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/random.h"

static void set_paths(struct commit *commit)
{
    for (size_t i = 0; i < commit->members.count; i++) {
        struct commit_member *item = &commit->list[i];
        item->candidate = item->target.component->snapshot_path(
            item->target.store, item->member->target_root, commit->candidate,
            item->member->target_below, &commit->arena);
    }
}

bool commit_load_candidate(struct commit *commit, struct error *error)
{
    json_t *document;
    struct error absent = ERROR_NONE;
    if (!area_read_json(commit->home, &commit->call, commit_path(commit, "candidate.json"),
                        &document, &absent)) {
        *error = absent;
        return absent.code == ERROR_NOT_FOUND; /* none was taken yet */
    }
    const char *name;
    bool named = json_get_string(document, "snapshot", &name, error);
    if (named) {
        commit->candidate = arena_string(&commit->arena, name);
        set_paths(commit);
    }
    json_decref(document);
    return named || error_wrap(error, "candidate.json");
}

static bool choose_name(struct commit *commit, struct error *error)
{
    uint32_t number;
    random_system_bytes(&number, sizeof number);
    commit->candidate = arena_format(&commit->arena, "%s.c%08x", commit->snapshot, number);
    json_t *document = json_object();
    json_set_string(document, "snapshot", commit->candidate);
    bool written = area_write_json(commit->home, &commit->call,
                                   commit_path(commit, "candidate.json"), document, error);
    json_decref(document);
    set_paths(commit);
    return written;
}

bool commit_remove_candidate(struct commit *commit, struct error *error)
{
    for (size_t i = 0; commit->candidate != NULL && i < commit->roots.count; i++) {
        const struct member_root *root = &commit->roots.list[i];
        struct error gone = ERROR_NONE;
        if (!root->ref.component->snapshot_remove(root->ref.store, &commit->call, root->root,
                                                  commit->candidate, &gone) &&
            gone.code != ERROR_NOT_FOUND) {
            *error = gone;
            return false;
        }
    }
    return true;
}

/* What a crash or an earlier try left proves nothing about the tree as it is now (an operator may
 * have mended it): it is taken again. T is A's moment; this name only seals. */
bool commit_freeze(struct commit *commit, struct error *error)
{
    if (!commit_remove_candidate(commit, error) || !choose_name(commit, error))
        return false;
    for (size_t i = 0; i < commit->roots.count; i++) {
        const struct member_root *root = &commit->roots.list[i];
        struct snapshot snapshot;
        if (!root->ref.component->snapshot_create(root->ref.store, &commit->call, root->root,
                                                  commit->candidate, &snapshot, error))
            return error_wrap(error, "seal snapshot of %s", root->root);
        crash_point("agent.commit.frozen", task_scope(commit->task));
    }
    return true;
}
