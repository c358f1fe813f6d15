/* mount_test.c: which path of the listener reaches which agent, and what is said when there is
 * none: over a real server and client on the loopback, with real agents on journals in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "daemon/mount.h"
#include "fake/fake_journal.h"
#include "http/client.h"

#define WAIT_MS 10000

struct place {
    char directory[64];
    struct loop *loop;
    struct fake_journal *disks[3];
    struct journal *journals[3];
    struct mounted_agent agents[2];
    struct control *control;
    struct admin *admin;
    struct mount mount;
    struct http_server *server;
    struct http_client *client;
    unsigned stopped;
};

struct asked {
    int status;
    json_t *document;
    bool over;
};

static void answered(void *context, const struct http_result *result, const struct error *error)
{
    struct asked *asked = context;
    struct error bad;
    assert_int_equal(error->code, ERROR_OK);
    asked->status = result->status;
    assert_true(json_parse(result->body.data, result->body.size, &asked->document, &bad));
    asked->over = true;
}

static bool is_over(void *context)
{
    return ((struct asked *)context)->over;
}

static struct asked ask(struct place *place, const char *path)
{
    struct asked asked = {0};
    char url[200];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", http_server_port(place->server), path);
    struct http_call call = {.method = HTTP_GET, .url = url};
    http_client_start(place->client, &call, answered, &asked);
    assert_true(loop_run_until(place->loop, is_over, &asked, WAIT_MS));
    return asked;
}

static void assert_cluster(struct place *place, const char *path, const char *cluster)
{
    struct asked asked = ask(place, path);
    assert_int_equal(asked.status, 200);
    assert_string_equal(json_string_or(asked.document, "cluster", ""), cluster);
    json_decref(asked.document);
}

static void assert_error(struct place *place, const char *path, int status, const char *message)
{
    struct asked asked = ask(place, path);
    assert_int_equal(asked.status, status);
    assert_string_equal(json_string_or(json_object_get(asked.document, "error"), "message", ""),
                        message);
    json_decref(asked.document);
}

/* ---- the place ------------------------------------------------------------------------------ */

static struct journal *open_journal(struct place *place, size_t index)
{
    struct error error = ERROR_NONE;
    place->disks[index] = fake_journal_new("11111111-2222-3333-4444-555555555555");
    fake_journal_set_immediate(place->disks[index], true);
    assert_true(
        fake_journal_open(place->disks[index], NULL, NULL, &place->journals[index], &error));
    return place->journals[index];
}

static void start_agent(struct place *place, size_t index, const char *cluster)
{
    struct error error = ERROR_NONE;
    struct agent_options options = {.cluster = cluster,
                                    .id = "11111111-2222-3333-4444-555555555555",
                                    .journal = open_journal(place, index),
                                    .work_directory = place->directory,
                                    .long_jobs_max = 1};
    place->agents[index].cluster = cluster;
    assert_true(agent_new(place->loop, &options, &place->agents[index].agent, &error));
}

static void start_control(struct place *place)
{
    struct error error = ERROR_NONE;
    struct control_options options = {.device = "11111111-2222-3333-4444-555555555555",
                                      .journal = open_journal(place, 2)};
    assert_true(control_new(place->loop, &options, &place->control, &error));
    place->admin = admin_new(place->loop, place->control);
}

static void place_open(struct place *place, bool with_control)
{
    struct error error = ERROR_NONE;
    *place = (struct place){.directory = "/tmp/coeval-mount-XXXXXX"};
    assert_non_null(mkdtemp(place->directory));
    place->loop = loop_new();
    place->client = http_client_new(place->loop);
    start_agent(place, 0, "east");
    start_agent(place, 1, "east-2");
    if (with_control)
        start_control(place);
    place->mount = (struct mount){place->agents, 2, place->admin};
    struct http_server_options options = {
        .address = "127.0.0.1", .handler = mount_handle, .context = &place->mount};
    assert_true(http_server_new(place->loop, &options, &place->server, &error));
}

static void part_stopped(void *context)
{
    ((struct place *)context)->stopped++;
}

static bool all_stopped(void *context)
{
    struct place *place = context;
    return place->stopped == 2u + (place->control != NULL);
}

static void place_close(struct place *place)
{
    http_server_free(place->server);
    for (size_t i = 0; i < 2; i++)
        agent_stop(place->agents[i].agent, part_stopped, place);
    if (place->control != NULL)
        control_stop(place->control, part_stopped, place);
    assert_true(loop_run_until(place->loop, all_stopped, place, WAIT_MS));
    admin_free(place->admin);
    for (size_t i = 0; i < 3; i++)
        if (place->journals[i] != NULL)
            place->journals[i]->operations->close(place->journals[i]);
    control_free(place->control);
    for (size_t i = 0; i < 2; i++)
        agent_free(place->agents[i].agent);
    http_client_free(place->client);
    loop_free(place->loop);
    for (size_t i = 0; i < 3; i++)
        fake_journal_free(place->disks[i]);
    rmdir(place->directory);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_agents_by_the_name_of_their_cluster(void **state)
{
    struct place place;
    (void)state;
    place_open(&place, false);
    assert_cluster(&place, "/agents/east/v1/agent", "east");
    assert_cluster(&place, "/agents/east-2/v1/agent", "east-2");
    assert_error(&place, "/agents/east/v1/nothing", 404, "no such resource on an agent");
    assert_error(&place, "/agents/east", 404, "no such resource on an agent");
    place_close(&place);
}

static void test_no_agent_of_that_cluster(void **state)
{
    struct place place;
    (void)state;
    place_open(&place, true);
    assert_error(&place, "/agents/west/v1/agent", 404,
                 "no agent of cluster 'west' in this process");
    /* Neither a part of a name nor one that goes on is that name. */
    assert_error(&place, "/agents/eas/v1/agent", 404, "no agent of cluster 'eas' in this process");
    assert_error(&place, "/agents/east-/v1/agent", 404,
                 "no agent of cluster 'east-' in this process");
    assert_error(&place, "/agents//v1/agent", 404, "no agent of cluster '' in this process");
    assert_error(
        &place, "/agents/a-name-that-is-far-too-long-to-be-the-name-of-any-cluster-of-ours/v1", 404,
        "no agent of cluster 'a-name-that-is-far-too-long-to-be-the-name-of-any-cluster-of"
        "' in this process");
    place_close(&place);
}

static void test_a_process_without_control(void **state)
{
    struct place place;
    (void)state;
    place_open(&place, false);
    assert_error(&place, "/v1/status", 404, "this process has no control role");
    assert_error(&place, "/agents", 404, "this process has no control role");
    place_close(&place);
}

static void test_all_the_rest_is_the_device(void **state)
{
    struct place place;
    (void)state;
    place_open(&place, true);
    struct asked asked = ask(&place, "/v1/status");
    assert_int_equal(asked.status, 200);
    assert_non_null(json_object_get(asked.document, "services"));
    json_decref(asked.document);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agents_by_the_name_of_their_cluster),
        cmocka_unit_test(test_no_agent_of_that_cluster),
        cmocka_unit_test(test_a_process_without_control),
        cmocka_unit_test(test_all_the_rest_is_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
