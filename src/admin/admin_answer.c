/* admin_answer.c: answers in JSON, at once or when control has done what it was asked. */
#include <stdlib.h>

#include "admin/admin_private.h"

void admin_answer(struct http_exchange *exchange, int status, json_t *document)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_print(document, false, &text);
    http_answer(exchange, status, NULL, text.data, text.size);
    buffer_fini(&text);
    json_decref(document);
}

void admin_answer_list(struct http_exchange *exchange, const char *name, json_t *list)
{
    json_t *document = json_object();
    json_set_take(document, name, list);
    admin_answer(exchange, 200, document);
}

struct owed {
    struct list node;
    struct admin *admin;
    struct http_exchange *exchange; /* NULL: the peer has left */
};

static void peer_left(void *context)
{
    ((struct owed *)context)->exchange = NULL;
}

struct owed *admin_owe(struct admin *admin, struct http_exchange *exchange)
{
    struct owed *owed = memory_new(sizeof *owed);
    owed->admin = admin;
    owed->exchange = exchange;
    list_append(&admin->owed, &owed->node);
    http_exchange_on_gone(exchange, peer_left, owed);
    return owed;
}

static void forget(struct owed *owed)
{
    list_remove(&owed->node);
    free(owed);
}

void admin_pay(void *context, const json_t *result, const struct error *error)
{
    struct owed *owed = context;
    struct http_exchange *exchange = owed->exchange;
    forget(owed);
    if (exchange == NULL)
        return;
    http_exchange_on_gone(exchange, NULL, NULL);
    if (error->code != ERROR_OK)
        http_answer_error(exchange, error);
    else
        admin_answer(exchange, 200, result == NULL ? json_object() : json_deep_copy(result));
}

void admin_forget_owed(struct admin *admin)
{
    list_for_each(owed, &admin->owed, struct owed, node) {
        control_forget(admin->control, owed);
        forget(owed);
    }
}
