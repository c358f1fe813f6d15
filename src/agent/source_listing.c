/* source_listing.c: see source_listing.h. */
#include "agent/source_listing.h"

#include <stdlib.h>

#include "agent/area_file.h"
#include "base/check.h"
#include "base/path.h"

struct source_listing {
    struct listing source;
    struct area_file_writer *file;
    struct manifest_info info; /* the writer looks at it until the end */
    struct manifest_writer *writer;
    struct manifest_state state;
};

const char *source_listing_member(struct arena *arena, const char *member)
{
    return arena_format(arena, "%s.source", member);
}

bool source_listing_new(struct intake *intake, const struct listing *source,
                        struct source_listing **ret_listing, struct error *error)
{
    struct source_listing *listing = memory_new(sizeof *listing);
    const char *member = source_listing_member(&intake->arena, intake->member->id);
    const char *path = arena_format(&intake->arena, "%s/manifest.%s", intake->directory, member);
    listing->source = *source;
    listing->info = (struct manifest_info){
        .kind = MANIFEST_FULL, .member = member, .epoch = path_name(intake->directory)};
    if (!area_file_new(intake->home_b, &intake->call, path, &listing->file, error)) {
        free(listing);
        return false;
    }
    listing->writer = manifest_writer_new(&listing->info, area_file_sink, listing->file);
    *ret_listing = listing;
    return true;
}

bool source_listing_next(void *context, const struct entry **ret_entry, struct error *error)
{
    struct source_listing *listing = context;
    if (!listing->source.next(listing->source.context, ret_entry, error))
        return false;
    if (*ret_entry == NULL)
        return true;
    struct manifest_record record = {.entry = **ret_entry};
    manifest_state_apply(&listing->state, NULL, *ret_entry);
    return manifest_writer_add(listing->writer, &record, error);
}

bool source_listing_end(struct source_listing *listing, bool good, struct manifest_state *ret_state,
                        struct error *error)
{
    struct digest digest;
    bool done = good && manifest_writer_end(listing->writer, &listing->state, &digest, error);
    manifest_writer_free(listing->writer);
    if (done)
        done = area_file_commit(listing->file, error);
    else
        area_file_abort(listing->file);
    if (done)
        *ret_state = listing->state;
    free(listing);
    return done;
}
