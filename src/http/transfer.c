/* transfer.c: one curl easy handle on one multi handle. curl moves bytes only while a function here
 * waits (transfer_wait); in between the handle is paused, so that neither side runs ahead of the
 * caller by more than curl's own buffers. */
#include "http/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/clock.h"
#include "http/curl_setup.h"

#define HEADER_BYTES_MAX ((size_t)64 << 10)
#define ABORT_SLICE_MS 100
#define IDLE_CONNECTION_S 4L /* older ones may be closed by the peer any moment */
#define RECEIVE_BUFFER_BYTES (256L << 10)

struct transfer {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *header_list;
    struct transfer_order order;
    char peer[CURL_PEER_NAME_SIZE]; /* "host:port" for messages */
    char detail[CURL_ERROR_SIZE];
    int64_t moved_ns;  /* when a byte moved last, or we began to wait */
    unsigned sendings; /* requests that went onto a connection */
    bool active;       /* the easy handle is in the multi handle */
    bool finished;     /* curl is done with it: result */
    CURLcode result;

    int status;
    bool header_complete;
    struct buffer header; /* lines of the final answer, each ending with NUL */
    char *want;           /* the caller's memory while transfer_read() runs */
    size_t want_size, want_got;
    struct buffer spare; /* what did not fit there: less than one of curl's buffers */
    bool receive_paused;

    const char *send; /* the caller's bytes while transfer_send() runs */
    size_t send_left;
    bool send_complete;
    bool send_paused;
};

struct transfer *transfer_new(void)
{
    curl_setup_global();
    struct transfer *transfer = memory_new(sizeof *transfer);
    transfer->multi = curl_multi_init();
    transfer->easy = curl_easy_init();
    if (transfer->multi == NULL || transfer->easy == NULL)
        check_out_of_memory(sizeof *transfer);
    curl_multi_setopt(transfer->multi, CURLMOPT_MAXCONNECTS, 4L);
    buffer_init(&transfer->header, HEADER_BYTES_MAX);
    buffer_init(&transfer->spare, 0);
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    transfer_end(transfer);
    curl_easy_cleanup(transfer->easy);
    curl_multi_cleanup(transfer->multi);
    buffer_fini(&transfer->header);
    buffer_fini(&transfer->spare);
    free(transfer);
}

/* --- what curl calls ---------------------------------------------------------------------------
 */

static size_t receive_header(char *data, size_t one, size_t size, void *context)
{
    struct transfer *transfer = context;
    (void)one;
    transfer->moved_ns = clock_monotonic_ns();
    size_t length = size;
    while (length > 0 && (data[length - 1] == '\r' || data[length - 1] == '\n'))
        length--;
    if (length >= 12 && memcmp(data, "HTTP/", 5) == 0) { /* an interim answer is overwritten */
        buffer_clear(&transfer->header);
        transfer->status = (int)strtol(data + 9, NULL, 10);
    } else if (length == 0) {
        transfer->header_complete = transfer->status >= 200;
    } else {
        buffer_append(&transfer->header, data, length);
        buffer_append_byte(&transfer->header, 0);
    }
    return transfer->header.failed ? 0 : size;
}

static size_t receive_body(char *data, size_t one, size_t size, void *context)
{
    struct transfer *transfer = context;
    (void)one;
    size_t room = transfer->want_size - transfer->want_got;
    if (room == 0) {
        transfer->receive_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer->moved_ns = clock_monotonic_ns();
    size_t direct = size < room ? size : room;
    memcpy(transfer->want + transfer->want_got, data, direct);
    transfer->want_got += direct;
    buffer_append(&transfer->spare, data + direct, size - direct);
    return size;
}

static size_t send_body(char *data, size_t one, size_t size, void *context)
{
    struct transfer *transfer = context;
    size_t room = one * size;
    transfer->moved_ns = clock_monotonic_ns();
    if (transfer->send_left == 0) {
        transfer->send_paused = !transfer->send_complete;
        return transfer->send_complete ? 0 : CURL_READFUNC_PAUSE;
    }
    size_t now = transfer->send_left < room ? transfer->send_left : room;
    memcpy(data, transfer->send, now);
    transfer->send += now;
    transfer->send_left -= now;
    return now;
}

/* curl sends a request again by itself when a kept connection dies under it: fine for a read, a
 * second effect for anything else. */
static int before_sending(void *context, char *address, char *local, int port, int local_port)
{
    struct transfer *transfer = context;
    (void)address, (void)local, (void)port, (void)local_port;
    if (transfer->sendings > 0 && !transfer->order.repeatable)
        return CURL_PREREQFUNC_ABORT;
    transfer->sendings++;
    return CURL_PREREQFUNC_OK;
}

/* --- errors ------------------------------------------------------------------------------------
 */

/* No answer came: what that means depends on whether the request can have arrived. */
static bool no_answer(struct transfer *transfer, enum error_code otherwise, const char *why,
                      struct error *error)
{
    if (transfer->sendings > 0 && !transfer->order.repeatable)
        return error_set(error, ERROR_UNCERTAIN, "%s: %s; the request may have arrived",
                         transfer->peer, why);
    return error_set(error, otherwise, "%s: %s", transfer->peer, why);
}

static bool curl_error(struct transfer *transfer, struct error *error)
{
    CURLcode code = transfer->result;
    const char *why = transfer->detail[0] != '\0' ? transfer->detail : curl_easy_strerror(code);
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return transfer->sendings == 0
                   ? error_set(error, ERROR_INVALID, "URL of %s: %s", transfer->peer, why)
                   : error_set(error, ERROR_PROTOCOL, "%s: not an HTTP answer", transfer->peer);
    if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_BAD_CONTENT_ENCODING)
        return error_set(error, ERROR_PROTOCOL, "%s: %s", transfer->peer, why);
    if (code == CURLE_WRITE_ERROR && transfer->header.failed)
        return error_set(error, ERROR_LIMIT, "%s: header of more than %zu bytes", transfer->peer,
                         HEADER_BYTES_MAX);
    return no_answer(transfer, ERROR_UNAVAILABLE, why, error);
}

/* --- moving bytes ------------------------------------------------------------------------------
 */

static void collect_result(struct transfer *transfer)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(transfer->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        transfer->finished = true;
        transfer->result = message->data.result;
    }
}

/* How long curl may sleep; false when there is nothing to wait for any more. */
static bool wait_limit(struct transfer *transfer, int *ret_ms, struct error *error)
{
    const struct transfer_order *order = &transfer->order;
    int64_t now = clock_monotonic_ns();
    int64_t left_ms = order->silence_ms - (now - transfer->moved_ns) / 1000000;
    if (order->abort != NULL && atomic_load(order->abort))
        return error_set(error, ERROR_CANCELED, "%s: canceled", transfer->peer);
    if (order->deadline_ns != 0 && now >= order->deadline_ns)
        return no_answer(transfer, ERROR_TIMEOUT, "no time left", error);
    if (left_ms <= 0)
        return no_answer(transfer, ERROR_UNAVAILABLE, "silent for too long", error);
    if (order->deadline_ns != 0 && (order->deadline_ns - now) / 1000000 + 1 < left_ms)
        left_ms = (order->deadline_ns - now) / 1000000 + 1;
    if (order->abort != NULL && left_ms > ABORT_SLICE_MS)
        left_ms = ABORT_SLICE_MS;
    *ret_ms = (int)(left_ms < 60000 ? left_ms : 60000);
    return true;
}

/* Lets curl work until done() says so or the transfer is finished. */
static bool transfer_wait(struct transfer *transfer, bool (*done)(const struct transfer *),
                          struct error *error)
{
    transfer->moved_ns = clock_monotonic_ns();
    for (;;) {
        int running, limit_ms = 0;
        CHECK(curl_multi_perform(transfer->multi, &running) == CURLM_OK);
        collect_result(transfer);
        if (transfer->finished && transfer->result != CURLE_OK)
            return curl_error(transfer, error);
        if (transfer->finished && !transfer->header_complete) /* curl takes a header that is cut */
            return no_answer(transfer, ERROR_UNAVAILABLE, "the header of the answer was cut",
                             error);
        if (transfer->finished || done(transfer))
            return true;
        if (!wait_limit(transfer, &limit_ms, error))
            return false;
        CHECK(curl_multi_poll(transfer->multi, NULL, 0, limit_ms, NULL) == CURLM_OK);
    }
}

static void resume(struct transfer *transfer)
{
    if (transfer->finished || !(transfer->receive_paused || transfer->send_paused))
        return;
    transfer->receive_paused = transfer->send_paused = false;
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT); /* a failure comes out of the next perform */
}

static bool has_header(const struct transfer *transfer)
{
    return transfer->header_complete;
}

static bool wants_body(const struct transfer *transfer)
{
    return transfer->send_paused || transfer->header_complete;
}

static bool has_sent(const struct transfer *transfer)
{
    return transfer->send_left == 0 || transfer->header_complete; /* or refused */
}

static bool has_read(const struct transfer *transfer)
{
    return transfer->want_got > 0;
}

/* --- setting up --------------------------------------------------------------------------------
 */

static void set_method(CURL *easy, enum http_method method, bool has_body, int64_t length)
{
    if (method == HTTP_HEAD)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)length);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(method));
}

static void set_options(struct transfer *transfer, bool streamed)
{
    CURL *easy = transfer->easy;
    const struct transfer_order *order = &transfer->order;
    curl_easy_setopt(easy, CURLOPT_URL, order->url);
    curl_setup_common(easy);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)order->connect_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, RECEIVE_BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, send_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)streamed);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, (long)streamed);
    /* curl would wait a second for a 100 that most servers do not send */
    transfer->header_list = curl_slist_append(transfer->header_list, "Expect:");
    for (const char *const *line = order->headers; line != NULL && *line != NULL; line++)
        transfer->header_list = curl_slist_append(transfer->header_list, *line);
    if (transfer->header_list == NULL)
        check_out_of_memory(sizeof *transfer->header_list);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->header_list);
}

static void start(struct transfer *transfer, const struct transfer_order *order, bool streamed,
                  int64_t length)
{
    transfer_end(transfer);
    transfer->order = *order;
    if (transfer->order.connect_ms == 0)
        transfer->order.connect_ms = 5000;
    if (transfer->order.silence_ms == 0)
        transfer->order.silence_ms = 30000;
    curl_setup_peer_name(order->url, transfer->peer);
    transfer->detail[0] = '\0';
    transfer->sendings = 0;
    transfer->finished = transfer->header_complete = false;
    transfer->status = 0;
    transfer->want_size = transfer->want_got = 0;
    transfer->receive_paused = transfer->send_paused = false;
    transfer->send = streamed ? NULL : order->body;
    transfer->send_left = streamed ? 0 : order->body_size;
    transfer->send_complete = !streamed;
    buffer_clear(&transfer->header);
    buffer_clear(&transfer->spare);
    curl_easy_reset(transfer->easy);
    set_options(transfer, streamed);
    bool has_body = order->method == HTTP_PUT || order->method == HTTP_POST;
    set_method(transfer->easy, order->method, has_body, length);
    CHECK(curl_multi_add_handle(transfer->multi, transfer->easy) == CURLM_OK);
    transfer->active = true;
}

/* --- the interface -----------------------------------------------------------------------------
 */

bool transfer_begin(struct transfer *transfer, const struct transfer_order *order,
                    struct error *error)
{
    start(transfer, order, false, (int64_t)order->body_size);
    return transfer_wait(transfer, has_header, error);
}

bool transfer_send_begin(struct transfer *transfer, const struct transfer_order *order,
                         int64_t length, struct error *error)
{
    CHECK(order->method == HTTP_PUT || order->method == HTTP_POST);
    CHECK(order->body == NULL);
    start(transfer, order, true, length);
    return transfer_wait(transfer, wants_body, error);
}

bool transfer_send(struct transfer *transfer, const void *data, size_t size, struct error *error)
{
    CHECK(transfer->active && !transfer->send_complete);
    transfer->send = data;
    transfer->send_left = size;
    resume(transfer);
    bool moved = transfer_wait(transfer, has_sent, error);
    bool all = transfer->send_left == 0;
    transfer->send_left = 0;
    if (moved && !all)
        return error_set(error, ERROR_PROTOCOL, "%s: answered %d before the end of the body",
                         transfer->peer, transfer->status);
    return moved;
}

bool transfer_send_end(struct transfer *transfer, struct error *error)
{
    CHECK(transfer->active);
    transfer->send_complete = true;
    resume(transfer);
    return transfer_wait(transfer, has_header, error);
}

int transfer_status(const struct transfer *transfer)
{
    return transfer->header_complete ? transfer->status : 0;
}

const char *transfer_header(const struct transfer *transfer, const char *name)
{
    const char *line = buffer_text(&transfer->header);
    const char *end = line + transfer->header.size;
    size_t length = strlen(name);
    for (; line < end; line += strlen(line) + 1) {
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1;
        return line + strspn(line, " \t");
    }
    return NULL;
}

static size_t take_spare(struct transfer *transfer, void *data, size_t size)
{
    size_t now = transfer->spare.size < size ? transfer->spare.size : size;
    if (now > 0) {
        memcpy(data, transfer->spare.data, now);
        buffer_consume(&transfer->spare, now);
    }
    return now;
}

bool transfer_read(struct transfer *transfer, void *data, size_t size, size_t *ret_size,
                   struct error *error)
{
    CHECK(transfer->active && size > 0);
    size_t spare = take_spare(transfer, data, size);
    if (spare > 0) {
        *ret_size = spare;
        return true;
    }
    transfer->want = data;
    transfer->want_size = size;
    transfer->want_got = 0;
    resume(transfer);
    bool done = transfer_wait(transfer, has_read, error);
    size_t got = transfer->want_got;
    transfer->want_size = transfer->want_got = 0;
    if (!done && got == 0)
        return false;
    *ret_size = got; /* an error behind these bytes shows at the next call */
    return true;
}

bool transfer_read_rest(struct transfer *transfer, struct buffer *buffer, struct error *error)
{
    for (;;) {
        char piece[16384];
        size_t size;
        if (!transfer_read(transfer, piece, sizeof piece, &size, error))
            return false;
        if (size == 0)
            return true;
        buffer_append(buffer, piece, size);
        if (buffer->failed)
            return error_set(error, ERROR_LIMIT, "%s: the answer has more than %zu bytes",
                             transfer->peer, buffer->limit);
    }
}

void transfer_grace(struct transfer *transfer, int64_t total_ms)
{
    transfer->order.abort = NULL;
    transfer->order.deadline_ns = clock_monotonic_ns() + total_ms * 1000000;
}

void transfer_end(struct transfer *transfer)
{
    if (!transfer->active)
        return;
    curl_multi_remove_handle(transfer->multi, transfer->easy);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(transfer->header_list);
    transfer->header_list = NULL;
    transfer->active = false;
}

bool transfer_call(struct transfer *transfer, const struct transfer_order *order,
                   struct buffer *ret_body, struct error *error)
{
    bool done =
        transfer_begin(transfer, order, error) && transfer_read_rest(transfer, ret_body, error);
    transfer_end(transfer);
    return done;
}

bool transfer_peer(const struct transfer *transfer, char ret_address[TRANSFER_ADDRESS_SIZE],
                   uint16_t *ret_port)
{
    char *address = NULL;
    long port = 0;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address) != CURLE_OK ||
        curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_PORT, &port) != CURLE_OK ||
        address == NULL || address[0] == '\0' || strlen(address) >= TRANSFER_ADDRESS_SIZE)
        return false;
    memcpy(ret_address, address, strlen(address) + 1);
    *ret_port = (uint16_t)port;
    return true;
}
