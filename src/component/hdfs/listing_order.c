/* listing_order.c: a heap of the names that are held back. */
#include "component/hdfs/listing_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/size.h"

struct held_entry {
    struct arena arena;
    struct entry entry;
};

void listing_order_init(struct listing_order *order, listing_fn *fn, void *context)
{
    *order = (struct listing_order){
        .fn = fn, .context = context, .held_bytes_max = LISTING_HELD_BYTES_MAX};
}

static void held_free(struct held_entry *held)
{
    arena_fini(&held->arena);
    free(held);
}

void listing_order_fini(struct listing_order *order)
{
    for (size_t i = 0; i < order->count; i++)
        held_free(order->heap[i]);
    free(order->heap);
    order->heap = NULL;
    order->count = order->capacity = 0;
}

int listing_compare_signed(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    if (*a == '\0' || *b == '\0') /* a prefix comes first, whatever follows */
        return (*a != '\0') - (*b != '\0');
    return (signed char)*a < (signed char)*b ? -1 : 1;
}

static bool is_before(const struct listing_order *order, size_t a, size_t b)
{
    return strcmp(order->heap[a]->entry.path, order->heap[b]->entry.path) < 0;
}

static void swap(struct listing_order *order, size_t a, size_t b)
{
    struct held_entry *held = order->heap[a];
    order->heap[a] = order->heap[b];
    order->heap[b] = held;
}

static void hold(struct listing_order *order, const struct entry *entry)
{
    if (order->count == order->capacity) {
        order->capacity = order->capacity == 0 ? 64 : 2 * order->capacity;
        order->heap = memory_resize(order->heap, order->capacity * sizeof *order->heap);
    }
    struct held_entry *held = memory_new(sizeof *held);
    arena_init(&held->arena);
    held->entry = entry_copy(&held->arena, entry);
    order->held_bytes += sizeof *held + held->arena.used_bytes;
    size_t at = order->count++;
    order->heap[at] = held;
    for (; at > 0 && is_before(order, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(order, at, (at - 1) / 2);
}

static struct held_entry *take_smallest(struct listing_order *order)
{
    struct held_entry *held = order->heap[0];
    order->held_bytes -= sizeof *held + held->arena.used_bytes;
    order->heap[0] = order->heap[--order->count];
    for (size_t at = 0;;) {
        size_t least = at, left = 2 * at + 1;
        if (left < order->count && is_before(order, left, least))
            least = left;
        if (left + 1 < order->count && is_before(order, left + 1, least))
            least = left + 1;
        if (least == at)
            return held;
        swap(order, at, least);
        at = least;
    }
}

static bool emit_smallest(struct listing_order *order, struct error *error)
{
    struct held_entry *held = take_smallest(order);
    bool going_on = order->fn(order->context, &held->entry, error);
    held_free(held);
    return going_on;
}

/* Where a later name may still branch off into ASCII, that is: come before this one in byte order.
 * SIZE_MAX: nowhere. */
static size_t branching_point(const struct listing_order *order, const char *name)
{
    size_t at = 0;
    if (order->after_ascii) /* not at the first character */
        for (at = 1; ((unsigned char)name[at] & 0xc0) == 0x80; at++)
            ;
    for (; name[at] != '\0'; at++)
        if ((unsigned char)name[at] >= 0x80)
            return at;
    return SIZE_MAX;
}

static size_t common_length(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] != '\0' && a[length] == b[length])
        length++;
    return length;
}

bool listing_order_add(struct listing_order *order, const struct entry *entry, struct error *error)
{
    const char *name = entry->path;
    size_t branch = branching_point(order, name);
    while (order->count > 0 && strcmp(order->heap[0]->entry.path, name) < 0 &&
           common_length(order->heap[0]->entry.path, name) < branch)
        if (!emit_smallest(order, error))
            return false;
    if (branch == SIZE_MAX)
        return order->fn(order->context, entry, error);
    hold(order, entry);
    if (order->held_bytes > order->held_bytes_max)
        return error_set(error, ERROR_LIMIT,
                         "too many names beyond ASCII in one directory: more than %s of them "
                         "would have to be sorted",
                         size_text(order->held_bytes_max).text);
    return true;
}

bool listing_order_end(struct listing_order *order, struct error *error)
{
    while (order->count > 0)
        if (!emit_smallest(order, error))
            return false;
    return true;
}
