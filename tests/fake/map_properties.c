/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See map_properties.h. Host only.
 */
#include "tests/fake/map_properties.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mmap_names.h"

#include "mm/addr.h"
#include "mm/memory_map.h"
#include "tests/fake/fake_efi_map.h"

/* ---- one output --------------------------------------------------------------------------------
 */

static const char *entry_fault(const struct mmap_build_output *output, uint32_t index)
{
    const struct multiboot2_mmap_entry *const e = &output->entries[index];
    const uint32_t reason = output->reasons[index];
    uint64_t end;
    if (e->length == 0 || e->reserved != 0 || __builtin_add_overflow(e->address, e->length, &end)) {
        return "an entry is empty or wraps";
    }
    if (reason >= MMAP_REASON_COUNT || e->type != mmap_reason_type(reason)) {
        return "an entry's reason does not give its type";
    }
    const bool whole = e->address % PAGE_SIZE == 0 && e->length % PAGE_SIZE == 0;
    if ((e->type == MMAP_AVAILABLE || e->type == MMAP_LOW) && !whole) {
        return "usable or low memory is not whole pages";
    }
    if (e->type == MMAP_AVAILABLE && e->address < LOW_MEMORY_END) {
        return "usable memory below 1 MiB";
    }
    return memory_map_type_is_mapped(e->type) && end > DIRECT_MAP_SIZE
               ? "mapped memory beyond the direct map"
               : NULL;
}

static const char *order_fault(const struct mmap_build_output *output)
{
    for (uint32_t i = 1; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const before = &output->entries[i - 1];
        const uint64_t end = before->address + before->length;
        if (output->entries[i].address < end) {
            return "entries overlap or are not sorted";
        }
        if (output->entries[i].address == end && output->reasons[i] == output->reasons[i - 1]) {
            return "equal neighbours are not merged";
        }
    }
    for (uint32_t i = 0; i < output->ram_count; i++) {
        const struct bootinfo_ram_range *const r = &output->ram[i];
        if (r->size == 0 ||
            (i > 0 && output->ram[i - 1].base + output->ram[i - 1].size >= r->base)) {
            return "RAM ranges are empty, touch or are not sorted";
        }
    }
    return NULL;
}

static const char *repairs_fault(const struct mmap_build_output *output)
{
    for (uint32_t i = 0; i < output->repair_count; i++) {
        const struct mmap_repair *const repair = &output->repairs[i];
        char text[160];
        if (repair->kind >= MMAP_REPAIR_COUNT || repair->reason >= MMAP_REASON_COUNT) {
            return "a repair of no kind or without a reason";
        }
        if (mmap_build_describe_repair(repair, text, sizeof(text)) >= sizeof(text)) {
            return "a repair that does not fit on a line";
        }
    }
    return NULL;
}

/* Input range @p index as the firmware gave it; false where it is empty or passes 64 bits. */
static bool input_range(const struct mmap_build_input *input, uint32_t index, uint64_t *start,
                        uint64_t *end, bool *usable)
{
    unsigned __int128 size_bytes;
    if (input->efi != NULL) {
        const struct efi_map_descriptor d = efi_map_get(input->efi, index);
        size_bytes = (unsigned __int128)d.pages * PAGE_SIZE;
        *start = d.physical_start;
        *usable = efi_map_reason(d.type, d.attribute) == MMAP_REASON_AVAILABLE;
    } else {
        size_bytes = input->e820[index].size;
        *start = input->e820[index].base;
        *usable = input->e820[index].type == MMAP_AVAILABLE;
    }
    const unsigned __int128 sum = *start + size_bytes;
    *end = (uint64_t)sum;
    return size_bytes != 0 && sum <= (unsigned __int128)1 << input->phys_bits;
}

static uint32_t input_count(const struct mmap_build_input *input)
{
    return input->efi != NULL ? (uint32_t)efi_map_count(input->efi) : input->e820_count;
}

/* How far from @p at on the firmware says `usable` and nothing else; @p at where it does not. */
static uint64_t usable_up_to(const struct mmap_build_input *input, uint64_t at)
{
    uint64_t furthest = at;
    uint64_t limit = UINT64_MAX;
    for (uint32_t i = 0; i < input_count(input); i++) {
        uint64_t start;
        uint64_t end;
        bool usable;
        if (!input_range(input, i, &start, &end, &usable) || end <= at) {
            continue;
        }
        if (!usable) {
            limit = start < limit ? start : limit;
        } else if (start <= at && end > furthest) {
            furthest = end;
        }
    }
    return furthest < limit ? furthest : limit;
}

static bool was_given(const struct mmap_build_input *input, uint64_t start, uint64_t end)
{
    uint64_t next = start;
    for (uint64_t at = start; at < end; at = next) {
        next = usable_up_to(input, at);
        if (next <= at) {
            return false;
        }
    }
    return true;
}

static const char *usable_fault(const struct mmap_build_input *input,
                                const struct mmap_build_output *output)
{
    for (uint32_t i = 0; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const e = &output->entries[i];
        if (e->type == MMAP_AVAILABLE && !was_given(input, e->address, e->address + e->length)) {
            return "usable memory that the firmware did not give";
        }
    }
    return NULL;
}

static bool starts_are_aligned(const struct mmap_build_input *input)
{
    for (uint32_t i = 0; i < input_count(input); i++) {
        if (efi_map_get(input->efi, i).physical_start % PAGE_SIZE != 0) {
            return false;
        }
    }
    return true;
}

/* The capacities are checked by ASan; here is what mmap_build.h says of aligned EFI maps. */
static const char *bound_fault(const struct mmap_build_input *input,
                               const struct mmap_build_output *output)
{
    const uint64_t ranges = (uint64_t)input_count(input) + input->ledger_count + input->pin_count;
    return input->efi != NULL && starts_are_aligned(input) && output->entry_count > 2 * ranges + 3
               ? "more entries than boundaries allow"
               : NULL;
}

const char *map_properties_fault(const struct mmap_build_input *input,
                                 const struct mmap_build_output *output)
{
    const char *fault = NULL;
    for (uint32_t i = 0; i < output->entry_count && fault == NULL; i++) {
        fault = entry_fault(output, i);
    }
    fault = fault != NULL ? fault : order_fault(output);
    if (fault == NULL && !mmap_build_balances(output)) {
        fault = "the books do not balance, or are not those of the finished map";
    }
    fault = fault != NULL ? fault : repairs_fault(output);
    fault = fault != NULL ? fault : usable_fault(input, output);
    return fault != NULL ? fault : bound_fault(input, output);
}

/* ---- two outputs -------------------------------------------------------------------------------
 */

static int compare_repairs(const void *a, const void *b)
{
    const struct mmap_repair *const x = a;
    const struct mmap_repair *const y = b;
    const uint64_t left[] = { x->kind, x->base, x->size, x->reason };
    const uint64_t right[] = { y->kind, y->base, y->size, y->reason };
    for (uint32_t i = 0; i < 4; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Skipped descriptors are listed as they come; overlaps are listed by address. */
static bool overlaps_in_same_order(const struct mmap_build_output *a,
                                   const struct mmap_build_output *b)
{
    uint32_t j = 0;
    for (uint32_t i = 0; i < a->repair_count; i++) {
        if (a->repairs[i].kind != MMAP_REPAIR_OVERLAP) {
            continue;
        }
        while (j < b->repair_count && b->repairs[j].kind != MMAP_REPAIR_OVERLAP) {
            j++;
        }
        if (j == b->repair_count || compare_repairs(&a->repairs[i], &b->repairs[j]) != 0) {
            return false;
        }
        j++;
    }
    return true;
}

bool map_properties_same_repairs(struct mmap_build_output *a, struct mmap_build_output *b)
{
    if (a->repair_count != b->repair_count) {
        return false;
    }
    if (!overlaps_in_same_order(a, b)) {
        return false;
    }
    qsort(a->repairs, a->repair_count, sizeof(a->repairs[0]), compare_repairs);
    qsort(b->repairs, b->repair_count, sizeof(b->repairs[0]), compare_repairs);
    for (uint32_t i = 0; i < a->repair_count; i++) {
        if (compare_repairs(&a->repairs[i], &b->repairs[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool map_properties_same_map(const struct mmap_build_output *a, const struct mmap_build_output *b)
{
    return a->entry_count == b->entry_count && a->ram_count == b->ram_count &&
           memcmp(a->entries, b->entries, a->entry_count * sizeof(a->entries[0])) == 0 &&
           memcmp(a->reasons, b->reasons, a->entry_count * sizeof(a->reasons[0])) == 0 &&
           memcmp(a->ram, b->ram, a->ram_count * sizeof(a->ram[0])) == 0 &&
           memcmp(&a->accounting, &b->accounting, sizeof(a->accounting)) == 0;
}

/* ---- read again --------------------------------------------------------------------------------
 */

/* The output as an e820 map with a ledger: what the next boot stage would be given. */
static struct mmap_build_input reread(const struct mmap_build_output *output,
                                      struct mmap_build_e820_entry *e820,
                                      struct bootinfo_ledger_entry *ledger)
{
    struct mmap_build_input input = fake_e820_input(e820, output->entry_count);
    input.ledger = ledger;
    for (uint32_t i = 0; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const e = &output->entries[i];
        e820[i] = (struct mmap_build_e820_entry){ e->address, e->length, e->type };
        if (e->type == MMAP_KERNEL || e->type == MMAP_LOADER) {
            ledger[input.ledger_count++] = (struct bootinfo_ledger_entry){
                .base = e->address, .pages = e->length / PAGE_SIZE, .type = e->type
            };
        }
        if (e->type >= MMAP_KERNEL) {
            e820[i].type = MMAP_AVAILABLE;
        }
    }
    return input;
}

static bool same_types(const struct mmap_build_output *first, const struct mmap_build_output *again)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < first->entry_count; i++) {
        const struct multiboot2_mmap_entry *const e = &first->entries[i];
        while (at < again->entry_count &&
               again->entries[at].address + again->entries[at].length <= e->address) {
            at++;
        }
        if (at == again->entry_count || again->entries[at].address > e->address ||
            again->entries[at].address + again->entries[at].length < e->address + e->length ||
            again->entries[at].type != e->type) {
            return false;
        }
    }
    return again->repair_count == 0;
}

static bool is_stable(const struct mmap_build_output *output)
{
    const size_t count = output->entry_count;
    struct mmap_build_e820_entry *const e820 = calloc(count + 1, sizeof(*e820));
    struct bootinfo_ledger_entry *const ledger = calloc(count + 1, sizeof(*ledger));
    const struct mmap_build_input input = reread(output, e820, ledger);
    struct fake_mmap_run again;
    fake_mmap_run(&input, &again);
    const bool good = again.status == K_OK && same_types(output, &again.output) &&
                      again.output.accounting.usable == output->accounting.usable &&
                      again.output.accounting.low == output->accounting.low &&
                      again.output.accounting.kernel == output->accounting.kernel;
    fake_mmap_run_free(&again);
    free(e820);
    free(ledger);
    return good;
}

/* Kernel and loader ranges cut in the middle of a page by an e820 neighbour cannot be given back as
 * a ledger of whole pages. */
static bool overlays_are_whole_pages(const struct mmap_build_output *output)
{
    for (uint32_t i = 0; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const e = &output->entries[i];
        if ((e->type == MMAP_KERNEL || e->type == MMAP_LOADER) &&
            (e->address % PAGE_SIZE != 0 || e->length % PAGE_SIZE != 0)) {
            return false;
        }
    }
    return true;
}

bool map_properties_stable(const struct mmap_build_output *output)
{
    return !overlays_are_whole_pages(output) || is_stable(output);
}
