/* curl_setup.c: see curl_setup.h. */
#include "http/curl_setup.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/check.h"

static void global_init_once(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

void curl_setup_global(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init_once);
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t drop_output(char *data, size_t one, size_t size, void *context)
{
    (void)data, (void)context;
    return one * size;
}

void curl_setup_common(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_output);
    /* A name server that hangs must not hold up the caller beyond his deadline: its thread is left
     * behind and ends by itself. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

void curl_setup_peer_name(const char *url, char ret_name[CURL_PEER_NAME_SIZE])
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t length = strcspn(host, "/?#");
    const char *user_end = memrchr(host, '@', length);
    if (user_end != NULL) {
        length -= (size_t)(user_end + 1 - host);
        host = user_end + 1;
    }
    if (length >= CURL_PEER_NAME_SIZE)
        length = CURL_PEER_NAME_SIZE - 1;
    memcpy(ret_name, host, length);
    ret_name[length] = '\0';
}

static bool is_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static void append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        check_out_of_memory(strlen(line));
    *list = longer;
}

bool curl_setup_headers(const struct http_call *call, struct curl_slist **ret_list,
                        struct error *error)
{
    static const char type[] = "Content-Type:";
    struct curl_slist *list = NULL;
    bool has_type = false;
    append(&list, "Expect:"); /* curl would wait a second for a 100 that many servers do not send */
    for (const char *const *line = call->headers; line != NULL && *line != NULL; line++) {
        if (!is_clean(*line)) {
            curl_slist_free_all(list);
            return error_set(error, ERROR_INVALID, "a request header holds control bytes");
        }
        has_type = has_type || strncasecmp(*line, type, sizeof type - 1) == 0;
        append(&list, *line);
    }
    if (!has_type && (call->method == HTTP_PUT || call->method == HTTP_POST))
        append(&list, "Content-Type: application/json");
    if (call->token != NULL) {
        if (!is_clean(call->token)) {
            curl_slist_free_all(list);
            return error_set(error, ERROR_INVALID, "the token holds control bytes");
        }
        struct buffer line;
        buffer_init(&line, 0);
        buffer_append_format(&line, "Authorization: Bearer %s", call->token);
        append(&list, buffer_text(&line));
        buffer_fini(&line);
    }
    *ret_list = list;
    return true;
}
