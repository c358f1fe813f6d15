/* policy_parts.h: what the files that read and print a policy share. Not for other folders. */
#ifndef COEVAL_POLICY_POLICY_PARTS_H
#define COEVAL_POLICY_POLICY_PARTS_H

#include "policy/policy.h"

/* Names of the enums, in their order. */
struct policy_names {
    const char *const *names;
    size_t count;
};
extern const struct policy_names policy_directions, policy_modes, policy_grades,
    policy_skew_actions, policy_adopts, policy_toucheds, policy_hold_actions, policy_overruns,
    policy_misseds;

/* Readers of one member: when it is not there, the result keeps its default. */
bool read_text(const struct node *object, const char *key, struct arena *arena,
               const char **ret_text, struct error *error);
bool read_name(const struct node *object, const char *key, struct arena *arena,
               const char **ret_name, struct error *error);
bool read_duration(const struct node *object, const char *key, int64_t *ret_us,
                   struct error *error);
bool read_choice(const struct node *object, const char *key, const struct policy_names *names,
                 int *ret_index, struct error *error);
bool read_unsigned(const struct node *object, const char *key, uint64_t minimum, uint64_t maximum,
                   uint64_t *ret_value, struct error *error);
/* "required" forms: the member must be there. */
bool require_name(const struct node *object, const char *key, struct arena *arena,
                  const char **ret_name, struct error *error);
/* Where a value was found and how it is wrong: moves the text of a parser's error to the place. */
bool refuse_because(const struct node *node, struct error *error);

bool parse_group(const struct node *node, struct arena *arena, struct group *ret_group,
                 struct error *error);
bool parse_target_map(const struct node *node, struct arena *arena, struct target_map *ret_map,
                      struct error *error);
bool parse_schedule(const struct node *root, struct arena *arena, struct schedule_rule *schedule,
                    struct error *error);

#endif
