/* log.c: one write(2) a line, so lines of several threads never mix. */
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/timestamp.h"

static const char *const level_names[] = {
#define X(name) #name,
    LOG_LEVELS(X)
#undef X
};
static const char *const group_names[] = {
#define X(name) #name,
    LOG_GROUPS(X)
#undef X
};

static atomic_int max_level = LOG_LEVEL_INFO;
static atomic_bool as_json;
static atomic_ullong dropped;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

void log_set_json(bool json)
{
    atomic_store(&as_json, json);
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LENGTH(level_names); i++)
        if (strcasecmp(level_names[i], name) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    return false;
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped);
}

/* Lower case into a fixed field; names are short constants. */
static const char *lower(const char *name, char *text, size_t size)
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < size; i++)
        text[i] = (char)tolower((unsigned char)name[i]);
    text[i] = '\0';
    return text;
}

static void emit(const char *line, size_t size)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1 || write(STDERR_FILENO, line, size) != (ssize_t)size)
        atomic_fetch_add(&dropped, 1);
}

static void emit_json(const char *time, const char *level, const char *group, const char *event,
                      const char *fields)
{
    json_t *object = json_object();
    json_set_string(object, "time", time);
    json_set_string(object, "level", level);
    json_set_string(object, "group", group);
    json_set_string(object, "event", event);
    json_set_string(object, "fields", fields);
    char *text = json_dumps(object, JSON_COMPACT);
    if (text != NULL) {
        size_t size = strlen(text);
        text[size] = '\n'; /* the terminator's place; the size says where it ends */
        emit(text, size + 1);
    } else {
        atomic_fetch_add(&dropped, 1);
    }
    free(text);
    json_decref(object);
}

void log_write(enum log_level level, enum log_group group, const char *event, const char *format,
               ...)
{
    if ((int)level > atomic_load(&max_level))
        return;
    char time[TIMESTAMP_TEXT_SIZE], level_text[16], group_text[16], fields[1024], line[1280];
    timestamp_format(clock_realtime_us(), time);
    lower(level_names[level], level_text, sizeof level_text);
    lower(group_names[group], group_text, sizeof group_text);
    va_list args;
    va_start(args, format);
    vsnprintf(fields, sizeof fields, format, args);
    va_end(args);
    for (char *p = fields; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' '; /* one line each, and never longer than what a pipe takes at once */
    if (atomic_load(&as_json)) {
        emit_json(time, level_text, group_text, event, fields);
        return;
    }
    int size = snprintf(line, sizeof line, "%s %s %s %s %s\n", time, level_text, group_text, event,
                        fields);
    emit(line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}
