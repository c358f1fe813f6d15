/* document.h: reads one JSON answer token by token (base/scanner.h), never as a tree: listings and
 * differences have as many entries as the peer likes. Any surprise makes the document failed; every
 * call then does nothing, loops end, and document_close() tells. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_DOCUMENT_H
#define COEVAL_COMPONENT_HDFS_DOCUMENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/scanner.h"

#define DOCUMENT_KEY_SIZE 48

struct document {
    struct scanner scanner;
    char key[DOCUMENT_KEY_SIZE]; /* of the last member; longer names are cut: ours are short */
    bool failed;
};

/* data is borrowed until close. */
void document_open(struct document *document, const char *data, size_t size);
/* False: damaged, UNAVAILABLE: NameNodes cut an answer when they fail in the middle of it, and the
 * next one may be whole. what: "listing of /a". */
bool document_close(struct document *document, const char *what, struct error *error);

/* The next value is an object: enters it. */
void document_object(struct document *document);
/* The next member of the object: its value must be read, entered or skipped. False: the end. */
bool document_member(struct document *document);
bool document_is(const struct document *document, const char *key);
/* The next value is an array of objects: enters it; false for null, which stands for none. */
bool document_array(struct document *document);
/* Enters the next object of the array. False: the end. */
bool document_element(struct document *document);

/* Values; null gives NULL, 0 or false, and any other kind fails the document. */
const char *document_text(struct document *document, struct arena *arena);
int64_t document_number(struct document *document);
bool document_boolean(struct document *document);
void document_skip(struct document *document);

#endif
