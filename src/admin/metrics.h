/* metrics.h: a device's status in the text format of Prometheus (0.0.4). Pure: made from what
 * control_status() says, so /metrics and `coeval status` cannot disagree. */
#ifndef COEVAL_ADMIN_METRICS_H
#define COEVAL_ADMIN_METRICS_H

#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Name, type, help. doc/metrics.md says the same with more words; a test compares them. */
#define METRICS(X)                                                                               \
    X(BUILD_INFO, "coeval_build_info", "gauge", "1, with the version of the device.")            \
    X(LAST_SEALED, "coeval_last_sealed_timestamp_seconds", "gauge",                              \
      "T of the newest sealed epoch of a service.")                                              \
    X(LAST_SEALED_AGE, "coeval_last_sealed_age_seconds", "gauge",                                \
      "How long ago that T was: what a disaster now would lose.")                                \
    X(LAST_SEALED_NUMBER, "coeval_last_sealed_epoch", "gauge", "Number of that epoch.")          \
    X(LAST_DURATION, "coeval_last_epoch_duration_seconds", "gauge",                              \
      "From T to the seal, of that epoch.")                                                      \
    X(LAST_SKEW, "coeval_last_epoch_skew_seconds", "gauge",                                      \
      "How far apart its data sets were frozen.")                                                \
    X(LAST_BYTES, "coeval_last_epoch_bytes", "gauge", "Bytes that it moved.")                    \
    X(LAST_FILES, "coeval_last_epoch_files", "gauge", "Files that it moved.")                    \
    X(LAST_REMOVED, "coeval_last_epoch_entries_removed", "gauge",                                \
      "Entries that it removed on the secondary.")                                               \
    X(PINNED, "coeval_base_pinned_bytes", "gauge",                                               \
      "Bytes that the base keeps from being freed on the primary, as last measured.")            \
    X(NEXT, "coeval_next_epoch_timestamp_seconds", "gauge", "When the next epoch is due.")       \
    X(STATE, "coeval_service_state", "gauge",                                                    \
      "1 for the state that a service is in, 0 for the others.")                                 \
    X(PASSED, "coeval_moments_passed_over_total", "counter",                                     \
      "Moments that were not run, by reason.")                                                   \
    X(RUNNING_DONE, "coeval_running_epoch_done_bytes", "gauge",                                  \
      "Bytes that the running epoch has moved.")                                                 \
    X(RUNNING_TOTAL, "coeval_running_epoch_total_bytes", "gauge", "Bytes that it will move.")    \
    X(RUNNING_RATE, "coeval_running_epoch_bytes_per_second", "gauge", "How fast it moves them.") \
    X(AGENT_REACHABLE, "coeval_agent_reachable", "gauge",                                        \
      "1 when the agent of a cluster answered last.")                                            \
    X(CLOCK_ERROR, "coeval_clock_error_seconds", "gauge",                                        \
      "Estimated error of the device's clock.")                                                  \
    X(CLOCK_SYNCHRONISED, "coeval_clock_synchronised", "gauge",                                  \
      "1 when a time service disciplines it.")                                                   \
    X(EVENTS, "coeval_events_total", "counter", "Events told since the journal was made.")       \
    X(OPERATIONS, "coeval_operations_running", "gauge",                                          \
      "Checks, verifications and recoveries under way.")                                         \
    X(LOG_DROPPED, "coeval_log_dropped_total", "counter",                                        \
      "Log lines lost because nobody read them.")

void metrics_print(const json_t *status, size_t operations, struct buffer *text);

#endif
