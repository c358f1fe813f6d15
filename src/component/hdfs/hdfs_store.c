/* hdfs_store.c: opening, the short forms of calls, and the table. */
#include "component/hdfs/hdfs_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "component/hdfs/datanode_map.h"
#include "component/hdfs/webhdfs_url.h"

#define TIME_MS_MIN 10
#define TIME_MS_MAX 3600000

/* 0: not given. */
static bool read_time(const json_t *options, const char *key, int64_t *ret_ms, struct error *error)
{
    json_t *value = json_object_get(options, key);
    *ret_ms = 0;
    if (value == NULL)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < TIME_MS_MIN ||
        json_integer_value(value) > TIME_MS_MAX)
        return error_set(error, ERROR_INVALID, "%s: %d to %d milliseconds", key, TIME_MS_MIN,
                         TIME_MS_MAX);
    *ret_ms = json_integer_value(value);
    return true;
}

static bool read_times(const json_t *options, int64_t *ret_connect_ms, int64_t *ret_silence_ms,
                       struct error *error)
{
    return read_time(options, "datanode_connect_ms", ret_connect_ms, error) &&
           read_time(options, "datanode_silence_ms", ret_silence_ms, error);
}

static bool check_options(const json_t *options, struct error *error)
{
    int64_t ignored[2];
    return namenodes_check_options(options, error) &&
           read_times(options, &ignored[0], &ignored[1], error);
}

static bool open_store(const struct store_config *config, struct store **ret_store,
                       struct error *error)
{
    if (!webhdfs_path_check(config->area, error))
        return error_wrap(error, "area");
    struct store *store = memory_new(sizeof *store);
    if (!read_times(config->options, &store->datanode_connect_ms, &store->datanode_silence_ms,
                    error) ||
        !namenodes_init(&store->namenodes, config->options, error)) {
        free(store);
        return false;
    }
    store->datanodes = datanode_map_new();
    store->cluster = memory_copy_string(config->cluster);
    store->instance = memory_copy_string(config->instance);
    store->area = memory_copy_string(config->area);
    *ret_store = store;
    return true;
}

static void close_store(struct store *store)
{
    if (store == NULL)
        return;
    namenodes_fini(&store->namenodes);
    datanode_map_free(store->datanodes);
    free(store->cluster);
    free(store->instance);
    free(store->area);
    free(store);
}

/* --- calls -------------------------------------------------------------------------------------
 */

bool hdfs_get(struct store *store, const struct call *call, const char *op, const char *path,
              const char *query, struct namenode_answer *answer, struct error *error)
{
    struct namenode_request request = {.method = HTTP_GET, .op = op, .path = path, .query = query};
    return webhdfs_path_check(path, error) &&
           namenode_call(&store->namenodes, call, &request, answer, error);
}

bool hdfs_change(struct store *store, const struct call *call, enum http_method method,
                 const char *op, const char *path, const char *query, bool *ret_boolean,
                 struct error *error)
{
    struct namenode_request request = {
        .method = method, .op = op, .path = path, .query = query, .changes = true};
    struct namenode_answer answer;
    json_t *document = NULL;
    namenode_answer_init(&answer);
    bool done = webhdfs_path_check(path, error) &&
                namenode_call(&store->namenodes, call, &request, &answer, error);
    if (done && ret_boolean != NULL)
        done = json_parse(buffer_text(&answer.body), answer.body.size, &document, error) &&
               json_get_boolean(document, "boolean", ret_boolean, error);
    json_decref(document);
    namenode_answer_fini(&answer);
    return done;
}

char *hdfs_query(const char *name, const char *value, ...)
{
    struct buffer text;
    va_list arguments;
    buffer_init(&text, 0);
    va_start(arguments, value);
    while (name != NULL) {
        webhdfs_url_add(&text, name, value);
        name = va_arg(arguments, const char *);
        value = name != NULL ? va_arg(arguments, const char *) : NULL;
    }
    va_end(arguments);
    return buffer_take(&text);
}

static bool parse_answer(const struct namenode_answer *answer, const char *what,
                         json_t **ret_document, struct error *error)
{
    if (json_parse(buffer_text(&answer->body), answer->body.size, ret_document, error))
        return true;
    return error_set(error, ERROR_PROTOCOL, "%s: the NameNode's answer is not JSON", what);
}

bool hdfs_get_json(struct store *store, const struct call *call, const char *op, const char *path,
                   const char *query, json_t **ret_document, struct error *error)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = hdfs_get(store, call, op, path, query, &answer, error) &&
                parse_answer(&answer, op, ret_document, error);
    namenode_answer_fini(&answer);
    return done;
}

bool hdfs_get_plain(struct store *store, const struct call *call, unsigned node, const char *url,
                    json_t **ret_document, struct error *error)
{
    struct namenode_request request = {.method = HTTP_GET, .plain = url};
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = (node == NAMENODE_ANY
                     ? namenode_call(&store->namenodes, call, &request, &answer, error)
                     : namenode_call_at(&store->namenodes, call, node, &request, &answer, error)) &&
                parse_answer(&answer, url, ret_document, error);
    namenode_answer_fini(&answer);
    return done;
}

bool hdfs_status(struct store *store, const struct call *call, const char *path,
                 struct arena *arena, struct webhdfs_status *ret_status, struct error *error)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = hdfs_get(store, call, "GETFILESTATUS", path, NULL, &answer, error) &&
                webhdfs_status_read(buffer_text(&answer.body), answer.body.size, path, arena,
                                    ret_status, error);
    namenode_answer_fini(&answer);
    return done;
}

bool hdfs_jmx(struct store *store, const struct call *call, const char *bean, const char *attribute,
              struct buffer *ret_text, struct error *error)
{
    struct buffer url;
    json_t *document = NULL, *beans = NULL;
    buffer_init(&url, 0);
    buffer_append_format(&url, "/jmx?get=Hadoop:service=NameNode,name=%s::%s", bean, attribute);
    bool done = hdfs_get_plain(store, call, NAMENODE_ANY, buffer_text(&url), &document, error) &&
                json_get_array(document, "beans", &beans, error);
    json_t *value = done ? json_object_get(json_array_get(beans, 0), attribute) : NULL;
    if (json_is_string(value))
        buffer_append_text(ret_text, json_string_value(value));
    else if (json_is_integer(value))
        buffer_append_format(ret_text, "%lld", (long long)json_integer_value(value));
    else if (done)
        done = error_set(error, ERROR_PROTOCOL, "the NameNode's JMX does not tell %s", attribute);
    json_decref(document);
    buffer_fini(&url);
    return done;
}

struct call hdfs_cleanup_call(const struct call *call)
{
    return (struct call){.wait_ms = 5000, .counters = call->counters};
}

/* --- the table ---------------------------------------------------------------------------------
 */

const struct component hdfs_component = {
    .kind = "hdfs",
    .features = COMPONENT_SNAPSHOT_CHEAP | COMPONENT_SNAPSHOT_ATOMIC | COMPONENT_DIFFERENCE_CHEAP |
                COMPONENT_BLIND_SPOTS | COMPONENT_MODE | COMPONENT_ACL | COMPONENT_XATTRS |
                COMPONENT_REPLICATION | COMPONENT_DRIFTING,
    .check_options = check_options,
    .open = open_store,
    .close = close_store,
    .identify = hdfs_identify,
    .check = hdfs_check,
    .space = hdfs_space,
    .clock_offset = hdfs_clock_offset,
    .stat = hdfs_stat,
    .describe = hdfs_describe,
    .list = hdfs_list,
    .checksum = hdfs_checksum,
    .confirm = hdfs_confirm,
    .make_directory = hdfs_make_directory,
    .rename = hdfs_rename,
    .remove = hdfs_remove,
    .set_attributes = hdfs_set_attributes,
    .copy_file = hdfs_copy_file,
    .read_open = hdfs_read_open,
    .read = hdfs_read,
    .read_close = hdfs_read_close,
    .write_open = hdfs_write_open,
    .write = hdfs_write,
    .write_close = hdfs_write_close,
    .allow_snapshots = hdfs_allow_snapshots,
    .disallow_snapshots = hdfs_disallow_snapshots,
    .moment_prepare = hdfs_moment_prepare,
    .moment_fire = hdfs_moment_fire,
    .moment_finish = hdfs_moment_finish,
    .moment_free = hdfs_moment_free,
    .snapshot_create = hdfs_snapshot_create,
    .snapshot_get = hdfs_snapshot_get,
    .snapshot_list = hdfs_snapshot_list,
    .snapshot_remove = hdfs_snapshot_remove,
    .snapshot_path = hdfs_snapshot_path,
    .pinned = hdfs_pinned,
    .difference = hdfs_difference,
    .is_suspect = hdfs_is_suspect,
};
