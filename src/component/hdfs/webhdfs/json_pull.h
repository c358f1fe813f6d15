/* json_pull.h: reads one JSON answer token by token (base/scanner.h), never as a tree: listings and
 * differences have as many entries as the peer likes. Any surprise makes the reading failed; every
 * call then does nothing, loops end, and pull_close() tells. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_JSON_PULL_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_JSON_PULL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/scanner.h"

#define PULL_KEY_SIZE 48

struct json_pull {
    struct scanner scanner;
    char key[PULL_KEY_SIZE]; /* of the last member; longer names are cut: ours are short */
    bool failed;
};

/* data is borrowed until close. */
void pull_open(struct json_pull *pull, const char *data, size_t size);
/* False: damaged, UNAVAILABLE: NameNodes cut an answer when they fail in the middle of it, and the
 * next one may be whole. what: "listing of /a". */
bool pull_close(struct json_pull *pull, const char *what, struct error *error);

/* The next value is an object: enters it. */
void pull_object(struct json_pull *pull);
/* The next member of the object: its value must be read, entered or skipped. False: the end. */
bool pull_member(struct json_pull *pull);
bool pull_is(const struct json_pull *pull, const char *key);
/* The next value is an array of objects: enters it; false for null, which stands for none. */
bool pull_array(struct json_pull *pull);
/* Enters the next object of the array. False: the end. */
bool pull_element(struct json_pull *pull);

/* Values; null gives NULL, 0 or false, and any other kind fails the reading. */
const char *pull_text(struct json_pull *pull, struct arena *arena);
int64_t pull_number(struct json_pull *pull);
bool pull_boolean(struct json_pull *pull);
void pull_skip(struct json_pull *pull);

/* An array with room for one more element behind count of them; doubling, so that the arena holds
 * at most twice. */
void *pull_grow(struct arena *arena, void *array, size_t count, size_t element_size);

#endif
