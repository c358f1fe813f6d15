/* webhdfs_status.c: one reader per document; unknown members are skipped. */
#include "component/hdfs/webhdfs_status.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

static enum entry_type type_of(const char *text, struct document *document)
{
    if (text != NULL && strcmp(text, "FILE") == 0)
        return ENTRY_FILE;
    if (text != NULL && strcmp(text, "DIRECTORY") == 0)
        return ENTRY_DIRECTORY;
    if (text != NULL && strcmp(text, "SYMLINK") == 0)
        return ENTRY_SYMLINK;
    document->failed = true;
    return ENTRY_FILE;
}

static uint32_t mode_of(const char *text, struct document *document)
{
    char *end = NULL;
    unsigned long mode = text != NULL ? strtoul(text, &end, 8) : 0;
    if (end == NULL || end == text || *end != '\0' || mode > 07777)
        document->failed = true;
    return (uint32_t)(mode & 07777);
}

static void status_member(struct document *document, struct arena *arena,
                          struct webhdfs_status *status)
{
    struct entry *entry = &status->entry;
    if (document_is(document, "pathSuffix"))
        entry->path = document_text(document, arena);
    else if (document_is(document, "type"))
        entry->type = type_of(document_text(document, arena), document);
    else if (document_is(document, "length"))
        entry->length = (uint64_t)document_number(document);
    else if (document_is(document, "owner"))
        entry->owner = document_text(document, arena);
    else if (document_is(document, "group"))
        entry->group = document_text(document, arena);
    else if (document_is(document, "permission"))
        entry->mode = mode_of(document_text(document, arena), document);
    else if (document_is(document, "modificationTime"))
        status->mtime_ms = document_number(document);
    else if (document_is(document, "blockSize"))
        entry->block_size = (uint64_t)document_number(document);
    else if (document_is(document, "replication"))
        entry->replication = (uint32_t)document_number(document);
    else if (document_is(document, "fileId"))
        entry->file_id = (uint64_t)document_number(document);
    else if (document_is(document, "childrenNum"))
        status->children = (uint64_t)document_number(document);
    else if (document_is(document, "storagePolicy"))
        status->policy_id = (unsigned)document_number(document);
    else if (document_is(document, "aclBit"))
        entry->has_acl = document_boolean(document);
    else if (document_is(document, "snapshotEnabled"))
        status->snapshottable = document_boolean(document);
    else if (document_is(document, "ecPolicy"))
        entry->erasure_coding = document_text(document, arena);
    else if (document_is(document, "symlink"))
        entry->link_target = document_text(document, arena);
    else
        document_skip(document);
}

void webhdfs_status_members(struct document *document, struct arena *arena,
                            struct webhdfs_status *ret_status)
{
    struct webhdfs_status status = {.entry = {.path = NULL}};
    struct entry *entry = &status.entry;
    while (document_member(document))
        status_member(document, arena, &status);
    if (entry->type == 0 || entry->path == NULL || strchr(entry->path, '/') != NULL)
        document->failed = true;
    if (document->failed)
        return;
    entry->owner = entry->owner != NULL ? entry->owner : "";
    entry->group = entry->group != NULL ? entry->group : "";
    entry->mtime_ns = status.mtime_ms * 1000000;
    if (entry->erasure_coding != NULL && entry->erasure_coding[0] == '\0')
        entry->erasure_coding = NULL;
    if (entry->type != ENTRY_FILE)
        entry->length = entry->replication = 0, entry->block_size = 0;
    if (entry->type == ENTRY_SYMLINK)
        entry->length = entry->link_target != NULL ? strlen(entry->link_target) : 0;
    *ret_status = status;
}

bool webhdfs_status_read(const char *data, size_t size, const char *what, struct arena *arena,
                         struct webhdfs_status *ret_status, struct error *error)
{
    struct document document;
    struct webhdfs_status status = {.mtime_ms = -1};
    document_open(&document, data, size);
    document_object(&document);
    while (document_member(&document)) {
        if (document_is(&document, "FileStatus")) {
            document_object(&document);
            webhdfs_status_members(&document, arena, &status);
        } else {
            document_skip(&document);
        }
    }
    if (status.mtime_ms == -1)
        document.failed = true;
    if (!document_close(&document, what, error))
        return false;
    *ret_status = status;
    return true;
}

/* Room for one more element behind count of them; doubling, so the arena holds at most twice. */
static void *grow(struct arena *arena, void *array, size_t count, size_t element_size)
{
    if (count != 0 && (count < 16 || (count & (count - 1)) != 0))
        return array;
    size_t capacity = count == 0 ? 16 : 2 * count;
    void *bigger = arena_new(arena, capacity * element_size);
    if (count > 0)
        memcpy(bigger, array, count * element_size);
    return bigger;
}

static void page_elements(struct document *document, struct arena *arena, struct webhdfs_page *page)
{
    while (document_element(document)) {
        page->statuses = grow(arena, page->statuses, page->count, sizeof *page->statuses);
        webhdfs_status_members(document, arena, &page->statuses[page->count++]);
    }
}

/* "FileStatuses": {"FileStatus": [..]} */
static void page_statuses(struct document *document, struct arena *arena, struct webhdfs_page *page)
{
    document_object(document);
    while (document_member(document)) {
        if (!document_is(document, "FileStatus"))
            document_skip(document);
        else if (document_array(document))
            page_elements(document, arena, page);
    }
}

static void page_members(struct document *document, struct arena *arena, struct webhdfs_page *page,
                         int64_t *remaining)
{
    document_object(document);
    while (document_member(document)) {
        if (document_is(document, "partialListing")) {
            document_object(document);
            while (document_member(document))
                if (document_is(document, "FileStatuses"))
                    page_statuses(document, arena, page);
                else
                    document_skip(document);
        } else if (document_is(document, "remainingEntries")) {
            *remaining = document_number(document);
        } else {
            document_skip(document);
        }
    }
}

bool webhdfs_page_read(const char *data, size_t size, const char *what, struct arena *arena,
                       struct webhdfs_page *ret_page, struct error *error)
{
    struct document document;
    struct webhdfs_page page = {.statuses = NULL};
    int64_t remaining = -1;
    document_open(&document, data, size);
    document_object(&document);
    while (document_member(&document)) {
        if (document_is(&document, "DirectoryListing"))
            page_members(&document, arena, &page, &remaining);
        else
            document_skip(&document);
    }
    document.failed = document.failed || remaining < 0;
    if (!document_close(&document, what, error))
        return false;
    page.remaining = (uint64_t)remaining;
    *ret_page = page;
    return true;
}

static bool snapshot_members(struct document *document, struct arena *arena,
                             struct webhdfs_snapshot *snapshot)
{
    bool deleted = false;
    struct webhdfs_status status = {.mtime_ms = -1};
    while (document_member(document)) {
        if (document_is(document, "dirStatus")) {
            document_object(document);
            webhdfs_status_members(document, arena, &status);
        } else if (document_is(document, "snapshotID")) {
            snapshot->id = (uint64_t)document_number(document);
        } else if (document_is(document, "deletionStatus")) {
            const char *text = document_text(document, arena);
            deleted = text != NULL && strcmp(text, "DELETED") == 0;
        } else {
            document_skip(document);
        }
    }
    snapshot->name = status.entry.path;
    snapshot->mtime_ms = status.mtime_ms;
    document->failed = document->failed || status.mtime_ms < 0;
    return !deleted && !document->failed;
}

bool webhdfs_snapshots_read(const char *data, size_t size, const char *what, struct arena *arena,
                            struct webhdfs_snapshots *ret_list, struct error *error)
{
    struct document document;
    struct webhdfs_snapshots list = {.snapshots = NULL};
    bool found = false;
    document_open(&document, data, size);
    document_object(&document);
    while (document_member(&document)) {
        if (!document_is(&document, "SnapshotList")) {
            document_skip(&document);
            continue;
        }
        found = document_array(&document);
        while (found && document_element(&document)) {
            list.snapshots = grow(arena, list.snapshots, list.count, sizeof *list.snapshots);
            list.count += snapshot_members(&document, arena, &list.snapshots[list.count]);
        }
    }
    document.failed = document.failed || !found;
    if (!document_close(&document, what, error))
        return false;
    *ret_list = list;
    return true;
}

static void snapshottable_members(struct document *document, struct arena *arena,
                                  struct webhdfs_snapshottable *directory)
{
    struct webhdfs_status status = {.entry = {.path = NULL}};
    const char *parent = NULL;
    while (document_member(document)) {
        if (document_is(document, "dirStatus")) {
            document_object(document);
            webhdfs_status_members(document, arena, &status);
        } else if (document_is(document, "parentFullPath")) {
            parent = document_text(document, arena);
        } else if (document_is(document, "snapshotNumber")) {
            directory->snapshots = (uint64_t)document_number(document);
        } else if (document_is(document, "snapshotQuota")) {
            directory->quota = (uint64_t)document_number(document);
        } else {
            document_skip(document);
        }
    }
    if (parent == NULL || parent[0] == '\0')
        parent = "/"; /* the root itself has neither a parent nor a name */
    document->failed = document->failed || status.entry.path == NULL;
    if (!document->failed)
        directory->path = path_join(arena, parent, status.entry.path);
}

bool webhdfs_snapshottables_read(const char *data, size_t size, const char *what,
                                 struct arena *arena, struct webhdfs_snapshottables *ret_list,
                                 struct error *error)
{
    struct document document;
    struct webhdfs_snapshottables list = {.directories = NULL};
    document_open(&document, data, size);
    document_object(&document);
    while (document_member(&document)) {
        if (!document_is(&document, "SnapshottableDirectoryList")) {
            document_skip(&document);
        } else if (document_array(&document)) { /* null: none on the whole cluster */
            while (document_element(&document)) {
                list.directories =
                    grow(arena, list.directories, list.count, sizeof *list.directories);
                snapshottable_members(&document, arena, &list.directories[list.count++]);
            }
        }
    }
    if (!document_close(&document, what, error))
        return false;
    *ret_list = list;
    return true;
}
