/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The memory-map builder's output side (mmap_build_internal.h): segments come by address and leave
 * as entries, repairs, RAM ranges and books. Neighbours of one reason are joined first, then usable
 * memory is cut to whole pages:
 *
 *     pages      |       |       |       |       |
 *     segments   | avail |ava| avail |nvs| avail |     two parts of a page that touch keep it
 *     entries    | available     |drp|nvs| avail |     a part alone is dropped, with a repair
 *
 * No capacity is looked at: mmap_build() has checked them against bounds that no input passes
 * ("Room" in mmap_build.c). State: the builder's. Loader, replay and host.
 */
#include "shared/mmap_names.h"

#include "lib/bits.h"
#include "mm/addr.h"
#include "mmap_build_internal.h"

/* ---- repairs, entries, books -------------------------------------------------------------------
 */

void mmap_emit_repair(struct mmap_builder *builder, const struct mmap_repair *repair)
{
    struct mmap_build_output *const output = builder->output;
    output->repairs[output->repair_count] = *repair;
    output->repair_count++;
}

void mmap_emit_dropped_repair(struct mmap_builder *builder, uint32_t kind, uint64_t start,
                              uint64_t end)
{
    struct mmap_build_output *const output = builder->output;
    if (output->repair_count > 0) {
        struct mmap_repair *const last = &output->repairs[output->repair_count - 1];
        if (last->kind == kind && last->base + last->size == start) {
            last->size += end - start;
            return;
        }
    }
    const struct mmap_repair repair = {
        .kind = kind,
        .reason = MMAP_REASON_DROPPED,
        .entry = MMAP_REPAIR_NO_ENTRY,
        .other = MMAP_REPAIR_NO_ENTRY,
        .base = start,
        .size = end - start,
    };
    mmap_emit_repair(builder, &repair);
}

static void add_entry(struct mmap_builder *builder, uint64_t start, uint64_t end, uint32_t reason)
{
    struct mmap_build_output *const output = builder->output;
    const uint32_t count = output->entry_count;
    if (count > 0 && output->reasons[count - 1] == reason) {
        struct multiboot2_mmap_entry *const last = &output->entries[count - 1];
        if (last->address + last->length == start) {
            last->length += end - start;
            return;
        }
    }
    output->entries[count] = (struct multiboot2_mmap_entry){
        .address = start,
        .length = end - start,
        .type = mmap_reason_type(reason),
    };
    output->reasons[count] = reason;
    output->entry_count++;
}

/* The class that RAM with @p reason counts in. */
static uint64_t *class_of(struct memory_accounting *accounting, uint32_t reason)
{
    switch (reason) {
    case MMAP_REASON_AVAILABLE:
        return &accounting->usable;
    case MMAP_REASON_KERNEL:
        return &accounting->kernel;
    case MMAP_REASON_LOADER:
        return &accounting->loader;
    case MMAP_REASON_LOW:
        return &accounting->low;
    case MMAP_REASON_ACPI:
        return &accounting->acpi;
    case MMAP_REASON_NVS:
        return &accounting->nvs;
    case MMAP_REASON_BAD:
        return &accounting->bad;
    case MMAP_REASON_DROPPED:
        return &accounting->dropped;
    default:
        return &accounting->reserved;
    }
}

static void add_ram_range(struct mmap_build_output *output, uint64_t start, uint64_t end)
{
    const uint32_t count = output->ram_count;
    if (count > 0 && output->ram[count - 1].base + output->ram[count - 1].size == start) {
        output->ram[count - 1].size += end - start;
        return;
    }
    output->ram[count] = (struct bootinfo_ram_range){ .base = start, .size = end - start };
    output->ram_count++;
}

void mmap_emit_ram(struct mmap_build_output *output, uint64_t start, uint64_t end, uint32_t reason)
{
    add_ram_range(output, start, end);
    output->accounting.firmware_ram += end - start;
    *class_of(&output->accounting, reason) += end - start;
}

/* ---- runs --------------------------------------------------------------------------------------
 */

static void drop_piece(struct mmap_builder *builder, uint64_t start, uint64_t end, uint32_t reason)
{
    if (start == end) {
        return;
    }
    struct memory_accounting *const accounting = &builder->output->accounting;
    *class_of(accounting, reason) -= end - start;
    accounting->dropped += end - start;
    mmap_emit_dropped_repair(builder, MMAP_REPAIR_TRIMMED, start, end);
    add_entry(builder, start, end, MMAP_REASON_DROPPED);
}

/* Usable memory keeps its whole pages, the ends are dropped. */
void mmap_emit_finish(struct mmap_builder *builder)
{
    const struct mmap_run run = builder->run;
    builder->run.end = builder->run.start;
    if (run.start == run.end) {
        return;
    }
    if (run.reason != MMAP_REASON_AVAILABLE && run.reason != MMAP_REASON_LOW) {
        add_entry(builder, run.start, run.end, run.reason);
        return;
    }
    const uint64_t first_page = bits_align_up(run.start, PAGE_SIZE);
    const uint64_t pages_end = bits_align_down(run.end, PAGE_SIZE);
    if (first_page >= pages_end) {
        drop_piece(builder, run.start, run.end, run.reason);
        return;
    }
    drop_piece(builder, run.start, first_page, run.reason);
    add_entry(builder, first_page, pages_end, run.reason);
    drop_piece(builder, pages_end, run.end, run.reason);
}

void mmap_emit_run(struct mmap_builder *builder, uint64_t start, uint64_t end, uint32_t reason)
{
    struct mmap_run *const run = &builder->run;
    if (run->end != start || run->reason != reason) {
        mmap_emit_finish(builder);
        *run = (struct mmap_run){ .start = start, .reason = reason };
    }
    run->end = end;
}
