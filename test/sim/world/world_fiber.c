/* world_fiber.c: fibers: each runs until it waits; an event goes on with it. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/check.h"
#include "world_private.h"

#ifdef __SANITIZE_ADDRESS__
#define FIBER_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_SANITIZED 1
#endif
#endif
#ifdef FIBER_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES ((size_t)512 << 10)

struct fiber {
    struct list node; /* among the waiting */
    struct loop *loop;
    loop_fn *run, *done;
    void *context;
    ucontext_t place;
    char *stack;
    const void *key; /* waits for this */
    bool over;
    void *fake_stack;
};

struct spare_stack {
    struct spare_stack *next;
};

static struct fiber *current;
static ucontext_t scheduler;
static struct list waiting = {&waiting, &waiting};
static struct spare_stack *spare;
#ifdef FIBER_SANITIZED
static void *scheduler_fake;
static const void *scheduler_bottom;
static size_t scheduler_size;
#endif

static void to_scheduler(struct fiber *fiber, bool for_good)
{
    current = NULL;
#ifdef FIBER_SANITIZED
    __sanitizer_start_switch_fiber(for_good ? NULL : &fiber->fake_stack, scheduler_bottom,
                                   scheduler_size);
#endif
    (void)for_good;
    swapcontext(&fiber->place, &scheduler);
#ifdef FIBER_SANITIZED
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &scheduler_bottom, &scheduler_size);
#endif
}

static char *new_stack(void)
{
    if (spare != NULL) {
        char *stack = (char *)spare;
        spare = spare->next;
        return stack;
    }
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(stack != MAP_FAILED);
    return stack;
}

static void begin(void)
{
    struct fiber *fiber = current;
#ifdef FIBER_SANITIZED
    __sanitizer_finish_switch_fiber(NULL, &scheduler_bottom, &scheduler_size);
#endif
    fiber->run(fiber->context);
    fiber->over = true;
    to_scheduler(fiber, true);
    CHECK_UNREACHABLE();
}

static void go_on(void *context)
{
    struct fiber *fiber = context;
    current = fiber;
#ifdef FIBER_SANITIZED
    __sanitizer_start_switch_fiber(&scheduler_fake, fiber->stack, STACK_BYTES);
#endif
    swapcontext(&scheduler, &fiber->place);
#ifdef FIBER_SANITIZED
    __sanitizer_finish_switch_fiber(scheduler_fake, NULL, NULL);
#endif
    current = NULL;
    if (!fiber->over || fiber->stack == NULL)
        return;
    struct spare_stack *stack = (struct spare_stack *)(void *)fiber->stack;
    stack->next = spare;
    spare = stack;
    fiber->stack = NULL;
    fiber_wake(fiber);
    if (fiber->done != NULL)
        event_new(fiber->loop, 0, fiber->done, fiber->context);
}

struct fiber *fiber_new(struct loop *loop, loop_fn *run, loop_fn *done, void *context,
                        int64_t delay_ns)
{
    struct fiber *fiber = memory_new(sizeof *fiber);
    *fiber = (struct fiber){
        .loop = loop, .run = run, .done = done, .context = context, .stack = new_stack()};
    list_init(&fiber->node);
    CHECK(getcontext(&fiber->place) == 0);
    fiber->place.uc_stack.ss_sp = fiber->stack;
    fiber->place.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fiber->place, begin, 0);
    event_new(loop, delay_ns, go_on, fiber);
    return fiber;
}

struct fiber *fiber_current(void)
{
    return current;
}

bool fiber_is_over(const struct fiber *fiber)
{
    return fiber->over;
}

_Noreturn void fiber_abandon(void)
{
    to_scheduler(current, false);
    CHECK_UNREACHABLE();
}

void fiber_sleep(int64_t ns)
{
    struct fiber *fiber = current;
    if (fiber == NULL) {
        world.now_ns += ns;
        return;
    }
    event_new(fiber->loop, ns, go_on, fiber);
    to_scheduler(fiber, false);
}

void fiber_wait(const void *key)
{
    struct fiber *fiber = current;
    CHECK(fiber != NULL);
    fiber->key = key;
    list_append(&waiting, &fiber->node);
    to_scheduler(fiber, false);
}

void fiber_wake(const void *key)
{
    list_for_each(fiber, &waiting, struct fiber, node)
        if (fiber->key == key) {
            list_remove(&fiber->node);
            event_new(fiber->loop, 0, go_on, fiber);
        }
}
