/* hdfs_contract_test.c: the contracts of component.h and of hdfs_ops.h on a real cluster:
 * hdfs_contract_test URL. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "component/hdfs/hdfs_store.h"
#include "component/hdfs/webhdfs/datanode.h"
#include "component_contract.h"
#include "ops_contract.h"

#define AREA "/coeval/contract"
#define DIRECTORY "/contract"
#define OPS_DIRECTORY DIRECTORY "/ops"

static bool append(struct store *store, const struct call *call, const char *path, const char *text,
                   struct error *error)
{
    struct buffer url, answer;
    struct transfer *transfer = transfer_new();
    buffer_init(&url, 0);
    buffer_init(&answer, 65536);
    struct datanodes_avoided avoided = {.count = 0};
    bool done = datanode_find(store->session, call, HTTP_POST, "APPEND", path, NULL, &avoided, &url,
                              NULL, error);
    struct transfer_order order = {
        .method = HTTP_POST, .url = buffer_text(&url), .body = text, .body_size = strlen(text)};
    done =
        done && transfer_call(transfer, &order, &answer, error) && transfer_status(transfer) == 200;
    transfer_free(transfer);
    buffer_fini(&answer);
    buffer_fini(&url);
    return done;
}

/* Truncated to nothing and appended to: another content in the same file. */
static bool rewrite(void *context, const char *path, const char *text)
{
    struct error error = ERROR_NONE;
    struct call call = {.wait_ms = 10000};
    bool truncated = false;
    struct store *store = context;
    struct hdfs_mutation mutation = hdfs_mutation(store);
    if (webhdfs_change(store->session, &call, &mutation, HTTP_POST, "TRUNCATE", path,
                       "&newlength=0", &truncated, NULL, &error) &&
        truncated && (text[0] == '\0' || append(store, &call, path, text, &error)))
        return true;
    fprintf(stderr, "rewrite: %s\n", error.text);
    return false;
}

int main(int argc, char **argv)
{
    struct error error = ERROR_NONE;
    struct call call = {.wait_ms = 10000};
    CHECK(argc == 2);
    struct store *store = ops_open(argv[1], AREA, DIRECTORY);
    struct component_contract contract = {.component = &hdfs_component,
                                          .store = store,
                                          .area = AREA,
                                          .directory = DIRECTORY,
                                          .owner = "alice",
                                          .group = "staff",
                                          .acl_user = "bob",
                                          .rewrite = rewrite,
                                          .context = store};
    struct ops_bed with = {.ops = store->ops,
                           .session = store->session,
                           .component = &hdfs_component,
                           .store = store,
                           .directory = OPS_DIRECTORY,
                           .owner = contract.owner,
                           .group = contract.group};
    int failed = component_contract_run(&contract);
    if (!hdfs_component.make_directory(store, &call, OPS_DIRECTORY, 0755, &error)) {
        fprintf(stderr, "%s\n", error.text);
        failed++;
    } else {
        failed += ops_contract_run(&with);
    }
    ops_close(store);
    return failed == 0 ? 0 : 1;
}
