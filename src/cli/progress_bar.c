/* progress_bar.c: see progress_bar.h. */
#include "cli/progress_bar.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/size.h"
#include "cli/human.h"
#include "cli/table.h"

#define BAR_WIDTH_MIN 10
#define BAR_WIDTH_MAX 30
#define BAR_FRAME 2 /* its brackets */
#define PERCENT_WIDTH 4
#define GAP 2                   /* between parts; before the percentage, too */
#define LEFT_SECONDS_MAX 360000 /* a rate that says more than that is none yet */
#define PARTS_MAX 5
#define PART_SIZE 96

/* What a line may hold: what is done, in words and, shorter, in one; how much; and figures. */
struct line {
    const char *label, *short_label; /* safe to print */
    int percent;                     /* -1: nothing is known yet */
    char parts[PARTS_MAX][PART_SIZE];
    size_t count;
    unsigned dispensable[PARTS_MAX]; /* indices: what goes first when there is no room */
};

static int percent_of(int64_t done, int64_t total)
{
    return done >= total ? 100 : done <= 0 ? 0 : (int)((double)done * 100 / (double)total);
}

/* By bytes; by files where there are none; -1: nothing is known yet. */
static int percent_done(const json_t *progress)
{
    static const char *const names[][2] = {{"bytes_done", "bytes_total"},
                                           {"files_done", "files_total"}};
    for (size_t i = 0; i < 2; i++) {
        int64_t total = json_integer_or(progress, names[i][1], 0);
        if (total > 0)
            return percent_of(json_integer_or(progress, names[i][0], 0), total);
    }
    return -1;
}

static void add_part(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_part(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->parts[line->count++], PART_SIZE, format, arguments);
    va_end(arguments);
}

/* ---- fitting ---- */

static size_t width_of(const struct line *line, const char *label, unsigned left_out)
{
    size_t width = table_width(label);
    if (line->percent >= 0)
        width += GAP + PERCENT_WIDTH;
    for (size_t i = 0; i < line->count; i++)
        if ((left_out >> i & 1) == 0)
            width += GAP + table_width(line->parts[i]);
    return width;
}

static void append_bar(struct buffer *text, size_t width, int percent)
{
    char bar[BAR_WIDTH_MAX + 1];
    size_t full = width * (size_t)percent / 100;
    memset(bar, ' ', width);
    memset(bar, '=', full);
    if (full < width)
        bar[full] = '>';
    buffer_append_format(text, "  [%.*s]", (int)width, bar);
}

static void append(struct buffer *text, const struct line *line, const char *label,
                   unsigned left_out, size_t room)
{
    buffer_append_text(text, label);
    if (line->percent >= 0 && room >= GAP + BAR_FRAME + BAR_WIDTH_MIN) {
        size_t width = room - GAP - BAR_FRAME;
        append_bar(text, width > BAR_WIDTH_MAX ? BAR_WIDTH_MAX : width, line->percent);
    }
    if (line->percent >= 0)
        buffer_append_format(text, "  %d%%", line->percent);
    for (size_t i = 0; i < line->count; i++)
        if ((left_out >> i & 1) == 0)
            buffer_append_format(text, "  %s", line->parts[i]);
}

/* The figures are worth more than the long label, and that more than the bar's drawing. */
static void print_line(const struct line *line, size_t width, struct buffer *text)
{
    unsigned left_out = 0;
    for (size_t dropped = 0;; dropped++) {
        const char *const labels[] = {line->label, line->short_label};
        for (size_t i = 0; i < 2; i++) {
            size_t used = width_of(line, labels[i], left_out);
            if (used <= width) {
                append(text, line, labels[i], left_out, width - used);
                return;
            }
        }
        if (dropped == line->count)
            break;
        left_out |= 1u << line->dispensable[dropped];
    }
    buffer_append_text(text, line->label); /* is always said */
}

/* ---- an epoch ---- */

static void add_amounts(struct line *line, const json_t *progress)
{
    char clock[HUMAN_TEXT_SIZE];
    int64_t bytes_total = json_integer_or(progress, "bytes_total", 0);
    int64_t files_total = json_integer_or(progress, "files_total", 0);
    int64_t rate = json_integer_or(progress, "bytes_per_second", 0);
    int64_t left = json_integer_or(progress, "seconds_left", -1);
    unsigned files = 0, rates = 0, lefts = 0, bytes = 0, next = 0;
    if (bytes_total > 0) {
        uint64_t bytes_done = (uint64_t)json_integer_or(progress, "bytes_done", 0);
        bytes = (unsigned)line->count;
        add_part(line, "%s/%s", size_text(bytes_done).text, size_text((uint64_t)bytes_total).text);
    }
    if (files_total > 0) {
        files = (unsigned)line->count;
        add_part(line, "%" PRId64 "/%" PRId64 " files", json_integer_or(progress, "files_done", 0),
                 files_total);
        line->dispensable[next++] = files;
    }
    if (rate > 0) {
        rates = (unsigned)line->count;
        add_part(line, "%s/s", size_text((uint64_t)rate).text);
        line->dispensable[next++] = rates;
    }
    if (left >= 0 && left < LEFT_SECONDS_MAX) {
        human_clock(left, clock);
        lefts = (unsigned)line->count;
        add_part(line, "%s left", clock);
        line->dispensable[next++] = lefts;
    }
    if (bytes_total > 0)
        line->dispensable[next++] = bytes;
}

void progress_bar_print(const json_t *epoch, size_t width, struct buffer *text)
{
    const json_t *progress = json_object_get(epoch, "progress");
    const char *phase = json_string_or(progress, "phase", "");
    const char *state = json_string_or(epoch, "state", "");
    struct buffer label, short_label;
    buffer_init(&label, 0);
    buffer_init(&short_label, 0);
    table_print_safe(&label, state);
    table_print_safe(&short_label, phase[0] == '\0' ? state : phase);
    if (phase[0] != '\0' && strcmp(phase, state) != 0)
        buffer_append_format(&label, " (%s)", buffer_text(&short_label));
    struct line line = {.label = buffer_text(&label),
                        .short_label = buffer_text(&short_label),
                        .percent = percent_done(progress)};
    add_amounts(&line, progress);
    print_line(&line, width, text);
    buffer_fini(&label);
    buffer_fini(&short_label);
}

/* ---- an operation ---- */

void progress_bar_print_operation(const json_t *operation, size_t width, struct buffer *text)
{
    const char *service = json_string_or(operation, "service", "");
    const char *doing = json_string_or(operation, "doing", "");
    int64_t done = json_integer_or(operation, "done", 0);
    int64_t total = json_integer_or(operation, "total", 0);
    struct buffer label, short_label;
    buffer_init(&label, 0);
    buffer_init(&short_label, 0);
    table_print_safe(&short_label, json_string_or(operation, "kind", ""));
    buffer_append_text(&label, buffer_text(&short_label));
    if (service[0] != '\0') {
        buffer_append_byte(&label, ' ');
        table_print_safe(&label, service);
    }
    if (doing[0] != '\0') {
        buffer_append_text(&label, ": ");
        table_print_safe(&label, doing);
    }
    struct line line = {.label = buffer_text(&label),
                        .short_label = buffer_text(&short_label),
                        .percent = total > 0 ? percent_of(done, total) : -1};
    if (json_integer_or(operation, "bytes_total", 0) > 0)
        line.percent = percent_done(operation);
    if (total > 0)
        add_part(&line, "%" PRId64 "/%" PRId64 " %s", done, total,
                 json_string_or(operation, "unit", ""));
    add_amounts(&line, operation);
    print_line(&line, width, text);
    buffer_fini(&label);
    buffer_fini(&short_label);
}
