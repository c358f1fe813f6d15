/* registry.c: what is recorded once per cluster and not derived again: snapshot roots, and the
 * identity of each store. */
#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"
#include "control/control_private.h"

#include <stdlib.h>
#include <string.h>

static const char *store_key(struct arena *arena, const char *cluster, const char *instance)
{
    return arena_format(arena, "%s/%s", cluster, instance);
}

void registry_set_store(struct control *control, const char *cluster, const char *instance,
                        const char *identity)
{
    struct arena arena;
    arena_init(&arena);
    const char *key = store_key(&arena, cluster, instance);
    json_set_string(control->stores, key, identity);
    json_t *object = json_object();
    json_set_string(object, "cluster", cluster);
    json_set_string(object, "instance", instance);
    json_set_string(object, "identity", identity);
    char *payload = control_text(object);
    struct journal_append record = {.type = JOURNAL_STORE, .key = key, .payload = payload};
    control_record(control, &record, 1, NULL, NULL);
    free(payload);
    arena_fini(&arena);
}

const char *registry_store(struct control *control, const char *cluster, const char *instance)
{
    struct arena arena;
    arena_init(&arena);
    const char *identity =
        json_string_or(control->stores, store_key(&arena, cluster, instance), NULL);
    arena_fini(&arena);
    return identity;
}

static bool is_of(const json_t *item, const char *cluster, const char *instance)
{
    return strcmp(json_string_or(item, "cluster", ""), cluster) == 0 &&
           strcmp(json_string_or(item, "instance", ""), instance) == 0;
}

const char *registry_root_of(struct control *control, const char *cluster, const char *instance,
                             const char *path)
{
    size_t index;
    json_t *item;
    json_array_foreach(control->roots, index, item)
        if (is_of(item, cluster, instance) &&
            path_is_under(path, json_string_or(item, "root", "?")))
            return json_string_or(item, "root", NULL);
    return NULL;
}

/* A path may be longer than a key of the journal. */
static const char *root_key(struct arena *arena, const char *cluster, const char *instance,
                            const char *root)
{
    struct digest digest = digest_of(root, strlen(root));
    char text[DIGEST_TEXT_SIZE];
    digest_format(&digest, text);
    return arena_format(arena, "%s/%s/%s", cluster, instance, text);
}

void registry_remove_root(struct control *control, size_t index)
{
    struct arena arena;
    json_t *item = json_array_get(control->roots, index);
    arena_init(&arena);
    struct journal_append record = {.type = JOURNAL_ROOT,
                                    .key = root_key(&arena, json_string_or(item, "cluster", ""),
                                                    json_string_or(item, "instance", ""),
                                                    json_string_or(item, "root", ""))};
    control_record(control, &record, 1, NULL, NULL);
    json_array_remove(control->roots, index);
    arena_fini(&arena);
}

void registry_add_root(struct control *control, const char *cluster, const char *instance,
                       const char *root)
{
    struct arena arena;
    size_t index;
    json_t *item;
    json_array_foreach(control->roots, index, item)
        if (is_of(item, cluster, instance) && strcmp(json_string_or(item, "root", ""), root) == 0)
            return;
    json_t *added = json_object();
    json_set_string(added, "cluster", cluster);
    json_set_string(added, "instance", instance);
    json_set_string(added, "root", root);
    json_set_time(added, "since_us", clock_realtime_us());
    json_append_take(control->roots, added);
    arena_init(&arena);
    char *payload = control_text(json_incref(added));
    struct journal_append record = {
        .type = JOURNAL_ROOT, .key = root_key(&arena, cluster, instance, root), .payload = payload};
    control_record(control, &record, 1, NULL, NULL);
    free(payload);
    arena_fini(&arena);
}

json_t *control_roots(struct control *control)
{
    return json_incref(control->roots);
}
