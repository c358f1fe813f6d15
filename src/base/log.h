/* log.h: lines "time level group event key=value ..." to stderr, from any thread. Leaf modules do
 * not log failures, they return them; engine, tasks, daemon and admin log. Never secrets, never
 * payloads. A reader that does not read (a full pipe) costs lines, never time: they are dropped and
 * counted. */
#ifndef COEVAL_BASE_LOG_H
#define COEVAL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_GROUPS(X) \
    X(BASE) X(LOOP) X(HTTP) X(JOURNAL) X(AGENT) X(COMPONENT) X(CONTROL) X(ADMIN) X(DAEMON)
#define LOG_LEVELS(X) X(ERROR) X(WARNING) X(NOTICE) X(INFO) X(DEBUG)

enum log_group {
#define X(name) LOG_##name,
    LOG_GROUPS(X)
#undef X
};

/* error: the operator must act; warning: we go on, and say how; notice: epoch and role changes;
 * info: instructions; debug: every edge. */
enum log_level {
#define X(name) LOG_LEVEL_##name,
    LOG_LEVELS(X)
#undef X
};

void log_set_level(enum log_level level);
void log_set_json(bool json); /* one JSON object a line instead of logfmt */
bool log_level_from_name(const char *name, enum log_level *ret_level);
uint64_t log_dropped(void);

void log_write(enum log_level level, enum log_group group, const char *event, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

#define log_error(group, event, ...) log_write(LOG_LEVEL_ERROR, group, event, __VA_ARGS__)
#define log_warning(group, event, ...) log_write(LOG_LEVEL_WARNING, group, event, __VA_ARGS__)
#define log_notice(group, event, ...) log_write(LOG_LEVEL_NOTICE, group, event, __VA_ARGS__)
#define log_info(group, event, ...) log_write(LOG_LEVEL_INFO, group, event, __VA_ARGS__)
#define log_debug(group, event, ...) log_write(LOG_LEVEL_DEBUG, group, event, __VA_ARGS__)

#endif
