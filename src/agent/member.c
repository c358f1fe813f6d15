/* member.c: see member.h. */
#include "agent/member.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"

const json_t *task_settings(const struct task *task)
{
    return json_object_get(task->instruction.body, "settings");
}

bool task_clusters(struct task *task, const char **ret_a, const char **ret_b, struct error *error)
{
    const json_t *clusters = json_object_get(task_settings(task), "clusters");
    return (json_get_string(clusters, "a", ret_a, error) &&
            json_get_string(clusters, "b", ret_b, error)) ||
           error_wrap(error, "settings.clusters");
}

const char *const *task_excludes(struct task *task)
{
    const json_t *patterns = json_object_get(task_settings(task), "exclude");
    size_t count = json_array_size(patterns), used = 0;
    pthread_mutex_lock(&task->mutex);
    const char **excludes = arena_new(&task->arena, (count + 1) * sizeof *excludes);
    pthread_mutex_unlock(&task->mutex);
    for (size_t i = 0; i < count; i++) {
        const char *pattern = json_string_value(json_array_get(patterns, i));
        if (pattern != NULL)
            excludes[used++] = pattern;
    }
    return excludes;
}

/* A path of the body that must be clean, and the root that it must lie under. */
static bool get_path(const json_t *document, const char *key, const char **ret_path,
                     struct error *error)
{
    if (!json_get_string(document, key, ret_path, error))
        return false;
    return path_is_clean(*ret_path) ||
           error_set(error, ERROR_INVALID, "%s '%.100s' is not a clean absolute path", key,
                     *ret_path);
}

static bool is_plain(const char *id)
{
    return id[0] != '\0' && strlen(id) <= 64 &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
               strlen(id);
}

static bool read_member(const json_t *document, struct member *member, struct error *error)
{
    member->document = document;
    if (!json_get_string(document, "id", &member->id, error) ||
        !json_get_string(document, "instance", &member->instance, error) ||
        !get_path(document, "source_root", &member->source_root, error) ||
        !get_path(document, "source_path", &member->source_path, error) ||
        !json_get_string(document, "target_instance", &member->target_instance, error) ||
        !get_path(document, "target_root", &member->target_root, error) ||
        !get_path(document, "target_path", &member->target_path, error))
        return false;
    if (!is_plain(member->id))
        return error_set(error, ERROR_INVALID, "member id '%.64s' is not plain", member->id);
    if (!path_is_under(member->source_path, member->source_root) ||
        !path_is_under(member->target_path, member->target_root))
        return error_set(error, ERROR_INVALID, "member %s does not lie under its root", member->id);
    member->source_below = path_below(member->source_path, member->source_root);
    member->target_below = path_below(member->target_path, member->target_root);
    member->tombstone = json_boolean_or(document, "tombstone", false);
    return true;
}

bool members_read(struct task *task, struct members *ret_members, struct error *error)
{
    json_t *array;
    if (!json_get_array(task->instruction.body, "members", &array, error))
        return false;
    size_t count = json_array_size(array);
    pthread_mutex_lock(&task->mutex);
    struct member *list = arena_new(&task->arena, (count == 0 ? 1 : count) * sizeof *list);
    pthread_mutex_unlock(&task->mutex);
    for (size_t i = 0; i < count; i++)
        if (!read_member(json_array_get(array, i), &list[i], error))
            return error_wrap(error, "members[%d]", (int)i);
    *ret_members = (struct members){list, count};
    return true;
}

bool members_roots(struct task *task, const struct members *members, bool target,
                   const char *cluster, struct member_roots *ret_roots, struct error *error)
{
    pthread_mutex_lock(&task->mutex);
    struct member_root *list =
        arena_new(&task->arena, (members->count == 0 ? 1 : members->count) * sizeof *list);
    pthread_mutex_unlock(&task->mutex);
    size_t count = 0;
    for (size_t i = 0; i < members->count; i++) {
        const struct member *member = &members->list[i];
        const char *instance = target ? member->target_instance : member->instance;
        const char *root = target ? member->target_root : member->source_root;
        bool known = member->tombstone && !target;
        for (size_t j = 0; j < count && !known; j++)
            known = strcmp(list[j].instance, instance) == 0 && strcmp(list[j].root, root) == 0;
        if (known)
            continue;
        list[count] = (struct member_root){.instance = instance, .root = root};
        if (!task_store(task, cluster, instance, &list[count].ref, error))
            return false;
        count++;
    }
    *ret_roots = (struct member_roots){list, count};
    return true;
}

bool task_check_stores(struct task *task, struct error *error)
{
    struct call call = task_call(task);
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(task_settings(task), "stores"), index, item) {
        const char *cluster, *instance, *identity;
        char actual[STORE_IDENTITY_SIZE];
        struct store_ref ref;
        if (!json_get_string(item, "cluster", &cluster, error) ||
            !json_get_string(item, "instance", &instance, error) ||
            !json_get_string(item, "identity", &identity, error))
            return error_wrap(error, "settings.stores[%d]", (int)index);
        /* Push: agent A needs both; snapshot: A's alone may be reachable. */
        struct error unknown;
        if (!task_store(task, cluster, instance, &ref, &unknown))
            continue;
        if (strcmp(task->instruction.kind, "transfer") != 0 &&
            strcmp(cluster, task_scope(task)) != 0)
            continue;
        if (!ref.component->identify(ref.store, &call, actual, error))
            return error_wrap(error, "%s:%s", cluster, instance);
        if (strcmp(actual, identity) != 0)
            return error_set(
                error, ERROR_CONFLICT,
                "%s:%s is another store than the one paired (%.60s, was %.60s): was it "
                "formatted, or does its address lead elsewhere? Nothing was changed",
                cluster, instance, actual, identity);
    }
    return true;
}

/* ---- questions ------------------------------------------------------------------------------ */

static void note_asked(struct task *task, const struct member *member, const char *question,
                       const char *text)
{
    struct arena arena;
    if (task->question[0] == '\0')
        snprintf(task->question, sizeof task->question, "%s", question);
    else if (strcmp(task->question, question) != 0)
        return;
    json_t *item = json_object();
    arena_init(&arena);
    json_set_string(item, "id", member->id);
    json_set_string(item, "data_set",
                    arena_format(&arena, "%s:%s", member->instance, member->source_path));
    json_set_string(item, "text", text);
    json_append_take(task->asked, item);
    arena_fini(&arena);
}

bool member_ask(struct task *task, const struct member *member, const char *question,
                struct error *error, const char *format, ...)
{
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&task->mutex);
    note_asked(task, member, question, text);
    pthread_mutex_unlock(&task->mutex);
    return error_set(error, ERROR_CONFLICT, "%s", text);
}

static bool names(const json_t *list, const char *name)
{
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)list, index, item)
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
            return true;
    return false;
}

bool member_is_approved(const struct task *task, const struct member *member, const char *question)
{
    const json_t *body = task->instruction.body;
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(body, "approvals"), index, item)
        if (strcmp(json_string_or(item, "question", ""), question) == 0 &&
            names(json_object_get(item, "members"), member->id))
            return true;
    return names(json_object_get(body, "approved"), question);
}
