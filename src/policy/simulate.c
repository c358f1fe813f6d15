/* simulate.c: see simulate.h. The real schedule under a clock that jumps from event to event. */
#include "policy/simulate.h"

#include "base/check.h"

/* One policy on its way: the next instant at which something happens to it. */
struct course {
    struct schedule_state state;
    int64_t end_us; /* of the running epoch */
    int64_t next_us;
};

/* Decides at an instant until the schedule waits; true when there is a step to show. */
static bool step(const struct simulate_policy *policy, struct course *course,
                 struct schedule_decision *ret_decision)
{
    int64_t now_us = course->next_us;
    if (course->state.running && course->end_us <= now_us)
        schedule_end(&course->state);
    struct schedule_decision decision = schedule_decide(policy->rule, &course->state, now_us);
    course->state = decision.next;
    if (decision.action == SCHEDULE_FIRE) {
        course->end_us = decision.moment_us + policy->epoch_us;
        course->next_us = now_us; /* asks once more: when does it go on? */
    } else {
        course->next_us = decision.until_us;
    }
    if (course->state.running && course->end_us < course->next_us && course->end_us > now_us)
        course->next_us = course->end_us;
    *ret_decision = decision;
    return decision.action == SCHEDULE_FIRE || decision.passed.missed != 0 ||
           decision.passed.overrun != 0 || decision.passed.coalesced != 0;
}

void simulate(const struct simulate_policy *policies, size_t count, int64_t now_us,
              int64_t until_us, struct arena *arena, struct simulate_step **ret_steps,
              size_t *ret_count, bool *ret_more)
{
    struct simulate_step *steps = arena_new(arena, SIMULATE_STEPS_MAX * sizeof *steps);
    struct course *courses = arena_new(arena, (count + 1) * sizeof *courses);
    size_t step_count = 0;
    bool more = false;
    CHECK(until_us < SCHEDULE_WAIT_FOR_EVENT);
    for (size_t i = 0; i < count; i++)
        courses[i] = (struct course){policies[i].state, now_us + policies[i].epoch_us, now_us};
    while (!more) {
        size_t first = 0;
        for (size_t i = 1; i < count; i++)
            if (courses[i].next_us < courses[first].next_us)
                first = i;
        if (count == 0 || courses[first].next_us > until_us)
            break;
        int64_t at_us = courses[first].next_us;
        struct schedule_decision decision;
        if (!step(&policies[first], &courses[first], &decision))
            continue;
        more = step_count == SIMULATE_STEPS_MAX;
        if (!more)
            steps[step_count++] = (struct simulate_step){first, at_us, decision};
    }
    *ret_steps = steps;
    *ret_count = step_count;
    *ret_more = more;
}
