/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The memory-map builder's input side (mmap_build_internal.h): turns everything that says something
 * about an address into sources, half-open byte ranges with one bit, and lists their ends sorted.
 *
 *     descriptor   may be anything: skipped with a repair, aligned with a repair, or taken
 *     ledger, pin  widened to pages, cut at 2^phys_bits (a pin comes from a firmware table)
 *     limits       low memory, mem=, end of the direct map: always there
 *
 * State: the builder's. Loader, replay and host.
 */
#include "lib/bits.h"
#include "lib/string.h"
#include "mm/addr.h"
#include "mmap_build_internal.h"

/* ---- descriptors -------------------------------------------------------------------------------
 */

static void add_source(struct mmap_builder *builder, const struct mmap_source *source)
{
    if (source->start < source->end) {
        builder->sources[builder->source_count] = *source;
        builder->source_count++;
    }
}

static void add_fixed_source(struct mmap_builder *builder, uint32_t bit, uint64_t start,
                             uint64_t end)
{
    const struct mmap_source source = {
        .start = start, .end = end, .entry = MMAP_REPAIR_NO_ENTRY, .bit = (uint8_t)bit
    };
    add_source(builder, &source);
}

/* The bytes of @p pages pages from @p base on, or as many as 64 bits can count. */
static uint64_t saturated_bytes(uint64_t pages)
{
    return pages < PHYSICAL_END ? pages << PAGE_SHIFT : UINT64_MAX;
}

/* What was wrong with the descriptor of @p source; [base, base + size) as the firmware gave it. */
static void report_descriptor(struct mmap_builder *builder, enum mmap_repair_kind kind,
                              const struct mmap_source *source, uint64_t base, uint64_t size_bytes)
{
    const bool kept = kind == MMAP_REPAIR_UNALIGNED;
    const struct mmap_repair repair = {
        .kind = (uint32_t)kind,
        .reason = kept ? source->bit : (uint32_t)MMAP_REASON_DROPPED,
        .entry = source->entry,
        .other = MMAP_REPAIR_NO_ENTRY,
        .base = base,
        .size = size_bytes,
    };
    mmap_emit_repair(builder, &repair);
}

/* Why [base, base + size) can be no memory, or MMAP_REPAIR_COUNT where it can. */
static enum mmap_repair_kind range_fault(const struct mmap_builder *builder, uint64_t base,
                                         uint64_t size_bytes)
{
    if (size_bytes == 0) {
        return MMAP_REPAIR_ZERO_LENGTH;
    }
    uint64_t last;
    if (size_bytes == UINT64_MAX || __builtin_add_overflow(base, size_bytes - 1, &last)) {
        return MMAP_REPAIR_WRAPS; /* UINT64_MAX: saturated_bytes() */
    }
    return last < builder->address_limit ? MMAP_REPAIR_COUNT : MMAP_REPAIR_ABOVE_MAXPHYADDR;
}

/* Takes [base, base + size) for @p source, or reports why not. */
static bool accept_range(struct mmap_builder *builder, uint64_t base, uint64_t size_bytes,
                         struct mmap_source *source)
{
    const enum mmap_repair_kind fault = range_fault(builder, base, size_bytes);
    if (fault != MMAP_REPAIR_COUNT) {
        report_descriptor(builder, fault, source, base, size_bytes);
        return false;
    }
    source->start = base;
    source->end = base + size_bytes;
    return true;
}

/* Splits a misaligned EFI descriptor: what may be reserved grows to whole pages, what is free
 * shrinks to them and leaves its raw bytes as RAM without a reason. */
static void align_source(struct mmap_builder *builder, struct mmap_source *source)
{
    report_descriptor(builder, MMAP_REPAIR_UNALIGNED, source, source->start,
                      source->end - source->start);
    if (source->ram) {
        struct mmap_source raw = *source;
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

static void add_efi_sources(struct mmap_builder *builder, const struct efi_map *map)
{
    const uint32_t count = (uint32_t)efi_map_count(map);
    for (uint32_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        struct mmap_source source = {
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

static void add_e820_sources(struct mmap_builder *builder)
{
    const struct mmap_build_input *const input = builder->input;
    for (uint32_t i = 0; i < input->e820_count; i++) {
        const struct mmap_build_e820_entry *const entry = &input->e820[i];
        const enum mmap_reason reason = e820_reason(entry->type);
        struct mmap_source source = {
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

/* ---- ledger, pins, limits ----------------------------------------------------------------------
 */

/* A ledger entry or pin, widened to whole pages and cut at the end of physical memory: a pin comes
 * from a firmware table, too. */
static void add_overlay(struct mmap_builder *builder, uint32_t bit, uint64_t base, uint64_t pages)
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

static void add_ledger_sources(struct mmap_builder *builder)
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

static void add_pin_sources(struct mmap_builder *builder)
{
    const struct mmap_build_input *const input = builder->input;
    for (uint32_t i = 0; i < input->pin_count; i++) {
        const struct bootinfo_pin *const pin = &input->pins[i];
        add_overlay(builder, pin_bit(pin->kind), pin->base, pin->pages);
    }
}

static void add_limit_sources(struct mmap_builder *builder)
{
    /* Whole pages, so that the limit itself trims nothing. */
    const uint64_t limit = bits_align_down(builder->input->mem_limit_bytes, PAGE_SIZE);
    add_fixed_source(builder, MMAP_REASON_LOW, 0, LOW_MEMORY_END);
    add_fixed_source(builder, SOURCE_ABOVE_LIMIT, limit, PHYSICAL_END);
    add_fixed_source(builder, SOURCE_BEYOND_DIRECT_MAP, DIRECT_MAP_SIZE, PHYSICAL_END);
}

void mmap_sources_collect(struct mmap_builder *builder)
{
    if (builder->input->efi != NULL) {
        add_efi_sources(builder, builder->input->efi);
    } else {
        add_e820_sources(builder);
    }
    add_ledger_sources(builder);
    add_pin_sources(builder);
    add_limit_sources(builder);
}

/* ---- sorting -----------------------------------------------------------------------------------
 */

#define FEW 16U

/* What a sort works with. */
struct sorter {
    const struct mmap_source *sources;
    struct mmap_boundary *spare;
};

/* By position; of sources that start together, the longest first. */
static bool is_before(const struct sorter *sorter, const struct mmap_boundary *a,
                      const struct mmap_boundary *b)
{
    return a->position != b->position
               ? a->position < b->position
               : sorter->sources[a->source].end > sorter->sources[b->source].end;
}

/* Insertion sort, for few: what is in order already costs one comparison each. */
static void sort_few(const struct sorter *sorter, struct mmap_boundary *items, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct mmap_boundary item = items[i];
        uint32_t to = i;
        for (; to > 0 && is_before(sorter, &item, &items[to - 1]); to--) {
            items[to] = items[to - 1];
        }
        items[to] = item;
    }
}

/* Merges the sorted [0, middle) and [middle, end) of @p items through the spare room. */
static void merge_halves(const struct sorter *sorter, struct mmap_boundary *items, uint32_t middle,
                         uint32_t end)
{
    if (!is_before(sorter, &items[middle], &items[middle - 1])) {
        return; /* in order as they are: most of a firmware's map is */
    }
    struct mmap_boundary *const spare = sorter->spare;
    memcpy(spare, items, middle * sizeof(*items));
    uint32_t left = 0;
    uint32_t right = middle;
    uint32_t to = 0;
    while (left < middle && right < end) {
        if (is_before(sorter, &items[right], &spare[left])) {
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

/* Runs of a few, then bottom-up merge sort: stable, O(n log n); firmware maps are nearly sorted,
 * which costs O(n). */
static void sort_boundaries(const struct sorter *sorter, struct mmap_boundary *items,
                            uint32_t count)
{
    for (uint64_t first = 0; first < count; first += FEW) {
        sort_few(sorter, items + first, (uint32_t)bits_min(FEW, count - first));
    }
    for (uint64_t width = FEW; width < count; width *= 2) {
        for (uint64_t first = 0; first + width < count; first += 2 * width) {
            const uint64_t run_bound = bits_min(2 * width, count - first);
            merge_halves(sorter, items + first, (uint32_t)width, (uint32_t)run_bound);
        }
    }
}

void mmap_sources_sort(struct mmap_builder *builder)
{
    for (uint32_t i = 0; i < builder->source_count; i++) {
        const struct mmap_source *const source = &builder->sources[i];
        builder->starts[i] = (struct mmap_boundary){ .position = source->start, .source = i };
    }
    const struct sorter sorter = { .sources = builder->sources, .spare = builder->spare };
    sort_boundaries(&sorter, builder->starts, builder->source_count);
    /* Few sources overlap, so in the order of their starts the ends are almost sorted. */
    for (uint32_t i = 0; i < builder->source_count; i++) {
        const uint32_t source = builder->starts[i].source;
        builder->ends[i] = (struct mmap_boundary){ builder->sources[source].end, source };
    }
    sort_boundaries(&sorter, builder->ends, builder->source_count);
}
