/* hdfs_difference.c: what changed between snapshots, and which files a snapshot does not hold
 * still. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/path.h"
#include "base/random.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"
#include "component/hdfs/report_merge.h"

/* --- difference --------------------------------------------------------------------------------
 */

/* One question: which snapshots of which directory, and who hears the answer. */
struct question {
    struct store *store;
    const struct call *call;
    const char *path, *from, *to;
    difference_fn *fn;
    void *context;
};

static bool ask_once(const struct question *question, struct error *error)
{
    struct store *store = question->store;
    return store->ops->difference(store->session, question->call, question->path, question->from,
                                  question->to, question->fn, question->context, NULL, error);
}

static bool ask_page(const struct question *question, struct report_merge *merge, bool *ret_last,
                     bool *ret_unknown, struct error *error)
{
    struct arena arena;
    struct hdfs_row_page page;
    struct hdfs_problem problem;
    struct store *store = question->store;
    arena_init(&arena);
    bool done = store->ops->difference_page(store->session, question->call, question->path,
                                            question->from, question->to, merge->last_path,
                                            merge->last_index, &arena, &page, &problem, error);
    *ret_unknown = !done && problem.unknown_operation;
    done = done && report_merge_page(merge, &page, question->path, ret_last, error);
    arena_fini(&arena);
    return done;
}

/* *ret_unknown: the NameNode is older than 3.4 and knows only the report in one answer. */
static bool ask_in_pages(const struct question *question, bool *ret_unknown, struct error *error)
{
    struct report_merge merge;
    bool last = false, done = true;
    report_merge_init(&merge, question->fn, question->context);
    while (done && !last)
        done = ask_page(question, &merge, &last, ret_unknown, error);
    done = done && report_merge_end(&merge, error);
    report_merge_fini(&merge);
    return done;
}

/* --- to a live tree that changed much ----------------------------------------------------------
 */

#define LOOK_PREFIX                                                              \
    "coeval.look." /* no pair has such an id: never taken for a moment or a seal \
                    */
#define LOOK_AGE_MAX_US ((int64_t)24 * 3600 * 1000000)

struct leftovers {
    struct arena arena;
    int64_t before_us; /* on the NameNode's clock */
    const char *name;  /* one that a crash left; NULL: none */
};

static bool match_leftover(void *context, const struct snapshot *snapshot, struct error *error)
{
    struct leftovers *leftovers = context;
    (void)error;
    if (strncmp(snapshot->name, LOOK_PREFIX, strlen(LOOK_PREFIX)) == 0 &&
        snapshot->instant_us < leftovers->before_us)
        leftovers->name = arena_string(&leftovers->arena, snapshot->name);
    return true;
}

/* Another agent may be looking just now, but not for a day. One for each look is enough. */
static bool remove_leftover(struct store *store, const struct call *call, const char *root,
                            int64_t now_us, struct error *error)
{
    struct leftovers leftovers = {.before_us = now_us - LOOK_AGE_MAX_US};
    arena_init(&leftovers.arena);
    bool done =
        hdfs_snapshot_list(store, call, root, match_leftover, &leftovers, error) &&
        (leftovers.name == NULL || hdfs_snapshot_remove(store, call, root, leftovers.name, error));
    arena_fini(&leftovers.arena);
    return done;
}

/* The live tree held still by a snapshot of our own, told in pages, and let go whatever comes. */
static bool ask_held(struct question *question, const char *root, bool *ret_unknown,
                     struct error *error)
{
    struct call ending = *question->call;
    struct snapshot look;
    struct error late = ERROR_NONE;
    unsigned char random[8];
    char digits[2 * sizeof random + 1], name[sizeof LOOK_PREFIX + sizeof digits];
    random_system_bytes(random, sizeof random);
    hex_format(random, sizeof random, digits);
    snprintf(name, sizeof name, LOOK_PREFIX "%s", digits);
    if (!hdfs_snapshot_create(question->store, question->call, root, name, &look, error))
        return error_wrap(error, "hold %s still", root);
    question->to = name;
    bool done = ask_in_pages(question, ret_unknown, error);
    ending.abort = NULL;
    ending.deadline_ns = 0;
    bool removed = hdfs_snapshot_remove(question->store, &ending, root, name, &late) &&
                   remove_leftover(question->store, &ending, root, look.instant_us, &late);
    if (done && !removed)
        *error = late;
    return done && removed;
}

struct telling {
    difference_fn *fn;
    void *context;
    bool begun;
};

static bool tell(void *context, const struct difference *difference, struct error *error)
{
    struct telling *telling = context;
    telling->begun = true;
    return telling->fn(telling->context, difference, error);
}

/* Pages of a tree that changes between them would fit nothing: the live one is asked at once. When
 * that is more than one answer holds, nothing of it was told yet; a limit met later is the
 * asker's own. */
static bool ask_live(struct question *question, const char *root, struct error *error)
{
    struct error too_long = ERROR_NONE;
    struct telling telling = {question->fn, question->context, false};
    struct question at_once = *question;
    bool unknown = false;
    at_once.fn = tell;
    at_once.context = &telling;
    if (ask_once(&at_once, &too_long))
        return true;
    *error = too_long;
    if (too_long.code != ERROR_LIMIT || telling.begun)
        return false;
    *error = ERROR_NONE;
    bool done = ask_held(question, root, &unknown, error);
    if (unknown) /* no pages either */
        *error = too_long;
    return done;
}

bool hdfs_difference(struct store *store, const struct call *call, const char *root,
                     const char *relative, const char *from, const char *to, difference_fn *fn,
                     void *context, struct error *error)
{
    struct arena arena;
    struct report_filter filter = {.fn = fn, .context = context};
    arena_init(&arena);
    struct question question = {.store = store,
                                .call = call,
                                .path = path_join(&arena, root, relative),
                                .from = from,
                                .to = to != NULL ? to : "",
                                .fn = fn,
                                .context = context};
    if (relative[0] == '\0') { /* staging lies directly below the root and nowhere else */
        question.fn = report_filter_staging;
        question.context = &filter;
    }
    bool unknown = false;
    bool done =
        hdfs_path_check(question.path, error) &&
        (to == NULL ? ask_live(&question, root, error) : ask_in_pages(&question, &unknown, error));
    if (unknown) {
        *error = ERROR_NONE;
        done = ask_once(&question, error);
    }
    arena_fini(&arena);
    return done;
}

/* --- open files --------------------------------------------------------------------------------
 */

bool hdfs_open_files_at(struct store *store, const struct call *call, unsigned node,
                        enum open_files *ret_state, struct error *error)
{
    bool freezes;
    if (!store->ops->freezes_open_files(store->session, call, node, &freezes, NULL, error))
        return false;
    *ret_state = freezes ? OPEN_FILES_FROZEN : OPEN_FILES_GROW;
    atomic_store(&store->open_files, (int)*ret_state);
    return true;
}

bool hdfs_open_files(struct store *store, const struct call *call, enum open_files *ret_state,
                     struct error *error)
{
    unsigned node;
    return store->ops->find_active(store->session, call, &node, NULL, error) &&
           hdfs_open_files_at(store, call, node, ret_state, error);
}

static bool forgive_missing(const struct error *why, struct error *error)
{
    if (why->code == ERROR_NOT_FOUND)
        return true;
    *error = *why;
    return false;
}

static bool is_open(struct store *store, const struct call *call, const char *path, bool *ret_open,
                    struct error *error)
{
    struct error why = ERROR_NONE;
    *ret_open = false;
    return (hdfs_path_check(path, &why) &&
            store->ops->is_open(store->session, call, path, ret_open, NULL, &why)) ||
           forgive_missing(&why, error); /* gone since, or a directory: not open */
}

/* A file closed by its writer after T has, in the snapshot too, the time of its closing. */
static bool has_grown(struct store *store, const struct call *call, const char *root,
                      const char *path, const char *snapshot, bool *ret_grown, struct error *error)
{
    struct arena arena;
    struct hdfs_status top, file;
    arena_init(&arena);
    const char *root_then = hdfs_snapshot_path(store, root, snapshot, "", &arena);
    const char *path_then = hdfs_snapshot_path(store, root, snapshot, path, &arena);
    *ret_grown = false;
    bool done = hdfs_status(store, call, root_then, &arena, &top, error);
    struct error why = ERROR_NONE;
    if (done && hdfs_status(store, call, path_then, &arena, &file, &why))
        *ret_grown = file.entry.type == ENTRY_FILE && file.mtime_ms > top.mtime_ms;
    else if (done)
        done = forgive_missing(&why, error); /* not in the snapshot: nothing to copy from it */
    arena_fini(&arena);
    return done;
}

bool hdfs_is_suspect(struct store *store, const struct call *call, const char *root,
                     const char *path, const char *snapshot, bool *ret_suspect, struct error *error)
{
    struct arena arena;
    enum open_files state = (enum open_files)atomic_load(&store->open_files);
    bool open = false, grown = false;
    if (state == OPEN_FILES_UNKNOWN && !hdfs_open_files(store, call, &state, error))
        return false;
    if (state == OPEN_FILES_FROZEN) { /* what was open at T stays as it was, and the next
                                         difference names it */
        *ret_suspect = false;
        return true;
    }
    arena_init(&arena);
    bool done = is_open(store, call, path_join(&arena, root, path), &open, error) &&
                (open || has_grown(store, call, root, path, snapshot, &grown, error));
    arena_fini(&arena);
    if (done)
        *ret_suspect = open || grown;
    return done;
}
