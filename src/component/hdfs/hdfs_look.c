/* hdfs_look.c: what is there: status, descriptions, listings, and the proof that an answer counts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/path.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"
#include "component/hdfs/listing_order.h"

bool hdfs_stat(struct store *store, const struct call *call, const char *path, struct arena *arena,
               struct entry *ret_entry, struct error *error)
{
    struct hdfs_status status;
    if (!hdfs_status(store, call, path, arena, &status, error))
        return false;
    *ret_entry = status.entry;
    return true;
}

/* --- describe ----------------------------------------------------------------------------------
 */

static bool add_acl(struct store *store, const struct call *call, const char *path,
                    struct arena *arena, struct entry *entry, struct error *error)
{
    return !entry->has_acl ||
           store->ops->acl(store->session, call, path, arena, &entry->acl, NULL, error);
}

static int compare_xattrs(const void *a, const void *b)
{
    return strcmp(((const struct entry_xattr *)a)->name, ((const struct entry_xattr *)b)->name);
}

static bool is_carried(const char *name)
{
    return strncmp(name, "user.", 5) == 0 || strncmp(name, "trusted.", 8) == 0;
}

static bool add_xattrs(struct store *store, const struct call *call, const char *path,
                       struct arena *arena, struct entry *entry, struct error *error)
{
    struct entry_xattr *xattrs;
    size_t size, count = 0;
    if (!store->ops->xattrs(store->session, call, path, arena, &xattrs, &size, NULL, error))
        return false;
    for (size_t i = 0; i < size; i++)
        if (is_carried(xattrs[i].name))
            xattrs[count++] = xattrs[i];
    if (count > 0)
        qsort(xattrs, count, sizeof *xattrs, compare_xattrs);
    entry->xattrs = count > 0 ? xattrs : NULL;
    entry->xattr_count = count;
    return true;
}

static bool is_snapshots(const char *path)
{
    return path != NULL && strcmp(path_name(path), ".snapshot") == 0;
}

/* The directory whose policy path inherits in what its status tells. The top of a snapshot keeps
 * its own policy and inherits from above the live root; all below it is told as it is now, so its
 * children inherit from the live root. */
static const char *inherits_from(struct arena *arena, const char *path)
{
    char *parent = path_parent(arena, path);
    char *above = parent != NULL ? path_parent(arena, parent) : NULL;
    if (is_snapshots(parent))
        return path_parent(arena, above);
    return is_snapshots(above) ? path_parent(arena, above) : parent;
}

/* A status tells the policy in effect; it is the object's own when the parent has another. An own
 * one that equals the parent's is told by nothing (DESIGN). */
static bool add_policy(struct store *store, const struct call *call, const char *path,
                       unsigned policy_id, struct arena *arena, struct entry *entry,
                       struct error *error)
{
    const char *parent = policy_id != 0 ? inherits_from(arena, path) : NULL;
    struct hdfs_status above = {.policy_id = 0};
    if (policy_id == 0)
        return true;
    if (parent != NULL && !hdfs_status(store, call, parent, arena, &above, error))
        return false;
    if (above.policy_id == policy_id)
        return true;
    return store->ops->policy(store->session, call, path, arena, &entry->storage_policy, NULL,
                              error);
}

bool hdfs_describe(struct store *store, const struct call *call, const char *path,
                   struct arena *arena, struct entry *ret_entry, struct error *error)
{
    struct hdfs_status status;
    if (!hdfs_status(store, call, path, arena, &status, error))
        return false;
    struct entry entry = status.entry;
    if (!add_acl(store, call, path, arena, &entry, error) ||
        !add_xattrs(store, call, path, arena, &entry, error) ||
        !add_policy(store, call, path, status.policy_id, arena, &entry, error))
        return error_wrap(error, "describe");
    *ret_entry = entry;
    return true;
}

/* --- list --------------------------------------------------------------------------------------
 */

/* Behind every name in ASCII's favour: the largest character there is, in UTF-8. In the NameNode's
 * order all names that begin beyond ASCII come before those that begin inside it. */
#define LAST_BEYOND_ASCII "\xf4\x8f\xbf\xbf"

enum list_part { LIST_ALL, LIST_ASCII, LIST_BEYOND };

struct listing {
    struct store *store;
    const struct call *call;
    const char *path;
    struct listing_order order;
    enum list_part part;
    struct buffer cursor; /* the last name of the page before */
};

static bool is_beyond(const char *name)
{
    return (unsigned char)name[0] >= 0x80;
}

static bool get_page(struct listing *listing, struct arena *arena, struct hdfs_page *ret_page,
                     struct error *error)
{
    struct store *store = listing->store;
    return store->ops->list_page(store->session, listing->call, listing->path,
                                 buffer_text(&listing->cursor), arena, ret_page, NULL, error);
}

/* The names must move on, or the NameNode ignored the cursor and sends the first page for ever. */
static bool check_page(const struct listing *listing, const struct hdfs_page *page,
                       struct error *error)
{
    const char *before = buffer_text(&listing->cursor);
    if (page->count == 0 && page->remaining > 0)
        return error_set(error, ERROR_PROTOCOL, "%s: an empty page of a listing", listing->path);
    for (size_t i = 0; i < page->count; i++) {
        const char *name = page->statuses[i].entry.path;
        if (name[0] == '\0')
            return error_set(error, ERROR_NOT_FOUND, "%s: not a directory", listing->path);
        if (listing_compare_signed(before, name) >= 0)
            return error_set(error, ERROR_PROTOCOL, "%s: the listing does not move on",
                             listing->path);
        before = name;
    }
    return true;
}

/* *ret_more false: this part is complete, although pages may follow. */
static bool add_page(struct listing *listing, const struct hdfs_page *page, bool *ret_more,
                     struct error *error)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct entry *entry = &page->statuses[i].entry;
        if (listing->part == LIST_BEYOND && !is_beyond(entry->path)) {
            *ret_more = false;
            return true;
        }
        if (listing->part == LIST_ASCII && is_beyond(entry->path))
            continue;
        if (!listing_order_add(&listing->order, entry, error))
            return false;
    }
    *ret_more = page->remaining > 0;
    if (*ret_more) {
        buffer_clear(&listing->cursor);
        buffer_append_text(&listing->cursor, page->statuses[page->count - 1].entry.path);
    }
    return true;
}

/* Lists from the cursor on. A first page that begins beyond ASCII makes LIST_ALL stop with
 * *ret_split: then the two parts are listed one after the other. */
static bool list_part(struct listing *listing, bool *ret_split, struct error *error)
{
    bool more = true;
    while (more) {
        struct arena arena;
        struct hdfs_page page;
        arena_init(&arena);
        bool done = get_page(listing, &arena, &page, error) && check_page(listing, &page, error);
        *ret_split = done && listing->part == LIST_ALL && listing->cursor.size == 0 &&
                     page.count > 0 && page.remaining > 0 && is_beyond(page.statuses[0].entry.path);
        done = done && (*ret_split || add_page(listing, &page, &more, error));
        arena_fini(&arena);
        if (!done)
            return false;
        if (*ret_split)
            return true;
    }
    return listing_order_end(&listing->order, error);
}

static bool list_both_parts(struct listing *listing, struct error *error)
{
    bool ignored;
    listing->part = LIST_ASCII;
    buffer_append_text(&listing->cursor, LAST_BEYOND_ASCII);
    if (!list_part(listing, &ignored, error))
        return false;
    listing->part = LIST_BEYOND;
    listing->order.after_ascii = true;
    buffer_clear(&listing->cursor);
    return list_part(listing, &ignored, error);
}

bool hdfs_list(struct store *store, const struct call *call, const char *path, entry_fn *fn,
               void *context, struct error *error)
{
    struct listing listing = {.store = store, .call = call, .path = path};
    bool split = false;
    if (!hdfs_path_check(path, error))
        return false;
    listing_order_init(&listing.order, fn, context);
    buffer_init(&listing.cursor, 0);
    bool done = list_part(&listing, &split, error) && (!split || list_both_parts(&listing, error));
    listing_order_fini(&listing.order);
    buffer_fini(&listing.cursor);
    return done;
}

/* --- confirm -----------------------------------------------------------------------------------
 */

#define MARKER_NAME ".confirm"

/* A directory, so that no DataNode is needed; its time is logged even with the value it has. */
static bool touch_marker(struct store *store, const struct call *call, unsigned node,
                         const char *marker, struct error *error)
{
    struct hdfs_attribute time = {.kind = HDFS_MTIME, .mtime_ms = clock_realtime_us() / 1000};
    struct hdfs_mutation touching = hdfs_mutation(store), making = hdfs_mutation(store);
    touching.node = making.node = node;
    if (store->ops->set_attribute(store->session, call, &touching, marker, &time, NULL, error))
        return true;
    if (error->code != ERROR_NOT_FOUND || /* making it is a logged write as well */
        !store->ops->mkdirs(store->session, call, &making, marker, 0700, NULL, NULL, error))
        return false;
    *error = ERROR_NONE;
    return true;
}

bool hdfs_confirm(struct store *store, const struct call *call, struct error *error)
{
    struct arena arena;
    unsigned node;
    bool one = store->ops->looked_at(store->session, call, &node);
    store->ops->forget_looks(store->session);
    if (!one)
        return error_set(error, ERROR_UNAVAILABLE,
                         "the active NameNode changed between the reads; read again");
    arena_init(&arena);
    const char *marker = path_join(&arena, store->area, MARKER_NAME);
    bool done = touch_marker(store, call, node, marker, error);
    arena_fini(&arena);
    if (!done && error->code == ERROR_UNCERTAIN)
        error->code = ERROR_UNAVAILABLE; /* the marker's time matters to nobody: ask again */
    return done || error_wrap(error, "the NameNode that answered does not acknowledge a write");
}
