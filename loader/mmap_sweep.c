/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The memory-map builder's sweep (mmap_build_internal.h): goes over the sorted boundaries, knows at
 * each which sources are open, and decides what holds up to the next one.
 *
 *     judge()   active bits -> one reason, or nothing; the whole policy is in here
 *     sweep     counts sources in and out, reports descriptors that begin inside earlier ones
 *
 * State: the builder's. Loader, replay and host.
 */
#include "shared/mmap_names.h"

#include "lib/bits.h"
#include "mm/addr.h"
#include "mmap_build_internal.h"

#define REASON_BITS (((uint32_t)1 << MMAP_REASON_COUNT) - 1)

/* What holds between two boundaries. */
struct verdict {
    bool present; /* an entry is due */
    uint32_t reason;
    uint32_t repair; /* repair kind that made it `dropped`, or MMAP_REPAIR_COUNT */
};

/* ---- judgement ---------------------------------------------------------------------------------
 */

static bool has(uint32_t active, uint32_t bit)
{
    return (active >> bit & 1) != 0;
}

static struct verdict dropped(enum mmap_repair_kind repair)
{
    return (struct verdict){ true, MMAP_REASON_DROPPED, (uint32_t)repair };
}

static struct verdict reason_verdict(uint32_t reason)
{
    return (struct verdict){ true, reason, MMAP_REPAIR_COUNT };
}

/* Free memory: pins take it only now, where it would really be type 1. */
static struct verdict judge_available(uint32_t active)
{
    if (has(active, SOURCE_ABOVE_LIMIT)) {
        return dropped(MMAP_REPAIR_MEM_LIMIT);
    }
    if (has(active, SOURCE_PIN_RESERVED)) {
        return reason_verdict(MMAP_REASON_PINNED);
    }
    if (has(active, SOURCE_PIN_FRAMEBUFFER)) {
        return reason_verdict(MMAP_REASON_FRAMEBUFFER);
    }
    if (has(active, SOURCE_PIN_ACPI)) {
        return reason_verdict(MMAP_REASON_ACPI);
    }
    return reason_verdict(MMAP_REASON_AVAILABLE);
}

/* What holds where exactly the sources @p active are open. */
static struct verdict judge(uint32_t active)
{
    uint32_t reasons = active & REASON_BITS;
    if (!has(active, MMAP_REASON_AVAILABLE)) {
        /* Overlays mean something only on free memory. */
        reasons &= ~((uint32_t)1 << MMAP_REASON_KERNEL | (uint32_t)1 << MMAP_REASON_LOADER |
                     (uint32_t)1 << MMAP_REASON_LOW);
    }
    if (reasons == 0) {
        return has(active, SOURCE_RAM) ? dropped(MMAP_REPAIR_TRIMMED)
                                       : (struct verdict){ false, 0, MMAP_REPAIR_COUNT };
    }
    const uint32_t reason = bits_lowest(reasons);
    if (has(active, SOURCE_BEYOND_DIRECT_MAP) &&
        memory_map_type_is_mapped(mmap_reason_type(reason))) {
        return dropped(MMAP_REPAIR_BEYOND_DIRECT_MAP);
    }
    return reason == MMAP_REASON_AVAILABLE ? judge_available(active) : reason_verdict(reason);
}

/* ---- sweep -------------------------------------------------------------------------------------
 */

static void segment(struct mmap_builder *builder, uint64_t start, uint64_t end,
                    const struct verdict *verdict)
{
    if (start == end || !verdict->present) {
        return;
    }
    if (has(builder->active, SOURCE_RAM)) {
        mmap_emit_ram(builder->output, start, end, verdict->reason);
    }
    if (verdict->repair != MMAP_REPAIR_COUNT) {
        mmap_emit_dropped_repair(builder, verdict->repair, start, end);
    }
    mmap_emit_run(builder, start, end, verdict->reason);
}

static void open_bit(struct mmap_builder *builder, uint32_t bit)
{
    builder->open[bit]++;
    builder->active |= (uint32_t)1 << bit;
}

static void close_bit(struct mmap_builder *builder, uint32_t bit)
{
    builder->open[bit]--;
    if (builder->open[bit] == 0) {
        builder->active &= ~((uint32_t)1 << bit);
    }
}

/* Reports a descriptor that starts inside an earlier one. The one that reaches furthest stands for
 * all earlier ones, so that n descriptors give at most n - 1 repairs. The reason is filled in once
 * all sources that start here are open. */
static void note_overlap(struct mmap_builder *builder, const struct mmap_source *source)
{
    if (!source->firmware) {
        return;
    }
    if (builder->reach > source->start) {
        const struct mmap_repair repair = {
            .kind = MMAP_REPAIR_OVERLAP,
            .entry = builder->reach_entry,
            .other = source->entry,
            .base = source->start,
            .size = bits_min(source->end, builder->reach) - source->start,
        };
        mmap_emit_repair(builder, &repair);
    }
    if (source->end > builder->reach) {
        builder->reach = source->end;
        builder->reach_entry = source->entry;
    }
}

static void open_source(struct mmap_builder *builder, const struct mmap_source *source)
{
    note_overlap(builder, source);
    open_bit(builder, source->bit);
    if (source->ram) {
        open_bit(builder, SOURCE_RAM);
    }
}

static void close_source(struct mmap_builder *builder, const struct mmap_source *source)
{
    close_bit(builder, source->bit);
    if (source->ram) {
        close_bit(builder, SOURCE_RAM);
    }
}

static void settle_overlaps(struct mmap_builder *builder, const struct verdict *verdict)
{
    struct mmap_build_output *const output = builder->output;
    for (uint32_t i = builder->overlaps_from; i < output->repair_count; i++) {
        output->repairs[i].reason = verdict->reason;
    }
}

void mmap_sweep(struct mmap_builder *builder)
{
    const uint32_t count = builder->source_count;
    struct verdict verdict = judge(0);
    uint64_t previous = 0;
    uint32_t opened = 0;
    uint32_t closed = 0;
    while (closed < count) {
        uint64_t position = builder->ends[closed].position;
        if (opened < count) {
            position = bits_min(position, builder->starts[opened].position);
        }
        segment(builder, previous, position, &verdict);
        for (; closed < count && builder->ends[closed].position == position; closed++) {
            close_source(builder, &builder->sources[builder->ends[closed].source]);
        }
        builder->overlaps_from = builder->output->repair_count;
        for (; opened < count && builder->starts[opened].position == position; opened++) {
            open_source(builder, &builder->sources[builder->starts[opened].source]);
        }
        verdict = judge(builder->active);
        settle_overlaps(builder, &verdict);
        previous = position;
    }
    mmap_emit_finish(builder);
}
