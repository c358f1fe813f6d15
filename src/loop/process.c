/* process.c: child processes in process groups of their own, with a deadline and a bounded tail of
 * their output.
 *
 *   RUNNING ──deadline──► TERMINATING ──2 s──► KILLING ──2 s──► DONE (reported; reaped when it can
 * be) └──exit──► DRAINING ◄──exit──┴──────exit──┘ └──end of output, or 500 ms──► DONE
 */
#include "loop/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "loop/loop_uv.h"
#include "loop/timer.h"

#define TAIL_BYTES ((size_t)8 * 1024)
#define TERM_MS 2000
#define KILL_MS 2000
#define OUTPUT_MS 500 /* a grandchild may hold the pipe for ever */

enum process_state { RUNNING, TERMINATING, KILLING, DRAINING, DONE };

struct process {
    uv_process_t child;
    uv_pipe_t output;
    struct timer *timer;
    struct loop_lingerer lingerer;
    struct loop *loop;
    process_fn *done;
    void *context;
    char *name;
    struct error error;
    struct buffer tail;
    enum process_state state;
    int open_handles;
    bool exists; /* spawned and not reaped: its pid is ours to signal */
    bool timed_out;
    bool freed;
};

static void on_exit_status(uv_process_t *child, int64_t status, int number);
static void on_timer(void *context);
static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer);
static void on_output(uv_stream_t *output, ssize_t size, const uv_buf_t *buffer);
static void end(struct process *process);
static void hurry(struct loop_lingerer *lingerer);

/* One pipe for both outputs, so that their order is kept; the write end is inherited. */
static int open_output(struct process *process)
{
    int ends[2];
    CHECK(uv_pipe_init(&process->loop->uv, &process->output, 0) == 0);
    process->output.data = process;
    process->open_handles++;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    CHECK(uv_pipe_open(&process->output, ends[0]) == 0);
    CHECK(uv_read_start((uv_stream_t *)&process->output, lend_buffer, on_output) == 0);
    return ends[1];
}

static int spawn(struct process *process, const char *const *arguments,
                 const char *const *environment)
{
    int output = open_output(process);
    if (output < 0)
        return output;
    uv_stdio_container_t stdio[] = {{.flags = UV_IGNORE},
                                    {.flags = UV_INHERIT_FD, .data.fd = output},
                                    {.flags = UV_INHERIT_FD, .data.fd = output}};
    /* libuv only reads the strings, its type just does not say so. */
    union {
        const char *const *ours;
        char **theirs;
    } list = {.ours = arguments}, variables = {.ours = environment};
    uv_process_options_t options = {.file = arguments[0],
                                    .args = list.theirs,
                                    .env = variables.theirs,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio,
                                    .exit_cb = on_exit_status};
    int status = uv_spawn(&process->loop->uv, &process->child, &options);
    process->open_handles++;
    close(output);
    return status;
}

struct process *process_new(struct loop *loop, const char *const *arguments,
                            const char *const *environment, int64_t timeout_ms, process_fn *done,
                            void *context)
{
    loop_check_thread(loop);
    CHECK(arguments[0] != NULL);
    struct process *process = memory_new(sizeof *process);
    process->loop = loop;
    process->done = done;
    process->context = context;
    process->name = memory_copy_string(arguments[0]);
    process->timer = timer_new(loop, on_timer, process);
    process->lingerer.hurry = hurry;
    process->child.data = process;
    list_init(&process->lingerer.node);
    buffer_init(&process->tail, TAIL_BYTES + LOOP_READ_BYTES);
    int status = spawn(process, arguments, environment);
    process->exists = status == 0;
    if (status != 0) {
        loop_error(&process->error, status, "cannot be started");
        process->state = DRAINING; /* and the timer reports it, since done never runs in here */
        timeout_ms = 0;
    }
    timer_start(process->timer, timeout_ms);
    return process;
}

static void signal_group(struct process *process, int number)
{
    kill(-process->child.pid, number); /* fails when all have gone, which is what was wanted */
}

static void on_timer(void *context)
{
    struct process *process = context;
    switch (process->state) {
    case RUNNING:
        process->timed_out = true;
        process->state = TERMINATING;
        signal_group(process, SIGTERM);
        timer_start(process->timer, TERM_MS);
        break;
    case TERMINATING:
        process->state = KILLING;
        signal_group(process, SIGKILL);
        timer_start(process->timer, KILL_MS);
        break;
    case KILLING: /* not even that ended it: it hangs in the kernel; the caller must not */
    case DRAINING:
        end(process);
        break;
    case DONE:
        CHECK_UNREACHABLE();
    }
}

static void set_exit_error(struct process *process, int64_t status, int number)
{
    if (number != 0)
        error_set(&process->error, ERROR_IO, "ended by signal %d", number);
    else if (status != 0)
        error_set(&process->error, ERROR_IO, "exit status %d", (int)status);
}

static void close_handles(struct process *process);

static void on_exit_status(uv_process_t *child, int64_t status, int number)
{
    struct process *process = child->data;
    process->exists = false;
    if (process->timed_out || process->freed)
        signal_group(process, SIGKILL); /* those of the group that outlive their leader */
    if (process->freed) {
        close_handles(process);
        return;
    }
    if (process->state == DONE)
        return;
    set_exit_error(process, status, number);
    process->state = DRAINING;
    if (uv_is_active((uv_handle_t *)&process->output))
        timer_start(process->timer, OUTPUT_MS);
    else
        end(process);
}

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)suggested;
    struct process *process = handle->data;
    *ret_buffer = uv_buf_init(process->loop->read_buffer, LOOP_READ_BYTES);
}

static void on_output(uv_stream_t *output, ssize_t size, const uv_buf_t *buffer)
{
    struct process *process = output->data;
    if (size > 0) {
        buffer_append(&process->tail, buffer->base, (size_t)size);
        if (process->tail.size > TAIL_BYTES)
            buffer_consume(&process->tail, process->tail.size - TAIL_BYTES);
        return;
    }
    if (size == 0)
        return;
    uv_read_stop(output);
    if (process->state == DRAINING)
        end(process);
}

/* The tail becomes text: a NUL would hide what follows it. */
static const char *tail_text(struct process *process)
{
    for (size_t i = 0; i < process->tail.size; i++)
        if (process->tail.data[i] == '\0')
            process->tail.data[i] = '?';
    return buffer_text(&process->tail);
}

static void describe_error(struct process *process, const char *tail)
{
    if (process->timed_out)
        error_set(&process->error, ERROR_TIMEOUT, "did not end in time and was killed");
    if (process->error.code == ERROR_OK)
        return;
    size_t length = strlen(tail);
    while (length > 0 && (tail[length - 1] == '\n' || tail[length - 1] == ' '))
        length--;
    size_t shown = length > 100 ? 100 : length;
    struct error cause = process->error;
    error_set(&process->error, cause.code, "%s: %s%s%.*s", process->name, cause.text,
              shown > 0 ? ": " : "", (int)shown, tail + length - shown);
}

static void end(struct process *process)
{
    CHECK(process->state != DONE);
    process->state = DONE;
    timer_stop(process->timer);
    uv_read_stop((uv_stream_t *)&process->output);
    const char *tail = tail_text(process);
    describe_error(process, tail);
    process->done(process->context, &process->error, tail);
}

void process_free(struct process *process)
{
    if (process == NULL)
        return;
    loop_check_thread(process->loop);
    CHECK(!process->freed);
    process->freed = true;
    timer_stop(process->timer);
    if (!process->exists) {
        close_handles(process);
        return;
    }
    signal_group(process, SIGKILL);
    uv_read_stop((uv_stream_t *)&process->output);
    loop_linger(process->loop, &process->lingerer); /* until it is reaped */
}

static void hurry(struct loop_lingerer *lingerer)
{
    close_handles(container_of(lingerer, struct process, lingerer));
}

static void on_closed(uv_handle_t *handle)
{
    struct process *process = handle->data;
    if (--process->open_handles > 0)
        return;
    buffer_fini(&process->tail);
    free(process->name);
    free(process);
}

static void close_handles(struct process *process)
{
    list_remove(&process->lingerer.node);
    timer_free(process->timer);
    uv_close((uv_handle_t *)&process->output, on_closed);
    if (process->open_handles == 2)
        uv_close((uv_handle_t *)&process->child, on_closed);
}
