/* local_rules.c: who asks for no token relies on loopback, and a browser on this machine lends that
 * to any page it shows. What such a page can send, on its own (Origin, a simple content type) or
 * under a name that it made point here (Host), is refused. Pure. */
#include "http/request_head.h"

#include <string.h>
#include <strings.h>

static bool refuse(struct request_refusal *refusal, int status, const char *reason)
{
    *refusal = (struct request_refusal){.status = status, .reason = reason};
    return false;
}

/* host or host:port, where the host can only be this machine. */
static bool is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]"};
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == length && strncasecmp(names[i], host, length) == 0)
            return true;
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == length;
}

/* "application/json", parameters aside. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    return strncasecmp(type, json, sizeof json - 1) == 0 &&
           strchr(" \t;", type[sizeof json - 1]) != NULL;
}

bool request_head_check_local(const struct request_head *head, struct request_refusal *ret_refusal)
{
    const char *host = request_head_find(head, "host");
    const char *type = request_head_find(head, "content-type");
    bool carries_body = strcmp(head->method, "PUT") == 0 || strcmp(head->method, "POST") == 0;
    if (request_head_find(head, "origin") != NULL)
        return refuse(ret_refusal, 403,
                      "web pages may not ask here without a token: leave out Origin");
    if (host != NULL && !is_loopback(host))
        return refuse(ret_refusal, 403,
                      "without a token the Host must be localhost or a loopback address");
    if (carries_body && (type == NULL || !is_json(type)))
        return refuse(ret_refusal, 415, "send Content-Type: application/json");
    return true;
}
