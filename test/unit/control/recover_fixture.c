/* recover_fixture.c: see recover_fixture.h. */
#include "recover_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

void lose_journal(struct device *device)
{
    device_crash(device);
    fake_journal_free(device->disk);
    device->disk = fake_journal_new("dddddddd-2222-4333-8444-555555555555");
    device_start(device);
}

json_t *epoch_item(struct device *device, int64_t number, const char *found)
{
    const json_t *order = fake_agent_order(device->agents[WEST], "transfer", (size_t)(number - 1));
    json_t *item = json_pack("{s:i, s:I, s:s, s:{s:O}}", "generation", 1, "number",
                             (json_int_t)number, "found", found, "received", "order", order);
    assert_non_null(item);
    if (strcmp(found, "sealed") == 0)
        json_set_take(item, "seal",
                      json_pack("{s:i, s:I, s:i}", "generation", 1, "number", (json_int_t)number,
                                "attempt", 1));
    return item;
}

json_t *epochs_found(struct device *device, const char *const found[], size_t count)
{
    json_t *epochs = json_array();
    for (size_t i = 0; i < count; i++)
        json_append_take(epochs, epoch_item(device, (int64_t)i + 1, found[i]));
    return epochs;
}

json_t *settled_once(struct device *device)
{
    json_t *orders = json_array();
    for (size_t i = 0; i < fake_agent_count(device->agents[EAST], "settle"); i++) {
        const json_t *order = fake_agent_order(device->agents[EAST], "settle", i);
        json_append_take(orders, json_pack("{s:O, s:s, s:O, s:O, s:i}", "service",
                                           json_object_get(order, "service"), "kind", "settle",
                                           "number", json_object_get(order, "number"), "attempt",
                                           json_object_get(order, "attempt"), "try", 1));
    }
    return orders;
}

json_t *inspection(struct device *device, json_t *epochs, json_t *orders)
{
    const json_t *order = fake_agent_order(device->agents[WEST], "transfer", 0);
    const json_t *settings = json_object_get(json_object_get(order, "body"), "settings");
    json_t *status = json_pack(
        "{s:s, s:{s:o, s:[{s:O, s:O, s:o, s:{s:O, s:O, s:i, s:O, s:O}}]}}", "state", "done",
        "result", "orders", orders, "services", "pair", json_object_get(order, "pair"), "service",
        json_object_get(order, "service"), "epochs", epochs, "policy", "policy",
        json_object_get(settings, "policy"), "service_name", json_object_get(order, "service_name"),
        "revision", 4, "clusters", json_object_get(settings, "clusters"), "stores",
        json_object_get(settings, "stores"));
    assert_non_null(status);
    return status;
}

void script_status(struct device *device, json_t *status)
{
    char *text = json_dumps(status, 0);
    for (int i = 0; i < 2; i++) /* again under a new generation, where the pair is not known */
        fake_agent_script(device->agents[WEST], "inspect", text);
    free(text);
    json_decref(status);
}

void recover(struct device *device, struct outcome *outcome)
{
    struct outcome unseen = {.over = false}, *taken = outcome == NULL ? &unseen : outcome;
    control_recover(device->control, "the disk burnt", outcome_came, taken);
    outcome_wait(device, taken);
    assert_int_equal(taken->error.code, ERROR_OK);
    outcome_fini(&unseen);
}

void recover_from(struct device *device, json_t *epochs, json_t *orders, struct outcome *outcome)
{
    script_status(device, inspection(device, epochs, orders));
    recover(device, outcome);
}
