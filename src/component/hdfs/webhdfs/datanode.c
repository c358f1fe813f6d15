/* datanode.c: see datanode.h. */
#include "component/hdfs/webhdfs/datanode.h"

#include <string.h>

#include "base/clock.h"
#include "base/path.h"
#include "component/hdfs/webhdfs/webhdfs_url.h"

#define REFUSAL_BYTES_MAX ((size_t)1 << 20) /* with the stack that comes along */
#define LEARN_MS 5000
#define BLOCK_BYTES ((uint64_t)128 << 20) /* Hadoop's own default */

/* --- which ones not ----------------------------------------------------------------------------
 */

static bool learn(struct hdfs_session *session, const struct call *call, struct error *error)
{
    struct buffer text;
    struct call brief = *call; /* it only helps */
    brief.wait_ms = call->wait_ms > 0 && call->wait_ms < LEARN_MS ? call->wait_ms : LEARN_MS;
    buffer_init(&text, 0);
    bool done = webhdfs_jmx(session, &brief, "NameNodeInfo", "LiveNodes", &text, NULL, error) &&
                datanode_map_learn(session->datanodes, buffer_text(&text), text.size,
                                   clock_monotonic_ns(), error);
    buffer_fini(&text);
    return done;
}

/* As excludedatanodes wants it. A bare host is what remains when the NameNode shows no JMX: it
 * serves where hosts go by their numbers and have one DataNode each. */
static bool find_excluded(struct hdfs_session *session, const struct call *call, const char *url,
                          char ret_excluded[DATANODE_ADDRESS_SIZE])
{
    char address[DATANODE_ADDRESS_SIZE];
    struct error ignored = ERROR_NONE;
    if (!webhdfs_address(url, address, sizeof address))
        return false;
    if (datanode_map_find(session->datanodes, address, clock_monotonic_ns(), ret_excluded))
        return true;
    if (learn(session, call, &ignored)) /* not there: the NameNode names it no more */
        return datanode_map_find(session->datanodes, address, clock_monotonic_ns(), ret_excluded);
    return webhdfs_host(url, ret_excluded, DATANODE_ADDRESS_SIZE);
}

void datanodes_avoid(struct hdfs_session *session, const struct call *call,
                     struct datanodes_avoided *avoided, const char *url, bool is_gone)
{
    char excluded[DATANODE_ADDRESS_SIZE];
    avoided->failures++;
    if (!find_excluded(session, call, url, excluded))
        return;
    if (avoided->count < DATANODE_ATTEMPTS)
        memcpy(avoided->addresses[avoided->count++], excluded, sizeof excluded);
    if (is_gone)
        datanode_map_avoid(session->datanodes, excluded, clock_monotonic_ns());
}

void datanode_works(struct hdfs_session *session, const struct datanodes_avoided *avoided,
                    const char *url)
{
    char address[DATANODE_ADDRESS_SIZE], excluded[DATANODE_ADDRESS_SIZE];
    if (avoided->last_hope && webhdfs_address(url, address, sizeof address) &&
        datanode_map_find(session->datanodes, address, clock_monotonic_ns(), excluded))
        datanode_map_forget(session->datanodes, excluded);
}

bool datanodes_are_full(struct hdfs_session *session, const struct call *call, uint64_t bytes)
{
    struct error ignored = ERROR_NONE; /* then nobody knows that they are */
    return learn(session, call, &ignored) &&
           datanode_map_is_full(session->datanodes, bytes != 0 ? bytes : BLOCK_BYTES);
}

/* --- where -------------------------------------------------------------------------------------
 */

/* True: with some that only the store avoids. */
static bool full_query(struct hdfs_session *session, const char *query,
                       const struct datanodes_avoided *avoided, struct buffer *ret_query)
{
    struct buffer list;
    buffer_init(&list, 0);
    for (unsigned i = 0; i < avoided->count; i++)
        buffer_append_format(&list, ",%s", avoided->addresses[i]);
    size_t own = list.size;
    if (!avoided->last_hope)
        datanode_map_print_avoided(session->datanodes, clock_monotonic_ns(), &list);
    bool remembered = list.size > own;
    buffer_clear(ret_query);
    if (query != NULL)
        buffer_append_text(ret_query, query);
    if (list.size > 0)
        webhdfs_url_add(ret_query, "excludedatanodes", buffer_text(&list) + 1);
    buffer_fini(&list);
    return remembered;
}

bool datanode_find(struct hdfs_session *session, const struct call *call, enum http_method method,
                   const char *op, const char *path, const char *query,
                   struct datanodes_avoided *avoided, struct buffer *ret_url, HDFS_TOLD)
{
    struct buffer full;
    struct namenode_answer answer;
    buffer_init(&full, 0);
    namenode_answer_init(&answer);
    bool remembered = full_query(session, query, avoided, &full);
    /* the NameNode only points somewhere: asking twice does no harm, whatever the method */
    struct namenode_request request = {
        .method = method, .op = op, .path = path, .query = buffer_text(&full)};
    bool done = namenode_call(&session->namenodes, call, &request, &answer, error);
    if (!done && remembered && answer.status >= 400 && error->code == ERROR_UNAVAILABLE) {
        avoided->last_hope = true; /* those that are left know nothing of the file */
        *error = ERROR_NONE;
        full_query(session, query, avoided, &full);
        request.query = buffer_text(&full);
        done = namenode_call(&session->namenodes, call, &request, &answer, error);
    }
    if (problem != NULL)
        *problem = answer.problem;
    if (done && answer.status != 307)
        done = error_set(error, ERROR_PROTOCOL, "%s %s: HTTP %d instead of a redirect", op, path,
                         answer.status);
    done = done && webhdfs_redirect(buffer_text(&answer.location), path, ret_url, error);
    namenode_answer_fini(&answer);
    buffer_fini(&full);
    return done;
}

/* --- asking it ---------------------------------------------------------------------------------
 */

struct transfer_order datanode_order(const struct hdfs_session *session, const struct call *call,
                                     enum http_method method, const char *url)
{
    struct transfer_order order = namenode_order(call, method, url);
    if (session->datanode_connect_ms != 0)
        order.connect_ms = session->datanode_connect_ms;
    if (session->datanode_silence_ms != 0)
        order.silence_ms = session->datanode_silence_ms;
    return order;
}

struct hdfs_problem datanode_refusal(struct transfer *transfer, const char *op, const char *path,
                                     struct error *error)
{
    struct buffer body, what;
    struct error ignored = ERROR_NONE;
    buffer_init(&body, REFUSAL_BYTES_MAX);
    buffer_init(&what, 0);
    buffer_append_format(&what, "%s ", op);
    path_print(&what, path);
    /* a body that is cut is still a refusal */
    (void)transfer_read_rest(transfer, &body, &ignored);
    struct hdfs_problem problem = webhdfs_problem(transfer_status(transfer), buffer_text(&body),
                                                  body.size, buffer_text(&what), error);
    if (problem.refusal != HDFS_FINAL) /* the DataNode's own NameNode is not ready */
        error->code = ERROR_UNAVAILABLE;
    buffer_fini(&body);
    buffer_fini(&what);
    return problem;
}

bool datanode_begin(struct hdfs_session *session, const struct call *call,
                    struct transfer *transfer, enum http_method method, const char *op,
                    const char *path, const char *url, HDFS_TOLD)
{
    struct transfer_order order = datanode_order(session, call, method, url);
    order.repeatable = true;
    if (!transfer_begin(transfer, &order, error))
        return error_wrap(error, "%s %s", op, path);
    if (transfer_status(transfer) < 400)
        return true;
    struct hdfs_problem refusal = datanode_refusal(transfer, op, path, error);
    if (problem != NULL)
        *problem = refusal;
    return false;
}
