/* group.h: the protection group of a service: data sets by name, by selector, or all. Pure.
 * A data set is "<instance>:<path>", the path a directory of that instance. Selectors and `all`
 * look at a catalogue of top-level directories that the agent lists; what they find is narrowed by
 * `include`. `exclude` drops found data sets, and paths inside every data set. */
#ifndef COEVAL_POLICY_GROUP_H
#define COEVAL_POLICY_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

#define GROUP_DATA_SETS_MAX 4096
#define GROUP_PATTERNS_MAX 256
#define MEMBER_ID_SIZE 17

struct data_set {
    const char *instance;
    const char *path; /* absolute and clean, not "/" */
};

/* A missing field fits everything. */
struct group_selector {
    const char *instance;
    const char *owner;
    const char *prefix; /* path prefix by whole names: the directory itself and what is below it */
};

struct group {
    struct data_set *data_sets;
    size_t data_set_count;
    struct group_selector *selectors; /* `all` is a selector without owner and prefix */
    size_t selector_count;
    const char **include;
    size_t include_count;
    const char **exclude; /* without the defaults */
    size_t exclude_count;
    bool default_excludes;
};

/* One directory of a listed catalogue. */
struct catalogue_entry {
    const char *instance;
    const char *path;
    const char *owner; /* NULL: not known, which fits every selector */
};

struct member {
    char id[MEMBER_ID_SIZE]; /* the same for the same instance and path, everywhere and for ever */
    const char *instance;
    const char *path;
};

/* Always excluded: Coeval's own staging. The defaults: .Trash .snapshot _temporary .hive-staging*.
 */
extern const char *const group_default_excludes[];
extern const size_t group_default_exclude_count;

/* "hdfs:/bills". Strings go into the arena. */
bool data_set_parse(const char *text, struct arena *arena, struct data_set *ret_data_set,
                    struct error *error);
void member_id(const char *instance, const char *path, char ret_id[MEMBER_ID_SIZE]);
/* Letters, digits, '.', '_', '-', at most 63, beginning with a letter or digit: names of policies,
 * pairs, clusters, instances. */
bool name_is_plain(const char *name);

bool group_selects(const struct group *group, const struct catalogue_entry *entry);
/* Is data_set/relative ("" is the data set itself) or a directory above it excluded? A pattern that
 * begins with '/' is matched against the absolute path, another one against the relative path. */
bool group_excludes(const struct group *group, const char *data_set, const char *relative);
/* Named data sets and selected directories, sorted by instance and path, without doubles; selected
 * directories below another member of the same instance are part of that one. */
bool group_resolve(const struct group *group, const struct catalogue_entry *entries, size_t count,
                   struct arena *arena, struct member **ret_members, size_t *ret_count,
                   struct error *error);

#endif
