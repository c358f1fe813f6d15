/* verbs_test.c: what operators order: run, pause, resume and delete of a policy, verbs on epochs;
 * each durable with its reason before it has an effect, or refused with what to do instead. */
#include "control_fixture.h"

#include "base/json.h"

static void assert_verb(struct device *device, const char *name, const char *verb,
                        enum error_code code, const char *text)
{
    struct outcome outcome = {.over = false};
    control_policy_verb(device->control, name, verb, "", outcome_came, &outcome);
    assert_outcome(device, &outcome, code, text);
}

static void assert_epoch_verb(struct device *device, const char *name, uint64_t number,
                              const char *verb, enum error_code code, const char *text)
{
    struct outcome outcome = {.over = false};
    control_epoch_verb(device->control, name, number, verb, "", outcome_came, &outcome);
    assert_outcome(device, &outcome, code, text);
}

static void test_what_is_not_there(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    assert_verb(&device, "coal", "run", ERROR_NOT_FOUND,
                "no policy or service 'coal': see `coeval policy list`");
    assert_verb(&device, "bills", "start", ERROR_INVALID,
                "unknown verb 'start': run, pause or resume");
    assert_epoch_verb(&device, "coal", 1, "abandon", ERROR_NOT_FOUND,
                      "no policy or service 'coal': see `coeval policy list`");
    assert_epoch_verb(&device, "bills", 7, "abandon", ERROR_NOT_FOUND,
                      "no epoch 7 of 'bills': see `coeval epoch list bills`");
    assert_epoch_verb(&device, "bills", 7, "eat", ERROR_INVALID, "unknown verb 'eat'");
    control_delete_policy(device.control, "coal", "", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_NOT_FOUND,
                   "no policy or service 'coal': see `coeval policy list`");
    control_verify(device.control, "bills", 1, outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_NOT_FOUND, "no sealed epoch 1 of 'bills'");
    device_close(&device);
}

static void test_an_order_is_durable_first(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    device_settle(&device);
    device.slow = true;
    control_policy_verb(device.control, "bills", "pause", "night shift", outcome_came, &outcome);
    device_settle(&device);
    assert_false(outcome.over);
    assert_policy_state(&device, "bills", "idle");
    fake_journal_step(device.disk);
    assert_policy_state(&device, "bills", "paused");
    device_settle(&device);
    assert_false(outcome.over); /* nor is its effect told before it is durable */
    device.slow = false;
    assert_outcome(&device, &outcome, ERROR_OK, "");
    device_restart(&device);
    assert_policy_state(&device, "bills", "paused");
    device_close(&device);
}

static void test_pause_and_resume_outlive_a_restart(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    device_verb(&device, "bills", "pause");
    device_settle(&device);
    assert_non_null(device_event(&device, "policy.verb"));
    device_restart(&device);
    assert_policy_state(&device, "bills", "paused");
    device_verb(&device, "bills", "resume");
    device_settle(&device);
    device_restart(&device);
    assert_policy_state(&device, "bills", "idle");
    device_close(&device);
}

static void test_one_epoch_at_a_time(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    struct error error = ERROR_NONE;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "transfer", FAKE_RUNNING);
    device_epoch(&device, "bills", 1, "receiving");
    assert_policy_state(&device, "bills", "running");
    assert_verb(&device, "bills", "run", ERROR_CONFLICT,
                "an epoch of 'bills' is running: see `coeval epoch list bills`");
    control_delete_policy(device.control, "bills", "", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_CONFLICT,
                   "an epoch of 'bills' is running: `coeval epoch abandon` it first, or wait");
    assert_false(control_root_move(device.control, "east", "posix", "/bills", "", outcome_came,
                                   &outcome, &error));
    assert_string_equal(error.text,
                        "an epoch of 'bills' is running: `coeval policy pause bills`, wait for its "
                        "end, move the root, then `coeval policy resume bills`");
    fake_agent_finish(device.agents[WEST], "transfer", FAKE_DONE);
    device_wait_state(&device, "bills", 1, "sealed");
    device_settle(&device);
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

struct counted {
    struct device *device;
    struct outcome *outcome;
    struct control_progress progress;
};

static bool has_counts(void *context)
{
    struct counted *counted = context;
    return control_progress(counted->device->control, counted->outcome, &counted->progress) &&
           counted->progress.total > 0;
}

static void test_how_far_a_verification_is(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    struct counted counted = {.device = &device, .outcome = &outcome};
    (void)state;
    device_open_sealed(&device, 1);
    fake_agent_script(device.agents[WEST], "verify",
                      "{\"state\": \"running\", \"phase\": \"verify\", \"progress\": "
                      "{\"files_done\": 7, \"files_total\": 20, \"operations\": 31, "
                      "\"bytes_done\": 3000, \"bytes_total\": 9000}}");
    control_verify(device.control, "bills", 1, outcome_came, &outcome);
    device_wait(&device, has_counts, &counted, "counts of a verification");
    assert_string_equal(counted.progress.doing, "cluster west: verify");
    assert_string_equal(counted.progress.unit, "entries");
    assert_int_equal(counted.progress.done, 7);
    assert_int_equal(counted.progress.total, 20);
    assert_int_equal(counted.progress.bytes_done, 3000);
    assert_int_equal(counted.progress.bytes_total, 9000);
    assert_int_equal(counted.progress.seconds_left, -1); /* one look gives no rate */
    fake_agent_finish(device.agents[WEST], "verify", FAKE_DONE);
    outcome_wait(&device, &outcome);
    outcome_fini(&outcome);
    device_close(&device);
}

static void test_a_deleted_policy(void **state)
{
    struct device device;
    (void)state;
    device_open_sealed(&device, 1);
    device_delete(&device, "bills", "moved away");
    assert_string_equal(json_string_or(device_wait_event(&device, "policy.deleted"), "text", ""),
                        "moved away");
    assert_policy_state(&device, "bills", "gone");
    assert_true(device_epoch_is(&device, "bills", 1, "sealed")); /* its epochs stay */
    assert_verb(&device, "bills", "run", ERROR_NOT_FOUND,
                "no policy or service 'bills': see `coeval policy list`");
    device_restart(&device);
    assert_policy_state(&device, "bills", "gone");
    /* The same name again: the same service, its numbers go on. */
    device_policy(&device, "bills", "posix:/bills", "");
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

static void test_verbs_on_an_epoch(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "commit", FAKE_FAILED("CORRUPT", "a digest differs"));
    device_epoch(&device, "bills", 1, "stuck");
    assert_policy_state(&device, "bills", "stuck");
    assert_epoch_verb(&device, "bills", 1, "approve", ERROR_CONFLICT,
                      "epoch 1 of bills asks nothing now: there is nothing to approve");
    assert_epoch_verb(&device, "bills", 1, "resume", ERROR_OK, "");
    device_wait_state(&device, "bills", 1, "sealed");
    fake_agent_script(device.agents[WEST], "transfer", FAKE_RUNNING);
    device_settle(&device);
    device_epoch(&device, "bills", 2, "receiving");
    assert_epoch_verb(&device, "bills", 2, "abandon", ERROR_OK, "");
    device_wait_state(&device, "bills", 2, "abandoned");
    assert_int_equal(fake_agent_count(device.agents[EAST], "discard"), 1);
    assert_int_equal(fake_agent_count(device.agents[WEST], "discard"), 1);
    device_close(&device);
}

static void test_a_seal_is_verified(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_sealed(&device, 1);
    fake_agent_script(device.agents[WEST], "verify",
                      "{\"state\": \"done\", \"result\": {\"files\": 5}}");
    control_verify(device.control, "bills", 1, outcome_came, &outcome);
    outcome_wait(&device, &outcome);
    assert_int_equal(json_integer_or(outcome.result, "files", 0), 5);
    outcome_fini(&outcome);
    control_catalogue(device.control, "north", "posix", "/", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_NOT_FOUND,
                   "no cluster 'north' in this device's configuration: see `coeval cluster list`");
    outcome_fini(&outcome);
    control_catalogue(device.control, "east", "hdfs", "/", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_NOT_FOUND,
                   "cluster east has no instance 'hdfs', only posix");
    outcome_fini(&outcome);
    fake_agent_script(device.agents[EAST], "catalogue",
                      FAKE_FAILED("NOT_FOUND", "posix:/x: not there"));
    control_catalogue(device.control, "east", "posix", "/x", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_NOT_FOUND, "cluster east: posix:/x: not there");
    device_close(&device);
}

static void test_a_caller_that_goes_is_not_called(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    control_policy_verb(device.control, "coal", "run", "", outcome_came, &outcome);
    control_forget(device.control, &outcome);
    device_settle(&device);
    assert_false(outcome.over);
    device_close(&device);
}

static void test_clusters_hear_of_a_deletion(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    device_delete(&device, "bills", "");
    device_settle(&device);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fake_agent_count(device.agents[i], "unprotect"), 1);
    device_close(&device);
}

/* One commit of the journal at a time, until the operator is told. */
static void step_until_told(struct device *device, struct outcome *outcome)
{
    unsigned steps = 0;
    device_settle(device);
    while (!outcome->over) {
        assert_true(++steps < 40);
        fake_journal_step(device->disk);
        device_settle(device);
    }
    assert_true(steps > 1); /* the order itself, and what it did */
    assert_int_equal(outcome->error.code, ERROR_OK);
    outcome_fini(outcome);
}

static void test_what_was_told_outlives_the_process(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "transfer", FAKE_RUNNING);
    device_epoch(&device, "bills", 1, "receiving");
    device.slow = true;
    control_epoch_verb(device.control, "bills", 1, "abandon", "", outcome_came, &outcome);
    step_until_told(&device, &outcome);
    device_restart(&device);
    device.slow = false;
    device_wait_state(&device, "bills", 1, "abandoned");
    device_settle(&device);
    device.slow = true;
    control_policy_verb(device.control, "bills", "run", "", outcome_came, &outcome);
    step_until_told(&device, &outcome);
    device_restart(&device);
    device.slow = false;
    device_settle(&device); /* numbers never fall: it may be another one */
    json_t *epochs = control_epochs(device.control, "bills", 10);
    assert_int_equal(json_array_size(epochs), 2);
    assert_string_equal(json_string_or(json_array_get(epochs, 0), "state", ""), "sealed");
    json_decref(epochs);
    device_close(&device);
}

/* Its orders would be refused, each of them, and the epoch with them. */
static void test_a_fenced_device_runs_nothing(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "transfer",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"FENCED\","
                      " \"message\": \"generation 2 was seen\"}}");
    device_epoch(&device, "bills", 1, "snapped");
    device_wait_event(&device, "device.fenced");
    assert_verb(&device, "bills", "run", ERROR_FENCED,
                "pair p: its agents obey another device, and no order of this one counts: end one "
                "of the two; if it is the other one, `coeval recover --reason TEXT` here");
    assert_verb(&device, "bills", "pause", ERROR_OK, ""); /* the schedule is its own */
    device_close(&device);
}

static void test_a_denied_device_runs_nothing(void **state)
{
    static const char refused[] =
        "cluster west: the agent refuses this device (401): agent_token_file must hold the token "
        "of its coevald; then restart coevald";
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    device_policy(&device, "coal", "posix:/coal", "");
    fake_agent_set_refusal(device.agents[WEST], 401);
    control_catalogue(device.control, "west", "posix", "/", outcome_came, &outcome);
    device_wait_event(&device, "agent.denied");
    assert_verb(&device, "bills", "run", ERROR_CONFLICT, refused);
    fake_agent_set_refusal(device.agents[WEST], 0);
    assert_verb(&device, "bills", "run", ERROR_OK, ""); /* at once, whoever else asks when */
    device_wait_state(&device, "bills", 1, "sealed");
    outcome_wait(&device, &outcome);
    outcome_fini(&outcome);
    device_settle(&device);
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

/* Nothing is awaited from the primary by a seal that is settled; its end will not be either, and
 * that is shown. What has ended cannot lose anything. */
static void test_a_lost_primary_is_shown(void **state)
{
    struct device device;
    struct error error;
    json_t *epoch;
    (void)state;
    device_open_bills(&device, "");
    device_epoch(&device, "bills", 1, "sealed");
    device_settle(&device);
    assert_true(control_epoch(device.control, "bills", 1, &epoch, &error));
    assert_null(json_object_get(epoch, "primary_lost"));
    json_decref(epoch);
    assert_epoch_verb(&device, "bills", 1, "lost", ERROR_OK, "");
    assert_epoch_verb(&device, "bills", 1, "lost", ERROR_OK, "");
    json_t *epochs = control_epochs(device.control, "bills", 1);
    assert_true(json_boolean_or(json_array_get(epochs, 0), "primary_lost", false));
    json_decref(epochs);
    fake_agent_script(device.agents[WEST], "transfer",
                      "{\"state\": \"running\", \"phase\": \"copy\"}");
    device_epoch(&device, "bills", 2, "receiving");
    assert_epoch_verb(&device, "bills", 2, "abandon", ERROR_OK, "");
    device_wait_state(&device, "bills", 2, "abandoned");
    assert_epoch_verb(&device, "bills", 2, "lost", ERROR_CONFLICT,
                      "epoch 2 of bills has ended: nothing is awaited from the primary");
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fenced_device_runs_nothing),
        cmocka_unit_test(test_a_denied_device_runs_nothing),
        cmocka_unit_test(test_a_lost_primary_is_shown),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_an_order_is_durable_first),
        cmocka_unit_test(test_pause_and_resume_outlive_a_restart),
        cmocka_unit_test(test_one_epoch_at_a_time),
        cmocka_unit_test(test_how_far_a_verification_is),
        cmocka_unit_test(test_a_deleted_policy),
        cmocka_unit_test(test_verbs_on_an_epoch),
        cmocka_unit_test(test_a_seal_is_verified),
        cmocka_unit_test(test_a_caller_that_goes_is_not_called),
        cmocka_unit_test(test_clusters_hear_of_a_deletion),
        cmocka_unit_test(test_what_was_told_outlives_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
