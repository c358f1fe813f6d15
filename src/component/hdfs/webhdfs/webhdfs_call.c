/* webhdfs_call.c: the short forms of calls to a NameNode. */
#include <stdarg.h>

#include "base/json.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"
#include "component/hdfs/webhdfs/webhdfs_url.h"

/* At the node that is named, or at the active one. */
static bool ask(struct hdfs_session *session, const struct call *call, unsigned node,
                const struct namenode_request *request, struct namenode_answer *answer, HDFS_TOLD)
{
    bool done = node == HDFS_NODE_ANY
                    ? namenode_call(&session->namenodes, call, request, answer, error)
                    : namenode_call_at(&session->namenodes, call, node, request, answer, error);
    if (problem != NULL)
        *problem = answer->problem;
    return done;
}

bool webhdfs_get(struct hdfs_session *session, const struct call *call, const char *op,
                 const char *path, const char *query, struct namenode_answer *answer, HDFS_TOLD)
{
    struct namenode_request request = {.method = HTTP_GET, .op = op, .path = path, .query = query};
    return ask(session, call, HDFS_NODE_ANY, &request, answer, problem, error);
}

bool webhdfs_change(HDFS_DO, enum http_method method, const char *op, const char *path,
                    const char *query, bool *ret_boolean, HDFS_TOLD)
{
    struct namenode_request request = {
        .method = method, .op = op, .path = path, .query = query, .changes = true};
    struct namenode_answer answer;
    json_t *document = NULL;
    namenode_answer_init(&answer);
    bool done = ask(session, call, mutation->node, &request, &answer, problem, error);
    if (done && ret_boolean != NULL)
        done = json_parse(buffer_text(&answer.body), answer.body.size, &document, error) &&
               json_get_boolean(document, "boolean", ret_boolean, error);
    json_decref(document);
    namenode_answer_fini(&answer);
    return done;
}

char *webhdfs_query(const char *name, const char *value, ...)
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

bool webhdfs_get_object(HDFS_ASK, const char *op, const char *path, const char *query,
                        const char *member, json_t **ret_document, json_t **ret_object, HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = webhdfs_get(session, call, op, path, query, &answer, problem, error) &&
                parse_answer(&answer, op, ret_document, error) &&
                json_get_object(*ret_document, member, ret_object, error);
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_get_plain(HDFS_ASK, unsigned node, const char *url, json_t **ret_document, HDFS_TOLD)
{
    struct namenode_request request = {.method = HTTP_GET, .plain = url};
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = ask(session, call, node, &request, &answer, problem, error) &&
                parse_answer(&answer, url, ret_document, error);
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_jmx(HDFS_ASK, const char *bean, const char *attribute, struct buffer *ret_text,
                 HDFS_TOLD)
{
    struct buffer url;
    json_t *document = NULL, *beans = NULL;
    buffer_init(&url, 0);
    buffer_append_format(&url, "/jmx?get=Hadoop:service=NameNode,name=%s::%s", bean, attribute);
    bool done = webhdfs_get_plain(session, call, HDFS_NODE_ANY, buffer_text(&url), &document,
                                  problem, error) &&
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
