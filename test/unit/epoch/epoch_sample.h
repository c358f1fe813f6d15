/* epoch_sample.h: an epoch for tests, with every field different from its default. */
#ifndef COEVAL_TEST_UNIT_EPOCH_EPOCH_SAMPLE_H
#define COEVAL_TEST_UNIT_EPOCH_EPOCH_SAMPLE_H

#include "epoch/epoch.h"

#define SAMPLE_T_US INT64_C(1763730000250000) /* 2025-11-21T13:00:00.250Z */

void epoch_sample(struct epoch *ret_epoch); /* fini it */

#endif
