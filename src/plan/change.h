/* change.h: from the differences of one member to what a target must do about them. Three steps:
 *   1. add the differences (and suspects, and what a sweep found), then normalise: renames are
 *      translated, exclusions applied at both ends, what says nothing is dropped;
 *   2. the shell describes each TOUCHED object in both states and judges it;
 *   3. settle: replaced content becomes REMOVE and CREATE, and the directories are listed whose
 *      times must be put right; the shell fills in their times, and plan_build() takes over. */
#ifndef COEVAL_PLAN_CHANGE_H
#define COEVAL_PLAN_CHANGE_H

#include "plan/difference.h"
#include "plan/entry.h"
#include "plan/exclusion.h"
#include "plan/path_map.h"

enum change_kind {
    CHANGE_CREATE, /* new_path: with everything below it that is not covered */
    CHANGE_REMOVE, /* old_path: with everything below it that is not moved away */
    CHANGE_MOVE, /* old_path -> new_path, with everything below it that has no change of its own */
    CHANGE_TOUCHED /* stayed (or was carried) from old_path to new_path: look at it */
};

enum change_verdict { CHANGE_UNDECIDED, CHANGE_NOTHING, CHANGE_ATTRIBUTES, CHANGE_CONTENT };

struct change {
    enum change_kind kind;
    const char *old_path; /* NULL for CREATE */
    const char *new_path; /* NULL for REMOVE */
    bool candidate;       /* a sweep's find or a suspect: not only what the difference says */
    bool forced;          /* TOUCHED: copy it whatever the comparison says (a suspect) */
    bool replaced;        /* REMOVE, CREATE: half of a replaced file */
    bool dropped;         /* private */
    /* by change_judge(), for TOUCHED: */
    enum change_verdict verdict;
    unsigned fields;                /* ATTRIBUTES: which; times of directories are not here */
    const struct entry *base, *now; /* ATTRIBUTES: both states */
    bool is_directory;
    int64_t base_mtime_ns, now_mtime_ns;
    /* Filled in by the shell before plan_build(): objects and bytes that a REMOVE takes away or a
     * CREATE brings, what is below included. */
    uint64_t entries;
    uint64_t bytes;
    uint32_t step; /* by plan_build(): the step that parks it, or places what is created */
};

/* A directory whose set of children changes on the target, so that its mtime must be set at the end
 * of the commit (now) and at the end of a roll-back (base). */
struct change_directory {
    const char *old_path;  /* NULL: it is created */
    const char *new_path;  /* NULL: it is removed */
    bool known;            /* both times below are filled in; else the shell does it */
    int64_t base_mtime_ns; /* if old_path */
    int64_t now_mtime_ns;  /* if new_path */
};

struct change_options {
    const struct exclusions *exclusions; /* kept until fini; NULL: none. They must be those under
                                            which the base was made: else compare listings */
    bool remove_excluded; /* a DELETE counts whatever its name: what the target should not have was
                             compared with a source that excludes it */
    bool forget_rescues;  /* a rename out of a removed directory is a creation (what HDFS says) */
    size_t limit_bytes;   /* memory; ERROR_LIMIT beyond it */
};

struct change_said;
struct changes {
    struct change **items; /* by kind, then by path */
    size_t count;
    struct change_directory *directories; /* after settle */
    size_t directory_count;
    /* private */
    struct change_options options;
    struct arena arena;
    size_t capacity, directory_capacity;
    struct path_map said_from, said_to, said_new, said_modified; /* the differences as they came */
    struct path_map candidates_old, candidates_new;
    struct path_map sources; /* old path -> REMOVE or MOVE */
    struct path_map targets; /* new path -> CREATE or MOVE */
    struct path_map touched; /* old path -> TOUCHED */
    struct path_map directory_places;
};

void changes_init(struct changes *changes, const struct change_options *options);
void changes_fini(struct changes *changes);

/* A difference_fn. Duplicates are fine; ERROR_CONFLICT when two differences contradict each other:
 * then compare listings instead. */
bool changes_add(void *changes, const struct difference *difference, struct error *error);
/* An object to be looked at whatever the difference says. By its path in the new state (sweep) or
 * the old one (suspects of the last epoch). One that is gone, or excluded, is forgotten. */
bool changes_add_candidate(struct changes *changes, const char *path, bool path_is_old, bool forced,
                           struct error *error);
bool changes_normalise(struct changes *changes, struct error *error);
/* Behind normalise: an object that a sweep found to be other than it should be. */
bool changes_add_found(struct changes *changes, const char *old_path, struct error *error);

/* Both states of a TOUCHED object; fields: the attributes that the target can carry. CRCs decide
 * where both are known, else length and mtime. ERROR_CONFLICT: the type changed unsaid. */
bool change_judge(struct changes *changes, struct change *change, const struct entry *base,
                  const struct entry *now, unsigned fields, struct error *error);
/* Every TOUCHED has been judged. */
bool changes_settle(struct changes *changes, struct error *error);

/* Below a CREATE: is new_path the target of a MOVE, so that a walker must neither copy it nor go
 * below it? (Excluded things are the walker's own business.) */
bool changes_covers(const struct changes *changes, const char *new_path);
/* Where the target has the object of an old path after the commit, and before it that of a new one.
 * NULL: nowhere. */
const char *changes_new_path(const struct changes *changes, const char *old_path,
                             struct arena *arena);
const char *changes_old_path(const struct changes *changes, const char *new_path,
                             struct arena *arena);

#endif
