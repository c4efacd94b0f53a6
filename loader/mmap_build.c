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

#include "lib/bits.h"
#include "lib/string.h"
#include "mmap_build_internal.h"

#define PHYS_BITS_MIN 32U
#define PHYS_BITS_MAX 52U

#define FIXED_SOURCES          3U /* low memory, mem= limit, end of the direct map */
#define SOURCES_PER_DESCRIPTOR 2U

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
    const size_t source_bytes = sizeof(struct mmap_source) + 3 * sizeof(struct mmap_boundary);
    *sizes = (struct mmap_build_sizes){
        .entries = (uint32_t)(4 * descriptors + 4 * overlays + 12),
        .repairs = (uint32_t)(6 * descriptors + 4 * overlays + 12),
        .ram = (uint32_t)descriptors,
        .scratch_bytes = (size_t)max_sources(descriptors, overlays) * source_bytes,
    };
    return K_OK;
}

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

static void divide_scratch(struct mmap_builder *builder, void *scratch)
{
    const uint64_t overlays = (uint64_t)builder->input->ledger_count + builder->input->pin_count;
    const uint64_t sources = max_sources(descriptor_count(builder->input), overlays);
    builder->sources = scratch;
    builder->starts = (struct mmap_boundary *)(void *)(builder->sources + sources);
    builder->ends = builder->starts + sources;
    builder->spare = builder->ends + sources;
}

bool mmap_build_balances(const struct mmap_build_output *output)
{
    const struct memory_map map = { .entries = output->entries,
                                    .reasons = output->reasons,
                                    .count = output->entry_count,
                                    .ram = output->ram,
                                    .ram_count = output->ram_count };
    struct memory_accounting counted;
    memory_map_account(&map, &counted);
    return memory_accounting_balances(&counted) &&
           memcmp(&counted, &output->accounting, sizeof(counted)) == 0;
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
    struct mmap_builder builder = {
        .input = input,
        .output = output,
        .address_limit = BIT(input->phys_bits),
    };
    divide_scratch(&builder, scratch);
    output->entry_count = 0;
    output->repair_count = 0;
    output->ram_count = 0;
    memset(&output->accounting, 0, sizeof(output->accounting));
    mmap_sources_collect(&builder);
    mmap_sources_sort(&builder);
    mmap_sweep(&builder);
    return K_OK;
}
