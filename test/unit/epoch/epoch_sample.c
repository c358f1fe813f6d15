/* epoch_sample.c: see epoch_sample.h. */
#include "epoch_sample.h"

#include <stdio.h>

#include "base/json.h"

void epoch_sample(struct epoch *ret_epoch)
{
    struct epoch *e = ret_epoch;
    epoch_init(e);
    snprintf(e->pair, sizeof e->pair, "11112222-3333-4444-8555-666677778888");
    snprintf(e->service, sizeof e->service, "aaaabbbb-cccc-4ddd-8eee-ffff00001111");
    snprintf(e->service_name, sizeof e->service_name, "bills");
    e->generation = 3;
    e->number = 42;
    e->attempt = 2;
    e->state = EPOCH_RECEIVING;
    e->slot_us = SAMPLE_T_US - 7;
    e->t_us = SAMPLE_T_US;
    e->mode = EPOCH_MODE_INCREMENTAL;
    e->direction = EPOCH_PUSH;
    e->base = (struct epoch_base){.generation = 2,
                                  .number = 41,
                                  .attempt = 1,
                                  .snapshot_a = "coeval.base.a",
                                  .snapshot_b = "coeval.base.b"};
    e->group_revision = 9;
    e->limits = (struct epoch_limits){.lead_us = 1,
                                      .margin_us = 2,
                                      .grace_us = 3,
                                      .answer_us = 4,
                                      .backoff_us = 5,
                                      .backoff_max_us = 6,
                                      .tries_max = 7,
                                      .attempts_max = 8,
                                      .consistency = GRADE_BOUNDED,
                                      .max_skew_us = 10,
                                      .on_skew = EPOCH_SKEW_ACCEPT,
                                      .adopt_compare = true};
    e->settings = json_pack("{s:{s:s}}", "group", "include", "posix:/bills");
    e->members = json_pack("[{s:s}]", "id", "posix:/bills");
    e->moment = json_pack("{s:s, s:i}", "grade", "quiesced", "skew_us", 12);
    e->transfer = json_pack("{s:i}", "files", 5);
    e->commit = json_pack("{s:{s:i}}", "seal", "number", 42);
    e->history = json_pack("[{s:i, s:s}]", "attempt", 1, "t_us", "1763720000000000");
    e->grade = GRADE_QUIESCED;
    e->skew_us = 12;
    error_set(&e->cause, ERROR_CONFLICT, "the target was touched");
    e->missed = true;
    e->question = EPOCH_QUESTION_TOUCHED;
    e->asked = json_pack("[{s:s, s:s}]", "id", "m1", "data_set", "posix:/bills");
    e->approvals = json_pack("[{s:s, s:[s]}]", "question", "adopt", "members", "m2");
    e->approved = 1u << EPOCH_QUESTION_SHRINK;
    e->base_lost = e->side_a_lost = e->forward = e->settled = e->retiring = true;
    e->instructions[EPOCH_INSTRUCTION_TRANSFER][EPOCH_SIDE_A] = (struct epoch_instruction){
        .status = EPOCH_INSTRUCTION_RETRY, .try = 3, .failures = 2, .retry_at_us = 77};
    e->instructions[EPOCH_INSTRUCTION_RETIRE][EPOCH_SIDE_B].status = EPOCH_INSTRUCTION_FORGOTTEN;
    e->entered_us[EPOCH_PLANNED] = 1;
    e->entered_us[EPOCH_STUCK] = 2;
}
