/* human.h: numbers as people read them. Pure. */
#ifndef COEVAL_CLI_HUMAN_H
#define COEVAL_CLI_HUMAN_H

#include <stdbool.h>
#include <stdint.h>

#define HUMAN_TEXT_SIZE 40

/* "0.006 ms", "1.2 ms", "12 ms", "1.25 s" */
void human_skew(int64_t time_us, char ret_text[HUMAN_TEXT_SIZE]);
/* The two largest units: "12s", "3m 5s", "2h 4m", "3d 6h". */
void human_age(int64_t seconds, char ret_text[HUMAN_TEXT_SIZE]);
/* "0:42", "12:05", "3:07:00" */
void human_clock(int64_t seconds, char ret_text[HUMAN_TEXT_SIZE]);
/* "2026-11-21T13:00:00.250001Z" without what is behind the milliseconds; other text as it is. */
void human_instant(const char *timestamp, char ret_text[HUMAN_TEXT_SIZE]);
/* Digits and nothing else, below 10^18. */
bool human_parse_count(const char *text, uint64_t *ret_number);
/* "PT1H30M", or with one unit as in "90m", "36h", "7d", "45s". False: neither. */
bool human_parse_duration(const char *text, int64_t *ret_seconds);

#endif
