/* fake_control.c: see fake_control.h. */
#include "fake_control.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

static void note(struct control *control, const char *what, control_done_fn *done, void *context)
{
    CHECK(control->order_count < FAKE_ORDERS_MAX);
    control->orders[control->order_count++] = (struct fake_order){what, done, context};
}

void fake_control_answer(struct control *control, json_t *result, const struct error *error)
{
    CHECK(control->order_count > 0);
    struct fake_order order = control->orders[0];
    memmove(control->orders, control->orders + 1, --control->order_count * sizeof order);
    order.done(order.context, result, error);
    json_decref(result);
}

void control_forget(struct control *control, const void *context)
{
    for (size_t i = 0; i < control->order_count; i++)
        if (control->orders[i].context == context) {
            control->forgotten++;
            control->order_count--;
            memmove(&control->orders[i], &control->orders[i + 1],
                    (control->order_count - i) * sizeof control->orders[0]);
            return;
        }
}

/* ---- orders ---- */

void control_apply_policy(struct control *control, struct document *document, bool dry_run,
                          const char *reason, control_done_fn *done, void *context)
{
    (void)document, (void)reason;
    note(control, dry_run ? "dry-run" : "apply", done, context);
}

void control_delete_policy(struct control *control, const char *name, const char *reason,
                           control_done_fn *done, void *context)
{
    (void)name, (void)reason;
    note(control, "delete", done, context);
}

void control_policy_verb(struct control *control, const char *name, const char *verb,
                         const char *reason, control_done_fn *done, void *context)
{
    (void)name, (void)verb, (void)reason;
    note(control, "policy-verb", done, context);
}

void control_epoch_verb(struct control *control, const char *service, uint64_t number,
                        const char *verb, const char *reason, control_done_fn *done, void *context)
{
    (void)service, (void)number, (void)verb, (void)reason;
    note(control, "epoch-verb", done, context);
}

void control_verify(struct control *control, const char *service, uint64_t number,
                    control_done_fn *done, void *context)
{
    (void)service, (void)number;
    note(control, "verify", done, context);
}

void control_catalogue(struct control *control, const char *cluster, const char *instance,
                       const char *path, control_done_fn *done, void *context)
{
    (void)cluster, (void)instance, (void)path;
    note(control, "catalogue", done, context);
}

void control_check(struct control *control, const char *service, control_done_fn *done,
                   void *context)
{
    (void)service;
    note(control, "check", done, context);
}

bool control_root_move(struct control *control, const char *cluster, const char *instance,
                       const char *root, const char *reason, control_done_fn *done, void *context,
                       struct error *error)
{
    (void)cluster, (void)instance, (void)root, (void)reason, (void)error;
    note(control, "root-move", done, context);
    return true;
}

bool control_progress(struct control *control, const void *context,
                      struct control_progress *ret_progress)
{
    (void)context;
    if (control->progress.unit == NULL)
        return false;
    *ret_progress = control->progress;
    return true;
}

void control_recover(struct control *control, const char *reason, control_done_fn *done,
                     void *context)
{
    (void)reason;
    note(control, "recover", done, context);
}

/* ---- looking ---- */

json_t *control_policies(struct control *control)
{
    (void)control;
    return json_array();
}

bool control_policy(struct control *control, const char *name, json_t **ret, struct error *error)
{
    (void)control, (void)error;
    *ret = json_object();
    json_set_string(*ret, "name", name);
    return true;
}

json_t *control_epochs(struct control *control, const char *service, size_t limit)
{
    (void)control, (void)service, (void)limit;
    return json_array();
}

bool control_epoch(struct control *control, const char *service, uint64_t number, json_t **ret,
                   struct error *error)
{
    (void)control, (void)service, (void)number, (void)error;
    *ret = json_object();
    return true;
}

json_t *control_status(struct control *control)
{
    (void)control;
    return json_object();
}

json_t *control_clusters(struct control *control)
{
    (void)control;
    return json_array();
}

json_t *control_roots(struct control *control)
{
    (void)control;
    return json_array();
}

bool control_root_plan(struct control *control, const char *cluster, const char *instance,
                       const char *root, json_t **ret, struct error *error)
{
    (void)control, (void)cluster, (void)instance, (void)root, (void)error;
    *ret = json_object();
    return true;
}

bool control_simulate(struct control *control, int64_t until_us, json_t **ret, struct error *error)
{
    (void)control, (void)until_us, (void)error;
    *ret = json_object();
    return true;
}

/* ---- events ---- */

struct control_listener {
    struct control *control;
};

json_t *control_events(struct control *control, uint64_t after, size_t limit)
{
    (void)after, (void)limit;
    return control->events == NULL ? json_array() : json_incref(control->events);
}

struct control_listener *control_listen(struct control *control, control_event_fn *fn,
                                        void *context)
{
    struct control_listener *listener = memory_new(sizeof *listener);
    listener->control = control;
    control->listener_count++;
    control->hear = fn;
    control->hear_context = context;
    return listener;
}

void control_unlisten(struct control_listener *listener)
{
    if (listener == NULL)
        return;
    listener->control->listener_count--;
    listener->control->hear = NULL;
    free(listener);
}

void fake_control_tell(struct control *control, const json_t *event)
{
    if (control->hear != NULL)
        control->hear(control->hear_context, event);
}
