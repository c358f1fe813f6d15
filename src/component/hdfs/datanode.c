/* datanode.c: see datanode.h. */
#include "component/hdfs/datanode.h"

#include <string.h>

#include "base/path.h"
#include "component/hdfs/webhdfs_url.h"

#define REFUSAL_BYTES_MAX ((size_t)1 << 20) /* with the stack that comes along */

void datanodes_avoid(struct datanodes_avoided *avoided, const char *url)
{
    char host[256];
    if (avoided->count < DATANODE_ATTEMPTS && webhdfs_host(url, host, sizeof host))
        memcpy(avoided->hosts[avoided->count++], host, sizeof host);
}

static void full_query(const char *query, const struct datanodes_avoided *avoided,
                       struct buffer *ret_query)
{
    if (query != NULL)
        buffer_append_text(ret_query, query);
    if (avoided == NULL || avoided->count == 0)
        return;
    buffer_append_text(ret_query, "&excludedatanodes=");
    for (unsigned i = 0; i < avoided->count; i++) {
        if (i > 0)
            buffer_append_text(ret_query, ",");
        path_percent_encode(ret_query, avoided->hosts[i], false);
    }
}

bool datanode_find(struct store *store, const struct call *call, enum http_method method,
                   const char *op, const char *path, const char *query,
                   const struct datanodes_avoided *avoided, struct buffer *ret_url,
                   struct error *error)
{
    struct buffer full;
    struct namenode_answer answer;
    buffer_init(&full, 0);
    namenode_answer_init(&answer);
    full_query(query, avoided, &full);
    /* the NameNode only points somewhere: asking twice does no harm, whatever the method */
    struct namenode_request request = {
        .method = method, .op = op, .path = path, .query = buffer_text(&full)};
    bool done = webhdfs_path_check(path, error) &&
                namenode_call(&store->namenodes, call, &request, &answer, error);
    if (done && answer.status != 307)
        done = error_set(error, ERROR_PROTOCOL, "%s %s: HTTP %d instead of a redirect", op, path,
                         answer.status);
    done = done && webhdfs_redirect(buffer_text(&answer.location), path, ret_url, error);
    namenode_answer_fini(&answer);
    buffer_fini(&full);
    return done;
}

bool datanode_refusal(struct transfer *transfer, const char *op, const char *path,
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
    struct webhdfs_problem problem = webhdfs_problem(transfer_status(transfer), buffer_text(&body),
                                                     body.size, buffer_text(&what), error);
    if (problem.refusal != WEBHDFS_FINAL) /* the DataNode's own NameNode is not ready */
        error->code = ERROR_UNAVAILABLE;
    buffer_fini(&body);
    buffer_fini(&what);
    return false;
}

bool datanode_begin(const struct call *call, struct transfer *transfer, enum http_method method,
                    const char *op, const char *path, const char *url, struct error *error)
{
    struct transfer_order order = namenode_order(call, method, url);
    order.repeatable = true;
    if (!transfer_begin(transfer, &order, error))
        return error_wrap(error, "%s %s", op, path);
    if (transfer_status(transfer) >= 400)
        return datanode_refusal(transfer, op, path, error);
    return true;
}
