/* webhdfs_status.c: one reader per document; unknown members are skipped. */
#include "component/hdfs/webhdfs/webhdfs_status.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

static enum entry_type type_of(const char *text, struct json_pull *pull)
{
    if (text != NULL && strcmp(text, "FILE") == 0)
        return ENTRY_FILE;
    if (text != NULL && strcmp(text, "DIRECTORY") == 0)
        return ENTRY_DIRECTORY;
    if (text != NULL && strcmp(text, "SYMLINK") == 0)
        return ENTRY_SYMLINK;
    pull->failed = true;
    return ENTRY_FILE;
}

static uint32_t mode_of(const char *text, struct json_pull *pull)
{
    char *end = NULL;
    unsigned long mode = text != NULL ? strtoul(text, &end, 8) : 0;
    if (end == NULL || end == text || *end != '\0' || mode > 07777)
        pull->failed = true;
    return (uint32_t)(mode & 07777);
}

static uint64_t size_of(int64_t number, struct json_pull *pull)
{
    pull->failed = pull->failed || number < 0;
    return (uint64_t)number;
}

static void status_member(struct json_pull *pull, struct arena *arena, struct hdfs_status *status)
{
    struct entry *entry = &status->entry;
    if (pull_is(pull, "pathSuffix"))
        entry->path = pull_text(pull, arena);
    else if (pull_is(pull, "type"))
        entry->type = type_of(pull_text(pull, arena), pull);
    else if (pull_is(pull, "length"))
        entry->length = size_of(pull_number(pull), pull);
    else if (pull_is(pull, "owner"))
        entry->owner = pull_text(pull, arena);
    else if (pull_is(pull, "group"))
        entry->group = pull_text(pull, arena);
    else if (pull_is(pull, "permission"))
        entry->mode = mode_of(pull_text(pull, arena), pull);
    else if (pull_is(pull, "modificationTime"))
        status->mtime_ms = pull_number(pull);
    else if (pull_is(pull, "blockSize"))
        entry->block_size = size_of(pull_number(pull), pull);
    else if (pull_is(pull, "replication"))
        entry->replication = (uint32_t)pull_number(pull);
    else if (pull_is(pull, "fileId"))
        entry->file_id = (uint64_t)pull_number(pull);
    else if (pull_is(pull, "childrenNum"))
        status->children = (uint64_t)pull_number(pull);
    else if (pull_is(pull, "storagePolicy"))
        status->policy_id = (unsigned)pull_number(pull);
    else if (pull_is(pull, "aclBit"))
        entry->has_acl = pull_boolean(pull);
    else if (pull_is(pull, "snapshotEnabled"))
        status->snapshottable = pull_boolean(pull);
    else if (pull_is(pull, "ecPolicy"))
        entry->erasure_coding = pull_text(pull, arena);
    else if (pull_is(pull, "symlink"))
        entry->link_target = pull_text(pull, arena);
    else
        pull_skip(pull);
}

void webhdfs_status_members(struct json_pull *pull, struct arena *arena,
                            struct hdfs_status *ret_status)
{
    struct hdfs_status status = {.entry = {.path = NULL}};
    struct entry *entry = &status.entry;
    while (pull_member(pull))
        status_member(pull, arena, &status);
    if (entry->type == 0 || entry->path == NULL || strchr(entry->path, '/') != NULL)
        pull->failed = true;
    if (pull->failed)
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
                         struct hdfs_status *ret_status, struct error *error)
{
    struct json_pull pull;
    struct hdfs_status status = {.mtime_ms = -1};
    pull_open(&pull, data, size);
    pull_object(&pull);
    while (pull_member(&pull)) {
        if (pull_is(&pull, "FileStatus")) {
            pull_object(&pull);
            webhdfs_status_members(&pull, arena, &status);
        } else {
            pull_skip(&pull);
        }
    }
    if (status.mtime_ms == -1)
        pull.failed = true;
    if (!pull_close(&pull, what, error))
        return false;
    *ret_status = status;
    return true;
}

static void page_elements(struct json_pull *pull, struct arena *arena, struct hdfs_page *page)
{
    while (pull_element(pull)) {
        page->statuses = pull_grow(arena, page->statuses, page->count, sizeof *page->statuses);
        webhdfs_status_members(pull, arena, &page->statuses[page->count++]);
    }
}

/* "FileStatuses": {"FileStatus": [..]} */
static void page_statuses(struct json_pull *pull, struct arena *arena, struct hdfs_page *page)
{
    pull_object(pull);
    while (pull_member(pull)) {
        if (!pull_is(pull, "FileStatus"))
            pull_skip(pull);
        else if (pull_array(pull))
            page_elements(pull, arena, page);
    }
}

static void page_members(struct json_pull *pull, struct arena *arena, struct hdfs_page *page,
                         int64_t *remaining)
{
    pull_object(pull);
    while (pull_member(pull)) {
        if (pull_is(pull, "partialListing")) {
            pull_object(pull);
            while (pull_member(pull))
                if (pull_is(pull, "FileStatuses"))
                    page_statuses(pull, arena, page);
                else
                    pull_skip(pull);
        } else if (pull_is(pull, "remainingEntries")) {
            *remaining = pull_number(pull);
        } else {
            pull_skip(pull);
        }
    }
}

bool webhdfs_page_read(const char *data, size_t size, const char *what, struct arena *arena,
                       struct hdfs_page *ret_page, struct error *error)
{
    struct json_pull pull;
    struct hdfs_page page = {.statuses = NULL};
    int64_t remaining = -1;
    pull_open(&pull, data, size);
    pull_object(&pull);
    while (pull_member(&pull)) {
        if (pull_is(&pull, "DirectoryListing"))
            page_members(&pull, arena, &page, &remaining);
        else
            pull_skip(&pull);
    }
    pull.failed = pull.failed || remaining < 0;
    if (!pull_close(&pull, what, error))
        return false;
    page.remaining = (uint64_t)remaining;
    *ret_page = page;
    return true;
}

static bool snapshot_members(struct json_pull *pull, struct arena *arena,
                             struct hdfs_snapshot *snapshot)
{
    bool deleted = false;
    struct hdfs_status status = {.mtime_ms = -1};
    while (pull_member(pull)) {
        if (pull_is(pull, "dirStatus")) {
            pull_object(pull);
            webhdfs_status_members(pull, arena, &status);
        } else if (pull_is(pull, "snapshotID")) {
            snapshot->id = (uint64_t)pull_number(pull);
        } else if (pull_is(pull, "deletionStatus")) {
            const char *text = pull_text(pull, arena);
            deleted = text != NULL && strcmp(text, "DELETED") == 0;
        } else {
            pull_skip(pull);
        }
    }
    snapshot->name = status.entry.path;
    snapshot->mtime_ms = status.mtime_ms;
    pull->failed = pull->failed || status.mtime_ms < 0;
    return !deleted && !pull->failed;
}

bool webhdfs_snapshots_read(const char *data, size_t size, const char *what, struct arena *arena,
                            struct hdfs_snapshots *ret_list, struct error *error)
{
    struct json_pull pull;
    struct hdfs_snapshots list = {.snapshots = NULL};
    bool found = false;
    pull_open(&pull, data, size);
    pull_object(&pull);
    while (pull_member(&pull)) {
        if (!pull_is(&pull, "SnapshotList")) {
            pull_skip(&pull);
            continue;
        }
        found = pull_array(&pull);
        while (found && pull_element(&pull)) {
            list.snapshots = pull_grow(arena, list.snapshots, list.count, sizeof *list.snapshots);
            list.count += snapshot_members(&pull, arena, &list.snapshots[list.count]);
        }
    }
    pull.failed = pull.failed || !found;
    if (!pull_close(&pull, what, error))
        return false;
    *ret_list = list;
    return true;
}

static void snapshottable_members(struct json_pull *pull, struct arena *arena,
                                  struct hdfs_snapshottable *directory)
{
    struct hdfs_status status = {.entry = {.path = NULL}};
    const char *parent = NULL;
    while (pull_member(pull)) {
        if (pull_is(pull, "dirStatus")) {
            pull_object(pull);
            webhdfs_status_members(pull, arena, &status);
        } else if (pull_is(pull, "parentFullPath")) {
            parent = pull_text(pull, arena);
        } else if (pull_is(pull, "snapshotNumber")) {
            directory->snapshots = (uint64_t)pull_number(pull);
        } else if (pull_is(pull, "snapshotQuota")) {
            directory->quota = (uint64_t)pull_number(pull);
        } else {
            pull_skip(pull);
        }
    }
    if (parent == NULL || parent[0] == '\0')
        parent = "/"; /* the root itself has neither a parent nor a name */
    pull->failed = pull->failed || status.entry.path == NULL || parent[0] != '/';
    if (!pull->failed)
        directory->path = path_join(arena, parent, status.entry.path);
}

bool webhdfs_snapshottables_read(const char *data, size_t size, const char *what,
                                 struct arena *arena, struct hdfs_snapshottables *ret_list,
                                 struct error *error)
{
    struct json_pull pull;
    struct hdfs_snapshottables list = {.directories = NULL};
    pull_open(&pull, data, size);
    pull_object(&pull);
    while (pull_member(&pull)) {
        if (!pull_is(&pull, "SnapshottableDirectoryList")) {
            pull_skip(&pull);
        } else if (pull_array(&pull)) { /* null: none on the whole cluster */
            while (pull_element(&pull)) {
                list.directories =
                    pull_grow(arena, list.directories, list.count, sizeof *list.directories);
                snapshottable_members(&pull, arena, &list.directories[list.count++]);
            }
        }
    }
    if (!pull_close(&pull, what, error))
        return false;
    *ret_list = list;
    return true;
}
