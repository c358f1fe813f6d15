/* sim_world.c: virtual time and chance; see sim_world.h. */
#include "sim_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static const char *const defect_names[] = {
#define X(name, text) text,
    DEFECTS(X)
#undef X
};

const char *defect_name(enum defect defect)
{
    CHECK(defect < DEFECT_COUNT);
    return defect_names[defect];
}

static bool before(const struct event *a, const struct event *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

static void exchange(struct event *a, struct event *b)
{
    struct event c = *a;
    *a = *b;
    *b = c;
}

void later(struct world *world, int64_t delay_us, enum process owner, event_fn *fn, void *data,
           release_fn *release)
{
    if (world->event_count == world->event_capacity) {
        world->event_capacity = world->event_capacity == 0 ? 256 : 2 * world->event_capacity;
        world->events = memory_resize(world->events, world->event_capacity * sizeof(struct event));
    }
    size_t i = world->event_count++;
    world->events[i] =
        (struct event){.at_us = world->now_us + delay_us,
                       .order = world->next_order++,
                       .owner = owner,
                       .incarnation = owner == NOBODY ? 0 : world->incarnations[owner],
                       .fn = fn,
                       .release = release,
                       .data = data};
    for (; i > 0 && before(&world->events[i], &world->events[(i - 1) / 2]); i = (i - 1) / 2)
        exchange(&world->events[i], &world->events[(i - 1) / 2]);
}

static struct event take_first(struct world *world)
{
    struct event first = world->events[0];
    world->events[0] = world->events[--world->event_count];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1, right = left + 1;
        if (left < world->event_count && before(&world->events[left], &world->events[least]))
            least = left;
        if (right < world->event_count && before(&world->events[right], &world->events[least]))
            least = right;
        if (least == i)
            return first;
        exchange(&world->events[i], &world->events[least]);
        i = least;
    }
}

bool world_next(struct world *world)
{
    if (world->event_count == 0)
        return false;
    struct event event = take_first(world);
    CHECK(event.at_us >= world->now_us);
    world->now_us = event.at_us;
    if (event.owner == NOBODY ||
        (world->is_up[event.owner] && event.incarnation == world->incarnations[event.owner]))
        event.fn(world, event.data);
    if (event.release != NULL)
        event.release(event.data);
    return true;
}

void world_drop_events(struct world *world)
{
    for (size_t i = 0; i < world->event_count; i++)
        if (world->events[i].release != NULL)
            world->events[i].release(world->events[i].data);
    free(world->events);
    world->events = NULL;
    world->event_count = world->event_capacity = 0;
}

int64_t chance_us(struct world *world, int64_t least_us, int64_t most_us)
{
    return least_us + (int64_t)random_below(&world->random, (uint64_t)(most_us - least_us + 1));
}

bool coin(struct world *world, unsigned per_mille)
{
    return random_below(&world->random, 1000) < per_mille;
}

bool mishap(struct world *world, unsigned per_mille)
{
    return world->faults && coin(world, per_mille);
}

static void print_time(const struct world *world)
{
    printf("%5" PRId64 ".%06d ", world->now_us / SECOND, (int)(world->now_us % SECOND));
}

void trace(struct world *world, const char *format, ...)
{
    va_list arguments;
    if (!world->trace)
        return;
    print_time(world);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void violate(struct world *world, const char *format, ...)
{
    va_list arguments;
    if (world->violation[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(world->violation, sizeof world->violation, format, arguments);
    va_end(arguments);
    trace(world, "VIOLATION %s", world->violation);
}
