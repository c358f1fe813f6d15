/* metrics.c: see metrics.h. Each metric is printed whole, with a sample for each service. */
#include "admin/metrics.h"

#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/timestamp.h"

enum metric {
#define X(name, text, type, help) METRIC_##name,
    METRICS(X)
#undef X
};

static const struct {
    const char *name, *type, *help;
} metrics[] = {
#define X(name, text, type, help) {text, type, help},
    METRICS(X)
#undef X
};

static const char *const states[] = {"idle",   "running", "waiting", "stuck",
                                     "paused", "fenced",  "broken"};

/* ---- lines ---- */

static void head(struct buffer *text, enum metric metric)
{
    buffer_append_format(text, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name,
                         metrics[metric].help, metrics[metric].name, metrics[metric].type);
}

static void label(struct buffer *text, const char *name, const char *value)
{
    buffer_append_format(text, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            buffer_append_text(text, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\')
            buffer_append_byte(text, '\\');
        buffer_append_byte(text, (uint8_t)*value);
    }
    buffer_append_byte(text, '"');
}

/* Seconds and rates, exact to the microsecond and free of the locale's comma. */
static void number(struct buffer *text, double value)
{
    bool negative = value < 0;
    uint64_t millionths = (uint64_t)((negative ? -value : value) * 1e6 + 0.5);
    buffer_append_format(text, "%s%llu", negative ? "-" : "",
                         (unsigned long long)(millionths / 1000000));
    if (millionths % 1000000 != 0)
        buffer_append_format(text, ".%06llu", (unsigned long long)(millionths % 1000000));
}

static void sample(struct buffer *text, enum metric metric, const char *label_name,
                   const char *label_value, double value)
{
    buffer_append_text(text, metrics[metric].name);
    if (label_name != NULL) {
        buffer_append_byte(text, '{');
        label(text, label_name, label_value);
        buffer_append_byte(text, '}');
    }
    buffer_append_byte(text, ' ');
    number(text, value);
    buffer_append_byte(text, '\n');
}

static void single(struct buffer *text, enum metric metric, double value)
{
    head(text, metric);
    sample(text, metric, NULL, NULL, value);
}

/* ---- what a service's member says ---- */

static bool instant_of(const json_t *value, double scale, double *ret)
{
    struct error error;
    int64_t time_us;
    (void)scale;
    if (!json_is_string(value) || !timestamp_parse(json_string_value(value), &time_us, &error))
        return false;
    *ret = (double)time_us / 1e6;
    return true;
}

static bool number_of(const json_t *value, double scale, double *ret)
{
    if (!json_is_number(value))
        return false;
    *ret = json_number_value(value) * scale;
    return true;
}

/* Where a value lies: in the service, or one or two objects deeper. */
static const struct service_metric {
    enum metric metric;
    const char *object, *inner, *key;
    bool (*read)(const json_t *value, double scale, double *ret);
    double scale;
} service_metrics[] = {
    {METRIC_LAST_SEALED, "last_sealed", NULL, "t", instant_of, 1},
    {METRIC_LAST_SEALED_AGE, NULL, NULL, "age_seconds", number_of, 1},
    {METRIC_LAST_SEALED_NUMBER, "last_sealed", NULL, "number", number_of, 1},
    {METRIC_LAST_DURATION, "last_sealed", NULL, "seconds", number_of, 1},
    {METRIC_LAST_SKEW, "last_sealed", NULL, "skew_us", number_of, 1e-6},
    {METRIC_LAST_BYTES, "last_sealed", NULL, "bytes", number_of, 1},
    {METRIC_LAST_FILES, "last_sealed", NULL, "files", number_of, 1},
    {METRIC_LAST_REMOVED, "last_sealed", NULL, "entries_removed", number_of, 1},
    {METRIC_PINNED, NULL, NULL, "base_pinned_bytes", number_of, 1},
    {METRIC_NEXT, NULL, NULL, "next", instant_of, 1},
    {METRIC_RUNNING_DONE, "running", "progress", "bytes_done", number_of, 1},
    {METRIC_RUNNING_TOTAL, "running", "progress", "bytes_total", number_of, 1},
    {METRIC_RUNNING_RATE, "running", "progress", "bytes_per_second", number_of, 1},
};

static void print_of_services(struct buffer *text, const json_t *services,
                              const struct service_metric *metric)
{
    size_t index;
    json_t *service;
    head(text, metric->metric);
    json_array_foreach(services, index, service) {
        const json_t *object = service;
        double value;
        if (metric->object != NULL)
            object = json_object_get(object, metric->object);
        if (metric->inner != NULL)
            object = json_object_get(object, metric->inner);
        if (metric->read(json_object_get(object, metric->key), metric->scale, &value))
            sample(text, metric->metric, "service", json_string_or(service, "name", ""), value);
    }
}

static void pair_of_labels(struct buffer *text, enum metric metric, const json_t *service,
                           const char *name, const char *value, double amount)
{
    buffer_append_format(text, "%s{", metrics[metric].name);
    label(text, "service", json_string_or(service, "name", ""));
    buffer_append_byte(text, ',');
    label(text, name, value);
    buffer_append_text(text, "} ");
    number(text, amount);
    buffer_append_byte(text, '\n');
}

static void print_states(struct buffer *text, const json_t *services)
{
    size_t index;
    json_t *service;
    head(text, METRIC_STATE);
    json_array_foreach(services, index, service)
        for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
            pair_of_labels(text, METRIC_STATE, service, "state", states[i],
                           strcmp(json_string_or(service, "state", ""), states[i]) == 0);
}

static void print_passed(struct buffer *text, const json_t *services)
{
    static const char *const reasons[] = {"missed", "overrun", "coalesced"};
    size_t index;
    json_t *service;
    head(text, METRIC_PASSED);
    json_array_foreach(services, index, service)
        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
            pair_of_labels(
                text, METRIC_PASSED, service, "reason", reasons[i],
                (double)json_integer_or(json_object_get(service, "passed"), reasons[i], 0));
}

static void print_device(struct buffer *text, const json_t *status, size_t operations)
{
    size_t index;
    json_t *cluster;
    head(text, METRIC_AGENT_REACHABLE);
    json_array_foreach(json_object_get(status, "clusters"), index, cluster)
        sample(text, METRIC_AGENT_REACHABLE, "cluster", json_string_or(cluster, "name", ""),
               json_boolean_or(cluster, "agent_reachable", false));
    single(text, METRIC_CLOCK_ERROR, (double)json_integer_or(status, "clock_error_us", 0) / 1e6);
    single(text, METRIC_CLOCK_SYNCHRONISED, json_boolean_or(status, "clock_synchronised", false));
    single(text, METRIC_EVENTS, (double)json_integer_or(status, "last_event", 0));
    single(text, METRIC_OPERATIONS, (double)operations);
    single(text, METRIC_LOG_DROPPED, (double)log_dropped());
}

void metrics_print(const json_t *status, size_t operations, struct buffer *text)
{
    const json_t *services = json_object_get(status, "services");
    head(text, METRIC_BUILD_INFO);
    sample(text, METRIC_BUILD_INFO, "version", COEVAL_VERSION, 1);
    for (size_t i = 0; i < sizeof service_metrics / sizeof service_metrics[0]; i++)
        print_of_services(text, services, &service_metrics[i]);
    print_states(text, services);
    print_passed(text, services);
    print_device(text, status, operations);
}
