/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The sanitiser: see mmap_build.h. It owns no state; scratch and outputs are the caller's. It runs
 * after ExitBootServices, so it neither prints nor allocates, and it has no way to fail on any map
 * whose geometry can be walked. Loader, replay, host tests and fuzzers.
 *
 * Everything is a source: a half-open byte range with one bit. A firmware descriptor's bit is its
 * reason; a ledger entry's is `kernel` or `loader`; the first MiB's is `low`; pins, the mem= limit
 * and the end of the direct map have bits of their own. Sources that are firmware RAM also count in
 * the RAM union, by their raw bytes. (A misaligned descriptor of free memory becomes two sources:
 * the whole pages inside it, and its raw bytes that say only "RAM".)
 *
 *     source   loader  |        ########
 *     source   avail.  |  ##########################
 *     source   runtime |                      ##########
 *                      |  ^     ^       ^     ^    ^    ^      boundaries, sorted
 *     output           |  avail  loader  avail  runtime
 *
 * The sweep goes over the sorted boundaries. A counter for each bit says how many sources with that
 * bit are open; `active` has the bits whose counter is not 0. Between two boundaries nothing
 * changes, so each such segment has one reason, judge()d from `active` alone: the reasons are
 * numbered by priority, so the winner is the lowest bit. Equal neighbours merge into a run; a
 * finished run of usable memory is cut to whole pages, what is cut off is `dropped`.
 *
 * Invariants:
 *   - output entries are sorted and disjoint, neighbours that touch differ in reason
 *   - the ranges of `ram` are the union of the raw bytes of all accepted RAM descriptors
 *   - a byte of that union has an entry: where no reason applies it is `dropped`
 *   - each segment inside the union is added to exactly one class, so the books balance
 *   - nothing depends on the order of the input but the entry numbers in repairs
 *
 * Room. With n descriptors and k overlays there are S sources and so at most 2S boundaries:
 *   EFI   S <= 2n + k + 3. All reasons are page-aligned, nothing is cut at the end, so entries,
 *         limit repairs and trim repairs are segments: each < 2S = 4n + 2k + 6.
 *   e820  S <= n + k + 3. Entries: < 2S runs, and at each boundary at most one cut-off piece more
 *         (a run left and one right of a boundary are never both cut there: low and available meet
 *         only at 1 MiB): < 4S = 4n + 4k + 12. Repairs: < 2S limit segments and <= 2S cuts.
 *   So entries < 4n + 4k + 12. One descriptor gives at most one repair of its own (skipped or
 *   unaligned) and opens at most one overlap: repairs < 6n + 4k + 12.
 */
#include "mmap_build.h"

#include <stdbool.h>

#include "shared/mmap_names.h"

#include "lib/bits.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/addr.h"

/* Bits of `active`. The reasons come first, so that their order is the priority. */
enum source_bit {
    SOURCE_RAM_ONLY = MMAP_REASON_COUNT, /* counts in the RAM union, gives no reason */
    SOURCE_PIN_RESERVED,
    SOURCE_PIN_FRAMEBUFFER,
    SOURCE_PIN_ACPI,
    SOURCE_ABOVE_LIMIT,       /* at and above mem= */
    SOURCE_BEYOND_DIRECT_MAP, /* at and above DIRECT_MAP_SIZE */
    SOURCE_RAM,               /* the RAM union; no source of its own */
    SOURCE_BIT_COUNT,
};
_Static_assert(SOURCE_BIT_COUNT <= 32, "active is a uint32_t");

#define REASON_BITS (((uint32_t)1 << MMAP_REASON_COUNT) - 1)

/* Physical addresses end here: MAXPHYADDR is at most 52 (SDM vol 3A, 4.1.4). */
#define PHYSICAL_END  (UINT64_C(1) << 52)
#define PHYS_BITS_MIN 32U
#define PHYS_BITS_MAX 52U

#define FIXED_SOURCES          3U /* low memory, mem= limit, end of the direct map */
#define SOURCES_PER_DESCRIPTOR 2U

struct source {
    uint64_t start; /* bytes; start < end <= PHYSICAL_END */
    uint64_t end;
    uint32_t entry; /* descriptor number, or MMAP_REPAIR_NO_ENTRY */
    uint8_t bit;    /* enum mmap_reason or enum source_bit */
    bool ram;
    bool firmware; /* a descriptor, whose overlaps are reported */
};

/* A boundary for sorting: by position, then by tie. */
struct boundary {
    uint64_t position;
    uint64_t tie;
    uint32_t source;
};

/* What holds between two boundaries. */
struct verdict {
    bool present; /* an entry is due */
    uint32_t reason;
    uint32_t repair; /* repair kind that made it `dropped`, or MMAP_REPAIR_COUNT */
};

struct run {
    uint64_t start;
    uint64_t end; /* == start: no run yet */
    uint32_t reason;
};

struct builder {
    const struct mmap_build_input *input;
    struct mmap_build_output *output;
    uint64_t address_limit; /* 2^phys_bits */
    struct source *sources;
    struct boundary *starts;
    struct boundary *ends;
    struct boundary *spare;
    uint32_t source_count;
    uint32_t active;
    uint32_t open[SOURCE_BIT_COUNT];
    struct run run;
    uint64_t reach; /* furthest end of the firmware sources opened so far */
    uint32_t reach_entry;
    uint32_t overlaps_from; /* first repair that waits for this boundary's verdict */
};

/* ---- sizes ------------------------------------------------------------------------------------
 */

static uint64_t max_sources(uint64_t descriptors, uint64_t overlays)
{
    return SOURCES_PER_DESCRIPTOR * descriptors + overlays + FIXED_SOURCES;
}

enum kstatus mmap_build_sizes(uint64_t descriptors, uint64_t overlays,
                              struct mmap_build_sizes *sizes)
{
    const uint64_t each_max = UINT32_MAX / 16; /* so that no sum below passes 32 bits */
    if (descriptors > each_max || overlays > each_max) {
        return K_EOVERFLOW;
    }
    const size_t source_bytes = sizeof(struct source) + 3 * sizeof(struct boundary);
    *sizes = (struct mmap_build_sizes){
        .entries = (uint32_t)(4 * descriptors + 4 * overlays + 12),
        .repairs = (uint32_t)(6 * descriptors + 4 * overlays + 12),
        .ram = (uint32_t)descriptors,
        .scratch_bytes = (size_t)max_sources(descriptors, overlays) * source_bytes,
    };
    return K_OK;
}

/* ---- output -----------------------------------------------------------------------------------
 */

static void add_repair(struct builder *builder, const struct mmap_repair *repair)
{
    struct mmap_build_output *const output = builder->output;
    if (output->repair_count < output->repair_capacity) { /* always: see "Room" */
        output->repairs[output->repair_count] = *repair;
        output->repair_count++;
    }
}

static void add_entry_repair(struct builder *builder, enum mmap_repair_kind kind, uint32_t reason,
                             const struct source *range)
{
    const struct mmap_repair repair = {
        .kind = (uint32_t)kind,
        .reason = reason,
        .entry = range->entry,
        .other = MMAP_REPAIR_NO_ENTRY,
        .base = range->start,
        .size = range->end - range->start,
    };
    add_repair(builder, &repair);
}

/* RAM that was dropped for @p kind; joins the repair before it where that says the same. */
static void add_dropped_repair(struct builder *builder, uint32_t kind, uint64_t start, uint64_t end)
{
    struct mmap_build_output *const output = builder->output;
    if (output->repair_count > 0) {
        struct mmap_repair *const last = &output->repairs[output->repair_count - 1];
        if (last->kind == kind && last->entry == MMAP_REPAIR_NO_ENTRY &&
            last->base + last->size == start) {
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
    add_repair(builder, &repair);
}

static void add_entry(struct builder *builder, uint64_t start, uint64_t end, uint32_t reason)
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
    if (count < output->entry_capacity) { /* always: see "Room" */
        output->entries[count] = (struct multiboot2_mmap_entry){
            .address = start,
            .length = end - start,
            .type = mmap_reason_type(reason),
        };
        output->reasons[count] = reason;
        output->entry_count++;
    }
}

static void add_ram(struct mmap_build_output *output, uint64_t start, uint64_t end)
{
    const uint32_t count = output->ram_count;
    if (count > 0 && output->ram[count - 1].base + output->ram[count - 1].size == start) {
        output->ram[count - 1].size += end - start;
    } else if (count < output->ram_capacity) { /* always: each range holds a descriptor */
        output->ram[count] = (struct bootinfo_ram_range){ .base = start, .size = end - start };
        output->ram_count++;
    }
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

/* ---- runs -------------------------------------------------------------------------------------
 */

static void drop_piece(struct builder *builder, uint64_t start, uint64_t end, uint32_t reason)
{
    if (start == end) {
        return;
    }
    struct memory_accounting *const accounting = &builder->output->accounting;
    *class_of(accounting, reason) -= end - start;
    accounting->dropped += end - start;
    add_dropped_repair(builder, MMAP_REPAIR_TRIMMED, start, end);
    add_entry(builder, start, end, MMAP_REASON_DROPPED);
}

/* Writes the finished run. Usable memory keeps its whole pages, the ends are dropped. */
static void finish_run(struct builder *builder)
{
    const struct run run = builder->run;
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

static void extend_run(struct builder *builder, uint64_t start, uint64_t end, uint32_t reason)
{
    struct run *const run = &builder->run;
    if (run->end != start || run->reason != reason) {
        finish_run(builder);
        *run = (struct run){ .start = start, .reason = reason };
    }
    run->end = end;
}

/* ---- judgement --------------------------------------------------------------------------------
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

/* ---- sweep ------------------------------------------------------------------------------------
 */

static void segment(struct builder *builder, uint64_t start, uint64_t end,
                    const struct verdict *verdict)
{
    if (start == end || !verdict->present) {
        return;
    }
    if (has(builder->active, SOURCE_RAM)) {
        struct mmap_build_output *const output = builder->output;
        add_ram(output, start, end);
        output->accounting.firmware_ram += end - start;
        *class_of(&output->accounting, verdict->reason) += end - start;
    }
    if (verdict->repair != MMAP_REPAIR_COUNT) {
        add_dropped_repair(builder, verdict->repair, start, end);
    }
    extend_run(builder, start, end, verdict->reason);
}

static void open_bit(struct builder *builder, uint32_t bit)
{
    builder->open[bit]++;
    builder->active |= (uint32_t)1 << bit;
}

static void close_bit(struct builder *builder, uint32_t bit)
{
    builder->open[bit]--;
    if (builder->open[bit] == 0) {
        builder->active &= ~((uint32_t)1 << bit);
    }
}

/* Reports a descriptor that starts inside an earlier one. The one that reaches furthest stands for
 * all earlier ones, so that n descriptors give at most n - 1 repairs. The reason is filled in once
 * all sources that start here are open. */
static void note_overlap(struct builder *builder, const struct source *source)
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
        add_repair(builder, &repair);
    }
    if (source->end > builder->reach) {
        builder->reach = source->end;
        builder->reach_entry = source->entry;
    }
}

static void open_source(struct builder *builder, const struct source *source)
{
    note_overlap(builder, source);
    open_bit(builder, source->bit);
    if (source->ram) {
        open_bit(builder, SOURCE_RAM);
    }
}

static void close_source(struct builder *builder, const struct source *source)
{
    close_bit(builder, source->bit);
    if (source->ram) {
        close_bit(builder, SOURCE_RAM);
    }
}

static void settle_overlaps(struct builder *builder, const struct verdict *verdict)
{
    struct mmap_build_output *const output = builder->output;
    for (uint32_t i = builder->overlaps_from; i < output->repair_count; i++) {
        output->repairs[i].reason = verdict->reason;
    }
}

static void sweep(struct builder *builder)
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
    finish_run(builder);
}

/* ---- sorting ----------------------------------------------------------------------------------
 */

static bool boundary_before(const struct boundary *a, const struct boundary *b)
{
    return a->position != b->position ? a->position < b->position : a->tie < b->tie;
}

/* Merges the sorted [0, middle) and [middle, end) of @p items through @p spare. */
static void merge_halves(struct boundary *items, struct boundary *spare, uint32_t middle,
                         uint32_t end)
{
    if (!boundary_before(&items[middle], &items[middle - 1])) {
        return; /* in order as they are: most of a firmware's map is */
    }
    memcpy(spare, items, middle * sizeof(*items));
    uint32_t left = 0;
    uint32_t right = middle;
    uint32_t to = 0;
    while (left < middle && right < end) {
        if (boundary_before(&items[right], &spare[left])) {
            items[to] = items[right];
            right++;
        } else {
            items[to] = spare[left];
            left++;
        }
        to++;
    }
    memcpy(items + to, spare + left, (middle - left) * sizeof(*items));
}

/* Bottom-up merge sort, stable, O(n log n); firmware maps are nearly sorted, which costs O(n). */
static void sort_boundaries(struct boundary *items, struct boundary *spare, uint32_t count)
{
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t first = 0; first + width < count; first += 2 * width) {
            const uint64_t run_bound = bits_min(2 * width, count - first);
            merge_halves(items + first, spare, (uint32_t)width, (uint32_t)run_bound);
        }
    }
}

static void sort_sources(struct builder *builder)
{
    for (uint32_t i = 0; i < builder->source_count; i++) {
        const struct source *const source = &builder->sources[i];
        builder->starts[i] = (struct boundary){ source->start, ~source->end, i };
        builder->ends[i] = (struct boundary){ source->end, 0, i };
    }
    sort_boundaries(builder->starts, builder->spare, builder->source_count);
    sort_boundaries(builder->ends, builder->spare, builder->source_count);
}

/* ---- sources ----------------------------------------------------------------------------------
 */

static void add_source(struct builder *builder, const struct source *source)
{
    if (source->start < source->end) {
        builder->sources[builder->source_count] = *source;
        builder->source_count++;
    }
}

static void add_fixed_source(struct builder *builder, uint32_t bit, uint64_t start, uint64_t end)
{
    const struct source source = {
        .start = start, .end = end, .entry = MMAP_REPAIR_NO_ENTRY, .bit = (uint8_t)bit
    };
    add_source(builder, &source);
}

/* The bytes of @p pages pages from @p base on, or as many as 64 bits can count. */
static uint64_t saturated_bytes(uint64_t pages)
{
    return pages < PHYSICAL_END ? pages << PAGE_SHIFT : UINT64_MAX;
}

static void skip(struct builder *builder, enum mmap_repair_kind kind, uint64_t base,
                 const struct source *source)
{
    const struct mmap_repair repair = {
        .kind = (uint32_t)kind,
        .reason = MMAP_REASON_DROPPED,
        .entry = source->entry,
        .other = MMAP_REPAIR_NO_ENTRY,
        .base = base,
        .size = source->end, /* here a size: the end may not fit */
    };
    add_repair(builder, &repair);
}

/* Checks that [base, base + size) can be memory; skips it with a repair where not. On success
 * source->start and end hold the range. */
static bool accept_range(struct builder *builder, uint64_t base, uint64_t size_bytes,
                         struct source *source)
{
    source->end = size_bytes;
    if (size_bytes == 0) {
        skip(builder, MMAP_REPAIR_ZERO_LENGTH, base, source);
        return false;
    }
    uint64_t last;
    if (size_bytes == UINT64_MAX || __builtin_add_overflow(base, size_bytes - 1, &last)) {
        skip(builder, MMAP_REPAIR_WRAPS, base, source);
        return false;
    }
    if (last >= builder->address_limit) {
        skip(builder, MMAP_REPAIR_ABOVE_MAXPHYADDR, base, source);
        return false;
    }
    source->start = base;
    source->end = last + 1;
    return true;
}

/* Splits a misaligned EFI descriptor: what may be reserved grows to whole pages, what is free
 * shrinks to them and leaves its raw bytes as RAM without a reason. */
static void align_source(struct builder *builder, struct source *source)
{
    add_entry_repair(builder, MMAP_REPAIR_UNALIGNED, source->bit, source);
    if (source->ram) {
        struct source raw = *source;
        raw.bit = SOURCE_RAM_ONLY;
        raw.firmware = false;
        add_source(builder, &raw);
        source->ram = false;
    }
    if (source->bit == MMAP_REASON_AVAILABLE) {
        source->start = bits_align_up(source->start, PAGE_SIZE);
        source->end = bits_align_down(source->end, PAGE_SIZE);
    } else {
        source->start = bits_align_down(source->start, PAGE_SIZE);
        source->end = bits_align_up(source->end, PAGE_SIZE);
    }
}

static void add_efi_sources(struct builder *builder, const struct efi_map *map)
{
    const uint32_t count = (uint32_t)efi_map_count(map);
    for (uint32_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        struct source source = {
            .entry = i,
            .bit = (uint8_t)efi_map_reason(descriptor.type, descriptor.attribute),
            .ram = efi_map_type_is_ram(descriptor.type),
            .firmware = true,
        };
        if (!accept_range(builder, descriptor.physical_start, saturated_bytes(descriptor.pages),
                          &source)) {
            continue;
        }
        if (!bits_is_aligned(source.start, PAGE_SIZE)) {
            align_source(builder, &source);
        }
        add_source(builder, &source);
    }
}

static enum mmap_reason e820_reason(uint32_t type)
{
    switch (type) {
    case MMAP_AVAILABLE:
        return MMAP_REASON_AVAILABLE;
    case MMAP_ACPI_RECLAIMABLE:
        return MMAP_REASON_ACPI;
    case MMAP_ACPI_NVS:
        return MMAP_REASON_NVS;
    case MMAP_BAD_RAM:
        return MMAP_REASON_BAD;
    default:
        return MMAP_REASON_FIRMWARE_RESERVED;
    }
}

static void add_e820_sources(struct builder *builder)
{
    const struct mmap_build_input *const input = builder->input;
    for (uint32_t i = 0; i < input->e820_count; i++) {
        const struct mmap_build_e820_entry *const entry = &input->e820[i];
        const enum mmap_reason reason = e820_reason(entry->type);
        struct source source = {
            .entry = i,
            .bit = (uint8_t)reason,
            .ram = reason != MMAP_REASON_FIRMWARE_RESERVED,
            .firmware = true,
        };
        if (accept_range(builder, entry->base, entry->size, &source)) {
            add_source(builder, &source);
        }
    }
}

/* A ledger entry or pin, widened to whole pages and cut at the end of physical memory: a pin comes
 * from a firmware table, too. */
static void add_overlay(struct builder *builder, uint32_t bit, uint64_t base, uint64_t pages)
{
    if (pages == 0 || base >= builder->address_limit) {
        return;
    }
    uint64_t end;
    if (__builtin_add_overflow(base, saturated_bytes(pages), &end)) {
        end = builder->address_limit;
    }
    end = bits_min(end, builder->address_limit);
    add_fixed_source(builder, bit, bits_align_down(base, PAGE_SIZE), bits_align_up(end, PAGE_SIZE));
}

static void add_ledger_sources(struct builder *builder)
{
    const struct mmap_build_input *const input = builder->input;
    for (uint32_t i = 0; i < input->ledger_count; i++) {
        const struct bootinfo_ledger_entry *const entry = &input->ledger[i];
        if (entry->type == MMAP_KERNEL) {
            add_overlay(builder, MMAP_REASON_KERNEL, entry->base, entry->pages);
        } else if (entry->type == MMAP_LOADER) {
            add_overlay(builder, MMAP_REASON_LOADER, entry->base, entry->pages);
        }
    }
}

static uint32_t pin_bit(uint32_t kind)
{
    switch (kind) {
    case BOOTINFO_PIN_ACPI:
        return SOURCE_PIN_ACPI;
    case BOOTINFO_PIN_FRAMEBUFFER:
        return SOURCE_PIN_FRAMEBUFFER;
    default:
        return SOURCE_PIN_RESERVED;
    }
}

static void add_pin_sources(struct builder *builder)
{
    const struct mmap_build_input *const input = builder->input;
    for (uint32_t i = 0; i < input->pin_count; i++) {
        const struct bootinfo_pin *const pin = &input->pins[i];
        add_overlay(builder, pin_bit(pin->kind), pin->base, pin->pages);
    }
}

static void add_limit_sources(struct builder *builder)
{
    /* Whole pages, so that the limit itself trims nothing. */
    const uint64_t limit = bits_align_down(builder->input->mem_limit_bytes, PAGE_SIZE);
    add_fixed_source(builder, MMAP_REASON_LOW, 0, LOW_MEMORY_END);
    add_fixed_source(builder, SOURCE_ABOVE_LIMIT, limit, PHYSICAL_END);
    add_fixed_source(builder, SOURCE_BEYOND_DIRECT_MAP, DIRECT_MAP_SIZE, PHYSICAL_END);
}

/* ---- entry ------------------------------------------------------------------------------------
 */

static bool input_is_valid(const struct mmap_build_input *input)
{
    const char *why;
    if (input->phys_bits < PHYS_BITS_MIN || input->phys_bits > PHYS_BITS_MAX) {
        return false;
    }
    if (input->efi != NULL) {
        return input->e820_count == 0 && efi_map_check(input->efi, &why) == K_OK;
    }
    return input->e820 != NULL || input->e820_count == 0;
}

static uint64_t descriptor_count(const struct mmap_build_input *input)
{
    return input->efi != NULL ? efi_map_count(input->efi) : input->e820_count;
}

static enum kstatus check_room(const struct mmap_build_input *input, size_t scratch_bytes,
                               const struct mmap_build_output *output)
{
    struct mmap_build_sizes sizes;
    const uint64_t overlays = (uint64_t)input->ledger_count + input->pin_count;
    const enum kstatus status = mmap_build_sizes(descriptor_count(input), overlays, &sizes);
    if (status != K_OK) {
        return status;
    }
    if (output->entry_capacity < sizes.entries || output->repair_capacity < sizes.repairs ||
        output->ram_capacity < sizes.ram || scratch_bytes < sizes.scratch_bytes) {
        return K_ENOSPC;
    }
    return K_OK;
}

static void divide_scratch(struct builder *builder, void *scratch)
{
    const uint64_t overlays = (uint64_t)builder->input->ledger_count + builder->input->pin_count;
    const uint64_t sources = max_sources(descriptor_count(builder->input), overlays);
    builder->sources = scratch;
    builder->starts = (struct boundary *)(void *)(builder->sources + sources);
    builder->ends = builder->starts + sources;
    builder->spare = builder->ends + sources;
}

enum kstatus mmap_build(const struct mmap_build_input *input, void *scratch, size_t scratch_bytes,
                        struct mmap_build_output *output)
{
    if (!input_is_valid(input) || !bits_is_aligned((uintptr_t)scratch, sizeof(uint64_t))) {
        return K_EINVAL;
    }
    const enum kstatus status = check_room(input, scratch_bytes, output);
    if (status != K_OK) {
        return status;
    }
    struct builder builder = {
        .input = input,
        .output = output,
        .address_limit = BIT(input->phys_bits),
    };
    divide_scratch(&builder, scratch);
    output->entry_count = 0;
    output->repair_count = 0;
    output->ram_count = 0;
    memset(&output->accounting, 0, sizeof(output->accounting));
    if (input->efi != NULL) {
        add_efi_sources(&builder, input->efi);
    } else {
        add_e820_sources(&builder);
    }
    add_ledger_sources(&builder);
    add_pin_sources(&builder);
    add_limit_sources(&builder);
    sort_sources(&builder);
    sweep(&builder);
    return K_OK;
}

/* ---- text -------------------------------------------------------------------------------------
 */

/* The size in the unit that a person wants: pages where it is whole pages. */
static void describe_size(uint64_t size_bytes, char *text, size_t text_bytes)
{
    const bool whole = size_bytes != 0 && bits_is_aligned(size_bytes, PAGE_SIZE);
    const uint64_t amount = whole ? size_bytes >> PAGE_SHIFT : size_bytes;
    const char *const unit = whole ? "page" : "byte";
    (void)format_text(text, text_bytes, "%" FMTu64 " %s%s", amount, unit, amount == 1 ? "" : "s");
}

/* What was done, for the kinds that read "entry E: FAULT: SIZE at BASE". */
static const char *repair_sentence(uint32_t kind)
{
    switch (kind) {
    case MMAP_REPAIR_ZERO_LENGTH:
        return "has no pages, skipped";
    case MMAP_REPAIR_UNALIGNED:
        return "does not start on a page, rounded";
    case MMAP_REPAIR_WRAPS:
        return "passes the end of the address space, skipped";
    case MMAP_REPAIR_ABOVE_MAXPHYADDR:
        return "is above the processor's address bits, skipped";
    case MMAP_REPAIR_TRIMMED:
        return "is no whole page, dropped";
    case MMAP_REPAIR_TOO_MANY_AREAS:
        return "does not fit into the kernel's table of areas, dropped";
    case MMAP_REPAIR_BEYOND_DIRECT_MAP:
        return "is beyond the direct map, dropped";
    case MMAP_REPAIR_MEM_LIMIT:
        return "is above the mem= limit, dropped";
    default:
        return "was repaired";
    }
}

size_t mmap_build_describe_repair(const struct mmap_repair *repair, char *text, size_t size_bytes)
{
    char amount[32];
    describe_size(repair->size, amount, sizeof(amount));
    if (repair->kind == MMAP_REPAIR_OVERLAP) {
        return format_text(
            text, size_bytes, "entry %u overlaps entry %u by %s at " PRIphys ": %s wins",
            repair->entry, repair->other, amount, repair->base, mmap_reason_name(repair->reason));
    }
    const char *const sentence = repair_sentence(repair->kind);
    if (repair->entry == MMAP_REPAIR_NO_ENTRY) {
        return format_text(text, size_bytes, "memory %s: %s at " PRIphys, sentence, amount,
                           repair->base);
    }
    return format_text(text, size_bytes, "entry %u %s: %s at " PRIphys, repair->entry, sentence,
                       amount, repair->base);
}
