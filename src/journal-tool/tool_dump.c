/* tool_dump.c: the commands dump and tail. */
#include "journal-tool/journal_tool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define TAIL_DEFAULT 10u
#define FOLLOW_LOOK_MS 5000 /* at the latest, should a notification be missing */
/* LMDB shows a transaction to readers just after the write that we are notified of. */
#define FOLLOW_SETTLE_MS 20

struct dump {
    const struct tool *tool;
    uint64_t left; /* UINT64_MAX: all */
    uint64_t last; /* newest record seen, shown or not */
};

static bool show(void *context, const struct journal_record *record, struct error *error)
{
    struct dump *dump = context;
    dump->last = record->sequence;
    if (dump->tool->type != 0 && record->type != dump->tool->type)
        return true;
    tool_print_record(dump->tool, record);
    if (!tool_output_is_open(error))
        return false;
    return --dump->left > 0 || error_set(error, ERROR_CANCELED, "enough");
}

/* Records behind dump->last. A limit that is reached is no failure. */
static bool show_records(struct dump *dump, struct error *error)
{
    bool read = journal_reader_records(dump->tool->reader, dump->last, SIZE_MAX, show, dump, error);
    return read || error->code == ERROR_CANCELED;
}

enum tool_exit tool_dump(struct tool *tool)
{
    struct error error = ERROR_NONE;
    struct dump dump = {
        .tool = tool, .left = tool->limit == 0 ? UINT64_MAX : tool->limit, .last = tool->after};
    return show_records(&dump, &error) ? TOOL_OK : tool_fail(&error);
}

/* The sequences of the last `size` matching records. */
struct ring {
    const struct tool *tool;
    uint64_t *sequences;
    uint64_t size, count;
};

static bool remember(void *context, const struct journal_record *record, struct error *error)
{
    struct ring *ring = context;
    (void)error;
    if (ring->tool->type == 0 || record->type == ring->tool->type)
        ring->sequences[ring->count++ % ring->size] = record->sequence;
    return true;
}

/* The sequence before the first record to show. Damage is told when the records are shown. */
static uint64_t tail_start(const struct tool *tool, uint64_t limit)
{
    uint64_t last = journal_reader_last(tool->reader);
    if (tool->type == 0 && last > 0)
        return last > limit ? last - limit : 0;
    struct error error = ERROR_NONE;
    struct ring ring = {.tool = tool, .size = limit};
    ring.sequences = memory_new(limit * sizeof ring.sequences[0]);
    journal_reader_records(tool->reader, 0, SIZE_MAX, remember, &ring, &error);
    uint64_t first = ring.count == 0      ? 1
                     : ring.count < limit ? ring.sequences[0]
                                          : ring.sequences[ring.count % limit];
    free(ring.sequences);
    return first - 1;
}

/* False: nobody reads the output any more. *timeout_ms is for this wait, and then for the next. */
static bool wait_for_change(int notify, int *timeout_ms)
{
    char events[4096];
    struct pollfd fds[] = {{.fd = STDOUT_FILENO}, {.fd = notify, .events = POLLIN}};
    if (poll(fds, 2, *timeout_ms) < 0 && errno != EINTR)
        return false;
    if ((fds[0].revents & (POLLERR | POLLHUP)) != 0)
        return false;
    bool changed = (fds[1].revents & POLLIN) != 0;
    if (changed && read(notify, events, sizeof events) < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    *timeout_ms = changed ? FOLLOW_SETTLE_MS : FOLLOW_LOOK_MS;
    return true;
}

static bool watch_data(const struct tool *tool, int notify)
{
    struct buffer path;
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/data.mdb", tool->directory);
    bool watched =
        notify >= 0 && inotify_add_watch(notify, buffer_text(&path), IN_MODIFY | IN_ATTRIB) >= 0;
    buffer_fini(&path);
    return watched;
}

static bool follow(struct dump *dump, int notify, struct error *error)
{
    const struct stat *before = &dump->tool->file;
    struct stat now;
    int timeout_ms = FOLLOW_LOOK_MS;
    for (;;) {
        if (!show_records(dump, error))
            return false;
        if (fflush(stdout) != 0 || !wait_for_change(notify, &timeout_ms))
            return true;
        if (!tool_stat(dump->tool->directory, &now, error))
            return false;
        if (now.st_ino != before->st_ino || now.st_dev != before->st_dev)
            return error_set(error, ERROR_NOT_FOUND, "the journal in %s was replaced: start again",
                             dump->tool->directory);
    }
}

enum tool_exit tool_tail(struct tool *tool)
{
    struct error error = ERROR_NONE;
    uint64_t limit = tool->limit == 0 ? TAIL_DEFAULT : tool->limit;
    int notify = tool->follow ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
    if (tool->follow &&
        !watch_data(tool, notify)) /* before the first look: nothing slips through */
        error_set_errno(&error, errno, "watch the journal in %s", tool->directory);
    struct dump dump = {.tool = tool, .left = UINT64_MAX, .last = tail_start(tool, limit)};
    bool shown = error.code == ERROR_OK &&
                 (tool->follow ? follow(&dump, notify, &error) : show_records(&dump, &error));
    if (notify >= 0)
        close(notify);
    return shown ? TOOL_OK : tool_fail(&error);
}
