/* moment_reply.c: see moment_reply.h. Answers are short, so looking from the start each time costs
 * nothing that a stateful parser would save. */
#include "component/hdfs/webhdfs/moment_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NO_LENGTH SIZE_MAX
#define BODY_BYTES_MAX ((size_t)1 << 30)

/* Offset behind the line that begins at `at`; 0: it is not complete. */
static size_t line_end(const char *data, size_t size, size_t at)
{
    const char *end = at < size ? memchr(data + at, '\n', size - at) : NULL;
    return end != NULL ? (size_t)(end - data) + 1 : 0;
}

static bool header_is(const char *line, size_t size, const char *name)
{
    size_t length = strlen(name);
    return size > length && strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/* Digits of a base up to anything else; NO_LENGTH: none, or too many. */
static size_t read_size(const char *text, size_t size, unsigned base)
{
    size_t value = 0, at = 0;
    while (at < size && text[at] == ' ')
        at++;
    size_t first = at;
    for (; at < size; at++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = text[at] != '\0' ? strchr(digits, text[at] | 0x20) : NULL;
        if (digit == NULL || (size_t)(digit - digits) >= base)
            break;
        value = value * base + (size_t)(digit - digits);
        if (value > BODY_BYTES_MAX)
            return NO_LENGTH;
    }
    return at > first ? value : NO_LENGTH;
}

/* The header that begins at `at`. */
static enum moment_reply_state look_header(const char *data, size_t size, size_t at,
                                           struct moment_reply *reply, size_t *length)
{
    size_t line = at, next = line_end(data, size, line);
    if (next == 0)
        return REPLY_INCOMPLETE;
    if (next - line < 13 || memcmp(data + line, "HTTP/1.", 7) != 0)
        return REPLY_BROKEN;
    size_t status = read_size(data + line + 9, 3, 10);
    if (status < 100 || status > 599)
        return REPLY_BROKEN;
    reply->status = (int)status;
    reply->chunked = false;
    *length = NO_LENGTH;
    for (line = next; (next = line_end(data, size, line)) != 0; line = next) {
        const char *text = data + line;
        if (text[0] == '\n' || (text[0] == '\r' && text[1] == '\n')) {
            reply->body_at = next;
            return REPLY_COMPLETE;
        }
        if (header_is(text, next - line, "content-length"))
            *length = read_size(text + 15, next - line - 15, 10);
        else if (header_is(text, next - line, "transfer-encoding"))
            reply->chunked = true;
    }
    return REPLY_INCOMPLETE;
}

/* The chunk that begins at `at`: *ret_data is where its bytes begin. */
static enum moment_reply_state look_chunk(const char *data, size_t size, size_t at,
                                          size_t *ret_data, size_t *ret_size, size_t *ret_next)
{
    size_t begin = line_end(data, size, at);
    if (begin == 0)
        return REPLY_INCOMPLETE;
    size_t length = read_size(data + at, begin - at, 16);
    if (length == NO_LENGTH)
        return REPLY_BROKEN;
    if (size - begin < length + 2)
        return REPLY_INCOMPLETE;
    if (memcmp(data + begin + length, "\r\n", 2) != 0)
        return REPLY_BROKEN;
    *ret_data = begin;
    *ret_size = length;
    *ret_next = begin + length + 2;
    return REPLY_COMPLETE;
}

static enum moment_reply_state look_chunks(const char *data, size_t size, size_t at,
                                           size_t *ret_end)
{
    size_t begin, length, next;
    for (;; at = next) {
        enum moment_reply_state state = look_chunk(data, size, at, &begin, &length, &next);
        if (state != REPLY_COMPLETE)
            return state;
        if (length == 0) { /* no trailers: NameNodes send none */
            *ret_end = next;
            return REPLY_COMPLETE;
        }
    }
}

enum moment_reply_state moment_reply_look(const char *data, size_t size,
                                          struct moment_reply *ret_reply)
{
    struct moment_reply reply = {.body_at = 0};
    size_t length = NO_LENGTH, end = 0;
    enum moment_reply_state state;
    do
        state = look_header(data, size, reply.body_at, &reply, &length);
    while (state == REPLY_COMPLETE && reply.status < 200);
    if (state != REPLY_COMPLETE)
        return state;
    if (reply.chunked) {
        state = look_chunks(data, size, reply.body_at, &end);
        reply.body_size = end - reply.body_at;
    } else if (length == NO_LENGTH) {
        state = REPLY_BROKEN;
    } else {
        state = size - reply.body_at >= length ? REPLY_COMPLETE : REPLY_INCOMPLETE;
        reply.body_size = length;
    }
    if (state == REPLY_COMPLETE)
        *ret_reply = reply;
    return state;
}

void moment_reply_body(const char *data, const struct moment_reply *reply, struct buffer *ret_body)
{
    size_t at = reply->body_at, begin, length, next;
    if (!reply->chunked) {
        buffer_append(ret_body, data + at, reply->body_size);
        return;
    }
    while (look_chunk(data, reply->body_at + reply->body_size, at, &begin, &length, &next) ==
               REPLY_COMPLETE &&
           length > 0) {
        buffer_append(ret_body, data + begin, length);
        at = next;
    }
}
