/* intake_copy.c: brings into staging what the plan's steps name: files by lanes, created
 * directories whole, with all attributes, so that the commit only renames. Each object that lies
 * there is written into the receipt. */
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/intake.h"
#include "agent/lanes.h"
#include "agent/pile.h"
#include "agent/receipt_log.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/path.h"
#include "plan/receipt.h"

#define COPIES_MAX 3 /* of one file that does not come through whole */

struct copying {
    struct intake *intake;
    struct lanes *lanes;
    const struct plan_step *step; /* that is being walked */
    const char *step_top;         /* its place in A's snapshot */
    const char *staged;           /* its name in staging */
    struct receipt_log *log;
    bool resumed;             /* the log and staging hold what an earlier run brought */
    pthread_mutex_t mutex;    /* of receipt and the counters */
    struct pile *directories; /* step and path: attributes are set when all their children are
                                 there. A run that resumes walks anew and piles them anew */
};

/* One object to bring; strings in its own arena. */
struct order {
    struct arena arena;
    const char *source, *target, *inside;
    uint32_t step;
    enum entry_type type;
};

static void free_order(void *context)
{
    struct order *order = context;
    arena_fini(&order->arena);
    free(order);
}

/* ---- one object ----------------------------------------------------------------------------- */

static bool note(struct copying *copying, uint32_t step, const char *inside,
                 const struct entry *entry, const char *checksum, struct error *error)
{
    struct receipt_record record = {step, inside, *entry, checksum};
    pthread_mutex_lock(&copying->mutex);
    bool written = receipt_log_add(copying->log, &record, error);
    copying->intake->entries++;
    if (entry->type == ENTRY_FILE) {
        copying->intake->files++;
        copying->intake->bytes += entry->length;
    }
    pthread_mutex_unlock(&copying->mutex);
    return written;
}

static bool copy_file(struct copying *copying, struct order *order, struct entry *entry,
                      struct copy_result *result, struct error *error)
{
    struct intake *intake = copying->intake;
    struct copy_order what = {.source_component = intake->source.component,
                              .source = intake->source.store,
                              .source_path = order->source,
                              .target_path = order->target,
                              .entry = entry};
    for (int round = 1;; round++) {
        struct error failure = ERROR_NONE;
        bool copied = intake->target.component->copy_file(intake->target.store, &intake->call,
                                                          &what, result, &failure);
        if (copied && result->length == entry->length)
            return true;
        if (copied)
            error_set(&failure, ERROR_CORRUPT, "%llu of %llu bytes arrived",
                      (unsigned long long)result->length, (unsigned long long)entry->length);
        *error = failure;
        bool again = round < COPIES_MAX &&
                     (failure.code == ERROR_CORRUPT || failure.code == ERROR_EXISTS ||
                      error_is_retriable(failure.code)) &&
                     call_may_go_on(&intake->call, &failure);
        if (!again || !store_remove_all(intake->target, &intake->call, order->target, &failure))
            return error_wrap(error, "copy %.120s", order->source);
    }
}

static bool bring_file(struct copying *copying, struct order *order, struct entry *entry,
                       struct error *error)
{
    struct intake *intake = copying->intake;
    struct copy_result result = {0};
    if (!copy_file(copying, order, entry, &result, error))
        return false;
    if (entry->crc_known && entry->crc32c != result.crc32c)
        return error_set(error, ERROR_CORRUPT, "%.150s changed while it was copied", order->source);
    entry->crc_known = true;
    entry->crc32c = result.crc32c;
    if (!intake->target.component->set_attributes(intake->target.store, &intake->call,
                                                  order->target, entry,
                                                  intake->fields & ENTRY_ATTRIBUTES, error))
        return error_wrap(error, "attributes of %.120s", order->target);
    return note(copying, order->step, order->inside, entry, result.checksum, error);
}

static bool bring_link(struct copying *copying, struct order *order, const struct entry *entry,
                       struct error *error)
{
    struct intake *intake = copying->intake;
    const struct component *component = intake->target.component;
    if (component->make_symlink == NULL)
        return error_set(error, ERROR_INVALID,
                         "%.150s is a symbolic link, which the target cannot "
                         "hold: exclude it",
                         order->source);
    /* One that came before a crash and not into the log. */
    if (copying->resumed && !store_remove_all(intake->target, &intake->call, order->target, error))
        return false;
    return component->make_symlink(intake->target.store, &intake->call, order->target,
                                   entry->link_target, error) &&
           component->set_attributes(intake->target.store, &intake->call, order->target, entry,
                                     intake->fields & (ENTRY_OWNER | ENTRY_XATTRS | ENTRY_TIMES),
                                     error) &&
           note(copying, order->step, order->inside, entry, "", error);
}

/* In a lane. */
static bool bring(void *context, void *taken, struct error *error)
{
    struct copying *copying = context;
    struct order *order = taken;
    struct intake *intake = copying->intake;
    struct entry entry;
    bool done = call_may_go_on(&intake->call, error) &&
                intake->source.component->describe(intake->source.store, &intake->call,
                                                   order->source, &order->arena, &entry, error);
    if (done)
        done = order->type == ENTRY_SYMLINK ? bring_link(copying, order, &entry, error)
                                            : bring_file(copying, order, &entry, error);
    free_order(order);
    return done;
}

/* ---- walking -------------------------------------------------------------------------------- */

/* Brought by an earlier run: in the log, and still whole in staging. */
static bool is_there(struct copying *copying, const struct order *order, const struct entry *entry,
                     bool *ret_there, struct error *error)
{
    struct intake *intake = copying->intake;
    struct arena arena;
    struct entry staged;
    struct error absent = ERROR_NONE;
    uint64_t length;
    *ret_there = false;
    if (!receipt_log_has(copying->log, order->step, order->inside, &length))
        return true;
    arena_init(&arena);
    bool found = intake->target.component->stat(intake->target.store, &intake->call, order->target,
                                                &arena, &staged, &absent);
    bool whole = found && staged.type == entry->type && staged.length == length;
    arena_fini(&arena);
    if (!found && absent.code != ERROR_NOT_FOUND) {
        *error = absent;
        return false;
    }
    if (found && !whole)
        return store_remove_all(intake->target, &intake->call, order->target, error);
    *ret_there = whole;
    if (!whole)
        return true;
    pthread_mutex_lock(&copying->mutex);
    intake->entries++;
    intake->files += entry->type == ENTRY_FILE;
    intake->bytes += entry->type == ENTRY_FILE ? length : 0;
    pthread_mutex_unlock(&copying->mutex);
    return true;
}

static bool put_order(struct copying *copying, const struct entry *entry, const char *inside,
                      struct error *error)
{
    struct order *order = memory_new(sizeof *order);
    arena_init(&order->arena);
    order->source = path_join(&order->arena, copying->step_top, inside);
    order->target = path_join(&order->arena, copying->staged, inside);
    order->inside = arena_string(&order->arena, inside);
    order->step = copying->step->number;
    order->type = entry->type;
    atomic_fetch_add(&copying->intake->task->files_total, 1);
    atomic_fetch_add(&copying->intake->task->bytes_total, entry->length);
    bool there = false;
    if (copying->resumed && !is_there(copying, order, entry, &there, error)) {
        free_order(order);
        return false;
    }
    if (there) {
        free_order(order);
        return true;
    }
    if (lanes_put(copying->lanes, order, error))
        return true;
    free_order(order);
    return false;
}

static bool pile_directory(struct copying *copying, const char *inside, struct error *error)
{
    struct buffer record;
    buffer_init(&record, 0);
    buffer_append_u32(&record, copying->step->number);
    buffer_append(&record, inside, strlen(inside) + 1);
    bool piled = pile_put(copying->directories, record.data, record.size, error);
    buffer_fini(&record);
    return piled;
}

static bool put_directory(struct copying *copying, const char *inside, struct error *error)
{
    struct intake *intake = copying->intake;
    struct error failure = ERROR_NONE;
    struct arena arena;
    arena_init(&arena);
    const char *target = path_join(&arena, copying->staged, inside);
    bool made = intake->target.component->make_directory(intake->target.store, &intake->call,
                                                         target, 0700, &failure) ||
                (copying->resumed && failure.code == ERROR_EXISTS);
    if (!made) {
        *error = failure;
        error_wrap(error, "stage %.120s", target);
    }
    arena_fini(&arena);
    return made && pile_directory(copying, inside, error);
}

/* Excluded, or coming by a rename: neither it nor what is below it is copied. */
static bool is_left_out(void *context, const char *inside)
{
    struct copying *copying = context;
    struct arena arena;
    arena_init(&arena);
    const char *path = path_join(&arena, copying->step->place, inside);
    bool out = inside[0] != '\0' && (exclusions_match(&copying->intake->exclusions, path) ||
                                     changes_covers(&copying->intake->changes, path));
    arena_fini(&arena);
    return out;
}

static bool take_walked(void *context, const struct entry *entry, struct error *error)
{
    struct copying *copying = context;
    if (!call_may_go_on(&copying->intake->call, error))
        return false;
    return entry->type == ENTRY_DIRECTORY ? put_directory(copying, entry->path, error)
                                          : put_order(copying, entry, entry->path, error);
}

static bool bring_top(struct copying *copying, struct arena *arena, struct error *error)
{
    struct intake *intake = copying->intake;
    const struct plan_step *step = copying->step;
    char name[PLAN_NAME_SIZE];
    struct entry entry;
    plan_step_name(step, name);
    copying->step_top = path_join(arena, intake->source_top, step->place);
    copying->staged = path_join(arena, intake->staging, name);
    if (!intake->source.component->stat(intake->source.store, &intake->call, copying->step_top,
                                        arena, &entry, error))
        return error_wrap(error, "%.120s", copying->step_top);
    if (entry.type != ENTRY_DIRECTORY)
        return put_order(copying, &entry, "", error);
    return store_walk(intake->source, &intake->call, copying->step_top, false, is_left_out,
                      take_walked, copying, error);
}

static bool bring_step(struct copying *copying, const struct plan_step *step, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    copying->step = step;
    bool brought = bring_top(copying, &arena, error);
    arena_fini(&arena);
    return brought;
}

static bool bring_steps(struct copying *copying, struct error *error)
{
    struct intake *intake = copying->intake;
    for (size_t i = 0; i < intake->plan.step_count; i++) {
        const struct plan_step *step = &intake->plan.steps[i];
        if (step->kind == PLAN_PLACE && step->area == PLAN_AREA_NEW &&
            !bring_step(copying, step, error))
            return false;
    }
    return lanes_finish(copying->lanes, error);
}

static bool finish_directory(struct copying *copying, const void *data, size_t size,
                             struct error *error)
{
    struct intake *intake = copying->intake;
    struct reader reader;
    struct arena arena;
    struct entry entry;
    char name[PLAN_NAME_SIZE];
    arena_init(&arena);
    reader_init(&reader, data, size);
    const struct plan_step *step = plan_step_get(&intake->plan, reader_u32(&reader));
    const char *inside = reader_bytes(&reader, size - reader.offset); /* with its NUL */
    CHECK(step != NULL && inside != NULL);
    plan_step_name(step, name);
    const char *source =
        path_join(&arena, path_join(&arena, intake->source_top, step->place), inside);
    const char *target = path_join(&arena, path_join(&arena, intake->staging, name), inside);
    bool done = intake->source.component->describe(intake->source.store, &intake->call, source,
                                                   &arena, &entry, error) &&
                intake->target.component->set_attributes(
                    intake->target.store, &intake->call, target, &entry,
                    intake->fields & ENTRY_ATTRIBUTES, error) &&
                note(copying, step->number, inside, &entry, "", error);
    arena_fini(&arena);
    return done;
}

/* Deepest first, against the order of the walk: setting the times of a directory comes after
 * everything was created in it. */
static bool finish_directories(struct copying *copying, struct error *error)
{
    const void *data;
    size_t size;
    for (;;) {
        if (!call_may_go_on(&copying->intake->call, error) ||
            !pile_take(copying->directories, &data, &size, error))
            return false;
        if (data == NULL)
            return true;
        if (!finish_directory(copying, data, size, error))
            return false;
    }
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool make_staging(struct intake *intake, struct error *error)
{
    struct entry plain = {.path = "", .mode = 0700, .owner = "", .group = ""};
    const char *new_top = path_join(&intake->arena, intake->staging, "new");
    const char *park = path_join(&intake->arena, intake->staging, "park");
    /* A root with a default ACL would hand it down to everything staged (facts X5). */
    unsigned fields = intake->fields & ENTRY_ACL;
    return store_make_directories(intake->target, &intake->call, intake->staging, 0700, error) &&
           (fields == 0 ||
            intake->target.component->set_attributes(intake->target.store, &intake->call,
                                                     intake->staging, &plain, fields, error)) &&
           store_make_directories(intake->target, &intake->call, new_top, 0700, error) &&
           store_make_directories(intake->target, &intake->call, park, 0700, error);
}

static unsigned lane_count(const struct intake *intake)
{
    int64_t lanes = json_integer_or(task_settings(intake->task), "lanes", 8);
    return lanes < 1 ? 1 : lanes > LANES_MAX ? LANES_MAX : (unsigned)lanes;
}

/* One log for each plan: another plan would give the same step another meaning. */
static const char *log_name(struct intake *intake, const char **ret_prefix, const char **ret_epoch)
{
    const struct instruction *instruction = &intake->task->instruction;
    struct buffer plan;
    char text[DIGEST_TEXT_SIZE];
    buffer_init(&plan, 0);
    plan_encode(&intake->plan, &plan);
    struct digest digest = digest_of(buffer_text(&plan), plan.size);
    buffer_fini(&plan);
    digest_format(&digest, text);
    *ret_prefix =
        arena_format(&intake->arena, "receipt.%s.%s.", instruction->service, intake->member->id);
    *ret_epoch =
        arena_format(&intake->arena, "%s%s.a%lld.", *ret_prefix,
                     area_epoch_name(&intake->arena, instruction->generation, instruction->number),
                     (long long)instruction->attempt);
    return arena_format(&intake->arena, "%s%.16s", *ret_epoch, text);
}

static const char *work_directory(const struct intake *intake)
{
    return agent_parts(intake->task->agent)->options->work_directory;
}

static bool open_log(struct copying *copying, struct error *error)
{
    struct intake *intake = copying->intake;
    const char *directory = work_directory(intake);
    const char *prefix, *epoch;
    const char *name = log_name(intake, &prefix, &epoch);
    receipt_log_remove_others(directory, prefix, name);
    if (!receipt_log_open(directory, name, &copying->log, &copying->resumed, error))
        return false;
    /* Without a log nothing says what the staged files are. */
    return (copying->resumed ||
            store_remove_all(intake->target, &intake->call, intake->staging, error)) &&
           make_staging(intake, error);
}

bool intake_copy(struct intake *intake, struct error *error)
{
    struct copying copying = {.intake = intake};
    const char *path =
        arena_format(&intake->arena, "%s/receipt.%s", intake->directory, intake->member->id);
    copying.directories = pile_new(work_directory(intake));
    CHECK(pthread_mutex_init(&copying.mutex, NULL) == 0);
    bool done = open_log(&copying, error);
    if (done) {
        copying.lanes = lanes_new(lane_count(intake), bring, &copying);
        done = bring_steps(&copying, error);
        lanes_free(copying.lanes, free_order);
    }
    crash_point("agent.transfer.staged", task_scope(intake->task));
    done = done && finish_directories(&copying, error);
    if (done)
        done = receipt_log_deliver(copying.log, intake->home_b, &intake->call, path, error);
    else
        receipt_log_close(copying.log);
    pthread_mutex_destroy(&copying.mutex);
    pile_free(copying.directories);
    return done ||
           error_wrap(error, "%s:%s", intake->member->instance, intake->member->source_path);
}
