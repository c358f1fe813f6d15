/* request_rules.c: what a syntactically sound head must also keep to, before its body is read:
 * one Host, framing that two parsers cannot read in two ways, nothing that we do not speak. */
#include "http/request_head.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

const char *request_head_url(const struct request_head *head)
{
    return buffer_text(&head->text);
}

void request_head_split_url(struct request_head *head, const char **ret_path,
                            const char **ret_query)
{
    char *url = head->text.data;
    CHECK(url != NULL);
    char *mark = strchr(url, '?');
    *ret_path = url;
    *ret_query = mark == NULL ? "" : mark + 1;
    if (mark != NULL)
        *mark = '\0';
}

const char *request_head_find(const struct request_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (strcmp(head->text.data + head->headers[i].name, name) == 0)
            return head->text.data + head->headers[i].value;
    return NULL;
}

size_t request_head_count(const struct request_head *head, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        count += strcmp(head->text.data + head->headers[i].name, name) == 0;
    return count;
}

static bool refuse(struct request_refusal *refusal, int status, const char *reason)
{
    *refusal = (struct request_refusal){.status = status, .reason = reason};
    return false;
}

/* Absolute, authority and asterisk forms are for proxies, CONNECT and OPTIONS. */
static bool check_url(const char *url, struct request_refusal *refusal)
{
    if (url[0] != '/')
        return refuse(refusal, 400, "the request target must start with '/'");
    if (strchr(url, '#') != NULL)
        return refuse(refusal, 400, "the request target must not hold a fragment ('#')");
    return true;
}

static bool is_host_text(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~:[]%";
    return text[strspn(text, allowed)] == '\0';
}

static bool check_host(const struct request_head *head, struct request_refusal *refusal)
{
    size_t count = request_head_count(head, "host");
    if (count > 1 || (count == 0 && head->minor_version == 1))
        return refuse(refusal, 400, "exactly one Host header is needed");
    if (count == 1 && !is_host_text(request_head_find(head, "host")))
        return refuse(refusal, 400, "the Host header is not a host and port");
    return true;
}

static bool check_framing(const struct request_head *head, struct request_refusal *refusal)
{
    const char *coding = request_head_find(head, "transfer-encoding");
    bool has_length = request_head_find(head, "content-length") != NULL;
    if (coding != NULL && (has_length || head->minor_version == 0))
        return refuse(refusal, 400, "Transfer-Encoding with Content-Length or in HTTP/1.0");
    if (coding != NULL &&
        (request_head_count(head, "transfer-encoding") > 1 || strcasecmp(coding, "chunked") != 0))
        return refuse(refusal, 501, "the only transfer coding served is chunked");
    bool carries_body = strcmp(head->method, "PUT") == 0 || strcmp(head->method, "POST") == 0;
    if (carries_body && coding == NULL && !has_length)
        return refuse(refusal, 411, "send Content-Length (0 when there is no body)");
    return true;
}

/* Headers that decide something must not be there twice: which one counts would be a guess. */
static bool check_single(const struct request_head *head, struct request_refusal *refusal)
{
    static const char *const names[] = {"authorization", "content-type", "expect"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (request_head_count(head, names[i]) > 1)
            return refuse(refusal, 400, "a header that decides something is there twice");
    return true;
}

static bool check_expect(struct request_head *head, struct request_refusal *refusal)
{
    const char *expect = request_head_find(head, "expect");
    if (expect == NULL)
        return true;
    if (strcasecmp(expect, "100-continue") != 0)
        return refuse(refusal, 417, "the only expectation served is 100-continue");
    head->expects_continue = head->minor_version == 1;
    return true;
}

bool request_head_check(struct request_head *head, struct request_refusal *ret_refusal)
{
    CHECK(head->method != NULL);
    CHECK(head->minor_version == 0 || head->minor_version == 1);
    if (request_head_find(head, "upgrade") != NULL)
        return refuse(ret_refusal, 400, "no other protocol is spoken here: leave Upgrade out");
    return check_url(request_head_url(head), ret_refusal) && check_host(head, ret_refusal) &&
           check_single(head, ret_refusal) && check_framing(head, ret_refusal) &&
           check_expect(head, ret_refusal);
}
