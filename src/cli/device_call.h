/* device_call.h: requests to the control device, and what their failures mean to a script. */
#ifndef COEVAL_CLI_DEVICE_CALL_H
#define COEVAL_CLI_DEVICE_CALL_H

#include <jansson.h>

#include "base/buffer.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "http/client.h"

/* A request's path, built piece by piece; everything is encoded. */
struct device_path {
    struct buffer text;
    bool has_query;
};
/* words: "/v1/policies"; then a segment or parameter at a time. */
void device_path_init(struct device_path *path, const char *words);
void device_path_fini(struct device_path *path);
void device_path_segment(struct device_path *path, const char *text);
void device_path_number(struct device_path *path, uint64_t number);
void device_path_words(struct device_path *path, const char *words);
/* A value of NULL, and a number of 0, stand for none. */
void device_path_parameter(struct device_path *path, const char *name, const char *value);
void device_path_count(struct device_path *path, const char *name, uint64_t count);
/* The path of one epoch, instead of device_path_init(). */
void device_path_epoch(struct device_path *path, const char *service, uint64_t number);

/* What became of a request. */
struct device_answer {
    json_t *document;   /* NULL on failure */
    struct error error; /* what the device said, or why it was not reached */
    bool reached;       /* the device answered, if only to refuse */
};

/* body NULL or an object, which is taken; path is ended. True: document is the answer. */
bool device_call(const struct cli *cli, enum http_method method, struct device_path *path,
                 json_t *body, struct device_answer *ret_answer);
/* Prints the error (to stderr) and returns the exit status that it means. */
int device_failure(const struct cli *cli, const struct device_answer *answer);

/* Both at once: the document, or NULL with *ret_status. */
json_t *device_ask(const struct cli *cli, enum http_method method, struct device_path *path,
                   json_t *body, int *ret_status);
json_t *device_get(const struct cli *cli, const char *words, int *ret_status);
/* Asks and shows: with -o json what the device said, else by `show`. Returns the exit status. */
typedef void device_show_fn(struct cli *cli, const json_t *answer);
int device_tell(struct cli *cli, enum http_method method, struct device_path *path, json_t *body,
                device_show_fn *show);
int device_tell_of(struct cli *cli, const char *words, device_show_fn *show); /* by GET */
/* {"reason": ...} as far as one was given */
json_t *device_reason(const struct cli *cli);

#endif
