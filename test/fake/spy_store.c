/* spy_store.c: see spy_store.h. */
#include "fake/spy_store.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"

struct rule {
    const char *operation, *part;
    enum error_code code;
    unsigned times;
};

static struct spy {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const struct component *real;
    struct component table;
    struct rule failures[4], hold;
    bool holding;
    struct buffer trace, copy;
    size_t arena_bytes;
} spy = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool matches(const struct rule *rule, const char *operation, const char *path)
{
    return rule->times > 0 && strcmp(rule->operation, operation) == 0 &&
           strstr(path, rule->part) != NULL;
}

/* False: the call is to fail. */
static bool meet(const char *operation, const char *path, struct error *error)
{
    bool goes_on = true;
    pthread_mutex_lock(&spy.mutex);
    buffer_append_format(&spy.trace, "%s %s\n", operation, path);
    if (matches(&spy.hold, operation, path)) {
        spy.hold.times = 0;
        spy.holding = true;
        pthread_cond_broadcast(&spy.changed);
        while (spy.holding)
            pthread_cond_wait(&spy.changed, &spy.mutex);
    }
    for (size_t i = 0; goes_on && i < ARRAY_LENGTH(spy.failures); i++) {
        struct rule *rule = &spy.failures[i];
        if (!matches(rule, operation, path))
            continue;
        rule->times--;
        goes_on = error_set(error, rule->code, "%s %s: the test says so", operation, path);
    }
    pthread_mutex_unlock(&spy.mutex);
    return goes_on;
}

static void weigh(const struct arena *arena)
{
    pthread_mutex_lock(&spy.mutex);
    if (arena->used_bytes > spy.arena_bytes)
        spy.arena_bytes = arena->used_bytes;
    pthread_mutex_unlock(&spy.mutex);
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool spy_identify(struct store *store, const struct call *call,
                         char ret_identity[STORE_IDENTITY_SIZE], struct error *error)
{
    return meet("identify", "", error) && spy.real->identify(store, call, ret_identity, error);
}

static bool spy_clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                             int64_t *ret_uncertainty_us, struct error *error)
{
    return meet("clock_offset", "", error) &&
           spy.real->clock_offset(store, call, ret_offset_us, ret_uncertainty_us, error);
}

static bool spy_stat(struct store *store, const struct call *call, const char *path,
                     struct arena *arena, struct entry *ret_entry, struct error *error)
{
    weigh(arena);
    return meet("stat", path, error) && spy.real->stat(store, call, path, arena, ret_entry, error);
}

static bool spy_describe(struct store *store, const struct call *call, const char *path,
                         struct arena *arena, struct entry *ret_entry, struct error *error)
{
    weigh(arena);
    return meet("describe", path, error) &&
           spy.real->describe(store, call, path, arena, ret_entry, error);
}

static bool spy_list(struct store *store, const struct call *call, const char *path, entry_fn *fn,
                     void *context, struct error *error)
{
    return meet("list", path, error) && spy.real->list(store, call, path, fn, context, error);
}

static bool spy_confirm(struct store *store, const struct call *call, struct error *error)
{
    return meet("confirm", "", error) && spy.real->confirm(store, call, error);
}

static bool spy_make_directory(struct store *store, const struct call *call, const char *path,
                               uint32_t mode, struct error *error)
{
    return meet("make_directory", path, error) &&
           spy.real->make_directory(store, call, path, mode, error);
}

static bool spy_rename(struct store *store, const struct call *call, const char *from,
                       const char *to, bool replace, struct error *error)
{
    return meet("rename", to, error) && spy.real->rename(store, call, from, to, replace, error);
}

static bool spy_remove(struct store *store, const struct call *call, const char *path,
                       bool recursive, struct error *error)
{
    return meet("remove", path, error) && spy.real->remove(store, call, path, recursive, error);
}

static bool spy_copy_file(struct store *store, const struct call *call,
                          const struct copy_order *order, struct copy_result *ret_result,
                          struct error *error)
{
    return meet("copy_file", order->target_path, error) &&
           spy.real->copy_file(store, call, order, ret_result, error);
}

static bool spy_read_open(struct store *store, const struct call *call, const char *path,
                          uint64_t offset, struct store_reader **ret_reader, struct error *error)
{
    return meet("read_open", path, error) &&
           spy.real->read_open(store, call, path, offset, ret_reader, error);
}

static bool spy_write_open(struct store *store, const struct call *call, const char *path,
                           uint32_t mode, struct store_writer **ret_writer, struct error *error)
{
    return meet("write_open", path, error) &&
           spy.real->write_open(store, call, path, mode, ret_writer, error);
}

static bool spy_write(struct store_writer *writer, const void *data, size_t size,
                      struct error *error)
{
    return meet("write", "", error) && spy.real->write(writer, data, size, error);
}

static bool spy_moment_prepare(struct store *store, const struct call *call,
                               struct moment_root *roots, size_t root_count,
                               const struct moment_options *options, struct moment **ret_moment,
                               struct error *error)
{
    return meet("moment_prepare", roots[0].root, error) &&
           spy.real->moment_prepare(store, call, roots, root_count, options, ret_moment, error);
}

static bool spy_moment_finish(struct moment *moment, const struct call *call, struct error *error)
{
    return meet("moment_finish", "", error) && spy.real->moment_finish(moment, call, error);
}

static bool spy_snapshot_create(struct store *store, const struct call *call, const char *root,
                                const char *name, struct snapshot *ret_snapshot,
                                struct error *error)
{
    return meet("snapshot_create", name, error) &&
           spy.real->snapshot_create(store, call, root, name, ret_snapshot, error);
}

static bool spy_snapshot_get(struct store *store, const struct call *call, const char *root,
                             const char *name, struct snapshot *ret_snapshot, struct error *error)
{
    return meet("snapshot_get", name, error) &&
           spy.real->snapshot_get(store, call, root, name, ret_snapshot, error);
}

static bool spy_snapshot_remove(struct store *store, const struct call *call, const char *root,
                                const char *name, struct error *error)
{
    return meet("snapshot_remove", name, error) &&
           spy.real->snapshot_remove(store, call, root, name, error);
}

static bool spy_difference(struct store *store, const struct call *call, const char *root,
                           const char *relative, const char *from, const char *to,
                           difference_fn *fn, void *context, struct error *error)
{
    return meet("difference", root, error) &&
           spy.real->difference(store, call, root, relative, from, to, fn, context, error);
}

static const char *spy_snapshot_path(struct store *store, const char *root, const char *snapshot,
                                     const char *relative, struct arena *arena)
{
    weigh(arena);
    return spy.real->snapshot_path(store, root, snapshot, relative, arena);
}

/* ---- for the test --------------------------------------------------------------------------- */

const struct component *spy_component(const struct component *real)
{
    spy.real = real;
    spy.table = *real;
    spy.table.identify = spy_identify;
    spy.table.clock_offset = spy_clock_offset;
    spy.table.stat = spy_stat;
    spy.table.describe = spy_describe;
    spy.table.list = spy_list;
    spy.table.confirm = spy_confirm;
    spy.table.make_directory = spy_make_directory;
    spy.table.rename = spy_rename;
    spy.table.remove = spy_remove;
    spy.table.copy_file = spy_copy_file;
    spy.table.read_open = spy_read_open;
    spy.table.write_open = spy_write_open;
    spy.table.write = spy_write;
    spy.table.moment_prepare = spy_moment_prepare;
    spy.table.moment_finish = spy_moment_finish;
    spy.table.snapshot_create = spy_snapshot_create;
    spy.table.snapshot_get = spy_snapshot_get;
    spy.table.snapshot_remove = spy_snapshot_remove;
    spy.table.difference = spy_difference;
    spy.table.snapshot_path = spy_snapshot_path;
    CHECK(!spy.holding);
    memset(spy.failures, 0, sizeof spy.failures);
    spy.hold = (struct rule){.times = 0};
    spy_forget();
    return &spy.table;
}

void spy_set_features(unsigned features)
{
    spy.table.features = features;
}

void spy_fail(const char *operation, const char *part, enum error_code code, unsigned times)
{
    pthread_mutex_lock(&spy.mutex);
    size_t free = 0; /* else the first one gives way */
    for (size_t i = 0; i < ARRAY_LENGTH(spy.failures); i++)
        if (spy.failures[i].times == 0)
            free = i;
    spy.failures[free] = (struct rule){operation, part, code, times};
    pthread_mutex_unlock(&spy.mutex);
}

void spy_hold(const char *operation, const char *part)
{
    pthread_mutex_lock(&spy.mutex);
    spy.hold = (struct rule){operation, part, ERROR_OK, 1};
    pthread_mutex_unlock(&spy.mutex);
}

bool spy_is_holding(void)
{
    pthread_mutex_lock(&spy.mutex);
    bool holding = spy.holding;
    pthread_mutex_unlock(&spy.mutex);
    return holding;
}

void spy_release(void)
{
    pthread_mutex_lock(&spy.mutex);
    spy.hold.times = 0;
    spy.holding = false;
    pthread_cond_broadcast(&spy.changed);
    pthread_mutex_unlock(&spy.mutex);
}

const char *spy_trace(void)
{
    pthread_mutex_lock(&spy.mutex);
    buffer_fini(&spy.copy);
    buffer_init(&spy.copy, 0);
    buffer_append(&spy.copy, spy.trace.data, spy.trace.size);
    pthread_mutex_unlock(&spy.mutex);
    return buffer_text(&spy.copy);
}

void spy_forget(void)
{
    pthread_mutex_lock(&spy.mutex);
    buffer_fini(&spy.trace);
    buffer_init(&spy.trace, 0);
    spy.arena_bytes = 0;
    pthread_mutex_unlock(&spy.mutex);
}

size_t spy_arena_bytes(void)
{
    pthread_mutex_lock(&spy.mutex);
    size_t bytes = spy.arena_bytes;
    pthread_mutex_unlock(&spy.mutex);
    return bytes;
}

static int find(const char *operation, const char *part, bool last)
{
    char beginning[64], line[1024];
    int place = 0, found = -1;
    snprintf(beginning, sizeof beginning, "%s ", operation);
    for (const char *text = spy_trace(); *text != '\0'; place++) {
        size_t length = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        if (strncmp(line, beginning, strlen(beginning)) == 0 && strstr(line, part) != NULL &&
            (last || found < 0))
            found = place;
        text += length + (text[length] == '\n');
    }
    return found;
}

int spy_place(const char *operation, const char *part)
{
    return find(operation, part, false);
}

int spy_last_place(const char *operation, const char *part)
{
    return find(operation, part, true);
}
