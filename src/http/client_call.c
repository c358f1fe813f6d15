/* client_call.c: see client_call.h. */
#include "http/client_call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

/* --- the answer --------------------------------------------------------------------------------
 */

/* The value of a header line when it has this name. */
static const char *value_of(const char *line, size_t size, const char *name, size_t *ret_size)
{
    size_t length = strlen(name);
    if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    line += length + 1;
    size -= length + 1;
    for (; size > 0 && (*line == ' ' || *line == '\t'); size--)
        line++;
    while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t'))
        size--;
    *ret_size = size;
    return line;
}

static void begin_answer(struct client_call *call, const char *line)
{
    call->status = (int)strtol(line + 9, NULL, 10);
    call->lengths = call->codings = 0;
    call->is_chunked = call->has_header = false;
}

static void note_header(struct client_call *call, const char *line, size_t size)
{
    size_t value_size;
    if (value_of(line, size, "content-length", &value_size) != NULL)
        call->lengths++;
    const char *coding = value_of(line, size, "transfer-encoding", &value_size);
    if (coding == NULL)
        return;
    call->codings++;
    call->is_chunked = value_size == 7 && strncasecmp(coding, "chunked", 7) == 0;
}

/* An answer must say where it ends, in one way: one that ends with its connection cannot be told
 * from one that was cut. */
static bool framing_is_sound(const struct client_call *call)
{
    if (call->status < 200)
        return true;
    if (call->lengths > 1 || call->codings > 1 || (call->lengths == 1 && call->codings == 1))
        return false;
    if (call->codings == 1)
        return call->is_chunked;
    bool has_body = !call->is_head && call->status != 204 && call->status != 304;
    return call->lengths == 1 || !has_body;
}

static size_t stop(struct client_call *call, enum client_fault fault)
{
    call->fault = fault;
    return 0; /* curl ends with CURLE_WRITE_ERROR */
}

static size_t on_header(char *data, size_t one, size_t size, void *context)
{
    struct client_call *call = context;
    (void)one;
    size_t length = size;
    call->header_bytes += size;
    if (call->header_bytes > CLIENT_HEADER_BYTES_MAX)
        return stop(call, CLIENT_HEADER_SIZE);
    while (length > 0 && (data[length - 1] == '\r' || data[length - 1] == '\n'))
        length--;
    bool is_status = length >= 12 && memcmp(data, "HTTP/", 5) == 0;
    if (is_status && memcmp(data, "HTTP/1.", 7) != 0)
        return stop(call, CLIENT_FRAMING);
    if (is_status)
        begin_answer(call, data);
    else if (length > 0)
        note_header(call, data, length);
    else if (!framing_is_sound(call))
        return stop(call, CLIENT_FRAMING);
    else
        call->has_header = call->status >= 200;
    return size;
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
    struct client_call *call = context;
    (void)one;
    if (size > call->answer_bytes_max - call->body.size)
        return stop(call, CLIENT_BODY_SIZE);
    buffer_append(&call->body, data, size);
    return size;
}

/* --- the request -------------------------------------------------------------------------------
 */

static int before_sending(void *context, char *address, char *local, int port, int local_port)
{
    struct client_call *call = context;
    (void)address, (void)local, (void)port, (void)local_port;
    call->sendings++;
    return CURL_PREREQFUNC_OK;
}

static void set_method(CURL *easy, const struct http_call *order, bool copies_body)
{
    if (order->method == HTTP_HEAD)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (order->method == HTTP_PUT || order->method == HTTP_POST) {
        const void *body = order->body_size == 0 ? "" : order->body;
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)order->body_size);
        if (copies_body)
            curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
        else
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(order->method));
    /* curl repeats a request by itself when a kept connection dies under it. A PUT or DELETE twice
     * does no harm; a POST gets a connection that nobody used before. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)(order->method == HTTP_POST));
}

static void set_options(struct client_call *call, const struct http_call *order)
{
    CURL *easy = call->easy;
    int64_t connect_ms = order->connect_timeout_ms == 0 ? 5000 : order->connect_timeout_ms;
    int64_t whole_ms = order->timeout_ms == 0 ? 30000 : order->timeout_ms;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)whole_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 30L); /* below the idle time of servers */
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->answer_bytes_max);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->detail);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

bool client_call_init(struct client_call *call, const struct http_call *order, bool copies_body,
                      struct error *error)
{
    *call = (struct client_call){.is_head = order->method == HTTP_HEAD};
    call->answer_bytes_max =
        order->answer_bytes_max == 0 ? CLIENT_ANSWER_BYTES_DEFAULT : order->answer_bytes_max;
    curl_setup_peer_name(order->url, call->peer);
    if (!curl_setup_headers(order, &call->headers, error))
        return false;
    buffer_init(&call->body, call->answer_bytes_max + 1);
    curl_setup_global();
    call->easy = curl_easy_init();
    if (call->easy == NULL)
        check_out_of_memory(sizeof *call);
    curl_setup_common(call->easy);
    curl_easy_setopt(call->easy, CURLOPT_URL, order->url);
    set_method(call->easy, order, copies_body);
    set_options(call, order);
    return true;
}

void client_call_fini(struct client_call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    buffer_fini(&call->body);
    call->easy = NULL;
    call->headers = NULL;
}

/* --- the outcome -------------------------------------------------------------------------------
 */

static bool judge_fault(const struct client_call *call, struct error *error)
{
    switch (call->fault) {
    case CLIENT_HEADER_SIZE:
        return error_set(error, ERROR_LIMIT, "%s: the header of the answer has more than %zu bytes",
                         call->peer, CLIENT_HEADER_BYTES_MAX);
    case CLIENT_BODY_SIZE:
        return error_set(error, ERROR_LIMIT, "%s: the answer has more than %zu bytes", call->peer,
                         call->answer_bytes_max);
    case CLIENT_FRAMING:
        return error_set(error, ERROR_PROTOCOL, "%s: the answer does not say where it ends",
                         call->peer);
    case CLIENT_SOUND:
        break;
    }
    CHECK_UNREACHABLE();
}

/* Anything that went onto a connection may have arrived, a first sending that curl repeated too. */
static bool judge_loss(const struct client_call *call, const char *why, struct error *error)
{
    if (call->sendings > 0)
        return error_set(error, ERROR_UNCERTAIN, "%s: %s; the request may have arrived", call->peer,
                         why);
    return error_set(error, ERROR_UNAVAILABLE, "%s: %s", call->peer, why);
}

static bool is_broken_answer(CURLcode code)
{
    return code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_BAD_CONTENT_ENCODING ||
           code == CURLE_UNSUPPORTED_PROTOCOL;
}

static bool is_broken_order(CURLcode code)
{
    return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
           code == CURLE_LOGIN_DENIED;
}

bool client_call_judge(const struct client_call *call, CURLcode code, struct error *error)
{
    const char *why = call->detail[0] != '\0' ? call->detail : curl_easy_strerror(code);
    if (code == CURLE_OK && call->has_header)
        return true;
    if (code == CURLE_OK)
        return judge_loss(call, "the header of the answer was cut", error);
    if (code == CURLE_OUT_OF_MEMORY)
        check_out_of_memory(call->body.size);
    if (call->fault != CLIENT_SOUND)
        return judge_fault(call, error);
    if (code == CURLE_FILESIZE_EXCEEDED)
        return error_set(error, ERROR_LIMIT, "%s: the answer has more than %zu bytes", call->peer,
                         call->answer_bytes_max);
    if (is_broken_order(code) && call->sendings == 0)
        return error_set(error, ERROR_INVALID, "URL of \"%s\": %s", call->peer, why);
    if (is_broken_answer(code))
        return error_set(error, ERROR_PROTOCOL, "%s: %s", call->peer, why);
    return judge_loss(call, why, error);
}
