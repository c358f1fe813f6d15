/* depot_contract_test.c: the contract of all stores over the simulated one: a fake that promises
 * what no store keeps would prove nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "component_contract.h"

#include "sim/world/world_depot.h"

static bool rewrite(void *context, const char *path, const char *text)
{
    struct store *store = context;
    struct thing *node = tree_find(&store->tree, path);
    thing_set_content(node, text, strlen(text));
    node->mtime_ms = clock_realtime_us() / 1000 + 1;
    return true;
}

int main(void)
{
    struct store *store = malloc(sizeof *store);
    struct thing *node;
    struct error error;
    world_begin(1);
    depot_init(store, "unit");
    store->honest = true;
    if (!tree_make(&store->tree, "/data", ENTRY_DIRECTORY, 0755, 1, &node, &error))
        return 1;
    struct component_contract contract = {.component = &world_component,
                                          .store = store,
                                          .area = "/coeval",
                                          .directory = "/data",
                                          .owner = "alice",
                                          .group = "staff",
                                          .rewrite = rewrite,
                                          .context = store};
    return component_contract_run(&contract);
}
