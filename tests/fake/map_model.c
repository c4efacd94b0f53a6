/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See map_model.h. The model has no sweep, no counters and no runs. It cuts the address space at
 * every number that occurs in the input (and at that number rounded to pages, both ways), asks
 * every input range about every piece, and cuts usable memory by a rule of its own: a piece stays
 * usable where all pieces of its page are of the same reason. Host only.
 */
#include "tests/fake/map_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mmap_names.h"

#include "mm/addr.h"

#define MAX_CUTS  1024U
#define NO_REASON UINT32_MAX

/* One firmware range as the model sees it. */
struct claim {
    uint64_t start; /* effective range */
    uint64_t end;
    uint64_t raw_start;
    uint64_t raw_end;
    uint32_t reason;
    bool ram;
};

struct map_model {
    const struct mmap_build_input *input;
    struct claim claims[MAP_MODEL_MAX_CLAIMS];
    uint32_t claim_count;
    uint64_t cuts[MAX_CUTS];
    uint32_t cut_count;
    uint32_t before[MAX_CUTS];  /* reason of [cuts[i], cuts[i + 1]) before the cut to pages */
    uint32_t reasons[MAX_CUTS]; /* and after it */
    bool ram[MAX_CUTS];
};

static uint64_t page_down(uint64_t value)
{
    return value / PAGE_SIZE * PAGE_SIZE;
}

static uint64_t page_up(uint64_t value)
{
    return page_down(value + PAGE_SIZE - 1);
}

static bool model_accepts(const struct mmap_build_input *input, uint64_t start,
                          unsigned __int128 size_bytes)
{
    const unsigned __int128 end = start + size_bytes;
    return size_bytes != 0 && end <= (unsigned __int128)1 << input->phys_bits;
}

static void model_add_efi(struct map_model *model, const struct efi_map_descriptor *descriptor)
{
    const unsigned __int128 size_bytes = (unsigned __int128)descriptor->pages * PAGE_SIZE;
    if (!model_accepts(model->input, descriptor->physical_start, size_bytes)) {
        return;
    }
    const uint64_t start = descriptor->physical_start;
    const uint64_t end = start + (uint64_t)size_bytes;
    const uint32_t reason = (uint32_t)efi_map_reason(descriptor->type, descriptor->attribute);
    const bool usable = reason == MMAP_REASON_AVAILABLE;
    model->claims[model->claim_count++] = (struct claim){
        .start = usable ? page_up(start) : page_down(start),
        .end = usable ? page_down(end) : page_up(end),
        .raw_start = start,
        .raw_end = end,
        .reason = reason,
        .ram = efi_map_type_is_ram(descriptor->type),
    };
}

static void model_add_e820(struct map_model *model, const struct mmap_build_e820_entry *entry)
{
    static const uint32_t reasons[] = { MMAP_REASON_FIRMWARE_RESERVED,
                                        MMAP_REASON_AVAILABLE,
                                        MMAP_REASON_FIRMWARE_RESERVED,
                                        MMAP_REASON_ACPI,
                                        MMAP_REASON_NVS,
                                        MMAP_REASON_BAD };
    if (!model_accepts(model->input, entry->base, entry->size)) {
        return;
    }
    const uint32_t type = entry->type <= 5 ? entry->type : 2;
    model->claims[model->claim_count++] = (struct claim){
        .start = entry->base,
        .end = entry->base + entry->size,
        .raw_start = entry->base,
        .raw_end = entry->base + entry->size,
        .reason = reasons[type],
        .ram = type != 2 && type != 0,
    };
}

static void model_claims(struct map_model *model)
{
    const struct mmap_build_input *const input = model->input;
    if (input->efi == NULL) {
        for (uint32_t i = 0; i < input->e820_count; i++) {
            model_add_e820(model, &input->e820[i]);
        }
        return;
    }
    for (uint64_t i = 0; i < efi_map_count(input->efi); i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(input->efi, i);
        model_add_efi(model, &descriptor);
    }
}

static void model_cut(struct map_model *model, uint64_t at)
{
    const uint64_t all[3] = { page_down(at), at, page_up(at) };
    for (uint32_t i = 0; i < 3; i++) {
        model->cuts[model->cut_count++] = all[i];
    }
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Pages as an end address, capped at the end of physical memory. */
static uint64_t overlay_end(const struct mmap_build_input *input, uint64_t base, uint64_t pages)
{
    const unsigned __int128 end = base + (unsigned __int128)pages * PAGE_SIZE;
    const uint64_t limit = UINT64_C(1) << input->phys_bits;
    return end > limit ? limit : (uint64_t)end;
}

static void model_cuts(struct map_model *model)
{
    const struct mmap_build_input *const input = model->input;
    for (uint32_t i = 0; i < model->claim_count; i++) {
        model_cut(model, model->claims[i].raw_start);
        model_cut(model, model->claims[i].raw_end);
    }
    for (uint32_t i = 0; i < input->ledger_count; i++) {
        model_cut(model, input->ledger[i].base);
        model_cut(model, overlay_end(input, input->ledger[i].base, input->ledger[i].pages));
    }
    for (uint32_t i = 0; i < input->pin_count; i++) {
        model_cut(model, input->pins[i].base);
        model_cut(model, overlay_end(input, input->pins[i].base, input->pins[i].pages));
    }
    model_cut(model, 0);
    model_cut(model, SIZE_1M);
    model_cut(model, DIRECT_MAP_SIZE);
    model_cut(model, UINT64_C(1) << 52);
    if (input->mem_limit_bytes < UINT64_C(1) << 52) {
        model_cut(model, input->mem_limit_bytes);
    }
    qsort(model->cuts, model->cut_count, sizeof(model->cuts[0]), compare_u64);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < model->cut_count; i++) {
        if (kept == 0 || model->cuts[kept - 1] != model->cuts[i]) {
            model->cuts[kept++] = model->cuts[i];
        }
    }
    model->cut_count = kept;
}

static bool ledger_covers(const struct mmap_build_input *input, uint64_t at, uint32_t type)
{
    for (uint32_t i = 0; i < input->ledger_count; i++) {
        const struct bootinfo_ledger_entry *const e = &input->ledger[i];
        const uint64_t end = page_up(overlay_end(input, e->base, e->pages));
        if (e->type == type && e->pages > 0 && page_down(e->base) <= at && at < end) {
            return true;
        }
    }
    return false;
}

/* What the contract does not know is reserved. */
static uint32_t pin_kind(const struct bootinfo_pin *pin)
{
    return pin->kind == BOOTINFO_PIN_ACPI || pin->kind == BOOTINFO_PIN_FRAMEBUFFER
               ? pin->kind
               : (uint32_t)BOOTINFO_PIN_RESERVED;
}

static bool pin_covers(const struct mmap_build_input *input, uint64_t at, uint32_t kind)
{
    for (uint32_t i = 0; i < input->pin_count; i++) {
        const struct bootinfo_pin *const p = &input->pins[i];
        const uint64_t end = page_up(overlay_end(input, p->base, p->pages));
        if (pin_kind(p) == kind && p->pages > 0 && page_down(p->base) <= at && at < end) {
            return true;
        }
    }
    return false;
}

/* What overlays and limits make of free memory at @p at. */
static uint32_t model_free(const struct mmap_build_input *input, uint64_t at)
{
    if (at >= DIRECT_MAP_SIZE) {
        return MMAP_REASON_DROPPED;
    }
    if (ledger_covers(input, at, MMAP_KERNEL)) {
        return MMAP_REASON_KERNEL;
    }
    if (at < SIZE_1M) {
        return MMAP_REASON_LOW;
    }
    if (ledger_covers(input, at, MMAP_LOADER)) {
        return MMAP_REASON_LOADER;
    }
    if (at >= page_down(input->mem_limit_bytes)) {
        return MMAP_REASON_DROPPED;
    }
    if (pin_covers(input, at, BOOTINFO_PIN_RESERVED)) {
        return MMAP_REASON_PINNED;
    }
    if (pin_covers(input, at, BOOTINFO_PIN_FRAMEBUFFER)) {
        return MMAP_REASON_FRAMEBUFFER;
    }
    return pin_covers(input, at, BOOTINFO_PIN_ACPI) ? MMAP_REASON_ACPI : MMAP_REASON_AVAILABLE;
}

/* The reason at byte @p at before the cut to pages. */
static uint32_t model_reason(const struct map_model *model, uint64_t at, bool ram)
{
    uint32_t best = NO_REASON;
    for (uint32_t i = 0; i < model->claim_count; i++) {
        const struct claim *const claim = &model->claims[i];
        if (claim->start <= at && at < claim->end && claim->reason < best) {
            best = claim->reason;
        }
    }
    if (best == NO_REASON) {
        return ram ? MMAP_REASON_DROPPED : NO_REASON;
    }
    if (best == MMAP_REASON_AVAILABLE) {
        return model_free(model->input, at);
    }
    const bool mapped = best == MMAP_REASON_ACPI || best == MMAP_REASON_NVS;
    return mapped && at >= DIRECT_MAP_SIZE ? MMAP_REASON_DROPPED : best;
}

static bool model_ram(const struct map_model *model, uint64_t at)
{
    for (uint32_t i = 0; i < model->claim_count; i++) {
        const struct claim *const claim = &model->claims[i];
        if (claim->ram && claim->raw_start <= at && at < claim->raw_end) {
            return true;
        }
    }
    return false;
}

/* Whether every piece of the pages of piece @p piece has its reason. */
static bool page_is_uniform(const struct map_model *model, uint32_t piece)
{
    const uint64_t first = page_down(model->cuts[piece]);
    const uint64_t end = page_up(model->cuts[piece + 1]);
    for (uint32_t i = 0; i + 1 < model->cut_count; i++) {
        if (model->cuts[i] < end && model->cuts[i + 1] > first &&
            model->before[i] != model->before[piece]) {
            return false;
        }
    }
    return true;
}

static void map_model_build(struct map_model *model, const struct mmap_build_input *input)
{
    memset(model, 0, sizeof(*model));
    model->input = input;
    model_claims(model);
    model_cuts(model);
    for (uint32_t i = 0; i + 1 < model->cut_count; i++) {
        model->ram[i] = model_ram(model, model->cuts[i]);
        model->before[i] = model_reason(model, model->cuts[i], model->ram[i]);
    }
    for (uint32_t i = 0; i + 1 < model->cut_count; i++) {
        const uint32_t before = model->before[i];
        const bool usable = before == MMAP_REASON_AVAILABLE || before == MMAP_REASON_LOW;
        const bool keep = !usable || page_is_uniform(model, i);
        model->reasons[i] = keep ? before : MMAP_REASON_DROPPED;
    }
}

/* ---- comparison --------------------------------------------------------------------------------
 */

/* The output's reason at @p at, or NO_REASON. */
static uint32_t output_reason(const struct mmap_build_output *output, uint64_t at)
{
    for (uint32_t i = 0; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const entry = &output->entries[i];
        if (entry->address <= at && at - entry->address < entry->length) {
            return output->reasons[i];
        }
    }
    return NO_REASON;
}

static bool output_ram(const struct mmap_build_output *output, uint64_t at)
{
    for (uint32_t i = 0; i < output->ram_count; i++) {
        if (output->ram[i].base <= at && at - output->ram[i].base < output->ram[i].size) {
            return true;
        }
    }
    return false;
}

static bool matches_model(const struct map_model *model, const struct mmap_build_output *output)
{
    uint64_t ram_bytes = 0;
    for (uint32_t i = 0; i + 1 < model->cut_count; i++) {
        const uint64_t size_bytes = model->cuts[i + 1] - model->cuts[i];
        const uint64_t last = model->cuts[i + 1] - 1;
        if (output_reason(output, model->cuts[i]) != model->reasons[i] ||
            output_reason(output, last) != model->reasons[i] ||
            output_ram(output, model->cuts[i]) != model->ram[i]) {
            (void)fprintf(stderr, "# at 0x%lx: %s, model says %s\n", model->cuts[i],
                          mmap_reason_name(output_reason(output, model->cuts[i])),
                          mmap_reason_name(model->reasons[i]));
            return false;
        }
        ram_bytes += model->ram[i] ? size_bytes : 0;
    }
    return ram_bytes == output->accounting.firmware_ram;
}

static bool repair_covers(const struct mmap_repair *repair, uint64_t at)
{
    return repair->base <= at && at - repair->base < repair->size;
}

/* How many repairs that drop RAM name the byte @p at. */
static uint32_t drops_at(const struct mmap_build_output *output, uint64_t at)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < output->repair_count; i++) {
        const uint32_t kind = output->repairs[i].kind;
        const bool drops = kind == MMAP_REPAIR_TRIMMED || kind == MMAP_REPAIR_MEM_LIMIT ||
                           kind == MMAP_REPAIR_BEYOND_DIRECT_MAP;
        count += drops && repair_covers(&output->repairs[i], at) ? 1 : 0;
    }
    return count;
}

static uint32_t claims_at(const struct map_model *model, uint64_t at)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->claim_count; i++) {
        count += model->claims[i].start <= at && at < model->claims[i].end ? 1 : 0;
    }
    return count;
}

/* Overlap repairs at @p at; each must name the reason that holds at its first byte. */
static uint32_t overlaps_at(const struct mmap_build_output *output, uint64_t at, uint32_t reason)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < output->repair_count; i++) {
        const struct mmap_repair *const repair = &output->repairs[i];
        if (repair->kind != MMAP_REPAIR_OVERLAP || !repair_covers(repair, at)) {
            continue;
        }
        count++;
        if (repair->base == at && repair->reason != reason) {
            return UINT32_MAX;
        }
    }
    return count;
}

/* Repairs say what was dropped, all of it and once, and exactly where descriptors overlap. */
static bool repairs_match_model(const struct map_model *model,
                                const struct mmap_build_output *output)
{
    for (uint32_t i = 0; i + 1 < model->cut_count; i++) {
        const uint64_t at = model->cuts[i];
        const uint32_t wanted = model->reasons[i] == MMAP_REASON_DROPPED ? 1 : 0;
        const uint32_t overlaps = overlaps_at(output, at, model->before[i]);
        if (drops_at(output, at) != wanted || overlaps == UINT32_MAX ||
            (overlaps > 0) != (claims_at(model, at) > 1)) {
            (void)fprintf(stderr, "# at 0x%lx: %u drops (%u wanted), %u overlaps, %u claims\n", at,
                          drops_at(output, at), wanted, overlaps, claims_at(model, at));
            return false;
        }
    }
    return true;
}

bool map_model_agrees(const struct mmap_build_input *input, const struct mmap_build_output *output)
{
    static struct map_model model; /* 20 KiB */
    map_model_build(&model, input);
    return matches_model(&model, output) && repairs_match_model(&model, output);
}
