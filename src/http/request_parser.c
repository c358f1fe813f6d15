/* request_parser.c: drives llhttp, the only file that knows it. llhttp has no limits, and its 8.x
 * takes folded headers. So the head is fed in pieces that end where a rule must be looked at: at
 * each line, at the parts of the request line, and where a limit is reached. As pieces depend only
 * on what came before, not on how the network cut it, so does the verdict. */
#include "http/request_parser.h"

#include <ctype.h>
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Where in the head the next byte lies. */
enum head_part { PART_METHOD, PART_URL, PART_PROTOCOL, PART_VERSION, PART_HEADERS };

struct request_parser {
    llhttp_t llhttp;
    llhttp_settings_t settings;
    size_t body_bytes_max;
    enum request_phase phase;
    enum head_part part;
    bool line_begins; /* the next byte is the first of a line of the head */
    unsigned header_lines;
    bool is_last; /* the request before said that none would follow */
    size_t head_bytes;
    size_t url_bytes;
    size_t framing_bytes; /* of the body, chunk headers and trailers */
    struct request_head head;
    struct buffer body;
    struct request_refusal refusal;
};

static struct request_parser *parser_of(llhttp_t *llhttp)
{
    return container_of(llhttp, struct request_parser, llhttp);
}

/* The first refusal counts. Returns what a callback of llhttp returns to stop it. */
static int refuse(struct request_parser *parser, int status, const char *reason)
{
    if (parser->refusal.status == 0)
        parser->refusal = (struct request_refusal){.status = status, .reason = reason};
    parser->phase = REQUEST_REFUSED;
    return -1;
}

static int on_method_complete(llhttp_t *llhttp)
{
    struct request_parser *parser = parser_of(llhttp);
    switch (llhttp_get_method(llhttp)) {
    case HTTP_GET:
    case HTTP_HEAD:
    case HTTP_PUT:
    case HTTP_POST:
    case HTTP_DELETE:
        parser->head.method = llhttp_method_name(llhttp_get_method(llhttp));
        return 0;
    case HTTP_PRI:
        return refuse(parser, 505, "speak HTTP/1.1");
    default:
        return refuse(parser, 501, "this method is not served");
    }
}

static int on_url(llhttp_t *llhttp, const char *data, size_t size)
{
    struct request_parser *parser = parser_of(llhttp);
    parser->url_bytes += size;
    if (parser->url_bytes > REQUEST_URL_BYTES_MAX)
        return refuse(parser, 414, "the request target is longer than 8 KiB");
    buffer_append(&parser->head.text, data, size);
    return 0;
}

static int on_url_complete(llhttp_t *llhttp)
{
    struct request_parser *parser = parser_of(llhttp);
    buffer_append_byte(&parser->head.text, '\0');
    parser->head.headers[0].name = (uint16_t)parser->head.text.size;
    return 0;
}

static int check_version(llhttp_t *llhttp)
{
    if (llhttp_get_http_major(llhttp) != 1 || llhttp_get_http_minor(llhttp) > 1)
        return refuse(parser_of(llhttp), 505, "speak HTTP/1.1");
    return 0;
}

static int on_version_complete(llhttp_t *llhttp)
{
    parser_of(llhttp)->part = PART_HEADERS;
    parser_of(llhttp)->head.minor_version = llhttp_get_http_minor(llhttp);
    return check_version(llhttp);
}

static int on_header_field(llhttp_t *llhttp, const char *data, size_t size)
{
    struct request_parser *parser = parser_of(llhttp);
    struct request_head *head = &parser->head;
    if (parser->phase != REQUEST_HEAD)
        return 0; /* a trailer: dropped, never merged */
    for (size_t i = 0; i < size; i++)
        buffer_append_byte(&head->text, (uint8_t)tolower((unsigned char)data[i]));
    return 0;
}

static int on_header_field_complete(llhttp_t *llhttp)
{
    struct request_parser *parser = parser_of(llhttp);
    struct request_head *head = &parser->head;
    if (parser->phase != REQUEST_HEAD)
        return 0;
    if (head->header_count == REQUEST_HEADERS_MAX)
        return refuse(parser, 431, "more than 100 headers");
    if (head->text.size == head->headers[head->header_count].name)
        return refuse(parser, 400, "a header without a name");
    buffer_append_byte(&head->text, '\0');
    head->headers[head->header_count].value = (uint16_t)head->text.size;
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *data, size_t size)
{
    struct request_parser *parser = parser_of(llhttp);
    if (parser->phase == REQUEST_HEAD)
        buffer_append(&parser->head.text, data, size);
    return 0;
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    struct request_parser *parser = parser_of(llhttp);
    struct request_head *head = &parser->head;
    if (parser->phase != REQUEST_HEAD)
        return 0;
    size_t start = head->headers[head->header_count].value;
    size_t end = head->text.size;
    while (end > start && (head->text.data[end - 1] == ' ' || head->text.data[end - 1] == '\t'))
        end--;
    buffer_truncate(&head->text, end);
    buffer_append_byte(&head->text, '\0');
    head->header_count++;
    if (head->header_count < REQUEST_HEADERS_MAX)
        head->headers[head->header_count].name = (uint16_t)head->text.size;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct request_parser *parser = parser_of(llhttp);
    CHECK(parser->phase == REQUEST_HEAD);
    if (check_version(llhttp) != 0)
        return -1;
    /* Every stored byte, its NUL included, stands for a byte of the head. */
    CHECK(!parser->head.text.failed);
    if (!request_head_check(&parser->head, &parser->refusal)) {
        parser->phase = REQUEST_REFUSED;
        return -1;
    }
    bool is_chunked = (llhttp->flags & F_CHUNKED) != 0;
    if (!is_chunked && llhttp->content_length > parser->body_bytes_max)
        return refuse(parser, 413, "the body is larger than this server takes");
    parser->head.keep_alive = llhttp_should_keep_alive(llhttp) != 0;
    parser->phase = REQUEST_BODY;
    return 0;
}

static int on_chunk_extension(llhttp_t *llhttp, const char *data, size_t size)
{
    (void)data;
    (void)size;
    return refuse(parser_of(llhttp), 400, "chunk extensions are not served");
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct request_parser *parser = parser_of(llhttp);
    if (llhttp->content_length > parser->body_bytes_max - parser->body.size)
        return refuse(parser, 413, "the body is larger than this server takes");
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *data, size_t size)
{
    struct request_parser *parser = parser_of(llhttp);
    buffer_append(&parser->body, data, size);
    CHECK(!parser->body.failed); /* the length was looked at before */
    return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    parser_of(llhttp)->phase = REQUEST_COMPLETE;
    return HPE_PAUSED;
}

static void begin_message(struct request_parser *parser)
{
    parser->phase = REQUEST_HEAD;
    parser->part = PART_METHOD;
    parser->line_begins = true;
    parser->head_bytes = parser->url_bytes = parser->framing_bytes = 0;
    parser->header_lines = 0;
    parser->head.method = NULL;
    parser->head.minor_version = 0;
    parser->head.keep_alive = parser->head.expects_continue = false;
    parser->head.header_count = 0;
    llhttp_reset(&parser->llhttp); /* a trailer must leave no trace in the next request */
    CHECK(request_parser_is_strict(parser));
}

struct request_parser *request_parser_new(size_t body_bytes_max)
{
    CHECK(body_bytes_max > 0);
    struct request_parser *parser = memory_new(sizeof *parser);
    llhttp_settings_t *settings = &parser->settings;
    llhttp_settings_init(settings);
    settings->on_method_complete = on_method_complete;
    settings->on_url = on_url;
    settings->on_url_complete = on_url_complete;
    settings->on_version_complete = on_version_complete;
    settings->on_header_field = on_header_field;
    settings->on_header_field_complete = on_header_field_complete;
    settings->on_header_value = on_header_value;
    settings->on_header_value_complete = on_header_value_complete;
    settings->on_headers_complete = on_headers_complete;
    settings->on_chunk_extension_name = on_chunk_extension;
    settings->on_chunk_header = on_chunk_header;
    settings->on_body = on_body;
    settings->on_message_complete = on_message_complete;
    parser->body_bytes_max = body_bytes_max;
    llhttp_init(&parser->llhttp, HTTP_REQUEST, settings);
    buffer_init(&parser->head.text, REQUEST_HEAD_BYTES_MAX + 1);
    buffer_init(&parser->body, body_bytes_max + 1);
    begin_message(parser);
    return parser;
}

void request_parser_free(struct request_parser *parser)
{
    if (parser == NULL)
        return;
    buffer_fini(&parser->head.text);
    buffer_fini(&parser->body);
    free(parser);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t through_line(const char *data, size_t size)
{
    const char *found = memchr(data, '\n', size);
    return found == NULL ? size : (size_t)(found - data) + 1;
}

/* Up to and with the byte that ends a target, rightly (a space) or not (HTTP/0.9). */
static size_t through_url(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] == ' ' || data[i] == '\r' || data[i] == '\n')
            return i + 1;
    return size;
}

/* What the request line must not hold although llhttp takes it: a second space, or the protocol
 * names of its relatives (RTSP, ICE). */
static bool request_line_is_sound(struct request_parser *parser, char next)
{
    if (parser->part == PART_URL && parser->url_bytes == 0 && next == ' ')
        return refuse(parser, 400, "one space between method and target"), false;
    if (parser->part == PART_PROTOCOL) {
        if (next == ' ')
            return refuse(parser, 400, "one space between target and version"), false;
        if (next != 'H')
            return refuse(parser, 505, "speak HTTP/1.1"), false;
        parser->part = PART_VERSION;
    }
    return true;
}

/* Counted by lines: llhttp tells of a name only at its end, of a value only in the next line. */
static bool has_room_for_line(struct request_parser *parser, char first)
{
    bool is_header = parser->part == PART_HEADERS && parser->line_begins && first != '\r';
    return !is_header || ++parser->header_lines <= REQUEST_HEADERS_MAX;
}

/* The longest piece in which no rule of ours can be broken unseen; 0 once refused. */
static size_t head_piece(struct request_parser *parser, const char *data, size_t size)
{
    bool folds = parser->line_begins && (data[0] == ' ' || data[0] == '\t');
    if (folds) {
        refuse(parser, 400, "a line of the head begins with a space (folded headers)");
        return 0;
    }
    if (parser->head_bytes == REQUEST_HEAD_BYTES_MAX) {
        refuse(parser, 431, "the head is larger than 16 KiB");
        return 0;
    }
    if (!request_line_is_sound(parser, data[0]))
        return 0;
    if (!has_room_for_line(parser, data[0])) {
        refuse(parser, 431, "more than 100 headers");
        return 0;
    }
    size_t room = least(size, REQUEST_HEAD_BYTES_MAX - parser->head_bytes);
    switch (parser->part) {
    case PART_METHOD:
    case PART_PROTOCOL:
    case PART_VERSION:
        return 1;
    case PART_URL:
        if (parser->url_bytes == REQUEST_URL_BYTES_MAX)
            return 1; /* the end, a wrong byte, or one too many: llhttp tells which */
        room = least(room, REQUEST_URL_BYTES_MAX - parser->url_bytes);
        return through_url(data, room);
    case PART_HEADERS:
        return through_line(data, room);
    }
    CHECK_UNREACHABLE();
}

static size_t framing_allowance(const struct request_parser *parser)
{
    return REQUEST_FRAMING_BYTES_MAX + REQUEST_FRAMING_BYTES_PER_BODY_BYTE * parser->body.size;
}

/* A body of known length costs nothing beside itself. In a chunked one a piece is never longer
 * than what is left for chunk headers and trailers, so that the limit is met at its byte. */
static size_t body_piece(const struct request_parser *parser, size_t size)
{
    if ((parser->llhttp.flags & F_CHUNKED) == 0)
        return size;
    size_t left = framing_allowance(parser) - parser->framing_bytes;
    return least(size, left == 0 ? 1 : left);
}

static void refuse_malformed(struct request_parser *parser, llhttp_errno_t number)
{
    if (parser->phase == REQUEST_REFUSED)
        return; /* a callback said why */
    if (number == HPE_INVALID_VERSION)
        refuse(parser, 505, "speak HTTP/1.1");
    else if (number == HPE_INVALID_TRANSFER_ENCODING)
        refuse(parser, 501, "the only transfer coding served is chunked");
    else
        refuse(parser, 400, "malformed request");
    parser->refusal.detail = llhttp_get_error_reason(&parser->llhttp);
}

/* llhttp tells the end of method and target only at the byte behind the space: too late. */
static void move_part(struct request_parser *parser, char last)
{
    if (parser->part == PART_METHOD && last == ' ')
        parser->part = PART_URL;
    else if (parser->part == PART_URL && last == ' ')
        parser->part = PART_PROTOCOL;
    else if (parser->part == PART_URL && (last == '\r' || last == '\n'))
        refuse(parser, 505, "speak HTTP/1.1"); /* HTTP/0.9, which llhttp lets have headers */
}

static size_t run_piece(struct request_parser *parser, const char *data, size_t size)
{
    llhttp_errno_t number = llhttp_execute(&parser->llhttp, data, size);
    size_t used = size;
    if (number == HPE_PAUSED)
        used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - data);
    else if (number != HPE_OK)
        refuse_malformed(parser, number);
    CHECK(used <= size);
    return used;
}

static size_t feed_head(struct request_parser *parser, const char *data, size_t size)
{
    if (parser->is_last) {
        refuse(parser, 400, "bytes after a request that said it is the last");
        return 0;
    }
    size_t piece = head_piece(parser, data, size);
    if (piece == 0)
        return 0;
    size_t used = run_piece(parser, data, piece);
    CHECK(used > 0);
    parser->head_bytes += used;
    parser->line_begins = data[used - 1] == '\n';
    move_part(parser, data[used - 1]);
    return used;
}

static size_t feed_body(struct request_parser *parser, const char *data, size_t size)
{
    size_t before = parser->body.size;
    size_t used = run_piece(parser, data, body_piece(parser, size));
    parser->framing_bytes += used - (parser->body.size - before);
    if (parser->phase == REQUEST_BODY && parser->framing_bytes > framing_allowance(parser))
        refuse(parser, 413, "chunk headers and trailers outweigh the body");
    return used;
}

size_t request_parser_feed(struct request_parser *parser, const char *data, size_t size)
{
    enum request_phase before = parser->phase;
    size_t used = 0;
    while (used < size && parser->phase == before &&
           (before == REQUEST_HEAD || before == REQUEST_BODY))
        used += before == REQUEST_HEAD ? feed_head(parser, data + used, size - used)
                                       : feed_body(parser, data + used, size - used);
    return used;
}

enum request_phase request_parser_phase(const struct request_parser *parser)
{
    return parser->phase;
}

bool request_parser_is_idle(const struct request_parser *parser)
{
    return parser->phase == REQUEST_HEAD && parser->head_bytes == 0;
}

struct request_head *request_parser_head(struct request_parser *parser)
{
    return &parser->head;
}

const struct buffer *request_parser_body(const struct request_parser *parser)
{
    return &parser->body;
}

const struct request_refusal *request_parser_refusal(const struct request_parser *parser)
{
    return &parser->refusal;
}

void request_parser_next(struct request_parser *parser)
{
    CHECK(parser->phase == REQUEST_COMPLETE);
    parser->is_last = !parser->head.keep_alive;
    buffer_fini(&parser->head.text);
    buffer_fini(&parser->body);
    begin_message(parser);
}

bool request_parser_is_strict(const struct request_parser *parser)
{
    return parser->llhttp.lenient_flags == 0;
}
