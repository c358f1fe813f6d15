/* policy_scenario.c: runs one story: given.yaml is a policy, `events` says what happens, the trace
 * of all decisions is compared with `expect` (--update writes it).
 *
 * apply TIME          the policy is applied; the clock stands at TIME
 * epoch DURATION      epochs take so long after their T (PT1M until said otherwise)
 * until TIME          time goes on; the schedule is asked whenever it wants to be
 * down TIME           time goes on without anybody asking; then the device is back
 * clock TIME          the clock is set; what is under way is not touched by that
 * pause, resume, run  the operator's verbs
 * seal N TIME [base] [held]   adds a seal
 * retain source|target        what retires now */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/timestamp.h"
#include "base/zoneinfo.h"
#include "policy/duration.h"
#include "policy/policy.h"
#include "yaml/yaml_reader.h"

#define SEALS_MAX 64

struct story {
    struct policy policy;
    struct zone zone;
    struct schedule_state state;
    int64_t now_us;
    int64_t epoch_us;
    int64_t end_us; /* of the running epoch, by the clock as it stands */
    struct retention_seal seals[SEALS_MAX];
    size_t seal_count;
    struct buffer trace;
    bool was_behind;
};

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "policy_scenario: %s: %s\n", what, detail);
    exit(2);
}

static int64_t time_of(const char *text)
{
    int64_t time_us = 0;
    struct error error = ERROR_NONE;
    if (text == NULL || !timestamp_parse(text, &time_us, &error))
        die("events", text == NULL ? "a time is missing" : error.text);
    return time_us;
}

static void print_time(struct story *story, const char *label, int64_t time_us)
{
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(time_us, text);
    buffer_append_format(&story->trace, "%s%s", label, text);
}

static void print_line(struct story *story, const char *what)
{
    print_time(story, "", story->now_us);
    buffer_append_format(&story->trace, " %s", what);
}

static void print_count(struct story *story, const char *label, uint64_t count)
{
    if (count > 0)
        buffer_append_format(&story->trace, " %s=%" PRIu64, label, count);
}

static void print_decision(struct story *story, const struct schedule_decision *decision)
{
    uint64_t passed =
        decision->passed.missed + decision->passed.overrun + decision->passed.coalesced;
    if (decision->clock_is_behind && !story->was_behind) {
        print_line(story, "alarm: the clock is behind the last slot\n");
    }
    story->was_behind = decision->clock_is_behind;
    if (decision->action == SCHEDULE_WAIT && passed == 0)
        return;
    print_line(story, decision->action == SCHEDULE_FIRE ? "fire" : "pass");
    if (decision->action == SCHEDULE_FIRE)
        print_time(story, " slot=", decision->slot_us);
    if (decision->action == SCHEDULE_FIRE && decision->moment_us != decision->slot_us)
        print_time(story, " T=", decision->moment_us);
    print_count(story, "missed", decision->passed.missed);
    print_count(story, "overrun", decision->passed.overrun);
    print_count(story, "coalesced", decision->passed.coalesced);
    if (passed > 0) {
        print_time(story, " from=", decision->passed.first_us);
        print_time(story, " to=", decision->passed.last_us);
    }
    buffer_append_text(&story->trace, "\n");
}

/* Asks until the schedule waits; returns when it wants to be asked again. */
static int64_t ask(struct story *story)
{
    for (;;) {
        if (story->state.running && story->end_us <= story->now_us) {
            print_line(story, "end\n");
            schedule_end(&story->state);
        }
        struct schedule_decision decision =
            schedule_decide(&story->policy.schedule, &story->state, story->now_us);
        print_decision(story, &decision);
        story->state = decision.next;
        if (decision.action == SCHEDULE_WAIT)
            return decision.until_us;
        story->end_us = decision.moment_us + story->epoch_us;
    }
}

static void go_on(struct story *story, int64_t until_us)
{
    for (;;) {
        int64_t next_us = ask(story);
        if (story->state.running && story->end_us < next_us)
            next_us = story->end_us;
        if (next_us > until_us)
            break;
        story->now_us = next_us;
    }
    story->now_us = until_us;
}

static void set_clock(struct story *story, int64_t to_us)
{
    story->end_us += to_us - story->now_us;
    story->now_us = to_us;
    print_line(story, "clock\n");
    ask(story);
}

static void run(struct story *story)
{
    int64_t moment_us;
    if (!schedule_run_now(&story->policy.schedule, &story->state, story->now_us, &moment_us)) {
        print_line(story, "run refused: an epoch is running\n");
        return;
    }
    story->end_us = moment_us + story->epoch_us;
    print_line(story, "run");
    print_time(story, " T=", moment_us);
    buffer_append_text(&story->trace, "\n");
}

static void add_seal(struct story *story, char **words)
{
    CHECK(story->seal_count < SEALS_MAX);
    struct retention_seal seal = {.number = strtoull(words[1], NULL, 10),
                                  .moment_us = time_of(words[2])};
    for (size_t i = 3; words[i] != NULL; i++) {
        seal.is_base = seal.is_base || strcmp(words[i], "base") == 0;
        seal.is_held = seal.is_held || strcmp(words[i], "held") == 0;
    }
    story->seals[story->seal_count++] = seal;
}

static void retain(struct story *story, const char *side)
{
    uint64_t numbers[SEALS_MAX];
    const struct retention_rule *rule = strcmp(side, "source") == 0
                                            ? &story->policy.retention.source
                                            : &story->policy.retention.target;
    size_t count = retention_choose(rule, story->seals, story->seal_count, story->now_us, numbers);
    print_line(story, "retire");
    buffer_append_format(&story->trace, " %s", side);
    for (size_t i = 0; i < count; i++)
        buffer_append_format(&story->trace, " %" PRIu64, numbers[i]);
    buffer_append_text(&story->trace, "\n");
}

static void handle_event(struct story *story, char **words)
{
    struct error error = ERROR_NONE;
    const char *verb = words[0];
    if (strcmp(verb, "apply") == 0) {
        story->now_us = time_of(words[1]);
        story->state = schedule_begin(&story->policy.schedule, story->now_us);
        print_line(story, "apply\n");
    } else if (strcmp(verb, "epoch") == 0) {
        if (!duration_parse(words[1], &story->epoch_us, &error))
            die("events", error.text);
    } else if (strcmp(verb, "until") == 0) {
        go_on(story, time_of(words[1]));
    } else if (strcmp(verb, "down") == 0) {
        print_line(story, "down\n");
        story->now_us = time_of(words[1]);
        print_line(story, "up\n");
    } else if (strcmp(verb, "clock") == 0) {
        set_clock(story, time_of(words[1]));
    } else if (strcmp(verb, "pause") == 0) {
        schedule_pause(&story->state);
        print_line(story, "pause\n");
    } else if (strcmp(verb, "resume") == 0) {
        schedule_resume(&story->state, story->now_us);
        print_line(story, "resume\n");
    } else if (strcmp(verb, "run") == 0) {
        run(story);
    } else if (strcmp(verb, "seal") == 0 && words[1] != NULL) {
        add_seal(story, words);
    } else if (strcmp(verb, "retain") == 0 && words[1] != NULL) {
        retain(story, words[1]);
    } else {
        die("events", verb);
    }
}

static void tell(struct story *story, char *events)
{
    char *next_line;
    for (char *line = strtok_r(events, "\n", &next_line); line != NULL;
         line = strtok_r(NULL, "\n", &next_line)) {
        char *words[8] = {NULL}, *next_word;
        size_t count = 0;
        for (char *word = strtok_r(line, " ", &next_word); word != NULL && count < 7;
             word = strtok_r(NULL, " ", &next_word))
            words[count++] = word;
        if (count > 0 && words[0][0] != '#')
            handle_event(story, words);
    }
}

static void read_policy(struct story *story, const char *path)
{
    struct document document;
    struct buffer content;
    struct error error = ERROR_NONE;
    buffer_init(&content, 0);
    if (!yaml_read_file(path, &document, &error) ||
        !policy_parse(&document, &story->policy, &error))
        die("policy", error.text);
    document_fini(&document);
    if (!zoneinfo_read(story->policy.schedule.zone_name, &content, &error) ||
        !zone_parse(content.data, content.size, &story->zone, &error))
        die("zone", error.text);
    story->policy.schedule.zone = &story->zone;
    buffer_fini(&content);
}

/* Compares the trace with the file, or writes the file. */
static int judge(const struct story *story, const char *path, bool update)
{
    struct buffer expected;
    struct error error = ERROR_NONE;
    buffer_init(&expected, 0);
    if (update) {
        if (!file_write_durable(path, story->trace.data, story->trace.size, 0644, &error))
            die("expect", error.text);
    } else if (!file_read(path, 1 << 20, &expected, &error)) {
        die("expect", error.text);
    }
    bool equal = update || strcmp(buffer_text(&expected), buffer_text(&story->trace)) == 0;
    if (!equal)
        printf("%s differs (policy_scenario --update rewrites it); the trace is:\n%s", path,
               buffer_text(&story->trace));
    buffer_fini(&expected);
    return equal ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool update = argc == 3 && strcmp(argv[1], "--update") == 0;
    char path[1024];
    struct story story = {.epoch_us = 60 * 1000000};
    struct buffer events;
    struct error error = ERROR_NONE;
    if (argc != (update ? 3 : 2))
        die("usage", "policy_scenario [--update] DIRECTORY");
    const char *directory = argv[argc - 1];
    buffer_init(&story.trace, 0);
    buffer_init(&events, 0);
    snprintf(path, sizeof path, "%s/given.yaml", directory);
    read_policy(&story, path);
    snprintf(path, sizeof path, "%s/events", directory);
    if (!file_read(path, 1 << 20, &events, &error))
        die("events", error.text);
    tell(&story, events.data);
    snprintf(path, sizeof path, "%s/expect", directory);
    int result = judge(&story, path, update);
    zone_fini(&story.zone);
    policy_fini(&story.policy);
    buffer_fini(&story.trace);
    buffer_fini(&events);
    return result;
}
