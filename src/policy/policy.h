/* policy.h: everything that protects one service: what, when, how, and within which limits. Pure.
 * Written as YAML or JSON (doc/policy.md is the reference for users); kept as canonical JSON.
 *
 * key                  default            meaning
 * apiVersion, kind     (required)         coeval/v1, Policy
 * name                 (required)         of the service
 * pair                 (required)         {name, primary, secondary}: names of pair and clusters
 * group                (required)         group.h; default_excludes: true
 * t0                   now; cron: next    first moment: ISO 8601 with zone, now, or next
 * period               (required)         ISO 8601 duration, {cron, zone: UTC}, or none
 * direction            pull               pull (agent of the secondary copies) or push
 * mode                 incremental        incremental or full
 * executors            1                  tasks at once, 1 to 64
 * consistency          bounded            least grade: atomic, quiesced, bounded, fuzzy
 * max_skew             PT5S, retry        {limit, action: fail, retry, accept}
 * max_removed          20%                percent of the base, or a number of entries
 * adopt                empty              target that has data before the first: empty, compare
 * touched              refuse             target that others changed: refuse, restore
 * sweep                24                 comparison of the listings: every, off, every n-th
 * scrub                P7D                how often the newest seal is read again: PT1H on, off
 * hold_max             P14D, none, keep   {age, bytes, action: release, keep}
 * retention.source     last 2             {last, age}
 * retention.target     last 7             {last, age}
 * limits               none               {bytes_per_second, operations_per_second}
 * target_map           []                 target_map.h
 * hooks                none               {before, after}: {command: [argv], timeout: PT5S}
 * overrun              skip               skip, coalesce
 * missed               run-once           run-once, skip
 * lead_time            PT10S, half period preparation before T (the lesser of the two)
 * grace                PT30S, half period how late after T a slot may still begin
 * barrier_wait         PT10S              how long writers may keep the moment waiting
 * retries              2                  new attempts of one slot
 */
#ifndef COEVAL_POLICY_POLICY_H
#define COEVAL_POLICY_POLICY_H

#include "base/document.h"
#include "base/grade.h"
#include "policy/group.h"
#include "policy/hold.h"
#include "policy/retention.h"
#include "policy/schedule.h"
#include "policy/target_map.h"

#define POLICY_EXECUTORS_MAX 64
#define POLICY_ARGUMENTS_MAX 64
#define POLICY_RETRIES_MAX 100
#define POLICY_SCRUB_US_MIN ((int64_t)3600 * 1000000)
/* A percentage is not applied to removals of so few entries: a small tree would always trip it. */
#define POLICY_REMOVED_FLOOR 100

enum policy_direction { POLICY_PULL, POLICY_PUSH };
enum policy_mode { POLICY_INCREMENTAL, POLICY_FULL };
enum policy_skew_action { POLICY_SKEW_FAIL, POLICY_SKEW_RETRY, POLICY_SKEW_ACCEPT };
enum policy_adopt { POLICY_ADOPT_EMPTY, POLICY_ADOPT_COMPARE };
enum policy_touched { POLICY_TOUCHED_REFUSE, POLICY_TOUCHED_RESTORE };

const char *policy_direction_name(enum policy_direction direction); /* "pull" */
const char *policy_mode_name(enum policy_mode mode);

struct policy_hook {
    const char **arguments; /* NULL-terminated argv; arguments[0] is an absolute path */
    size_t argument_count;  /* 0: no hook */
    int64_t timeout_us;
};

struct policy {
    struct arena arena; /* holds every string and array below */
    const char *name;
    struct {
        const char *name, *primary, *secondary;
    } pair;
    struct group group;
    struct schedule_rule schedule;
    enum policy_direction direction;
    enum policy_mode mode;
    unsigned executors;
    enum grade consistency;
    struct {
        int64_t limit_us;
        enum policy_skew_action action;
    } max_skew;
    struct {
        bool is_percent;
        uint64_t value;
    } max_removed;
    enum policy_adopt adopt;
    enum policy_touched touched;
    unsigned sweep;   /* every n-th epoch; 0: off */
    int64_t scrub_us; /* the newest seal is read again so often; 0: off */
    struct policy_hold hold_max;
    struct {
        struct retention_rule source, target;
    } retention;
    struct {
        uint64_t bytes_per_second;      /* 0: no limit */
        uint64_t operations_per_second; /* 0: no limit */
    } limits;
    struct target_map target_map;
    struct {
        struct policy_hook before, after;
    } hooks;
    int64_t barrier_wait_us;
    unsigned retries;
};

/* Strict: unknown keys, wrong types and bad values are refused where they stand, and so is what
 * policy_check() finds. policy_fini() the result. schedule.zone stays NULL: the caller reads the
 * zone of schedule.zone_name (zoneinfo.h, zone_parse()) and sets it. */
bool policy_parse(const struct document *document, struct policy *ret_policy, struct error *error);
void policy_fini(struct policy *policy);
/* All keys, defaults written out, one form for each value. json_decref() the result. */
json_t *policy_to_json(const struct policy *policy);
/* Contradictions between keys, each with its remedy. */
bool policy_check(const struct policy *policy, struct error *error);
/* The shrink guard: does a plan that removes `removed` of `existing` entries wait for the operator?
 */
bool policy_removes_too_much(const struct policy *policy, uint64_t removed, uint64_t existing);

#endif
