/* plan_codec.c: the file "plan" in the area (doc/formats.md). */
#include <string.h>

#include "base/path.h"
#include "plan/container.h"
#include "plan/plan.h"

enum { HAS_OLD = 1, HAS_NEW = 2 };

static void encode_text(struct buffer *buffer, const char *text)
{
    buffer_append_block(buffer, text, strlen(text));
}

static void encode_step(const struct plan_step *step, struct buffer *buffer)
{
    buffer_append_byte(buffer, (uint8_t)step->kind);
    buffer_append_byte(buffer, (uint8_t)step->area);
    buffer_append_byte(buffer, step->other != NULL);
    buffer_append_u32(buffer, step->number);
    buffer_append_u32(buffer, step->staged);
    encode_text(buffer, step->place);
    if (step->other != NULL)
        encode_text(buffer, step->other);
    buffer_append_u64(buffer, step->entries);
    buffer_append_u64(buffer, step->bytes);
}

static void encode_times(const struct plan_times *times, struct buffer *buffer)
{
    buffer_append_byte(buffer, (uint8_t)((times->old_path != NULL ? HAS_OLD : 0) |
                                         (times->new_path != NULL ? HAS_NEW : 0)));
    if (times->old_path != NULL)
        encode_text(buffer, times->old_path);
    if (times->new_path != NULL)
        encode_text(buffer, times->new_path);
    buffer_append_u64(buffer, (uint64_t)times->base_mtime_ns);
    buffer_append_u64(buffer, (uint64_t)times->now_mtime_ns);
}

static void encode_payload(const struct plan *plan, struct buffer *buffer)
{
    encode_text(buffer, plan->subject);
    buffer_append_byte(buffer, plan->inverse);
    buffer_append_u64(buffer, plan->counts.removed_entries);
    buffer_append_u64(buffer, plan->counts.removed_bytes);
    buffer_append_u64(buffer, plan->counts.created_entries);
    buffer_append_u64(buffer, plan->counts.created_bytes);
    buffer_append_u64(buffer, plan->counts.moved);
    buffer_append_u32(buffer, (uint32_t)plan->step_count);
    for (size_t i = 0; i < plan->step_count; i++)
        encode_step(&plan->steps[i], buffer);
    buffer_append_u32(buffer, (uint32_t)plan->attribute_count);
    for (size_t i = 0; i < plan->attribute_count; i++) {
        encode_text(buffer, plan->attributes[i].old_path);
        encode_text(buffer, plan->attributes[i].new_path);
        buffer_append_u32(buffer, plan->attributes[i].fields);
        entry_encode(&plan->attributes[i].base, buffer);
        entry_encode(&plan->attributes[i].now, buffer);
    }
    buffer_append_u32(buffer, (uint32_t)plan->time_count);
    for (size_t i = 0; i < plan->time_count; i++)
        encode_times(&plan->times[i], buffer);
}

void plan_encode(const struct plan *plan, struct buffer *buffer)
{
    struct buffer payload;
    buffer_init(&payload, buffer->limit);
    encode_payload(plan, &payload);
    container_encode(CONTAINER_PLAN, payload.data, payload.size, buffer);
    buffer->failed = buffer->failed || payload.failed;
    buffer_fini(&payload);
}

static const char *decode_path(struct reader *reader, struct arena *arena)
{
    const char *path = reader_text(reader, arena);
    if (!path_is_clean_relative(path))
        reader->failed = true;
    return path;
}

/* A count is never believed before the bytes for so many things are there: each takes at least
 * size_min. */
static size_t decode_count(struct reader *reader, size_t size_min)
{
    size_t count = reader_u32(reader);
    if (reader->failed || count > (reader->size - reader->offset) / size_min) {
        reader->failed = true;
        return 0;
    }
    return count;
}

static void decode_step(struct reader *reader, struct arena *arena, struct plan_step *step)
{
    uint8_t kind = reader_u8(reader), area = reader_u8(reader), has_other = reader_u8(reader);
    if (kind < PLAN_PARK || kind > PLAN_PLACE || area < PLAN_AREA_PARK || area > PLAN_AREA_NEW ||
        has_other > 1)
        reader->failed = true;
    step->kind = (enum plan_step_kind)kind;
    step->area = (enum plan_area)area;
    step->number = reader_u32(reader);
    step->staged = reader_u32(reader);
    step->place = decode_path(reader, arena);
    step->other = has_other == 1 ? decode_path(reader, arena) : NULL;
    step->entries = reader_u64(reader);
    step->bytes = reader_u64(reader);
}

/* The order is what makes a commit right, and receipts name steps by number: both are checked, not
 * trusted. */
static bool in_order(const struct plan_step *before, const struct plan_step *step)
{
    if (before->kind != step->kind)
        return before->kind == PLAN_PARK;
    int order = path_compare(before->place, step->place);
    return step->kind == PLAN_PARK ? order > 0 : order < 0;
}

static void decode_steps(struct reader *reader, struct arena *arena, struct plan *plan)
{
    plan->step_count = decode_count(reader, 31);
    plan->steps = arena_new(arena, plan->step_count * sizeof *plan->steps);
    for (size_t i = 0; i < plan->step_count && !reader->failed; i++) {
        decode_step(reader, arena, &plan->steps[i]);
        plan->park_count += plan->steps[i].kind == PLAN_PARK;
        if (plan_step_get(plan, plan->steps[i].number) != &plan->steps[i])
            reader->failed = true;
        if (i > 0 && !reader->failed && !in_order(&plan->steps[i - 1], &plan->steps[i]))
            reader->failed = true;
    }
}

static void decode_attributes(struct reader *reader, struct arena *arena, struct plan *plan)
{
    plan->attribute_count = decode_count(reader, 12);
    plan->attributes = arena_new(arena, plan->attribute_count * sizeof *plan->attributes);
    for (size_t i = 0; i < plan->attribute_count && !reader->failed; i++) {
        struct plan_attributes *attributes = &plan->attributes[i];
        attributes->old_path = decode_path(reader, arena);
        attributes->new_path = decode_path(reader, arena);
        attributes->fields = reader_u32(reader);
        if ((attributes->fields & ~(unsigned)ENTRY_ATTRIBUTES) != 0 ||
            !entry_decode(reader, arena, &attributes->base) ||
            !entry_decode(reader, arena, &attributes->now))
            reader->failed = true;
    }
}

static void decode_times(struct reader *reader, struct arena *arena, struct plan *plan)
{
    plan->time_count = decode_count(reader, 17);
    plan->times = arena_new(arena, plan->time_count * sizeof *plan->times);
    for (size_t i = 0; i < plan->time_count && !reader->failed; i++) {
        struct plan_times *times = &plan->times[i];
        uint8_t has = reader_u8(reader);
        if (has == 0 || has > (HAS_OLD | HAS_NEW))
            reader->failed = true;
        times->old_path = (has & HAS_OLD) != 0 ? decode_path(reader, arena) : NULL;
        times->new_path = (has & HAS_NEW) != 0 ? decode_path(reader, arena) : NULL;
        times->base_mtime_ns = (int64_t)reader_u64(reader);
        times->now_mtime_ns = (int64_t)reader_u64(reader);
    }
}

bool plan_decode(const void *data, size_t size, struct arena *arena, struct plan *ret_plan,
                 struct error *error)
{
    struct reader reader;
    struct plan plan = {0};
    if (!container_open(CONTAINER_PLAN, data, size, &reader, error))
        return false;
    plan.subject = reader_text(&reader, arena);
    plan.inverse = reader_u8(&reader) != 0;
    plan.counts.removed_entries = reader_u64(&reader);
    plan.counts.removed_bytes = reader_u64(&reader);
    plan.counts.created_entries = reader_u64(&reader);
    plan.counts.created_bytes = reader_u64(&reader);
    plan.counts.moved = reader_u64(&reader);
    decode_steps(&reader, arena, &plan);
    decode_attributes(&reader, arena, &plan);
    decode_times(&reader, arena, &plan);
    if (!reader_at_end(&reader))
        return error_set(error, ERROR_CORRUPT, "plan: damaged, or its steps are out of order");
    *ret_plan = plan;
    return true;
}
