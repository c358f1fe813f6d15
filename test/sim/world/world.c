/* world.c: the queue of events, in the order of time and then of making; processes and traces. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "world_private.h"

#define EVENTS_MAX 20000000

struct event {
    int64_t at_ns;
    uint64_t order;
    struct loop *loop;
    loop_fn *fn;
    void *context;
    bool canceled;
};

struct world world;
void (*world_process_died)(struct loop *loop);

static struct event **heap;
static size_t heap_count, heap_capacity;
static uint64_t orders;
static jmp_buf dispatch; /* where a process that dies in an event goes on: nowhere */

/* ---- chance --------------------------------------------------------------------------------- */

uint64_t chance_below(uint64_t bound)
{
    return random_below(&world.random, bound);
}

bool chance(unsigned percent)
{
    return chance_below(100) < percent;
}

bool fault(unsigned per_thousand)
{
    return world.faults && chance_below(1000) < per_thousand;
}

int64_t chance_ns(int64_t least, int64_t most)
{
    return least + (int64_t)chance_below((uint64_t)(most - least + 1));
}

/* ---- what is told --------------------------------------------------------------------------- */

static void print_head(FILE *file)
{
    fprintf(file, "%10.3f %-8s ", (double)world.now_ns / 1e9,
            world.loop == NULL ? "-" : world.loop->name);
}

void world_trace(const char *format, ...)
{
    if (!world.trace)
        return;
    va_list args;
    va_start(args, format);
    print_head(stdout);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

_Noreturn void world_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "seed %llu: ", (unsigned long long)world.seed);
    print_head(stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(WORLD_FAILED);
}

/* ---- events --------------------------------------------------------------------------------- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(size_t a, size_t b)
{
    struct event *event = heap[a];
    heap[a] = heap[b];
    heap[b] = event;
}

static void push(struct event *event)
{
    if (heap_count == heap_capacity) {
        heap_capacity = heap_capacity == 0 ? 1024 : heap_capacity * 2;
        heap = memory_resize(heap, heap_capacity * sizeof *heap);
    }
    heap[heap_count++] = event;
    for (size_t at = heap_count - 1; at > 0 && is_before(heap[at], heap[(at - 1) / 2]);
         at = (at - 1) / 2)
        swap(at, (at - 1) / 2);
}

static struct event *pop(void)
{
    struct event *first = heap[0];
    heap[0] = heap[--heap_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap_count; child++)
            if (is_before(heap[child], heap[least]))
                least = child;
        if (least == at)
            return first;
        swap(at, least);
        at = least;
    }
}

struct event *event_new(struct loop *loop, int64_t delay_ns, loop_fn *fn, void *context)
{
    struct event *event = memory_new(sizeof *event);
    *event = (struct event){.at_ns = world.now_ns + (delay_ns < 0 ? 0 : delay_ns),
                            .order = orders++,
                            .loop = loop,
                            .fn = fn,
                            .context = context};
    push(event);
    return event;
}

void event_cancel(struct event *event)
{
    if (event != NULL)
        event->canceled = true;
}

static void run_in(struct loop *loop, loop_fn *fn, void *context)
{
    struct loop *outer = world.loop;
    world.loop = loop;
    if (setjmp(dispatch) == 0) {
        process_may_die("event");
        fn(context);
    }
    world.loop = outer;
}

bool world_step(void)
{
    if (heap_count == 0)
        return false;
    struct event event = *heap[0];
    free(pop());
    if (event.canceled || (event.loop != NULL && !event.loop->alive))
        return true;
    if (++world.events > EVENTS_MAX)
        world_fail("goes round in circles: %d events", EVENTS_MAX);
    CHECK(event.at_ns >= world.now_ns);
    world.now_ns = event.at_ns;
    run_in(event.loop, event.fn, event.context);
    return true;
}

void world_enter(struct loop *loop, loop_fn *fn, void *context)
{
    CHECK(world.loop == NULL && fiber_current() == NULL);
    run_in(loop, fn, context);
}

/* ---- processes ------------------------------------------------------------------------------ */

struct loop *process_begin(const char *name, unsigned life)
{
    struct loop *loop = memory_new(sizeof *loop);
    *loop = (struct loop){.name = name, .life = life, .alive = true};
    return loop;
}

void process_die(struct loop *loop)
{
    loop->alive = false;
    loop->ended_ns = world.now_ns;
    world_process_died(loop);
}

void process_may_die(const char *where)
{
    struct loop *loop = world.loop;
    if (loop == NULL || loop->crash_in == 0 || --loop->crash_in > 0)
        return;
    world_trace("dies at %s", where);
    process_die(loop);
    if (fiber_current() != NULL)
        fiber_abandon();
    longjmp(dispatch, 1);
}

void world_begin(uint64_t seed)
{
    bool trace = world.trace;
    enum defect defect = world.defect;
    world = (struct world){.seed = seed, .trace = trace, .defect = defect, .faults = true};
    world.clock_us = INT64_C(1767225600000000); /* 2026-01-01 */
    random_init(&world.random, seed);
}
