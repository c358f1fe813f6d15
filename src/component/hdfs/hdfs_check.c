/* hdfs_check.c: the preflight: what an epoch will need, asked one by one; each finding comes with
 * what to do about it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"

#define CANARY_NAME ".canary"
#define OFFSET_WARNING_US 500000
#define SNAPSHOTS_SPARE 16 /* below so many left, a root's budget is a warning */

struct checking {
    struct store *store;
    const struct call *call;
    enum store_use use;
    const char *const *roots;
    size_t root_count;
    finding_fn *report;
    void *context;
};

static void __attribute__((format(printf, 4, 5)))
find(const struct checking *checking, enum finding_level level, const char *remedy,
     const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    struct finding finding = {.level = level, .what = what, .remedy = remedy};
    checking->report(checking->context, &finding);
}

/* --- the NameNodes -----------------------------------------------------------------------------
 */

static bool check_active(const struct checking *checking, struct error *error)
{
    struct arena arena;
    struct hdfs_status status;
    arena_init(&arena);
    bool done = hdfs_status(checking->store, checking->call, "/", &arena, &status, error);
    arena_fini(&arena);
    if (!done) {
        find(checking, FINDING_ERROR,
             "start HDFS, leave safe mode, or correct the list \"namenodes\"",
             "no active NameNode: %s", error->text);
        return false;
    }
    const char *version;
    struct error why = ERROR_NONE;
    arena_init(&arena);
    if (!checking->store->ops->version(checking->store->session, checking->call, &arena, &version,
                                       NULL, &why))
        find(checking, FINDING_WARNING, "make /jmx readable for this host",
             "the NameNode does not tell its version: %s", why.text);
    else
        find(checking, FINDING_OK, NULL, "NameNode of Hadoop %s answers", version);
    arena_fini(&arena);
    return true;
}

static void check_each_node(const struct checking *checking)
{
    const struct hdfs_ops *ops = checking->store->ops;
    struct hdfs_session *session = checking->store->session;
    unsigned count = ops->node_count(session);
    for (unsigned i = 0; i < count && count > 1; i++) {
        struct hdfs_problem problem;
        struct error why = ERROR_NONE;
        if (!ops->probe(session, checking->call, i, &problem, &why) &&
            problem.refusal != HDFS_STANDBY)
            find(checking, FINDING_WARNING,
                 "bring it back: a failover would leave this cluster without a NameNode",
                 "NameNode %s: %s", ops->node_name(session, i), why.text);
    }
}

static void check_open_files(const struct checking *checking)
{
    enum open_files state;
    struct error why = ERROR_NONE;
    if ((checking->use & STORE_SOURCE) == 0)
        return;
    if (!hdfs_open_files(checking->store, checking->call, &state, &why))
        find(checking, FINDING_WARNING, "make /conf readable for this host", "%s", why.text);
    else if (state == OPEN_FILES_FROZEN)
        find(checking, FINDING_OK, NULL, "files open at T are frozen at T");
    else
        find(checking, FINDING_WARNING,
             "set dfs.namenode.snapshot.capture.openfiles=true on the NameNodes and restart them "
             "one by one; until then epochs are \"fuzzy\" unless writers are held",
             "files that are open at T go on growing in the snapshot");
}

static void check_clock(const struct checking *checking)
{
    int64_t offset, uncertainty;
    struct error why = ERROR_NONE;
    if (!hdfs_clock_offset(checking->store, checking->call, &offset, &uncertainty, &why))
        find(checking, FINDING_WARNING, "check the NameNode's HTTP answers for a Date header",
             "clock: %s", why.text);
    else if (llabs(offset) > OFFSET_WARNING_US + uncertainty)
        find(checking, FINDING_WARNING, "let chrony or ntpd set both clocks",
             "the NameNode's clock is %" PRId64 " ms off ours (known to %" PRId64 " ms)",
             offset / 1000, uncertainty / 1000);
    else
        find(checking, FINDING_OK, NULL, "clock offset %" PRId64 " ms, known to %" PRId64 " ms",
             offset / 1000, uncertainty / 1000);
}

/* --- the area: superuser, DataNodes ------------------------------------------------------------
 */

/* Snapshots of the area are harmless and never made; allowing them shows that we may. */
static void check_superuser(const struct checking *checking)
{
    struct error why = ERROR_NONE;
    struct store *store = checking->store;
    const char *user = store->ops->user(store->session);
    struct arena arena;
    struct hdfs_status status = {.snapshottable = true};
    arena_init(&arena);
    (void)hdfs_status(store, checking->call, store->area, &arena, &status, &why);
    bool before = status.snapshottable; /* by the site: leave it so */
    arena_fini(&arena);
    struct hdfs_mutation allowing = hdfs_mutation(store), disallowing = hdfs_mutation(store);
    bool allowed = store->ops->allow_snapshots(store->session, checking->call, &allowing,
                                               store->area, NULL, &why);
    struct error ignored = ERROR_NONE;
    if (allowed && !before)
        (void)store->ops->disallow_snapshots(store->session, checking->call, &disallowing,
                                             store->area, NULL, &ignored);
    if (allowed || why.code == ERROR_CONFLICT)
        find(checking, FINDING_OK, NULL, "%s is a superuser", user);
    else
        find(checking, FINDING_WARNING,
             "add the user to the group of dfs.permissions.superusergroup; or allow snapshots on "
             "every root yourself, and accept that owners cannot be set",
             "%s is no superuser: %s", user, why.text);
}

static bool read_canary(const struct checking *checking, const char *path, struct error *error)
{
    struct store_reader *reader;
    char data[16];
    size_t size = 0;
    if (!hdfs_read_open(checking->store, checking->call, path, 0, &reader, error))
        return false;
    bool done = hdfs_read(reader, data, sizeof data, &size, error);
    hdfs_read_close(reader);
    return done && (size == 6 || error_set(error, ERROR_CORRUPT,
                                           "what was written reads back "
                                           "otherwise"));
}

static bool write_canary(const struct checking *checking, const char *path, struct error *error)
{
    struct store_writer *writer;
    if (!hdfs_write_open(checking->store, checking->call, path, 0600, &writer, error))
        return false;
    struct error ignored = ERROR_NONE;
    bool written = hdfs_write(writer, "canary", 6, error);
    return hdfs_write_close(writer, written, written ? error : &ignored) && written;
}

static void check_datanodes(const struct checking *checking)
{
    struct arena arena;
    struct error why = ERROR_NONE, ignored = ERROR_NONE;
    arena_init(&arena);
    const char *path = path_join(&arena, checking->store->area, CANARY_NAME);
    (void)hdfs_remove(checking->store, checking->call, path, false, &ignored);
    if (write_canary(checking, path, &why) && read_canary(checking, path, &why))
        find(checking, FINDING_OK, NULL, "a file was written to a DataNode and read back");
    else
        find(checking, FINDING_ERROR,
             "check that DataNodes are live, have room, and that their host names and HTTP ports "
             "(dfs.datanode.http.address) are reachable from here",
             "cannot write and read a file: %s", why.text);
    (void)hdfs_remove(checking->store, checking->call, path, false, &ignored);
    arena_fini(&arena);
}

/* --- roots -------------------------------------------------------------------------------------
 */

static bool check_path(const struct checking *checking, const char *root)
{
    struct error why = ERROR_NONE;
    struct arena arena;
    struct hdfs_status status;
    arena_init(&arena);
    bool done = hdfs_path_check(root, &why) &&
                hdfs_status(checking->store, checking->call, root, &arena, &status, &why);
    if (done && status.entry.type != ENTRY_DIRECTORY)
        done = error_set(&why, ERROR_INVALID, "%s is a file", root);
    arena_fini(&arena);
    if (!done && why.code == ERROR_NOT_FOUND && checking->use != STORE_SOURCE)
        find(checking, FINDING_OK, NULL, "%s will be made", root);
    else if (!done)
        find(checking, FINDING_ERROR, "name a directory that is there", "root %s: %s", root,
             why.text);
    return done;
}

static void check_against(const struct checking *checking, const char *root,
                          const struct hdfs_snapshottable *other)
{
    if (strcmp(root, other->path) == 0) {
        if (other->quota < other->snapshots + SNAPSHOTS_SPARE)
            find(checking, FINDING_WARNING, "remove snapshots that nobody needs",
                 "root %s has %" PRIu64 " of at most %" PRIu64 " snapshots", root, other->snapshots,
                 other->quota);
        else
            find(checking, FINDING_OK, NULL, "root %s is snapshottable, %" PRIu64 " snapshots",
                 root, other->snapshots);
    } else if (path_is_under(root, other->path)) {
        find(checking, FINDING_ERROR,
             "take that directory as the root (data sets below it work by descendant "
             "differences), or disallow its snapshots",
             "root %s lies in %s, which is snapshottable: HDFS refuses to nest them", root,
             other->path);
    } else if (path_is_under(other->path, root)) {
        find(checking, FINDING_ERROR,
             "disallow its snapshots, or take the directories one by one as roots",
             "%s in root %s is snapshottable (%" PRIu64 " snapshots): HDFS refuses to nest them",
             other->path, root, other->snapshots);
    }
}

static void check_roots(const struct checking *checking)
{
    struct arena arena;
    struct hdfs_snapshottables list = {.count = 0};
    struct error why = ERROR_NONE;
    arena_init(&arena);
    if (!checking->store->ops->snapshottables(checking->store->session, checking->call, &arena,
                                              &list, NULL, &why))
        find(checking, FINDING_WARNING, "see the NameNode's log",
             "cannot list the snapshottable directories: %s", why.text);
    for (size_t i = 0; i < checking->root_count; i++) {
        if (!check_path(checking, checking->roots[i]))
            continue;
        for (size_t j = 0; j < list.count; j++)
            check_against(checking, checking->roots[i], &list.directories[j]);
    }
    arena_fini(&arena);
}

bool hdfs_check(struct store *store, const struct call *call, enum store_use use,
                const char *const *roots, size_t root_count, finding_fn *report, void *context,
                struct error *error)
{
    struct checking checking = {.store = store,
                                .call = call,
                                .use = use,
                                .roots = roots,
                                .root_count = root_count,
                                .report = report,
                                .context = context};
    if (!check_active(&checking, error))
        return false;
    check_each_node(&checking);
    check_open_files(&checking);
    check_clock(&checking);
    /* without its parents being asked for: a check must work on a cluster that is new to us */
    if (hdfs_make(store, call, store->area, 0700, error)) {
        check_superuser(&checking);
        check_datanodes(&checking);
    } else {
        find(&checking, FINDING_ERROR, "let a superuser make the directory and give it to our user",
             "area %s: %s", store->area, error->text);
        *error = ERROR_NONE;
    }
    check_roots(&checking);
    return true;
}
