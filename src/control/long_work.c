/* long_work.c: how far long work is, for whoever began it and asks meanwhile. It is known by the
 * context that its answer goes to. */
#include "control/long_work.h"

#include "control/control_private.h"

#include <stdarg.h>
#include <stdio.h>

void work_begin(struct work *work, struct control *control, const void *context, const char *unit,
                uint64_t total)
{
    *work = (struct work){.context = context,
                          .progress = {.unit = unit, .total = total, .seconds_left = -1}};
    list_append(&control->works, &work->node);
}

void work_says(struct work *work, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(work->progress.doing, sizeof work->progress.doing, format, arguments);
    va_end(arguments);
}

void work_end(struct work *work)
{
    list_remove(&work->node);
}

bool control_progress(struct control *control, const void *context,
                      struct control_progress *ret_progress)
{
    list_for_each(work, &control->works, struct work, node)
        if (work->context == context) {
            *ret_progress = work->progress;
            return true;
        }
    return false;
}
