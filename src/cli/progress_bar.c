/* progress_bar.c: see progress_bar.h. */
#include "cli/progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/human.h"
#include "cli/table.h"

#define BAR_WIDTH_MIN 10
#define BAR_WIDTH_MAX 30
#define BAR_FRAME 9 /* brackets, blanks, percentage */

/* By bytes; by files where there are none; -1: nothing is known yet. */
static int percent_done(const json_t *progress)
{
    static const char *const names[][2] = {{"bytes_done", "bytes_total"},
                                           {"files_done", "files_total"}};
    for (size_t i = 0; i < 2; i++) {
        int64_t done = json_integer_or(progress, names[i][0], 0);
        int64_t total = json_integer_or(progress, names[i][1], 0);
        if (total > 0 && done >= 0)
            return done >= total ? 100 : (int)((double)done * 100 / (double)total);
    }
    return -1;
}

/* A part of the line is left out when it would not fit any more. */
static void append_part(struct buffer *text, size_t width, const char *part)
{
    if (table_width(buffer_text(text)) + 2 + strlen(part) <= width) {
        buffer_append_text(text, "  ");
        buffer_append_text(text, part);
    }
}

static void append_amounts(struct buffer *text, size_t width, const json_t *progress)
{
    char part[128], done[HUMAN_TEXT_SIZE], total[HUMAN_TEXT_SIZE];
    int64_t files_total = json_integer_or(progress, "files_total", 0);
    int64_t rate = json_integer_or(progress, "bytes_per_second", 0);
    int64_t left = json_integer_or(progress, "seconds_left", -1);
    human_size((uint64_t)json_integer_or(progress, "bytes_done", 0), done);
    human_size((uint64_t)json_integer_or(progress, "bytes_total", 0), total);
    snprintf(part, sizeof part, "%s/%s", done, total);
    append_part(text, width, part);
    snprintf(part, sizeof part, "%" PRId64 "/%" PRId64 " files",
             json_integer_or(progress, "files_done", 0), files_total);
    append_part(text, width, part);
    if (rate > 0) {
        human_size((uint64_t)rate, done);
        snprintf(part, sizeof part, "%s/s", done);
        append_part(text, width, part);
    }
    if (left >= 0) {
        human_clock(left, done);
        snprintf(part, sizeof part, "%s left", done);
        append_part(text, width, part);
    }
}

static void append_bar(struct buffer *text, size_t width, int percent)
{
    char bar[BAR_WIDTH_MAX + 1];
    size_t full = width * (size_t)percent / 100;
    memset(bar, ' ', width);
    memset(bar, '=', full);
    if (full < width)
        bar[full] = '>';
    buffer_append_format(text, "  [%.*s] %3d%%", (int)width, bar, percent);
}

static void append_state(struct buffer *text, const json_t *epoch, const json_t *progress)
{
    const char *phase = json_string_or(progress, "phase", "");
    const char *state = json_string_or(epoch, "state", "");
    table_print_safe(text, state);
    if (phase[0] != '\0' && strcmp(phase, state) != 0) {
        buffer_append_text(text, " (");
        table_print_safe(text, phase);
        buffer_append_byte(text, ')');
    }
}

void progress_bar_print(const json_t *epoch, size_t width, struct buffer *text)
{
    const json_t *progress = json_object_get(epoch, "progress");
    int percent = percent_done(progress);
    struct buffer line, amounts;
    buffer_init(&line, 0);
    buffer_init(&amounts, 0);
    append_state(&line, epoch, progress);
    size_t used = table_width(buffer_text(&line)) + BAR_FRAME + BAR_WIDTH_MIN;
    if (percent >= 0 && used <= width) {
        append_amounts(&amounts, width - used, progress);
        size_t room = width - used - amounts.size + BAR_WIDTH_MIN;
        append_bar(&line, room > BAR_WIDTH_MAX ? BAR_WIDTH_MAX : room, percent);
    }
    buffer_append_text(text, buffer_text(&line));
    buffer_append_text(text, buffer_text(&amounts));
    buffer_fini(&line);
    buffer_fini(&amounts);
}
