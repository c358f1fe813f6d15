/* yaml_reader.h: the part of YAML that cannot surprise, read into a document with positions.
 * One document of mappings, lists and scalars. Plain scalars: true, false, null (also ~ and empty)
 * and integers in decimal without leading zeros; everything else, and whatever is quoted, is text
 * (so "no", 1.5, 0x10 and 2026-01-01 are text). Refused, with file, line and column: anchors,
 * aliases, tags, directives, merge keys, further documents, duplicate keys, keys that are not
 * scalars, depth and size beyond the limits. JSON is read too, as far as it is YAML 1.1 (not:
 * escaped surrogate pairs). */
#ifndef COEVAL_YAML_YAML_READER_H
#define COEVAL_YAML_YAML_READER_H

#include "base/document.h"

#define YAML_BYTES_MAX ((size_t)1 << 20)
#define YAML_DEPTH_MAX 32

/* name is for messages. document_fini() the result. */
bool yaml_parse(const char *name, const char *text, size_t size, struct document *ret_document,
                struct error *error);
bool yaml_read_file(const char *path, struct document *ret_document, struct error *error);

#endif
