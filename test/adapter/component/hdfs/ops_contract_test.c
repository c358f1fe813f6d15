/* ops_contract_test.c: the contract of hdfs_ops.h, of WebHDFS at a NameNode: ops_contract_test URL;
 * hdfs_ops_test.py starts a model of one. */
#include "base/check.h"
#include "component/hdfs/hdfs_store.h"
#include "ops_contract.h"

#define DIRECTORY "/ops"

int main(int argc, char **argv)
{
    struct error error = ERROR_NONE;
    struct store *store;
    struct call call = {.wait_ms = 10000};
    CHECK(argc == 2);
    json_t *options = json_pack("{s:[s],s:s}", "namenodes", argv[1], "user", "coeval");
    struct store_config config = {
        .cluster = "a", .instance = "hdfs", .area = "/coeval/ops", .options = options};
    if (!hdfs_component.open(&config, &store, &error) ||
        !hdfs_component.make_directory(store, &call, DIRECTORY, 0755, &error)) {
        print_error("%s\n", error.text);
        return 1;
    }
    struct ops_bed with = {.ops = store->ops,
                           .session = store->session,
                           .component = &hdfs_component,
                           .store = store,
                           .directory = DIRECTORY,
                           .owner = "alice",
                           .group = "staff"};
    int failed = ops_contract_run(&with);
    hdfs_component.close(store);
    json_decref(options);
    return failed == 0 ? 0 : 1;
}
