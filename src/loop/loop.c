/* loop.c: turns of the libuv loop, posts, and an orderly end: closes are asynchronous in libuv, so
 * the loop runs on until all of them were delivered. */
#include "loop/loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "loop/loop_uv.h"

#define LINGER_MS 1000
#define ALARM_AGAIN_MS 1
#define MS_NS ((int64_t)1000000)

struct post {
    struct list node;
    loop_fn *fn;
    void *context;
};

static bool loops_exist; /* libuv reads the size of its pool once */

static void run_posts(uv_async_t *wake);

void loop_set_pool_size(unsigned threads)
{
    CHECK(!loops_exist);
    CHECK(threads > 0);
    CHECK(threads <= 1024);
    char text[16];
    snprintf(text, sizeof text, "%u", threads);
    CHECK(setenv("UV_THREADPOOL_SIZE", text, 1) == 0);
}

struct loop *loop_new(void)
{
    /* libuv writes to sockets without MSG_NOSIGNAL: a peer that left must not end the process. */
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    loops_exist = true;
    struct loop *loop = memory_new(sizeof *loop);
    CHECK(uv_loop_init(&loop->uv) == 0);
    CHECK(uv_async_init(&loop->uv, &loop->wake, run_posts) == 0);
    CHECK(uv_timer_init(&loop->uv, &loop->alarm) == 0);
    CHECK(uv_prepare_init(&loop->uv, &loop->prepare) == 0);
    loop->wake.data = loop;
    loop->prepare.data = loop;
    loop->thread = pthread_self();
    CHECK(pthread_mutex_init(&loop->lock, NULL) == 0);
    list_init(&loop->posts);
    list_init(&loop->lingerers);
    return loop;
}

static void count_closing(uv_handle_t *handle, void *context)
{
    unsigned *closing = context;
    if (uv_is_closing(handle))
        ++*closing;
}

static bool has_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool result = !list_is_empty(&loop->posts);
    pthread_mutex_unlock(&loop->lock);
    return result;
}

static void hurry_lingerers(struct loop *loop)
{
    list_for_each(lingerer, &loop->lingerers, struct loop_lingerer, node) {
        list_remove(&lingerer->node);
        lingerer->hurry(lingerer);
    }
}

/* Delivers closes and posts; a post that posts itself again is cut off at the deadline. */
static void drain(struct loop *loop)
{
    int64_t deadline_ns = clock_monotonic_ns() + LINGER_MS * MS_NS;
    for (;;) {
        bool late = clock_monotonic_ns() >= deadline_ns;
        if (late)
            hurry_lingerers(loop);
        unsigned closing = 0;
        uv_walk(&loop->uv, count_closing, &closing);
        if (closing == 0 && list_is_empty(&loop->lingerers) && (late || !has_posts(loop)))
            return;
        loop_turn(loop, deadline_ns);
    }
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    loop_check_thread(loop);
    CHECK(loop->work_pending == 0);
    drain(loop);
    list_for_each(post, &loop->posts, struct post, node) {
        list_remove(&post->node);
        free(post);
    }
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    int status = uv_loop_close(&loop->uv);
    if (status != 0)
        uv_print_all_handles(&loop->uv, stderr); /* says what was forgotten */
    CHECK(status == 0);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

static void wake_up(uv_timer_t *alarm)
{
    (void)alarm; /* that the turn ended is all that was wanted */
}

void loop_turn(struct loop *loop, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_monotonic_ns();
    uint64_t left_ms = left_ns <= 0 ? 0 : (uint64_t)(left_ns / MS_NS + 1);
    uv_update_time(&loop->uv);
    /* It repeats: libuv 1.44 runs timers before it waits, too, and a clock that ticks just now
     * would use the alarm up there; the wait that follows would have no end. */
    CHECK(uv_timer_start(&loop->alarm, wake_up, left_ms, ALARM_AGAIN_MS) == 0);
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_timer_stop(&loop->alarm);
}

void loop_run(struct loop *loop)
{
    loop->thread = pthread_self();
    while (!loop->stopping)
        uv_run(&loop->uv, UV_RUN_ONCE); /* the wake handle keeps it waiting when nothing is open */
    loop->stopping = false;
    drain(loop);
}

/* Timers run before the wait of the same turn: what they brought about must not be waited for. */
static void before_wait(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    if (loop->until(loop->until_context))
        uv_stop(&loop->uv);
}

bool loop_run_until(struct loop *loop, bool (*until)(void *context), void *context, int timeout_ms)
{
    loop->thread = pthread_self();
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * MS_NS;
    loop->until = until;
    loop->until_context = context;
    if (until != NULL)
        CHECK(uv_prepare_start(&loop->prepare, before_wait) == 0);
    bool reached;
    while (!(reached = until != NULL && until(context)) && !loop->stopping &&
           clock_monotonic_ns() < deadline_ns)
        loop_turn(loop, deadline_ns);
    uv_prepare_stop(&loop->prepare);
    return reached;
}

void loop_stop(struct loop *loop)
{
    loop_check_thread(loop);
    loop->stopping = true;
    uv_async_send(&loop->wake); /* also ends a turn that begins only now */
}

int64_t loop_now_ms(struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

void loop_post(struct loop *loop, loop_fn *fn, void *context)
{
    loop_check_thread(loop);
    loop_post_from_thread(loop, fn, context);
}

void loop_post_from_thread(struct loop *loop, loop_fn *fn, void *context)
{
    struct post *post = memory_new(sizeof *post);
    post->fn = fn;
    post->context = context;
    pthread_mutex_lock(&loop->lock);
    list_append(&loop->posts, &post->node);
    /* Under the lock: once the post has run, the loop may be gone. */
    CHECK(uv_async_send(&loop->wake) == 0);
    pthread_mutex_unlock(&loop->lock);
}

static struct post *next_post(struct loop *loop)
{
    struct post *post = NULL;
    pthread_mutex_lock(&loop->lock);
    if (!list_is_empty(&loop->posts)) {
        post = list_entry(loop->posts.next, struct post, node);
        list_remove(&post->node);
    }
    pthread_mutex_unlock(&loop->lock);
    return post;
}

/* Runs what was posted before this turn; what these post in turn waits for the next one, so that
 * descriptors and timers get their share. */
static void run_posts(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    pthread_mutex_lock(&loop->lock);
    struct list *last = loop->posts.previous;
    pthread_mutex_unlock(&loop->lock);
    struct post *post;
    while (last != &loop->posts && (post = next_post(loop)) != NULL) {
        bool was_last = &post->node == last;
        post->fn(post->context);
        free(post);
        if (was_last)
            break;
    }
    if (has_posts(loop))
        uv_async_send(wake);
}

void loop_linger(struct loop *loop, struct loop_lingerer *lingerer)
{
    list_append(&loop->lingerers, &lingerer->node);
}

void loop_check_thread(const struct loop *loop)
{
    CHECK(pthread_equal(loop->thread, pthread_self()));
}

bool loop_error(struct error *error, int status, const char *what)
{
    CHECK(status < 0);
    return error_set_errno(error, -status, "%s", what);
}
