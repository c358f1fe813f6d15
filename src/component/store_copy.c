/* store_copy.c: store_copy_tree() of store_util.h: for what cannot be renamed to its place. */
#include "component/store_util.h"

#include "base/check.h"
#include "base/path.h"

struct copying {
    struct store_ref ref;
    const struct call *call;
    const char *from, *to;
    unsigned fields;
    struct arena arena; /* of one object */
};

static const char *place_of(struct copying *copying, const struct entry *entry)
{
    arena_fini(&copying->arena);
    return path_join(&copying->arena, copying->to, entry->path);
}

static bool copy_object(void *context, const struct entry *entry, struct error *error)
{
    struct copying *copying = context;
    const struct component *component = copying->ref.component;
    struct store *store = copying->ref.store;
    const char *to = place_of(copying, entry);
    const char *from = path_join(&copying->arena, copying->from, entry->path);
    struct copy_order order = {component, store, from, to, entry};
    struct copy_result result;
    switch (entry->type) {
    case ENTRY_DIRECTORY:
        return component->make_directory(store, copying->call, to, 0700, error);
    case ENTRY_SYMLINK:
        return component->make_symlink(store, copying->call, to, entry->link_target, error);
    case ENTRY_FILE:
        return component->copy_file(store, copying->call, &order, &result, error);
    }
    CHECK_UNREACHABLE();
}

/* A second pass: making what is in a directory changes its time. */
static bool copy_attributes(void *context, const struct entry *entry, struct error *error)
{
    struct copying *copying = context;
    return copying->ref.component->set_attributes(
        copying->ref.store, copying->call, place_of(copying, entry), entry, copying->fields, error);
}

bool store_copy_tree(struct store_ref ref, const struct call *call, const char *from,
                     const char *to, unsigned fields, struct error *error)
{
    struct copying copying = {.ref = ref, .call = call, .from = from, .to = to, .fields = fields};
    arena_init(&copying.arena);
    bool copied = store_walk(ref, call, from, true, NULL, copy_object, &copying, error) &&
                  store_walk(ref, call, from, true, NULL, copy_attributes, &copying, error);
    arena_fini(&copying.arena);
    return copied || error_wrap(error, "copy %s", from);
}
