/* fuzz_plan.c: any bytes as the payload of a plan, in a container whose digest is right, and as the
 * whole file. What is taken keeps the promises of plan.h, and is the same after encoding. */
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/container.h"
#include "plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_steps(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        CHECK((step->kind == PLAN_PARK) == (i < plan->park_count));
        CHECK(path_is_clean_relative(step->place));
        CHECK(step->other == NULL || path_is_clean_relative(step->other));
        CHECK(plan_has_park(plan, step->place) || step->kind == PLAN_PLACE);
    }
}

static void check_same(const struct plan *plan, struct arena *arena)
{
    struct buffer once, twice;
    struct plan again;
    struct error error;
    buffer_init(&once, 0);
    buffer_init(&twice, 0);
    plan_encode(plan, &once);
    CHECK(plan_decode(once.data, once.size, arena, &again, &error));
    plan_encode(&again, &twice);
    CHECK(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);
    buffer_fini(&once);
    buffer_fini(&twice);
}

static void try_file(const void *data, size_t size)
{
    struct arena arena;
    struct plan plan;
    struct error error = ERROR_NONE;
    arena_init(&arena);
    if (plan_decode(data, size, &arena, &plan, &error)) {
        check_steps(&plan);
        check_same(&plan, &arena);
    } else {
        CHECK(error.code == ERROR_CORRUPT || error.code == ERROR_INVALID);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer file;
    buffer_init(&file, 0);
    container_encode(CONTAINER_PLAN, data, size, &file);
    try_file(file.data, file.size);
    try_file(data, size);
    buffer_fini(&file);
    return 0;
}
