/* ops_contract_test.c: the contract of hdfs_ops.h, of WebHDFS at a NameNode: ops_contract_test URL;
 * hdfs_ops_test.py starts a model of one. */
#include "base/check.h"
#include "component/hdfs/hdfs_store.h"
#include "ops_contract.h"

#define DIRECTORY "/ops"

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    struct store *store = ops_open(argv[1], "/coeval/ops", DIRECTORY);
    struct ops_bed with = {.ops = store->ops,
                           .session = store->session,
                           .component = &hdfs_component,
                           .store = store,
                           .directory = DIRECTORY,
                           .owner = "alice",
                           .group = "staff"};
    int failed = ops_contract_run(&with);
    ops_close(store);
    return failed == 0 ? 0 : 1;
}
