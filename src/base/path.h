/* path.h: paths as byte strings. Any byte but NUL and '/' may occur in a name; nothing here
 * normalises Unicode. An absolute path starts with '/'; a relative one never does, and "" is the
 * directory itself. Byte order puts a directory before everything below it. */
#ifndef COEVAL_BASE_PATH_H
#define COEVAL_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define PATH_LENGTH_MAX ((size_t)8000)

/* True for an absolute path without empty, "." or ".." names and without a final '/' ("/" is one).
 */
bool path_is_clean(const char *path);
/* The same for a relative path; "" is clean. */
bool path_is_clean_relative(const char *path);
/* Collapses repeated and final '/'; refuses relative paths, "." and "..", and over-long ones. */
bool path_clean(struct arena *arena, const char *path, const char **ret_path, struct error *error);

/* path equals ancestor or lies below it; both absolute or both relative ("" covers all). */
bool path_is_under(const char *path, const char *ancestor);
/* The part of path below ancestor ("" when equal). path_is_under() must hold. */
const char *path_below(const char *path, const char *ancestor);
const char *path_name(const char *path); /* behind the last '/' */
/* "/a/b" -> "/a", "/a" -> "/", "b" -> "", "a/b" -> "a"; parent of "" or "/" is NULL. */
char *path_parent(struct arena *arena, const char *path);
/* Joins with exactly one '/'; an empty side gives the other. */
char *path_join(struct arena *arena, const char *directory, const char *relative);
/* from/x -> to/x for a path under from. */
char *path_move(struct arena *arena, const char *path, const char *from, const char *to);
/* Order in which a parent precedes its children and siblings follow byte order, names compared
 * one by one: the order of every sorted run and manifest ('/' sorts before every other byte). */
int path_compare(const char *a, const char *b);
size_t path_depth(const char *path); /* number of names */

bool path_is_utf8(const char *path);
/* For people and logs: bytes outside printable ASCII/UTF-8 as \xNN, cut to a sane length. */
void path_print(struct buffer *buffer, const char *path);
/* Percent-encodes everything outside A-Z a-z 0-9 - . _ ~ and, if keep_slash, '/'. */
void path_percent_encode(struct buffer *buffer, const char *text, bool keep_slash);
/* In place of a string; false on a bad escape or an encoded NUL. */
bool path_percent_decode(struct buffer *buffer, const char *text, size_t length);

/* fnmatch-like on one relative path: '*' and '?' never match '/', "**" does; a pattern without '/'
 * is tried on every name of the path (as in .gitignore), so ".Trash" excludes a/.Trash/b too. */
bool path_matches(const char *path, const char *pattern);

#endif
