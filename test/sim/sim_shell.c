/* sim_shell.c: effects carried out: records, instructions until they are answered, timers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_checker.h"
#include "sim_control.h"

static char *print(json_t *document)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_print(document, true, &text);
    json_decref(document);
    return buffer_take(&text);
}

static void append_object(struct world *world, const char *key, json_t *document)
{
    char *text = print(document);
    durable_append(world, &world->control->journal, key, text);
    free(text);
}

void shell_record(struct world *world, const struct epoch *epoch)
{
    char key[32];
    snprintf(key, sizeof key, "epoch/%" PRIu64, epoch->number);
    append_object(world, key, epoch_to_json(epoch));
}

void shell_record_service(struct world *world)
{
    const struct control *control = world->control;
    json_t *service = json_object();
    json_set_integer(service, "last_number", (int64_t)control->last_number);
    json_set_integer(service, "generation", (int64_t)control->generation);
    json_set_integer(service, "base_number", (int64_t)control->base.number);
    json_set_integer(service, "base_generation", (int64_t)control->base.generation);
    json_set_integer(service, "base_attempt", control->base.attempt);
    json_set_string(service, "base_a", control->base.snapshot_a);
    json_set_string(service, "base_b", control->base.snapshot_b);
    append_object(world, "service", service);
}

struct poll {
    size_t slot;
    uint64_t serial;
};

static void poll_link(struct world *world, void *data);

static void schedule_poll(struct world *world, size_t slot, int64_t delay_us)
{
    struct poll *poll = memory_new(sizeof *poll);
    *poll = (struct poll){.slot = slot, .serial = world->control->links[slot].serial};
    later(world, delay_us, CONTROL, poll_link, poll, free);
}

static void poll_link(struct world *world, void *data)
{
    const struct poll *poll = data;
    struct link *link = &world->control->links[poll->slot];
    if (!link->used || link->serial != poll->serial)
        return;
    const struct epoch *epoch = control_find(world->control, link->number);
    struct message message = {.kind = link->known ? MESSAGE_GET : MESSAGE_PUT,
                              .from = CONTROL,
                              .to = link->side == EPOCH_SIDE_A ? AGENT_A : AGENT_B,
                              .generation = world->control->generation};
    memcpy(message.key, link->key, sizeof message.key);
    if (!link->known)
        message.text = print(epoch_instruction_body(epoch, link->kind, link->side));
    network_send(world, &message);
    schedule_poll(world, poll->slot, link->known ? 2 * SECOND : SECOND);
}

static struct link *find_link(struct control *control, uint64_t number,
                              enum epoch_instruction_kind kind, enum epoch_side side)
{
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &control->links[i];
        if (link->used && link->number == number && link->kind == kind && link->side == side)
            return link;
    }
    return NULL;
}

static void drop_link(struct control *control, uint64_t number, const struct epoch_effect *effect)
{
    struct link *link = find_link(control, number, effect->instruction, effect->side);
    if (link != NULL)
        link->used = false;
}

/* By its turn the epoch may have gone on: what is not SENT any more must not leave. */
static void send_instruction(struct world *world, const struct epoch *epoch,
                             const struct epoch_effect *effect)
{
    struct control *control = world->control;
    const struct epoch_instruction *now = &epoch->instructions[effect->instruction][effect->side];
    drop_link(control, epoch->number, effect);
    if (now->status != EPOCH_INSTRUCTION_SENT || now->try != effect->try ||
        epoch->attempt != effect->attempt)
        return;
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &control->links[i];
        if (link->used)
            continue;
        *link = (struct link){.used = true,
                              .serial = ++control->next_serial,
                              .number = epoch->number,
                              .kind = effect->instruction,
                              .side = effect->side,
                              .attempt = effect->attempt,
                              .try = effect->try};
        epoch_instruction_key(epoch, link->kind, link->side, link->attempt, link->try, link->key);
        schedule_poll(world, i, 0);
        return;
    }
    CHECK_UNREACHABLE();
}

static void timer_fires(struct world *world, void *data)
{
    const uint64_t *number = data;
    control_event(world, *number, &(struct epoch_event){.kind = EPOCH_EVENT_TIMER});
}

static void set_timer(struct world *world, uint64_t number, int64_t at_us)
{
    uint64_t *copy;
    if (at_us == 0)
        return;
    copy = memory_new(sizeof *copy);
    *copy = number;
    later(world, at_us > world->now_us ? at_us - world->now_us : 0, CONTROL, timer_fires, copy,
          free);
}

static void move_base(struct world *world, const struct epoch *epoch)
{
    struct control *control = world->control;
    if (epoch->number <= control->base.number || epoch->state != EPOCH_SEALED)
        return;
    control->base = epoch_as_base(epoch);
    shell_record_service(world);
}

/* A mistake that the checkers must find: what is newer is the base as soon as it is sealed. */
static void retire_early(struct world *world, uint64_t sealed_number)
{
    for (size_t i = 0; i < world->control->epoch_count; i++)
        if (world->control->epochs[i]->number < sealed_number)
            control_event(world, world->control->epochs[i]->number,
                          &(struct epoch_event){.kind = EPOCH_EVENT_RETIRE});
}

static void tell(struct world *world, const struct epoch *epoch, const struct epoch_tell *tell)
{
    trace(world, "%s: %s", tell->name, tell->text);
    if (strcmp(tell->name, "epoch.sealed") != 0)
        return;
    check_told_sealed(world, epoch->number);
    if (world->defect == DEFECT_RETIRE_EARLY)
        retire_early(world, epoch->number);
}

static void mark_finished(struct control *control, const struct epoch *epoch)
{
    for (size_t i = 0; i < control->epoch_count; i++)
        if (control->epochs[i] == epoch)
            control->finished[i] = true;
}

void shell_carry(struct world *world, uint64_t number, const struct epoch_effects *effects)
{
    const struct epoch *epoch = control_find(world->control, number);
    for (size_t i = 0; i < effects->count; i++) {
        const struct epoch_effect *effect = &effects->effects[i];
        if (effect->kind == EPOCH_EFFECT_INSTRUCT)
            send_instruction(world, epoch, effect);
        else if (effect->kind == EPOCH_EFFECT_FORGET)
            drop_link(world->control, number, effect);
        else if (effect->kind == EPOCH_EFFECT_TIMER)
            set_timer(world, number, effect->at_us);
        else if (effect->kind == EPOCH_EFFECT_TELL)
            tell(world, epoch, &effect->tell);
        else if (effect->kind == EPOCH_EFFECT_BASE_MOVED)
            move_base(world, epoch);
        else if (effect->kind == EPOCH_EFFECT_FINISHED)
            mark_finished(world->control, epoch);
    }
}

static void report_status(struct world *world, const struct link *link, const json_t *document)
{
    static const enum epoch_report_status statuses[] = {EPOCH_REPORT_RUNNING, EPOCH_REPORT_WAITING,
                                                        EPOCH_REPORT_DONE, EPOCH_REPORT_FAILED};
    struct epoch_event event = {.kind = EPOCH_EVENT_REPORT};
    struct epoch_report *report = &event.report;
    enum error_code code = ERROR_OK;
    report->kind = link->kind;
    report->side = link->side;
    report->attempt = link->attempt;
    report->try = link->try;
    report->status = statuses[json_integer_or(document, "status", 0)];
    report->phase = json_string_or(document, "phase", NULL);
    report->question = json_string_or(document, "question", NULL);
    report->result = json_object_get(document, "result");
    CHECK(error_code_from_name(json_string_or(document, "code", "OK"), &code));
    if (code != ERROR_OK)
        error_set(&report->error, code, "%s", error_code_text(code));
    control_event(world, link->number, &event);
}

void shell_receive_status(struct world *world, const struct message *message)
{
    struct control *control = world->control;
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &control->links[i];
        if (!link->used || strcmp(link->key, message->key) != 0)
            continue;
        if (message->kind == MESSAGE_UNKNOWN) {
            link->known = false;
        } else if (message->kind == MESSAGE_STATUS) {
            struct error error = ERROR_NONE;
            json_t *document = NULL;
            CHECK(json_parse(message->text, strlen(message->text), &document, &error));
            bool over = json_integer_or(document, "status", 0) != 0;
            struct link copy = *link;
            link->known = true;
            link->used = !over;
            report_status(world, &copy, document);
            json_decref(document);
        }
        return;
    }
}
