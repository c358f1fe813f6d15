/* answer.c: see answer.h. */
#include "http/answer.h"

#include <time.h>

#include "base/check.h"
#include "base/json.h"

static const struct {
    int status;
    const char *phrase;
    enum error_code code; /* what our own refusals say; those of handlers name theirs */
} statuses[] = {
    {100, "Continue", ERROR_OK},
    {200, "OK", ERROR_OK},
    {201, "Created", ERROR_OK},
    {202, "Accepted", ERROR_OK},
    {204, "No Content", ERROR_OK},
    {304, "Not Modified", ERROR_OK},
    {400, "Bad Request", ERROR_INVALID},
    {401, "Unauthorized", ERROR_DENIED},
    {403, "Forbidden", ERROR_DENIED},
    {404, "Not Found", ERROR_NOT_FOUND},
    {405, "Method Not Allowed", ERROR_INVALID},
    {408, "Request Timeout", ERROR_TIMEOUT},
    {409, "Conflict", ERROR_CONFLICT},
    {411, "Length Required", ERROR_INVALID},
    {413, "Content Too Large", ERROR_LIMIT},
    {414, "URI Too Long", ERROR_LIMIT},
    {415, "Unsupported Media Type", ERROR_INVALID},
    {417, "Expectation Failed", ERROR_INVALID},
    {429, "Too Many Requests", ERROR_LIMIT},
    {431, "Request Header Fields Too Large", ERROR_LIMIT},
    {499, "Canceled", ERROR_CANCELED},
    {500, "Internal Server Error", ERROR_IO},
    {501, "Not Implemented", ERROR_INVALID},
    {502, "Bad Gateway", ERROR_PROTOCOL},
    {503, "Service Unavailable", ERROR_UNAVAILABLE},
    {504, "Gateway Timeout", ERROR_TIMEOUT},
    {505, "HTTP Version Not Supported", ERROR_INVALID},
    {507, "Insufficient Storage", ERROR_NO_SPACE},
};

static const char *phrase_of(int status)
{
    for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].phrase;
    return "Status"; /* the phrase is for people; the number decides */
}

enum error_code answer_error_code(int status)
{
    for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++)
        if (statuses[i].status == status && statuses[i].code != ERROR_OK)
            return statuses[i].code;
    return ERROR_IO;
}

bool answer_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* By hand: strftime() would follow the locale. */
static void append_date(struct buffer *text, int64_t now_us)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm tm;
    CHECK(gmtime_r(&seconds, &tm) != NULL);
    buffer_append_format(text, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
                         days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
                         tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void append_framing(struct buffer *text, const struct answer *answer)
{
    switch (answer->framing) {
    case ANSWER_LENGTH:
        buffer_append_format(text, "Content-Length: %zu\r\n", answer->size);
        break;
    case ANSWER_CHUNKED:
        buffer_append_text(text, "Transfer-Encoding: chunked\r\n");
        break;
    case ANSWER_UNTIL_CLOSE:
        CHECK(!answer->keep_alive);
        break;
    }
}

void answer_append_head(struct buffer *text, const struct answer *answer)
{
    CHECK(answer->status >= 200 && answer->status <= 599);
    buffer_append_format(text, "HTTP/1.1 %d %s\r\n", answer->status, phrase_of(answer->status));
    append_date(text, answer->now_us);
    if (answer_has_body(answer->status)) {
        const char *type = answer->content_type;
        buffer_append_format(text, "Content-Type: %s\r\n",
                             type == NULL ? "application/json" : type);
        append_framing(text, answer);
    }
    if (!answer->keep_alive)
        buffer_append_text(text, "Connection: close\r\n");
    else if (answer->minor_version == 0)
        buffer_append_text(text, "Connection: keep-alive\r\n");
    buffer_append_format(text, "%s\r\n", answer->headers);
}

void answer_append_error(struct buffer *text, const struct error *error)
{
    CHECK(error->code != ERROR_OK);
    json_t *document = json_object();
    json_set_take(document, "error", json_from_error(error));
    json_print(document, false, text);
    json_decref(document);
}
