/* manifest_file.c: see manifest_file.h. */
#include "agent/manifest_file.h"

#include <stdlib.h>
#include <string.h>

#include "agent/area_file.h"
#include "base/check.h"
#include "base/path.h"

struct opened {
    struct manifest_view *view;
    const char *path;
    struct manifest_file file;
    struct manifest *manifest;
};

struct manifest_view {
    struct store_ref home;
    struct call call;
    struct arena arena;
    struct opened opened[MANIFEST_CHAIN_MAX];
    size_t count;
    struct manifest_chain chain;
    bool chained;
    const struct manifest_record *heads[MANIFEST_CHAIN_MAX]; /* of the pull form */
    bool walking;
    struct arena given_arena;
    struct entry given;
};

static bool read_at(void *context, uint64_t offset, void *data, size_t size, struct error *error)
{
    struct opened *opened = context;
    return area_file_read_at(opened->view->home, &opened->view->call, opened->path, offset, data,
                             size, error);
}

static bool open_one(struct manifest_view *view, const char *directory, const char *member,
                     struct error *error)
{
    struct opened *opened = &view->opened[view->count];
    struct entry entry;
    if (view->count == MANIFEST_CHAIN_MAX)
        return error_set(error, ERROR_CORRUPT, "a manifest chain of more than %d files",
                         MANIFEST_CHAIN_MAX);
    opened->view = view;
    opened->path = arena_format(&view->arena, "%s/manifest.%s", directory, member);
    if (!view->home.component->stat(view->home.store, &view->call, opened->path, &view->arena,
                                    &entry, error))
        return error_wrap(error, "%.120s", opened->path);
    opened->file = (struct manifest_file){read_at, opened, entry.length};
    if (!manifest_open(&opened->file, &opened->manifest, error))
        return error_wrap(error, "%.120s", opened->path);
    view->count++;
    return true;
}

static bool open_chain(struct manifest_view *view, const char *directory, const char *member,
                       struct error *error)
{
    struct manifest *manifests[MANIFEST_CHAIN_MAX];
    const char *service = path_parent(&view->arena, directory);
    for (;;) {
        if (!open_one(view, directory, member, error))
            return false;
        const struct manifest_info *info =
            manifest_get_info(view->opened[view->count - 1].manifest);
        if (info->kind == MANIFEST_FULL)
            break;
        directory = path_join(&view->arena, service, info->parent);
    }
    for (size_t i = 0; i < view->count; i++)
        manifests[i] = view->opened[i].manifest;
    view->chained = true;
    return manifest_chain_init(&view->chain, manifests, NULL, view->count, error);
}

bool manifest_view_open(struct store_ref home, const struct call *call, const char *directory,
                        const char *member, struct manifest_view **ret_view, struct error *error)
{
    struct manifest_view *view = memory_new(sizeof *view);
    view->home = home;
    view->call = *call;
    arena_init(&view->arena);
    arena_init(&view->given_arena);
    if (!open_chain(view, directory, member, error)) {
        manifest_view_close(view);
        return false;
    }
    *ret_view = view;
    return true;
}

void manifest_view_close(struct manifest_view *view)
{
    if (view == NULL)
        return;
    if (view->chained)
        manifest_chain_fini(&view->chain);
    for (size_t i = 0; i < view->count; i++)
        manifest_close(view->opened[i].manifest);
    arena_fini(&view->given_arena);
    arena_fini(&view->arena);
    free(view);
}

struct manifest_chain *manifest_view_chain(struct manifest_view *view)
{
    return &view->chain;
}

static bool add_to_digest(void *context, const void *data, size_t size, struct error *error)
{
    (void)error;
    digest_stream_add(context, data, size);
    return true;
}

bool manifest_view_digest(struct manifest_view *view, struct digest *ret_digest,
                          struct error *error)
{
    struct digest_stream *stream = digest_stream_new();
    bool done =
        area_file_read(view->home, &view->call, view->opened[0].path, add_to_digest, stream, error);
    if (done)
        *ret_digest = digest_stream_end(stream);
    digest_stream_free(stream);
    return done;
}

/* ---- pulling -------------------------------------------------------------------------------- */

static bool begin_walk(struct manifest_view *view, struct error *error)
{
    for (size_t i = 0; i < view->count; i++)
        if (!manifest_cursor_seek(&view->chain.cursors[i], "", &view->heads[i], error))
            return false;
    view->walking = true;
    return true;
}

/* The newest of the heads with the least path; count: there is none. */
static size_t least_head(const struct manifest_view *view)
{
    size_t found = view->count;
    for (size_t i = 0; i < view->count; i++)
        if (view->heads[i] != NULL &&
            (found == view->count ||
             path_compare(view->heads[i]->entry.path, view->heads[found]->entry.path) < 0))
            found = i;
    return found;
}

static bool pass(struct manifest_view *view, const char *path, struct error *error)
{
    for (size_t i = 0; i < view->count; i++)
        if (view->heads[i] != NULL && strcmp(view->heads[i]->entry.path, path) == 0 &&
            !manifest_cursor_next(&view->chain.cursors[i], &view->heads[i], error))
            return false;
    return true;
}

bool manifest_view_next(void *context, const struct entry **ret_entry, struct error *error)
{
    struct manifest_view *view = context;
    if (!view->walking && !begin_walk(view, error))
        return false;
    for (;;) {
        size_t index = least_head(view);
        *ret_entry = NULL;
        if (index == view->count)
            return true;
        bool is_deletion = view->heads[index]->is_deletion;
        arena_fini(&view->given_arena);
        view->given = entry_copy(&view->given_arena, &view->heads[index]->entry);
        if (!pass(view, view->given.path, error))
            return false;
        if (!is_deletion) {
            *ret_entry = &view->given;
            return true;
        }
    }
}
