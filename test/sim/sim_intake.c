/* sim_intake.c: instructions as an agent holds them: read from a body, written to the journal and
 * into a status; and what the agent says when the area is asked for (recovery). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_agent.h"

static void copy_text(char *ret_text, size_t size, const char *text)
{
    CHECK(snprintf(ret_text, size, "%s", text) < (int)size);
}

static json_t *parse(const char *text)
{
    struct error error = ERROR_NONE;
    json_t *document = NULL;
    CHECK(json_parse(text, strlen(text), &document, &error));
    return document;
}

static char *print(json_t *document)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_print(document, true, &text);
    json_decref(document);
    return buffer_take(&text);
}

static unsigned read_approved(const json_t *body)
{
    const json_t *names = json_object_get(body, "approved");
    unsigned approved = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        enum epoch_question question;
        CHECK(epoch_question_from_name(json_string_value(json_array_get(names, i)), &question));
        approved |= 1u << question;
    }
    return approved;
}

bool order_read(const char *text, struct order *ret_order)
{
    json_t *body = parse(text);
    const json_t *base = json_object_get(body, "base");
    struct order order = {0};
    bool ok = epoch_instruction_from_name(json_string_or(body, "kind", ""), &order.kind);
    order.side = json_string_or(body, "side", "a")[0] == 'a' ? EPOCH_SIDE_A : EPOCH_SIDE_B;
    order.number = (uint64_t)json_integer_or(body, "number", 0);
    order.generation = (uint64_t)json_integer_or(body, "generation", 0);
    order.attempt = (unsigned)json_integer_or(body, "attempt", 0);
    order.try = (unsigned)json_integer_or(body, "try", 0);
    order.t_us = json_time_or(body, "t_us", 0);
    order.grace_us = json_time_or(body, "grace_us", 0);
    copy_text(order.snapshot, sizeof order.snapshot, json_string_or(body, "snapshot", ""));
    order.has_base = json_is_object(base);
    copy_text(order.base_a, sizeof order.base_a, json_string_or(base, "snapshot_a", ""));
    copy_text(order.base_b, sizeof order.base_b, json_string_or(base, "snapshot_b", ""));
    order.base_lost = json_boolean_or(body, "base_lost", false);
    order.approved = read_approved(body);
    json_decref(body);
    *ret_order = order;
    return ok;
}

void held_free(struct held *held)
{
    free(held->body);
    free(held->result);
    free(held->visible);
    free(held);
}

char *held_print(const struct held *held)
{
    json_t *document = json_object();
    json_set_integer(document, "status", held->status);
    json_set_string(document, "phase", held->phase);
    json_set_string(document, "question", held->question);
    json_set_string(document, "code", error_name(held->code));
    if (held->result != NULL)
        json_set_take(document, "result", parse(held->result));
    json_set_string(document, "body", held->body);
    return print(document);
}

struct held *held_read(const char *key, const char *text)
{
    struct held *held = memory_new(sizeof *held);
    json_t *document = parse(text);
    json_t *result = json_object_get(document, "result");
    copy_text(held->key, sizeof held->key, key);
    held->body = memory_copy_string(json_string_or(document, "body", "{}"));
    held->status = (enum held_status)json_integer_or(document, "status", 0);
    copy_text(held->phase, sizeof held->phase, json_string_or(document, "phase", ""));
    copy_text(held->question, sizeof held->question, json_string_or(document, "question", ""));
    CHECK(error_code_from_name(json_string_or(document, "code", "OK"), &held->code));
    held->result = result == NULL ? NULL : print(json_incref(result));
    held->visible = memory_copy_string(text);
    CHECK(order_read(held->body, &held->order));
    json_decref(document);
    return held;
}

static const char *found_in(const struct area *area)
{
    if (area->retired)
        return "retired";
    if (area->sealed)
        return "sealed";
    if (area->discarded || !area->received)
        return "nothing";
    if (area->marks & MARK_BACK)
        return "rolling_back";
    return area->marks & MARK_CHECKED ? "committing" : "received";
}

static void add_found(json_t *list, uint64_t number, unsigned attempt, const char *found,
                      const char *body, const char *seal)
{
    json_t *item = json_object();
    json_set_integer(item, "number", (int64_t)number);
    json_set_integer(item, "attempt", attempt);
    json_set_string(item, "found", found);
    if (body != NULL)
        json_set_string(item, "body", body);
    if (seal != NULL)
        json_set_take(item, "seal", parse(seal));
    json_append_take(list, item);
}

/* The area first; then what is only in the journal, because its task has done nothing yet. */
void agent_inspect(struct world *world, struct agent *agent, const struct message *message)
{
    const struct cluster *cluster = world->clusters[agent->process];
    json_t *answer = json_object(), *list = json_array();
    unsigned tries = 0;
    for (size_t i = 0; i < cluster->area_count; i++) {
        const struct area *area = cluster->areas[i];
        add_found(list, area->number, area->attempt, found_in(area), area->body,
                  area->sealed ? area->seal : NULL);
    }
    for (size_t i = 0; i < agent->held_count; i++) {
        const struct held *held = agent->held[i];
        tries = held->order.try > tries ? held->order.
        try : tries
            ;
        if (area_find(cluster, held->order.number, held->order.attempt) == NULL &&
            held->order.t_us != 0)
            add_found(list, held->order.number, held->order.attempt, "nothing", held->body, NULL);
    }
    json_set_take(answer, "epochs", list);
    json_set_integer(answer, "tries", tries);
    json_set_integer(answer, "hold", (int64_t)cluster->hold);
    network_send(world, &(struct message){.kind = MESSAGE_INSPECTION,
                                          .from = agent->process,
                                          .to = message->from,
                                          .generation = cluster->fence,
                                          .text = print(answer)});
}
