/* apply_test.c: what a policy is refused for, with the remedy in words; that a refused or dry one
 * leaves nothing behind; and what is recorded of one that comes into force. */
#include "control_fixture.h"
#include "device_records.h"

#include "base/json.h"

static void assert_refused(struct device *device, json_t *policy, enum error_code code,
                           const char *text)
{
    struct outcome outcome = {.over = false};
    device_apply(device, policy, false, &outcome);
    assert_outcome(device, &outcome, code, text);
}

static void assert_refused_with(const char *data_set, const char *extra, enum error_code code,
                                const char *text)
{
    struct device device;
    device_open(&device);
    uint64_t before = device.journal->operations->last_sequence(device.journal);
    assert_refused(&device, policy_object("bills", data_set, extra), code, text);
    device_settle(&device);
    assert_int_equal(device.journal->operations->last_sequence(device.journal), before);
    json_t *policies = control_policies(device.control), *roots = control_roots(device.control);
    assert_int_equal(json_array_size(policies), 0);
    assert_int_equal(json_array_size(roots), 0);
    json_decref(policies);
    json_decref(roots);
    device_close(&device);
}

static void test_the_document(void **state)
{
    (void)state;
    assert_refused_with(
        "posix:/bills", "{\"period\": \"often\"}", ERROR_INVALID,
        "period: 'often' is not an ISO 8601 duration above zero and up to 100 years, as in "
        "PT15M or P1DT2H");
    assert_refused_with("posix:/bills",
                        "{\"period\": {\"cron\": \"0 3 * * *\", \"zone\": "
                        "\"Mars/Olympus\"}}",
                        ERROR_NOT_FOUND,
                        "time zone Mars/Olympus: no time zone 'Mars/Olympus' in "
                        "/usr/share/zoneinfo: correct the name or install package tzdata");
}

#define PAIR(primary, secondary) \
    "{\"pair\": {\"name\": \"p\", \"primary\": \"" primary "\", \"secondary\": \"" secondary "\"}}"

static void test_clusters_that_are_not_there(void **state)
{
    (void)state;
    assert_refused_with("posix:/bills", PAIR("north", "west"), ERROR_NOT_FOUND,
                        "cluster 'north' of pair 'p' is not in this device's configuration: add it "
                        "under 'clusters'");
    assert_refused_with("posix:/bills", PAIR("east", "north"), ERROR_NOT_FOUND,
                        "cluster 'north' of pair 'p' is not in this device's configuration: add it "
                        "under 'clusters'");
    assert_refused_with("posix:/bills", PAIR("east", "east"), ERROR_INVALID,
                        "pair.primary and pair.secondary are both 'east': name two clusters");
}

static void test_hooks_are_not_for_everybody(void **state)
{
    static const char hook[] = "{\"hooks\": {\"after\": {\"command\": [\"/bin/true\"]}}}";
    struct device device;
    (void)state;
    device_open(&device);
    device.refuses_hooks = true;
    device_restart(&device);
    assert_refused(&device, policy_object("bills", "posix:/bills", hook), ERROR_DENIED,
                   "hooks run as the user of coevald, and every user of this machine may ask here: "
                   "set listen.token_file, or listen.hooks: true, in its configuration");
    device_close(&device);
}

static void test_instances_that_are_not_there(void **state)
{
    (void)state;
    assert_refused_with(
        "hdfs:/bills", "", ERROR_NOT_FOUND,
        "data set hdfs:/bills: cluster 'east' has no component instance 'hdfs': see "
        "`coeval cluster list`");
    assert_refused_with(
        "posix:/bills",
        "{\"target_map\": [{\"instance\": \"posix\", \"from\": \"/bills\", \"to_instance\": "
        "\"hdfs\", \"to\": \"/dr\"}]}",
        ERROR_NOT_FOUND,
        "data set posix:/bills would go to hdfs:/dr, but cluster 'west' has no component instance "
        "'hdfs': add a target_map rule");
}

static void test_the_area_is_no_data_set(void **state)
{
    (void)state;
    assert_refused_with("posix:/own/bills", "", ERROR_CONFLICT,
                        "service bills: east posix:/own/bills and Coeval's own area /own overlap: "
                        "move the area (configuration) or the data set");
}

static void test_a_pair_keeps_its_clusters(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    assert_refused(&device, policy_object("other", "posix:/other", PAIR("west", "east")),
                   ERROR_CONFLICT,
                   "pair 'p' is east -> west already: give the other pair another name");
    device_close(&device);
}

#define TURNED                                                            \
    "{\"pair\": {\"name\": \"q\", \"primary\": \"west\", \"secondary\": " \
    "\"east\"}}"

/* Its base and its running epoch lie on the clusters of its pair; its seals do when it is gone. */
static void test_a_service_keeps_its_pair(void **state)
{
    static const char why[] = "service 'bills' belongs to pair 'p', and so do its epochs: protect "
                              "it in pair 'q' under another name";
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    assert_refused(&device, policy_object("bills", "posix:/bills", TURNED), ERROR_CONFLICT, why);
    device_delete(&device, "bills", "");
    assert_refused(&device, policy_object("bills", "posix:/bills", TURNED), ERROR_CONFLICT, why);
    device_policy(&device, "bills", "posix:/bills", "");
    device_close(&device);
}

static void test_targets_belong_to_one_service(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    assert_refused(
        &device,
        policy_object("other", "posix:/other",
                      "{\"target_map\": [{\"instance\": \"posix\", \"from\": \"/other\", "
                      "\"to\": \"/bills/x\"}]}"),
        ERROR_CONFLICT,
        "on west, posix:/bills of service bills and posix:/bills/x of service other "
        "overlap; a target belongs to one service: change the target_map of one");
    /* A policy that is gone does not stand in the way. */
    device_delete(&device, "bills", "");
    device_policy(&device, "other", "posix:/other",
                  "{\"target_map\": [{\"instance\": \"posix\", \"from\": \"/other\", \"to\": "
                  "\"/bills/x\"}]}");
    device_close(&device);
}

/* The pair may run in both directions, each service on its own directories. */
static void test_a_target_is_no_source(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    assert_refused(
        &device, policy_object("back", "posix:/bills", TURNED), ERROR_CONFLICT,
        "on east, posix:/bills would be written by service back, and service bills is "
        "backed up from posix:/bills there: change the target_map of back, or delete the "
        "policy of the other one");
    device_policy(&device, "orders", "posix:/orders", TURNED);
    assert_refused(
        &device, policy_object("next", "posix:/orders/x", ""), ERROR_CONFLICT,
        "on west, posix:/orders/x would be written by service next, and service orders "
        "is backed up from posix:/orders there: change the target_map of next, or delete "
        "the policy of the other one");
    /* After a takeover the way back is free. */
    device_delete(&device, "bills", "");
    device_policy(&device, "back", "posix:/bills", TURNED);
    device_close(&device);
}

/* Both pass the first look; what they are refused for has come into force when they end. */
static void assert_one_comes(json_t *first, json_t *second, const char *text)
{
    struct device device;
    struct outcome outcomes[2] = {{.over = false}, {.over = false}};
    device_open(&device);
    device_apply(&device, first, false, &outcomes[0]);
    device_apply(&device, second, false, &outcomes[1]);
    assert_outcome(&device, &outcomes[0], ERROR_OK, "");
    assert_outcome(&device, &outcomes[1], ERROR_CONFLICT, text);
    json_t *policies = control_policies(device.control);
    assert_int_equal(json_array_size(policies), 1);
    json_decref(policies);
    device_close(&device);
}

static void test_two_that_come_at_once(void **state)
{
    (void)state;
    assert_one_comes(policy_object("bills", "posix:/bills", ""),
                     policy_object("other", "posix:/bills/x", ""),
                     "on west, posix:/bills of service bills and posix:/bills/x of service other "
                     "overlap; a target belongs to one service: change the target_map of one");
    assert_one_comes(policy_object("bills", "posix:/bills", ""),
                     policy_object("other", "posix:/other", PAIR("west", "east")),
                     "pair 'p' is east -> west already: give the other pair another name");
    assert_one_comes(policy_object("bills", "posix:/bills", ""),
                     policy_object("bills", "posix:/bills", TURNED),
                     "service 'bills' belongs to pair 'p', and so do its epochs: protect it in "
                     "pair 'q' under another name");
}

static void test_roots_do_not_nest(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/shop/bills", "");
    assert_refused(
        &device,
        policy_object("shop", "posix:/shop",
                      "{\"target_map\": [{\"instance\": \"posix\", \"from\": \"/shop\", "
                      "\"to\": \"/elsewhere\"}]}"),
        ERROR_CONFLICT,
        "service shop: east posix:/shop lies above the snapshot root /shop/bills (of this "
        "device), and roots cannot nest: see 'coeval root plan east posix:/shop'");
    device_close(&device);
}

/* ---- stores --------------------------------------------------------------------------------- */

#define IDENTITY(cluster, identity)                                            \
    "{\"state\": \"done\", \"result\": {\"stores\": [{\"cluster\": \"" cluster \
    "\", \"instance\": \"posix\", \"identity\": \"" identity "\"}]}}"

static void test_another_store_than_the_paired_one(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "identify", IDENTITY("west", "store-x"));
    assert_refused(&device, policy_object("bills", "posix:/bills", ""), ERROR_CONFLICT,
                   "west:posix is not the store that was paired (now store-x, was store-w): bring "
                   "the old one back, or pair the new one under another instance name");
    /* Also after a restart. */
    device_restart(&device);
    fake_agent_script(device.agents[EAST], "identify", IDENTITY("east", "store-y"));
    assert_refused(&device, policy_object("bills", "posix:/bills", ""), ERROR_CONFLICT,
                   "east:posix is not the store that was paired (now store-y, was store-e): bring "
                   "the old one back, or pair the new one under another instance name");
    device_close(&device);
}

static void test_one_store_on_both_sides(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[WEST], "identify", IDENTITY("west", "store-e"));
    assert_refused(&device, policy_object("bills", "posix:/bills", ""), ERROR_CONFLICT,
                   "east/posix is the same store as west/posix: a cluster cannot be its own "
                   "secondary");
    device_close(&device);
}

static void test_a_store_that_cannot_be_identified(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[WEST], "identify",
                      "{\"state\": \"done\", \"result\": {\"stores\": [{\"cluster\": \"west\", "
                      "\"instance\": \"posix\", \"error\": {\"code\": \"IO\", \"message\": "
                      "\"the disk is gone\"}}]}}");
    assert_refused(&device, policy_object("bills", "posix:/bills", ""), ERROR_UNAVAILABLE,
                   "west:posix cannot be identified: the disk is gone");
    device_close(&device);
}

#define FINDING(cluster, level)                                                \
    "{\"state\": \"done\", \"result\": {\"stores\": [{\"cluster\": \"" cluster \
    "\", \"instance\": \"posix\", \"findings\": [{\"level\": \"" level         \
    "\", \"what\": \"no snapshots below /bills\", \"remedy\": \"allow them\"}]}]}}"

static void test_findings(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[EAST], "check", FINDING("east", "error"));
    assert_refused(&device, policy_object("bills", "posix:/bills", ""), ERROR_CONFLICT,
                   "east:posix: no snapshots below /bills. Remedy: allow them");
    fake_agent_script(device.agents[WEST], "check", FINDING("west", "error"));
    assert_refused(&device, policy_object("bills", "posix:/bills", ""), ERROR_CONFLICT,
                   "west:posix: no snapshots below /bills. Remedy: allow them");
    fake_agent_script(device.agents[WEST], "check", FINDING("west", "warning"));
    device_apply(&device, policy_object("bills", "posix:/bills", ""), false, &outcome);
    outcome_wait(&device, &outcome);
    assert_int_equal(outcome.error.code, ERROR_OK);
    assert_int_equal(json_array_size(json_object_get(outcome.result, "warnings")), 1);
    outcome_fini(&outcome);
    /* What is looked at: the roots of that side, as what they are for. */
    const json_t *order = fake_agent_order(device.agents[WEST], "check", 1);
    const json_t *stores = json_object_get(json_object_get(order, "body"), "stores");
    const json_t *store = json_array_get(stores, 0);
    assert_string_equal(json_string_or(store, "use", ""), "target");
    assert_string_equal(json_string_value(json_array_get(json_object_get(store, "roots"), 0)),
                        "/bills");
    device_close(&device);
}

static void test_an_agent_that_refuses(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[WEST], "identify", FAKE_FAILED("DENIED", "not for you"));
    assert_refused(&device, policy_object("bills", "posix:/bills", ""), ERROR_DENIED,
                   "not for you");
    device_close(&device);
}

static void test_the_device_stops_meanwhile(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[EAST], "identify", FAKE_RUNNING);
    device_apply(&device, policy_object("bills", "posix:/bills", ""), false, &outcome);
    device_settle(&device);
    assert_false(outcome.over);
    device_crash(&device);
    assert_true(outcome.over);
    assert_int_equal(outcome.error.code, ERROR_CANCELED);
    outcome_fini(&outcome);
    device_close(&device);
}

/* ---- into force ----------------------------------------------------------------------------- */

static void test_a_dry_run_changes_nothing(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_apply(&device, policy_object("bills", "posix:/bills", ""), true, &outcome);
    outcome_wait(&device, &outcome);
    assert_int_equal(outcome.error.code, ERROR_OK);
    assert_true(json_boolean_or(outcome.result, "dry_run", false));
    const json_t *roots = json_object_get(outcome.result, "roots");
    assert_int_equal(json_array_size(roots), 2);
    assert_string_equal(json_string_or(json_array_get(roots, 0), "root", ""), "/bills");
    outcome_fini(&outcome);
    device_settle(&device);
    assert_int_equal(device.journal->operations->last_sequence(device.journal), 0);
    device_close(&device);
}

static int64_t revision_of(struct device *device)
{
    struct error error;
    json_t *policy = NULL;
    assert_true(control_policy(device->control, "bills", &policy, &error));
    int64_t revision = json_integer_or(policy, "revision", 0);
    assert_non_null(json_object_get(policy, "policy"));
    json_decref(policy);
    return revision;
}

static void test_revisions_and_what_a_restart_reads(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    device_policy(&device, "bills", "posix:/bills", "{\"direction\": \"push\"}");
    device_settle(&device);
    assert_int_equal(revision_of(&device), 2);
    json_t *store = device_object(&device, JOURNAL_STORE, "west/posix");
    assert_string_equal(json_string_or(store, "identity", ""), "store-w");
    json_decref(store);
    device_restart(&device);
    assert_int_equal(revision_of(&device), 2);
    json_t *roots = control_roots(device.control);
    assert_int_equal(json_array_size(roots), 2);
    json_decref(roots);
    device_epoch(&device, "bills", 1, "sealed");
    assert_int_equal(fake_agent_count(device.agents[EAST], "transfer"), 1);
    device_close(&device);
}

static void test_in_force_is_told_when_it_is_durable(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    device_settle(&device);
    device.slow = true;
    device_apply(&device, policy_object("bills", "posix:/bills", "{\"direction\": \"push\"}"),
                 false, &outcome);
    device_settle(&device);
    assert_false(outcome.over);
    while (!outcome.over) {
        assert_true(fake_journal_step(device.disk));
        device_settle(&device);
    }
    assert_outcome(&device, &outcome, ERROR_OK, "");
    device_restart(&device);
    assert_int_equal(revision_of(&device), 2);
    device_close(&device);
}

/* Its base and its running epoch lie on the clusters of its pair. */
static void test_a_service_stays_in_its_pair(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    json_t *other = policy_object("bills", "posix:/bills",
                                  "{\"pair\": {\"name\": \"q\", \"primary\": \"west\", "
                                  "\"secondary\": \"east\"}}");
    assert_refused(&device, other, ERROR_CONFLICT,
                   "service 'bills' belongs to pair 'p', and so do its epochs: protect it in pair "
                   "'q' under another name");
    device_close(&device);
}

static json_t *schedule_of(struct device *device)
{
    json_t *result = NULL;
    struct error error;
    assert_true(control_policy(device->control, "bills", &result, &error));
    return result;
}

static void test_another_first_moment(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    device_policy(&device, "bills", "posix:/bills", "{\"t0\": \"2100-01-01T00:20:00Z\"}");
    json_t *service = schedule_of(&device);
    assert_string_equal(json_string_or(service, "next", ""), "2100-01-01T00:20:00Z");
    json_decref(service);
    device_policy(&device, "bills", "posix:/bills", "{\"t0\": \"now\", \"lead_time\": \"PT0.1S\"}");
    device_wait_state(&device, "bills", 1, "sealed");
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_document),
        cmocka_unit_test(test_clusters_that_are_not_there),
        cmocka_unit_test(test_hooks_are_not_for_everybody),
        cmocka_unit_test(test_instances_that_are_not_there),
        cmocka_unit_test(test_the_area_is_no_data_set),
        cmocka_unit_test(test_a_pair_keeps_its_clusters),
        cmocka_unit_test(test_a_service_keeps_its_pair),
        cmocka_unit_test(test_targets_belong_to_one_service),
        cmocka_unit_test(test_a_target_is_no_source),
        cmocka_unit_test(test_two_that_come_at_once),
        cmocka_unit_test(test_roots_do_not_nest),
        cmocka_unit_test(test_another_store_than_the_paired_one),
        cmocka_unit_test(test_one_store_on_both_sides),
        cmocka_unit_test(test_a_store_that_cannot_be_identified),
        cmocka_unit_test(test_findings),
        cmocka_unit_test(test_an_agent_that_refuses),
        cmocka_unit_test(test_the_device_stops_meanwhile),
        cmocka_unit_test(test_a_dry_run_changes_nothing),
        cmocka_unit_test(test_revisions_and_what_a_restart_reads),
        cmocka_unit_test(test_in_force_is_told_when_it_is_durable),
        cmocka_unit_test(test_a_service_stays_in_its_pair),
        cmocka_unit_test(test_another_first_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
