/* webhdfs_cluster.c: the cluster as a whole, from the pages of its NameNodes and from headers. */
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "component/hdfs/webhdfs/clock_hint.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"

/* Any answer tells who is active, and has a header with its clock. */
static bool ask_root(HDFS_ASK, struct namenode_answer *answer, HDFS_TOLD)
{
    return webhdfs_get(session, call, "GETFILESTATUS", "/", NULL, answer, problem, error);
}

bool webhdfs_find_active(HDFS_ASK, unsigned *ret_node, HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = ask_root(session, call, &answer, problem, error);
    if (done)
        *ret_node = answer.node;
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_probe(HDFS_ASK, unsigned node, HDFS_TOLD)
{
    struct namenode_answer answer;
    struct namenode_request request = {.method = HTTP_GET, .op = "GETFILESTATUS", .path = "/"};
    namenode_answer_init(&answer);
    bool done = namenode_call_at(&session->namenodes, call, node, &request, &answer, error);
    if (problem != NULL)
        *problem = answer.problem;
    namenode_answer_fini(&answer);
    return done;
}

/* --- pages -------------------------------------------------------------------------------------
 */

static bool info(HDFS_ASK, const char *attribute, struct arena *arena, const char **ret_text,
                 HDFS_TOLD)
{
    struct buffer text;
    buffer_init(&text, 0);
    bool done = webhdfs_jmx(session, call, "NameNodeInfo", attribute, &text, problem, error);
    if (done)
        *ret_text = arena_string(arena, buffer_text(&text));
    buffer_fini(&text);
    return done;
}

bool webhdfs_version(HDFS_ASK, struct arena *arena, const char **ret_version, HDFS_TOLD)
{
    return info(session, call, "SoftwareVersion", arena, ret_version, problem, error);
}

bool webhdfs_identity(HDFS_ASK, struct arena *arena, struct hdfs_identity *ret_identity, HDFS_TOLD)
{
    struct hdfs_identity identity;
    if (!info(session, call, "ClusterId", arena, &identity.cluster_id, problem, error) ||
        !info(session, call, "BlockPoolId", arena, &identity.block_pool_id, problem, error))
        return false;
    *ret_identity = identity;
    return true;
}

bool webhdfs_capacity(HDFS_ASK, struct hdfs_capacity *ret_capacity, HDFS_TOLD)
{
    struct buffer text;
    json_t *document = NULL, *defaults = NULL;
    buffer_init(&text, 0);
    bool done = webhdfs_jmx(session, call, "FSNamesystemState", "CapacityRemaining", &text, problem,
                            error) &&
                webhdfs_get_object(session, call, "GETSERVERDEFAULTS", "/", NULL,
                                   "FsServerDefaults", &document, &defaults, problem, error);
    if (done) {
        int64_t replication = json_integer_or(defaults, "replication", 1);
        ret_capacity->remaining_bytes = strtoull(buffer_text(&text), NULL, 10);
        ret_capacity->replication = replication > 0 ? (uint64_t)replication : 1;
    }
    json_decref(document);
    buffer_fini(&text);
    return done;
}

bool webhdfs_clock(HDFS_ASK, struct hdfs_clock *ret_clock, HDFS_TOLD)
{
    struct namenode_answer answer;
    struct hdfs_clock clock;
    namenode_answer_init(&answer);
    bool done = ask_root(session, call, &answer, problem, error);
    if (done && !clock_hint(buffer_text(&answer.date), buffer_text(&answer.cookie), answer.sent_us,
                            answer.answered_us, &clock.offset_us, &clock.uncertainty_us))
        done = error_set(error, ERROR_PROTOCOL, "the NameNode does not tell its time");
    if (done)
        *ret_clock = clock;
    namenode_answer_fini(&answer);
    return done;
}

#define OPEN_FILES_PROPERTY "dfs.namenode.snapshot.capture.openfiles"

bool webhdfs_freezes_open_files(HDFS_ASK, unsigned node, bool *ret_freezes, HDFS_TOLD)
{
    json_t *document = NULL, *property = NULL;
    bool done =
        webhdfs_get_plain(session, call, node, "/conf?name=" OPEN_FILES_PROPERTY "&format=json",
                          &document, problem, error) &&
        json_get_object(document, "property", &property, error);
    if (done)
        *ret_freezes = strcasecmp(json_string_or(property, "value", "false"), "true") == 0;
    json_decref(document);
    return done || error_wrap(error, "cannot read " OPEN_FILES_PROPERTY);
}
