/* store_tool.c: the hdfs component as a program, so that Python tests can drive it against real and
 * scripted NameNodes. Reads one JSON object per line, {"do": "list", "path": "/a"}, answers with
 * one:
 * {"ok": true, ...} or {"ok": false, "code": "NOT_FOUND", "text": "..."}.
 *   store_tool '{"namenodes": [...], "user": "coeval"}' AREA */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "component/hdfs/hdfs.h"
#include "component/store_util.h"
#include "entry_json.h"
#include "limiter_spy.h"

struct tool {
    const struct component *component;
    struct store *store;
    struct call call;
    struct call_counters counters;
    struct limiter limiter;
    struct arena arena; /* of one command */
    json_t *order, *answer;
};

static const char *text(const struct tool *tool, const char *key)
{
    return json_string_or(tool->order, key, "");
}

/* --- commands ----------------------------------------------------------------------------------
 */

static bool do_stat(struct tool *tool, struct error *error)
{
    struct entry entry;
    if (!tool->component->stat(tool->store, &tool->call, text(tool, "path"), &tool->arena, &entry,
                               error))
        return false;
    json_set_take(tool->answer, "entry", entry_json(&entry));
    return true;
}

static bool do_describe(struct tool *tool, struct error *error)
{
    struct entry entry;
    if (!tool->component->describe(tool->store, &tool->call, text(tool, "path"), &tool->arena,
                                   &entry, error))
        return false;
    json_set_take(tool->answer, "entry", entry_json(&entry));
    return true;
}

static bool add_entry(void *context, const struct entry *entry, struct error *error)
{
    (void)error;
    json_append_take(context, entry_json(entry));
    return true;
}

static bool do_list(struct tool *tool, struct error *error)
{
    json_t *entries = json_array();
    json_set_take(tool->answer, "entries", entries);
    return tool->component->list(tool->store, &tool->call, text(tool, "path"), add_entry, entries,
                                 error);
}

static bool do_identify(struct tool *tool, struct error *error)
{
    char identity[STORE_IDENTITY_SIZE];
    if (!tool->component->identify(tool->store, &tool->call, identity, error))
        return false;
    json_set_string(tool->answer, "identity", identity);
    return true;
}

static void add_finding(void *context, const struct finding *finding)
{
    static const char *const levels[] = {"ok", "warning", "error"};
    json_t *object = json_object();
    json_set_string(object, "level", levels[finding->level]);
    json_set_string(object, "what", finding->what);
    json_set_string(object, "remedy", finding->remedy);
    json_append_take(context, object);
}

static bool do_check(struct tool *tool, struct error *error)
{
    const char *roots[16];
    size_t count = 0, index;
    json_t *value, *findings = json_array();
    json_array_foreach(json_object_get(tool->order, "roots"), index, value)
        roots[count++] = json_string_value(value);
    json_set_take(tool->answer, "findings", findings);
    enum store_use use = strcmp(text(tool, "use"), "target") == 0 ? STORE_TARGET : STORE_SOURCE;
    return tool->component->check(tool->store, &tool->call, use, roots, count, add_finding,
                                  findings, error);
}

static bool do_space(struct tool *tool, struct error *error)
{
    struct store_space space;
    if (!tool->component->space(tool->store, &tool->call, text(tool, "path"), &space, error))
        return false;
    json_set_integer(tool->answer, "free_bytes", (int64_t)space.free_bytes);
    json_set_integer(tool->answer, "free_objects", (int64_t)space.free_objects);
    return true;
}

static bool do_clock(struct tool *tool, struct error *error)
{
    int64_t offset, uncertainty;
    if (!tool->component->clock_offset(tool->store, &tool->call, &offset, &uncertainty, error))
        return false;
    json_set_integer(tool->answer, "offset_us", offset);
    json_set_integer(tool->answer, "uncertainty_us", uncertainty);
    return true;
}

static bool do_checksum(struct tool *tool, struct error *error)
{
    char checksum[96];
    if (!tool->component->checksum(tool->store, &tool->call, text(tool, "path"), checksum, error))
        return false;
    json_set_string(tool->answer, "checksum", checksum);
    return true;
}

static bool do_confirm(struct tool *tool, struct error *error)
{
    return tool->component->confirm(tool->store, &tool->call, error);
}

static bool do_mkdir(struct tool *tool, struct error *error)
{
    return tool->component->make_directory(tool->store, &tool->call, text(tool, "path"), 0755,
                                           error);
}

static bool do_rename(struct tool *tool, struct error *error)
{
    return tool->component->rename(tool->store, &tool->call, text(tool, "path"), text(tool, "to"),
                                   json_boolean_or(tool->order, "replace", false), error);
}

static bool do_remove(struct tool *tool, struct error *error)
{
    return tool->component->remove(tool->store, &tool->call, text(tool, "path"),
                                   json_boolean_or(tool->order, "recursive", false), error);
}

static bool do_set(struct tool *tool, struct error *error)
{
    struct entry entry = json_entry(json_object_get(tool->order, "entry"), &tool->arena);
    return tool->component->set_attributes(
        tool->store, &tool->call, text(tool, "path"), &entry,
        (unsigned)json_integer_or(tool->order, "fields", ENTRY_ATTRIBUTES), error);
}

static bool do_read(struct tool *tool, struct error *error)
{
    struct store_reader *reader;
    static char data[100000];
    uint64_t total = 0;
    uint32_t crc = 0;
    if (!tool->component->read_open(tool->store, &tool->call, text(tool, "path"),
                                    (uint64_t)json_integer_or(tool->order, "offset", 0), &reader,
                                    error))
        return false;
    bool done = true;
    for (size_t size = 1; done && size > 0;) {
        done = tool->component->read(reader, data, sizeof data, &size, error);
        if (!done)
            break;
        crc = crc32c(crc, data, size);
        total += size;
    }
    tool->component->read_close(reader);
    json_set_integer(tool->answer, "length", (int64_t)total);
    json_set_integer(tool->answer, "crc", crc);
    return done;
}

/* "times" times the text "data". */
static bool do_write(struct tool *tool, struct error *error)
{
    struct store_writer *writer;
    const char *data = text(tool, "data");
    if (!tool->component->write_open(tool->store, &tool->call, text(tool, "path"), 0640, &writer,
                                     error))
        return false;
    bool done = true;
    for (int64_t i = json_integer_or(tool->order, "times", 1); done && i > 0; i--)
        done = tool->component->write(writer, data, strlen(data), error);
    struct error ignored = ERROR_NONE;
    bool commit = done && json_boolean_or(tool->order, "commit", true);
    return tool->component->write_close(writer, commit, done ? error : &ignored) && done;
}

static bool do_copy(struct tool *tool, struct error *error)
{
    struct entry entry;
    struct copy_result result;
    if (!tool->component->stat(tool->store, &tool->call, text(tool, "path"), &tool->arena, &entry,
                               error))
        return false;
    struct copy_order order = {.source_component = tool->component,
                               .source = tool->store,
                               .source_path = text(tool, "path"),
                               .target_path = text(tool, "to"),
                               .entry = &entry};
    if (!tool->component->copy_file(tool->store, &tool->call, &order, &result, error))
        return false;
    json_set_integer(tool->answer, "length", (int64_t)result.length);
    json_set_integer(tool->answer, "crc", result.crc32c);
    json_set_string(tool->answer, "checksum", result.checksum);
    return true;
}

/* A file of the area, written whole and read back. */
static bool do_keep(struct tool *tool, struct error *error)
{
    struct store_ref ref = {.component = tool->component, .store = tool->store};
    const char *data = text(tool, "data");
    return store_write_file(ref, &tool->call, text(tool, "path"), data, strlen(data), error);
}

static bool do_allow(struct tool *tool, struct error *error)
{
    return tool->component->allow_snapshots(tool->store, &tool->call, text(tool, "path"), error);
}

static json_t *snapshot_json(const struct snapshot *snapshot)
{
    json_t *object = json_object();
    json_set_string(object, "name", snapshot->name);
    json_set_integer(object, "id", (int64_t)snapshot->id);
    json_set_integer(object, "instant_us", snapshot->instant_us);
    return object;
}

static bool do_snapshot(struct tool *tool, struct error *error)
{
    struct snapshot snapshot;
    if (!tool->component->snapshot_create(tool->store, &tool->call, text(tool, "path"),
                                          text(tool, "name"), &snapshot, error))
        return false;
    json_set_take(tool->answer, "snapshot", snapshot_json(&snapshot));
    return true;
}

static bool do_snapshot_get(struct tool *tool, struct error *error)
{
    struct snapshot snapshot;
    if (!tool->component->snapshot_get(tool->store, &tool->call, text(tool, "path"),
                                       text(tool, "name"), &snapshot, error))
        return false;
    json_set_take(tool->answer, "snapshot", snapshot_json(&snapshot));
    return true;
}

static bool add_snapshot(void *context, const struct snapshot *snapshot, struct error *error)
{
    (void)error;
    json_append_take(context, snapshot_json(snapshot));
    return true;
}

static bool do_snapshots(struct tool *tool, struct error *error)
{
    json_t *list = json_array();
    json_set_take(tool->answer, "snapshots", list);
    return tool->component->snapshot_list(tool->store, &tool->call, text(tool, "path"),
                                          add_snapshot, list, error);
}

static bool do_snapshot_remove(struct tool *tool, struct error *error)
{
    return tool->component->snapshot_remove(tool->store, &tool->call, text(tool, "path"),
                                            text(tool, "name"), error);
}

static bool add_difference(void *context, const struct difference *difference, struct error *error)
{
    struct buffer line;
    (void)error;
    buffer_init(&line, 0);
    buffer_append_format(&line, "%c %s", (char)difference->kind, difference->path);
    if (difference->target != NULL)
        buffer_append_format(&line, " -> %s", difference->target);
    json_append_take(context, json_string(buffer_text(&line)));
    buffer_fini(&line);
    return true;
}

static bool do_difference(struct tool *tool, struct error *error)
{
    json_t *list = json_array();
    json_set_take(tool->answer, "differences", list);
    return tool->component->difference(
        tool->store, &tool->call, text(tool, "path"), text(tool, "relative"), text(tool, "from"),
        json_string_or(tool->order, "to", NULL), add_difference, list, error);
}

static bool do_suspect(struct tool *tool, struct error *error)
{
    bool suspect;
    if (!tool->component->is_suspect(tool->store, &tool->call, text(tool, "root"),
                                     text(tool, "path"), text(tool, "name"), &suspect, error))
        return false;
    json_set_boolean(tool->answer, "suspect", suspect);
    return true;
}

static json_t *root_json(const struct moment_root *root)
{
    json_t *object = json_object();
    json_set_string(object, "root", root->root);
    json_set_boolean(object, "fired", root->fired);
    json_set_boolean(object, "exact", root->open_files_exact);
    json_set_integer(object, "sent_ns", root->sent_ns);
    json_set_integer(object, "answered_ns", root->answered_ns);
    json_set_integer(object, "instant_us", root->instant_us);
    json_set_integer(object, "id", (int64_t)root->id);
    json_set_string(object, "code", error_name(root->error.code));
    return object;
}

/* "wait_ms": between prepare and fire. */
static bool do_moment(struct tool *tool, struct error *error)
{
    struct moment_root roots[16];
    struct moment *moment;
    size_t count = 0, index;
    json_t *value, *answers = json_array();
    memset(roots, 0, sizeof roots);
    json_array_foreach(json_object_get(tool->order, "roots"), index, value) {
        roots[count].root = json_string_value(value);
        roots[count++].snapshot = text(tool, "name");
    }
    json_set_take(tool->answer, "roots", answers);
    if (!tool->component->moment_prepare(tool->store, &tool->call, roots, count, NULL, &moment,
                                         error))
        return false;
    struct timespec pause = {.tv_nsec = (long)json_integer_or(tool->order, "wait_ms", 0) * 1000000};
    nanosleep(&pause, NULL);
    tool->component->moment_fire(moment);
    bool done = tool->component->moment_finish(moment, &tool->call, error);
    tool->component->moment_free(moment);
    for (size_t i = 0; i < count; i++)
        json_append_take(answers, root_json(&roots[i]));
    return done;
}

static bool do_pinned(struct tool *tool, struct error *error)
{
    uint64_t bytes = 0;
    bool done = tool->component->pinned(tool->store, &tool->call, text(tool, "root"),
                                        text(tool, "path"), text(tool, "name"), &bytes, error);
    json_set_integer(tool->answer, "bytes", (int64_t)bytes);
    return done;
}

static const struct {
    const char *name;
    bool (*run)(struct tool *tool, struct error *error);
} commands[] = {{"stat", do_stat},
                {"describe", do_describe},
                {"list", do_list},
                {"identify", do_identify},
                {"check", do_check},
                {"space", do_space},
                {"clock", do_clock},
                {"checksum", do_checksum},
                {"confirm", do_confirm},
                {"mkdir", do_mkdir},
                {"rename", do_rename},
                {"remove", do_remove},
                {"set", do_set},
                {"read", do_read},
                {"write", do_write},
                {"copy", do_copy},
                {"keep", do_keep},
                {"allow", do_allow},
                {"snapshot", do_snapshot},
                {"snapshot_get", do_snapshot_get},
                {"snapshots", do_snapshots},
                {"snapshot_remove", do_snapshot_remove},
                {"difference", do_difference},
                {"suspect", do_suspect},
                {"pinned", do_pinned},
                {"moment", do_moment}};

static void answer_line(struct tool *tool, const char *line, size_t size)
{
    struct error error = ERROR_NONE;
    struct buffer out;
    size_t index = 0;
    tool->answer = json_object();
    arena_init(&tool->arena);
    CHECK(json_parse(line, size, &tool->order, &error));
    int64_t limit_ms = json_integer_or(tool->order, "limit_ms", 60000);
    tool->call = (struct call){.deadline_ns = clock_monotonic_ns() + limit_ms * 1000000,
                               .wait_ms = json_integer_or(tool->order, "silence_ms", 10000),
                               .limiter = &tool->limiter,
                               .counters = &tool->counters};
    struct limiter before = tool->limiter;
    while (strcmp(commands[index].name, text(tool, "do")) != 0)
        CHECK(++index < ARRAY_LENGTH(commands));
    bool done = commands[index].run(tool, &error);
    CHECK(!done || error.code == ERROR_OK); /* a failure that was got over is none */
    json_set_boolean(tool->answer, "ok", done);
    json_set_integer(tool->answer, "operations",
                     (int64_t)(tool->limiter.operations - before.operations));
    json_set_integer(tool->answer, "paid_bytes", (int64_t)(tool->limiter.bytes - before.bytes));
    if (!done) {
        json_set_string(tool->answer, "code", error_name(error.code));
        json_set_string(tool->answer, "text", error.text);
    }
    buffer_init(&out, 0);
    json_print(tool->answer, false, &out);
    printf("%s\n", buffer_text(&out));
    fflush(stdout);
    buffer_fini(&out);
    json_decref(tool->order);
    json_decref(tool->answer);
    arena_fini(&tool->arena);
}

int main(int argc, char **argv)
{
    struct error error = ERROR_NONE;
    struct tool tool = {.component = &hdfs_component};
    json_t *options = NULL;
    char *line = NULL;
    size_t capacity = 0;
    CHECK(argc == 3);
    CHECK(json_parse(argv[1], strlen(argv[1]), &options, &error));
    struct store_config config = {
        .cluster = "test", .instance = "hdfs", .area = argv[2], .options = options};
    if (!tool.component->open(&config, &tool.store, &error)) {
        fprintf(stderr, "store_tool: %s\n", error.text);
        return 1;
    }
    for (ssize_t size; (size = getline(&line, &capacity, stdin)) > 0;)
        answer_line(&tool, line, (size_t)size);
    free(line);
    tool.component->close(tool.store);
    json_decref(options);
    return 0;
}
