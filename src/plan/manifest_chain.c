/* manifest_chain.c: several manifests of one member as one sorted set; for each path the newest
 * record counts. */
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/manifest_private.h"

#define PIECE ((size_t)64 << 10)

static bool continues(const struct manifest *newer, const struct manifest *older,
                      const struct digest *older_digest)
{
    const struct manifest_info *a = manifest_get_info(newer), *b = manifest_get_info(older);
    return a->kind == MANIFEST_DELTA && strcmp(a->member, b->member) == 0 &&
           strcmp(a->parent, b->epoch) == 0 &&
           (older_digest == NULL || digest_equal(&a->parent_digest, older_digest));
}

bool manifest_chain_init(struct manifest_chain *chain, struct manifest *const *manifests,
                         const struct digest *digests, size_t count, struct error *error)
{
    *chain = (struct manifest_chain){0};
    if (count > MANIFEST_CHAIN_MAX)
        return error_set(error, ERROR_LIMIT, "a chain of %zu manifests", count);
    for (size_t i = 0; i < count; i++) {
        const struct manifest_info *info = manifest_get_info(manifests[i]);
        bool ok = i + 1 < count ? continues(manifests[i], manifests[i + 1],
                                            digests == NULL ? NULL : &digests[i + 1])
                                : info->kind == MANIFEST_FULL;
        if (!ok)
            return error_set(error, ERROR_CORRUPT,
                             "manifest of %.60s: the one that it continues is not there",
                             info->epoch);
    }
    for (; chain->count < count; chain->count++)
        manifest_cursor_init(&chain->cursors[chain->count], manifests[chain->count]);
    return true;
}

void manifest_chain_fini(struct manifest_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        manifest_cursor_fini(&chain->cursors[i]);
    chain->count = 0;
}

bool manifest_chain_get(struct manifest_chain *chain, const char *path,
                        const struct entry **ret_entry, struct error *error)
{
    *ret_entry = NULL;
    for (size_t i = 0; i < chain->count; i++) {
        const struct manifest_record *record;
        if (!manifest_cursor_seek(&chain->cursors[i], path, &record, error))
            return false;
        if (record == NULL || strcmp(record->entry.path, path) != 0)
            continue;
        if (!record->is_deletion)
            *ret_entry = &record->entry;
        return true;
    }
    return true;
}

/* The heads of all cursors. */
struct scan {
    struct manifest_chain *chain;
    const struct manifest_record *heads[MANIFEST_CHAIN_MAX];
};

static bool begin_scan(struct scan *scan, const char *top, struct error *error)
{
    for (size_t i = 0; i < scan->chain->count; i++)
        if (!manifest_cursor_seek(&scan->chain->cursors[i], top, &scan->heads[i], error))
            return false;
    return true;
}

/* The least path; among equal ones the newest. The number of cursors: none is left. */
static size_t least(const struct scan *scan)
{
    size_t found = scan->chain->count;
    for (size_t i = 0; i < scan->chain->count; i++)
        if (scan->heads[i] != NULL &&
            (found == scan->chain->count ||
             path_compare(scan->heads[i]->entry.path, scan->heads[found]->entry.path) < 0))
            found = i;
    return found;
}

/* Moves every cursor but `newest` behind the path of newest, and it last. */
static bool pass(struct scan *scan, size_t newest, struct error *error)
{
    for (size_t i = scan->chain->count; i-- > newest;)
        if (scan->heads[i] != NULL &&
            strcmp(scan->heads[i]->entry.path, scan->heads[newest]->entry.path) == 0 &&
            !manifest_cursor_next(&scan->chain->cursors[i], &scan->heads[i], error))
            return false;
    return true;
}

bool manifest_chain_scan(struct manifest_chain *chain, const char *top, manifest_entry_fn *fn,
                         void *context, struct error *error)
{
    struct scan scan = {.chain = chain};
    if (!begin_scan(&scan, top, error))
        return false;
    for (size_t i = least(&scan); i < chain->count; i = least(&scan)) {
        const struct manifest_record *record = scan.heads[i];
        if (!path_is_under(record->entry.path, top))
            break;
        if ((!record->is_deletion && !fn(context, &record->entry, error)) || !pass(&scan, i, error))
            return false;
    }
    return true;
}

static bool add_up(void *context, const struct entry *entry, struct error *error)
{
    (void)error;
    manifest_state_apply(context, NULL, entry);
    return true;
}

static bool ignore(void *context, const void *data, size_t size, struct error *error)
{
    (void)context;
    (void)data;
    (void)size;
    (void)error;
    return true;
}

static bool verify_file(const struct manifest *manifest, struct error *error)
{
    const struct manifest_file *file = manifest_get_file(manifest);
    static const size_t piece = PIECE;
    struct container_reader reader;
    struct buffer buffer = {0};
    struct digest digest;
    bool ok = true;
    container_reader_init(&reader, CONTAINER_MANIFEST, ignore, NULL);
    char *data = buffer_reserve(&buffer, piece);
    for (uint64_t at = 0; ok && at < file->size;) {
        size_t size = file->size - at < piece ? (size_t)(file->size - at) : piece;
        ok = file->read_at(file->context, at, data, size, error) &&
             container_reader_feed(&reader, data, size, error);
        at += size;
    }
    ok = ok && container_reader_end(&reader, &digest, error);
    container_reader_fini(&reader);
    buffer_fini(&buffer);
    return ok;
}

bool manifest_chain_verify(struct manifest_chain *chain, struct error *error)
{
    struct manifest_state actual = {0};
    for (size_t i = 0; i < chain->count; i++)
        if (!verify_file(chain->cursors[i].manifest, error))
            return false;
    if (chain->count == 0)
        return true;
    const struct manifest_state *stated = manifest_get_state(chain->cursors[0].manifest);
    if (!manifest_chain_scan(chain, "", add_up, &actual, error))
        return false;
    if (memcmp(&actual.root, &stated->root, sizeof actual.root) != 0 ||
        actual.entries != stated->entries || actual.bytes != stated->bytes)
        return error_set(error, ERROR_CORRUPT,
                         "manifest of %.60s: its chain does not hold what it states",
                         manifest_get_info(chain->cursors[0].manifest)->epoch);
    return true;
}

bool manifest_chain_is_long(const struct manifest_chain *chain, size_t length_max)
{
    uint64_t deltas = 0;
    if (chain->count == 0 || chain->count >= length_max || chain->count >= MANIFEST_CHAIN_MAX)
        return true;
    for (size_t i = 0; i + 1 < chain->count; i++)
        deltas += manifest_record_count(chain->cursors[i].manifest);
    return deltas > manifest_record_count(chain->cursors[chain->count - 1].manifest) / 2;
}
