/* work.c: jobs on libuv's thread pool. */
#include "loop/work.h"

#include <stdlib.h>

#include "base/check.h"
#include "loop/loop_uv.h"

struct work {
    uv_work_t uv;
    struct loop *loop;
    loop_fn *run;
    loop_fn *done;
    void *context;
};

static void run_work(uv_work_t *uv)
{
    struct work *work = uv->data;
    work->run(work->context);
}

static void end_work(uv_work_t *uv, int status)
{
    struct work *work = uv->data;
    CHECK(status == 0); /* nobody cancels: a job that never ran would still owe its effects */
    work->loop->work_pending--;
    loop_fn *done = work->done;
    void *context = work->context;
    free(work);
    done(context);
}

void work_start(struct loop *loop, loop_fn *run, loop_fn *done, void *context)
{
    loop_check_thread(loop);
    struct work *work = memory_new(sizeof *work);
    work->uv.data = work;
    work->loop = loop;
    work->run = run;
    work->done = done;
    work->context = context;
    loop->work_pending++;
    CHECK(uv_queue_work(&loop->uv, &work->uv, run_work, end_work) == 0);
}

unsigned work_pending(struct loop *loop)
{
    return loop->work_pending;
}
