/* poll.c: uv_poll for descriptors that belong to another library. */
#include "loop/poll.h"

#include <stdlib.h>

#include "base/check.h"
#include "loop/loop_uv.h"

struct poll {
    uv_poll_t uv;
    struct loop *loop;
    poll_fn *fn;
    void *context;
};

struct poll *poll_new(struct loop *loop, int fd, poll_fn *fn, void *context)
{
    loop_check_thread(loop);
    struct poll *poll = memory_new(sizeof *poll);
    CHECK(uv_poll_init(&loop->uv, &poll->uv, fd) == 0);
    poll->uv.data = poll;
    poll->loop = loop;
    poll->fn = fn;
    poll->context = context;
    return poll;
}

static void free_poll(uv_handle_t *handle)
{
    free(handle->data);
}

void poll_free(struct poll *poll)
{
    if (poll == NULL)
        return;
    loop_check_thread(poll->loop);
    uv_close((uv_handle_t *)&poll->uv, free_poll);
}

static void on_ready(uv_poll_t *uv, int status, int events)
{
    struct poll *poll = uv->data;
    unsigned ready = ((events & UV_READABLE) != 0 ? POLL_READABLE : 0) |
                     ((events & UV_WRITABLE) != 0 ? POLL_WRITABLE : 0);
    poll->fn(poll->context, ready, status < 0);
}

void poll_start(struct poll *poll, unsigned events)
{
    CHECK(events != 0);
    CHECK((events & ~(POLL_READABLE | POLL_WRITABLE)) == 0);
    int wanted = ((events & POLL_READABLE) != 0 ? UV_READABLE : 0) |
                 ((events & POLL_WRITABLE) != 0 ? UV_WRITABLE : 0);
    CHECK(uv_poll_start(&poll->uv, wanted, on_ready) == 0);
}

void poll_stop(struct poll *poll)
{
    CHECK(uv_poll_stop(&poll->uv) == 0);
}
