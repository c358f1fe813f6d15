/* timestamp.h: UTC instants as text. Pure. All instants are microseconds since 1970, UTC. */
#ifndef COEVAL_BASE_TIMESTAMP_H
#define COEVAL_BASE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define TIMESTAMP_TEXT_SIZE 32

/* 2026-11-21T13:00:00.000000Z (fraction left out when zero). */
void timestamp_format(int64_t time_us, char ret_text[TIMESTAMP_TEXT_SIZE]);
/* 20261121T130000.250Z : ISO 8601 basic with milliseconds, no ':' (HDFS refuses it in names). */
void timestamp_format_basic(int64_t time_us, char ret_text[TIMESTAMP_TEXT_SIZE]);
/* ISO 8601 date and time with zone, as in 2026-11-21T13:00:00Z, 2026-11-21T14:00+01:00; a fraction
 * of up to six digits. Anything else, a missing zone included, is ERROR_INVALID. */
bool timestamp_parse(const char *text, int64_t *ret_time_us, struct error *error);

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t timestamp_days(int64_t year, int month, int day);
void timestamp_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

#endif
