/* client_now.c: the blocking forms, for executors and the command line. */
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "http/client_call.h"
#include "http/transfer.h"

bool http_call_now(const struct http_call *call, struct http_result *ret_result,
                   struct error *error)
{
    struct client_call state;
    if (!client_call_init(&state, call, false, error))
        return false;
    bool answered = client_call_judge(&state, curl_easy_perform(state.easy), error);
    if (answered) {
        ret_result->status = state.status;
        buffer_clear(&ret_result->body);
        buffer_append(&ret_result->body, state.body.data, state.body.size);
        if (ret_result->body.failed)
            answered = error_set(error, ERROR_LIMIT, "%s: the answer has more than %zu bytes",
                                 state.peer, ret_result->body.limit);
    }
    client_call_fini(&state);
    return answered;
}

/* --- lines -------------------------------------------------------------------------------------
 */

struct line_stream {
    struct transfer *transfer;
    struct buffer text; /* the beginning of a line */
    http_line_fn *fn;
    void *context;
    bool ended; /* the caller had enough */
};

static void tell_lines(struct line_stream *stream)
{
    size_t start = 0;
    while (!stream->ended && start < stream->text.size) {
        char *line = stream->text.data + start;
        char *end = memchr(line, '\n', stream->text.size - start);
        if (end == NULL)
            break;
        size_t size = (size_t)(end - line);
        start += size + 1;
        if (size > 0 && line[size - 1] == '\r')
            size--;
        line[size] = '\0';
        stream->ended = !stream->fn(stream->context, line, size);
    }
    buffer_consume(&stream->text, start);
}

static bool read_lines(struct line_stream *stream, struct error *error)
{
    while (!stream->ended) {
        char piece[16384];
        size_t size;
        if (!transfer_read(stream->transfer, piece, sizeof piece, &size, error))
            return false;
        if (size == 0)
            break;
        buffer_append(&stream->text, piece, size);
        if (stream->text.failed)
            return error_set(error, ERROR_LIMIT, "a line of the stream has more than %zu bytes",
                             stream->text.limit);
        tell_lines(stream);
    }
    if (!stream->ended && stream->text.size > 0) /* a last line without an end */
        stream->fn(stream->context, stream->text.data, stream->text.size);
    return true;
}

/* An answer that is not 200 says why in its body. */
static bool read_refusal(struct line_stream *stream, struct error *error)
{
    struct error unread = ERROR_NONE;
    json_t *document = NULL, *member = NULL;
    int status = transfer_status(stream->transfer);
    if (transfer_read_rest(stream->transfer, &stream->text, error) &&
        json_parse(buffer_text(&stream->text), stream->text.size, &document, &unread) &&
        json_get_object(document, "error", &member, &unread))
        json_to_error(member, error);
    else
        error_set(error, ERROR_PROTOCOL, "the stream was answered with status %d", status);
    if (document != NULL)
        json_decref(document);
    return false;
}

static bool run_stream(struct line_stream *stream, const struct transfer_order *order,
                       struct error *error)
{
    if (!transfer_begin(stream->transfer, order, error))
        return false;
    if (transfer_status(stream->transfer) != 200)
        return read_refusal(stream, error);
    return read_lines(stream, error);
}

#define STREAM_HEADERS_MAX 32

bool http_stream_now(const struct http_call *call, http_line_fn *fn, void *context,
                     struct error *error)
{
    struct curl_slist *list;
    const char *headers[STREAM_HEADERS_MAX] = {NULL};
    size_t count = 0;
    if (!curl_setup_headers(call, &list, error))
        return false;
    for (struct curl_slist *line = list; line != NULL; line = line->next) {
        CHECK(count + 1 < STREAM_HEADERS_MAX);
        headers[count++] = line->data;
    }
    struct transfer_order order = {
        .method = call->method,
        .url = call->url,
        .headers = headers,
        .body = call->body,
        .body_size = call->body_size,
        .repeatable = call->method != HTTP_POST,
        .connect_ms = call->connect_timeout_ms,
        .silence_ms = call->timeout_ms,
    };
    struct line_stream stream = {.transfer = transfer_new(), .fn = fn, .context = context};
    buffer_init(&stream.text,
                call->answer_bytes_max == 0 ? CLIENT_ANSWER_BYTES_DEFAULT : call->answer_bytes_max);
    bool done = run_stream(&stream, &order, error);
    transfer_free(stream.transfer);
    buffer_fini(&stream.text);
    curl_slist_free_all(list);
    return done;
}
