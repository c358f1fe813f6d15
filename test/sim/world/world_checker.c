/* world_checker.c: what must hold, looked at after every change of a disk and every answer:
 *   G1, G2  a seal on B names snapshots that equal A's at T, and they stay until it is retired
 *   G3      what is sealed is found again from B alone (and is what the device says)
 *   G5      an attempt's snapshot is taken once; never after "not fired"
 *   G6      nothing of other people's is lost, nothing with a hold is removed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "world_private.h"
#include "world_scene.h"

/* A snapshot of A as it was taken: kept for ever. */
struct truth {
    struct list node;
    const char *root, *name;
    const struct thing *top;
};

struct seal {
    struct list node;
    uint64_t number;
    char *path; /* of seal.json */
    json_t *document;
    bool settled; /* A has a copy */
};

static struct list truths = {&truths, &truths};
static struct list seals = {&seals, &seals};
static json_t *orders;   /* key -> the order */
static json_t *fired;    /* names of snapshots that were said to be there */
static json_t *disarmed; /* ... that never come */

void checker_begin(void)
{
    orders = json_object();
    fired = json_object();
    disarmed = json_object();
}

unsigned checker_seals(void)
{
    unsigned count = 0;
    list_for_each(seal, &seals, struct seal, node)
        count++;
    return count;
}

bool checker_is_sealed(uint64_t number)
{
    list_for_each(seal, &seals, struct seal, node)
        if (seal->number == number)
            return true;
    return false;
}

/* ---- seals ---------------------------------------------------------------------------------- */

static const struct truth *find_truth(const char *root, const char *name)
{
    const struct truth *newest = NULL;
    list_for_each(truth, &truths, struct truth, node)
        if (strcmp(truth->root, root) == 0 && strcmp(truth->name, name) == 0)
            newest = truth;
    return newest;
}

/* The name that the moment gave to A's root. */
static const char *moment_of(const json_t *seal, const char *root)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(seal, "roots"), index, item)
        if (strcmp(json_string_or(item, "root", ""), root) == 0)
            return json_string_or(item, "snapshot", NULL);
    return NULL;
}

static const struct thing *below(const struct thing *top, const char *path, const char *root)
{
    struct tree tree = {.top = (struct thing *)(uintptr_t)top};
    return top == NULL ? NULL : tree_find(&tree, path + strlen(root));
}

static void check_member(const struct seal *seal, const json_t *member)
{
    struct arena arena;
    const char *source_root = json_string_or(member, "source_root", "");
    const char *target_root = json_string_or(member, "target_root", "");
    const char *name = moment_of(seal->document, source_root);
    const char *frozen_name = json_string_or(json_object_get(member, "snapshot"), "name", "");
    const struct truth *truth = name == NULL ? NULL : find_truth(source_root, name);
    struct thing *root = tree_find(&scene.stores[WEST].tree, target_root);
    const struct frozen *frozen = root == NULL ? NULL : root_frozen(root, frozen_name);
    if (truth == NULL || frozen == NULL)
        world_fail("G1: epoch %u is sealed without its snapshot of %s (%s)", (unsigned)seal->number,
                   truth == NULL ? source_root : target_root, truth == NULL ? "A" : "B");
    const struct thing *a =
        below(truth->top, json_string_or(member, "source_path", ""), source_root);
    const struct thing *b =
        below(frozen->top, json_string_or(member, "target_path", ""), target_root);
    arena_init(&arena);
    const char *wrong = a == NULL || b == NULL ? "it is not there" : tree_compare(a, b, &arena);
    if (wrong != NULL)
        world_fail("G1: epoch %u is sealed, and %s is not A's snapshot: %s", (unsigned)seal->number,
                   json_string_or(member, "target_path", ""), wrong);
    arena_fini(&arena);
}

static void check_seal(const struct seal *seal)
{
    size_t index;
    json_t *member;
    json_array_foreach(json_object_get(seal->document, "members"), index, member)
        if (!json_is_true(json_object_get(member, "tombstone")))
            check_member(seal, member);
}

static void seal_appears(const struct act *act)
{
    struct error error;
    const struct thing *file = tree_find(&act->store->tree, act->other);
    struct seal *seal = memory_new(sizeof *seal);
    if (!json_parse(file->content, file->size, &seal->document, &error))
        world_fail("G1: a seal that cannot be read: %s", error.text);
    seal->number = (uint64_t)json_integer_or(seal->document, "number", 0);
    seal->path = memory_copy_string(act->other);
    if (checker_is_sealed(seal->number))
        world_fail("G5: epoch %u is sealed twice", (unsigned)seal->number);
    list_append(&seals, &seal->node);
    check_seal(seal);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void note_seal(const struct act *act)
{
    if (act->store == &scene.stores[WEST]) {
        seal_appears(act);
        return;
    }
    list_for_each(seal, &seals, struct seal, node)
        seal->settled = seal->settled || strcmp(seal->path, act->other) == 0;
}

/* ---- holds ---------------------------------------------------------------------------------- */

static bool names_snapshot(const struct seal *seal, const struct act *act)
{
    size_t index;
    json_t *member;
    if (act->store == &scene.stores[EAST]) {
        const char *name = moment_of(seal->document, act->path);
        return name != NULL && strcmp(name, act->other) == 0;
    }
    json_array_foreach(json_object_get(seal->document, "members"), index, member)
        if (strcmp(json_string_or(member, "target_root", ""), act->path) == 0 &&
            strcmp(json_string_or(json_object_get(member, "snapshot"), "name", ""), act->other) ==
                0)
            return true;
    return false;
}

static bool has_hold(const struct seal *seal, const struct store *store)
{
    list_for_each(newer, &seals, struct seal, node)
        if (newer->number > seal->number && (store == &scene.stores[WEST] || newer->settled))
            return false;
    return true;
}

static bool is_retired(const struct seal *seal)
{
    struct arena arena;
    arena_init(&arena);
    const char *mark = path_join(&arena, path_parent(&arena, seal->path), "phase.retired");
    bool retired = tree_find(&scene.stores[WEST].tree, mark) != NULL;
    retired = retired || tree_find(&scene.stores[WEST].tree, seal->path) == NULL;
    arena_fini(&arena);
    return retired;
}

static void check_thaw(const struct act *act)
{
    list_for_each(seal, &seals, struct seal, node) {
        if (!names_snapshot(seal, act))
            continue;
        if (has_hold(seal, act->store))
            world_fail("G6: %s of epoch %u had a hold, and was removed from %s", act->other,
                       (unsigned)seal->number, act->store->cluster);
        if (act->store == &scene.stores[WEST] && !is_retired(seal))
            world_fail("G3: %s of sealed epoch %u was removed", act->other, (unsigned)seal->number);
    }
}

/* ---- moments -------------------------------------------------------------------------------- */

static void check_freeze(const struct act *act)
{
    if (act->store != &scene.stores[EAST])
        return;
    if (json_object_get(fired, act->other) != NULL)
        world_fail("G5: snapshot %s was said to be taken, and is taken again", act->other);
    /* What a dead agent had sent before may still come: nobody can call it back. */
    if (act->sender->alive && json_object_get(disarmed, act->other) != NULL)
        world_fail("G5: snapshot %s was said to be \"not fired\", and is taken", act->other);
    /* A torn moment that was removed may come again while its grace lasts; nobody heard of it. */
    struct truth *truth = memory_new(sizeof *truth);
    *truth = (struct truth){.root = memory_copy_string(act->path),
                            .name = memory_copy_string(act->other),
                            .top = act->frozen->top};
    list_append(&truths, &truth->node);
}

void checker_order(const char *body, size_t size)
{
    json_t *document;
    struct error error;
    if (!json_parse(body, size, &document, &error))
        return;
    const char *key = json_string_or(document, "key", "");
    json_object_set(orders, key, document);
    json_decref(document);
}

/* A body under a key never changes: an agent that says so has seen two. */
void checker_refusal(const char *body)
{
    if (strstr(body, "another instruction was accepted under key") != NULL)
        world_fail("G5: two orders under one key: %s", body);
}

void checker_answer(const char *body, size_t size)
{
    json_t *document;
    struct error error;
    if (!json_parse(body, size, &document, &error))
        return;
    const json_t *order = json_object_get(orders, json_string_or(document, "key", ""));
    const json_t *result = json_object_get(document, "result");
    const char *name = json_string_or(json_object_get(order, "body"), "snapshot", NULL);
    bool is_done = strcmp(json_string_or(document, "state", ""), "done") == 0;
    const char *kind = json_string_or(order, "kind", "");
    bool is_disarm = strcmp(kind, "disarm") == 0, is_snapshot = strcmp(kind, "snapshot") == 0;
    if (name != NULL && is_done && is_disarm && json_is_false(json_object_get(result, "fired")))
        json_object_set_new(disarmed, name, json_true());
    if (name != NULL && is_done && is_snapshot && json_is_true(json_object_get(result, "fired")))
        json_object_set_new(fired, name, json_true());
    json_decref(document);
}

/* ---- other people's ------------------------------------------------------------------------- */

static bool holds_content(const struct thing *node, const char *content)
{
    if (node->type == ENTRY_FILE && strcmp(node->content, content) == 0)
        return true;
    for (size_t i = 0; i < node->child_count; i++)
        if (holds_content(node->children[i], content))
            return true;
    list_for_each(frozen, &node->snapshots, struct frozen, node)
        if (holds_content(frozen->top, content))
            return true;
    return false;
}

static void check_gone(const struct act *act, const struct thing *gone)
{
    if (gone->foreign && gone->type == ENTRY_FILE && gone->size > 0 &&
        !holds_content(act->store->tree.top, gone->content))
        world_fail("G6: '%s' of other people was removed with %s and is nowhere", gone->content,
                   act->path);
    for (size_t i = 0; i < gone->child_count; i++)
        check_gone(act, gone->children[i]);
}

/* ---- each act ------------------------------------------------------------------------------- */

static void look(const struct act *act)
{
    if (act->sender == NULL)
        return;
    switch (act->kind) {
    case ACT_FREEZE:
        check_freeze(act);
        break;
    case ACT_THAW:
        check_thaw(act);
        break;
    case ACT_RENAME:
        if (act->node != NULL)
            check_gone(act, act->node);
        if (ends_with(act->other, "/seal.json"))
            note_seal(act);
        if (act->store == &scene.stores[WEST] && strstr(act->other, "/phase.") != NULL)
            people_see_commit(act->other);
        if (act->store == &scene.stores[WEST] && strstr(act->other, "/plan.") != NULL)
            people_see_plan();
        break;
    case ACT_REMOVE:
        if (act->store == &scene.stores[WEST])
            check_gone(act, act->node);
        break;
    case ACT_MAKE:
    case ACT_APPEND:
    case ACT_COMPLETE:
    case ACT_SET:
    case ACT_ALLOW:
        break;
    }
}

void checker_watch(void)
{
    depot_after = look;
}

/* ---- without A ------------------------------------------------------------------------------ */

/* G2: every member of B is brought to one sealed epoch. Other people's writes are not Coeval's to
 * take away. */
void checker_stands(void)
{
    const struct tree *tree = &scene.stores[WEST].tree;
    const struct seal *newest = NULL;
    size_t index;
    json_t *member;
    list_for_each(seal, &seals, struct seal, node)
        newest = newest == NULL || seal->number > newest->number ? seal : newest;
    if (newest == NULL || people_write_on_target())
        return;
    json_array_foreach(json_object_get(newest->document, "members"), index, member) {
        struct arena arena;
        const char *root = json_string_or(member, "target_root", "");
        const char *path = json_string_or(member, "target_path", "");
        const struct frozen *frozen = root_frozen(
            tree_find(tree, root), json_string_or(json_object_get(member, "snapshot"), "name", ""));
        arena_init(&arena);
        const char *wrong =
            tree_compare(below(frozen->top, path, root), tree_find(tree, path), &arena);
        if (wrong != NULL)
            world_fail("G2: without A %s does not stand on epoch %u: %s", path,
                       (unsigned)newest->number, wrong);
        arena_fini(&arena);
    }
}

/* ---- at rest -------------------------------------------------------------------------------- */

void checker_end(void)
{
    json_t *epochs = control_epochs(scene.computers[DEVICE].control, SERVICE_NAME, 1000), *epoch;
    size_t index;
    list_for_each(seal, &seals, struct seal, node) {
        bool found = is_retired(seal);
        json_array_foreach(epochs, index, epoch)
            found = found || ((uint64_t)json_integer_or(epoch, "number", 0) == seal->number &&
                              strcmp(json_string_or(epoch, "state", ""), "sealed") == 0);
        if (!found)
            world_fail("G3: sealed epoch %u is not found again", (unsigned)seal->number);
        if (!is_retired(seal))
            check_seal(seal);
    }
    json_decref(epochs);
}
