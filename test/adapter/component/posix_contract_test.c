/* posix_contract_test.c: the contract over directories. */
#include <unistd.h>

#include "component/posix/posix.h"
#include "component_contract.h"
#include "posix_bench.h"

static bool rewrite(void *context, const char *path, const char *text)
{
    return bench_overwrite(context, path, text);
}

int main(void)
{
    struct bench bench;
    bench_init(&bench, NULL);
    bench_directory(&bench, "/data");
    bool may_give = geteuid() == 0;
    struct component_contract contract = {.component = &posix_component,
                                          .store = bench.store,
                                          .area = "/coeval",
                                          .directory = "/data",
                                          .owner = may_give ? "daemon" : NULL,
                                          .group = may_give ? "mail" : NULL,
                                          .acl_user = "bin",
                                          .rewrite = rewrite,
                                          .context = &bench};
    int failed = component_contract_run(&contract);
    bench_fini(&bench);
    return failed;
}
