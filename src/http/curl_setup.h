/* curl_setup.h: what every use of libcurl here has in common. Included by transfer.c and the client
 * only: it shows curl's types. */
#ifndef COEVAL_HTTP_CURL_SETUP_H
#define COEVAL_HTTP_CURL_SETUP_H

#include <curl/curl.h>

#include "base/error.h"
#include "http/client.h"

/* Initialises curl once in the process; from any thread. */
void curl_setup_global(void);
/* HTTP/1.1 over http or https, no proxy or .netrc of the environment, no redirects, no signals,
 * close-on-exec sockets, paths and names as given, no wait for "100 Continue", nothing written to
 * stdout or stderr. */
void curl_setup_common(CURL *easy);

#define CURL_PEER_NAME_SIZE 128
/* "host:port" of a URL, for messages: without user, path and query. */
void curl_setup_peer_name(const char *url, char ret_name[CURL_PEER_NAME_SIZE]);

/* The caller's headers, with those of a call with body and token: a content type (JSON unless
 * said), Authorization. INVALID when one holds control bytes. */
bool curl_setup_headers(const struct http_call *call, struct curl_slist **ret_list,
                        struct error *error);

#endif
