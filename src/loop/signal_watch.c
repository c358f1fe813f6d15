/* signal_watch.c: signals to this process, delivered on the loop thread. */
#include <stdlib.h>

#include "base/check.h"
#include "loop/loop_uv.h"
#include "loop/process.h"

struct signal_watch {
    uv_signal_t uv;
    struct loop *loop;
    signal_fn *fn;
    void *context;
};

static void on_signal(uv_signal_t *uv, int number)
{
    struct signal_watch *watch = uv->data;
    watch->fn(watch->context, number);
}

struct signal_watch *signal_watch_new(struct loop *loop, int number, signal_fn *fn, void *context)
{
    loop_check_thread(loop);
    struct signal_watch *watch = memory_new(sizeof *watch);
    watch->uv.data = watch;
    watch->loop = loop;
    watch->fn = fn;
    watch->context = context;
    CHECK(uv_signal_init(&loop->uv, &watch->uv) == 0);
    CHECK(uv_signal_start(&watch->uv, on_signal, number) == 0);
    return watch;
}

static void free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

void signal_watch_free(struct signal_watch *watch)
{
    if (watch == NULL)
        return;
    loop_check_thread(watch->loop);
    uv_close((uv_handle_t *)&watch->uv, free_watch);
}
