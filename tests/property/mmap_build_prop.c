/* SPDX-License-Identifier: GPL-2.0-only
 *
 * mmap_build() against a slow reference model on random hostile maps, and over the maps of real
 * machines in tests/data/maps.
 *
 * The model has no sweep, no counters and no runs. It cuts the address space at every number that
 * occurs in the input (and at that number rounded to pages, both ways), asks every input range
 * about every piece, and cuts usable memory by a rule of its own: a piece stays usable where all
 * pieces of its page are of the same reason.
 */
#include "mmap_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>

#include "shared/mmap_names.h"

#include "mm/addr.h"
#include "mm/memory_map.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/ktest.h"

#define MAX_CLAIMS  24U
#define MAX_OVERLAY 6U
#define MAX_CUTS    1024U
#define NO_REASON   UINT32_MAX
#define ROUNDS      12000U

#define MAPS_FOLDER "tests/data/maps"

/* ---- reference model --------------------------------------------------------------------------
 */

/* One firmware range as the model sees it. */
struct claim {
    uint64_t start; /* effective range */
    uint64_t end;
    uint64_t raw_start;
    uint64_t raw_end;
    uint32_t reason;
    bool ram;
};

struct model {
    const struct mmap_build_input *input;
    struct claim claims[MAX_CLAIMS];
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

static void model_add_efi(struct model *model, const struct efi_map_descriptor *descriptor)
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

static void model_add_e820(struct model *model, const struct mmap_build_e820_entry *entry)
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

static void model_claims(struct model *model)
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

static void model_cut(struct model *model, uint64_t at)
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

static void model_cuts(struct model *model)
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

static bool pin_covers(const struct mmap_build_input *input, uint64_t at, uint32_t kind)
{
    for (uint32_t i = 0; i < input->pin_count; i++) {
        const struct bootinfo_pin *const p = &input->pins[i];
        const uint64_t end = page_up(overlay_end(input, p->base, p->pages));
        if (p->kind == kind && p->pages > 0 && page_down(p->base) <= at && at < end) {
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
static uint32_t model_reason(const struct model *model, uint64_t at, bool ram)
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

static bool model_ram(const struct model *model, uint64_t at)
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
static bool page_is_uniform(const struct model *model, uint32_t piece)
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

static void model_build(struct model *model, const struct mmap_build_input *input)
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

/* ---- comparison -------------------------------------------------------------------------------
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

/* Sorted, disjoint, merged, typed, whole pages: what needs no model. */
static bool shape_is_right(const struct mmap_build_output *output)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const e = &output->entries[i];
        const bool touches = i > 0 && e->address == end;
        const bool usable = e->type == MMAP_AVAILABLE || e->type == MMAP_LOW;
        if (e->length == 0 || e->address < end || e->reserved != 0 ||
            (touches && output->reasons[i] == output->reasons[i - 1]) ||
            e->type != mmap_reason_type(output->reasons[i]) ||
            (usable && (e->address % PAGE_SIZE != 0 || e->length % PAGE_SIZE != 0)) ||
            (e->type == MMAP_AVAILABLE && e->address < SIZE_1M)) {
            return false;
        }
        end = e->address + e->length;
    }
    for (uint32_t i = 0; i < output->ram_count; i++) {
        const struct bootinfo_ram_range *const r = &output->ram[i];
        if (r->size == 0 ||
            (i > 0 && output->ram[i - 1].base + output->ram[i - 1].size >= r->base)) {
            return false;
        }
    }
    return true;
}

/* The books of the sweep against memory_map.c's, which walks the finished map. */
static bool books_are_right(const struct mmap_build_output *output)
{
    const struct memory_map map = {
        .entries = output->entries,
        .reasons = output->reasons,
        .count = output->entry_count,
        .ram = output->ram,
        .ram_count = output->ram_count,
    };
    struct memory_accounting recounted;
    memory_map_account(&map, &recounted);
    return memory_accounting_balances(&output->accounting) &&
           memcmp(&recounted, &output->accounting, sizeof(recounted)) == 0;
}

static bool matches_model(const struct model *model, const struct mmap_build_output *output)
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

static uint32_t claims_at(const struct model *model, uint64_t at)
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
static bool repairs_match_model(const struct model *model, const struct mmap_build_output *output)
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

/* ---- random maps ------------------------------------------------------------------------------
 */

struct scene {
    struct fake_efi_map efi;
    struct mmap_build_e820_entry e820[MAX_CLAIMS];
    struct bootinfo_ledger_entry ledger[MAX_OVERLAY];
    struct bootinfo_pin pins[MAX_OVERLAY];
    struct mmap_build_input input;
    uint64_t random;
};

/* An address near one of the places where something changes; mostly page-aligned. */
static uint64_t random_address(struct scene *scene)
{
    static const uint64_t places[] = { 0,
                                       SIZE_1M,
                                       4 * SIZE_1M,
                                       SIZE_4G,
                                       DIRECT_MAP_SIZE,
                                       UINT64_C(1) << 52,
                                       UINT64_MAX - 64 * PAGE_SIZE };
    const uint64_t kind = fake_random_below(&scene->random, 40);
    const uint64_t place = places[kind < 30 ? kind % 3 : kind % ARRAY_COUNT(places)];
    uint64_t at = place + fake_random_below(&scene->random, 24) * PAGE_SIZE;
    at -= fake_random_below(&scene->random, 2) * 8 * PAGE_SIZE;
    if (fake_random_below(&scene->random, 6) == 0) {
        at += fake_random_below(&scene->random, PAGE_SIZE);
    }
    return at;
}

static uint64_t random_pages(struct scene *scene)
{
    const uint64_t kind = fake_random_below(&scene->random, 32);
    if (kind == 0) {
        return fake_random(&scene->random);
    }
    return kind == 1 ? 0 : 1 + fake_random_below(&scene->random, 12);
}

static void random_descriptor(struct scene *scene)
{
    static const uint64_t attributes[] = { 0,
                                           0xf,
                                           0xf,
                                           EFI_MAP_ATTRIBUTE_UC,
                                           EFI_MAP_ATTRIBUTE_SP | EFI_MAP_ATTRIBUTE_WB,
                                           EFI_MAP_ATTRIBUTE_RUNTIME | 0xf };
    uint64_t type = fake_random_below(&scene->random, 18);
    if (fake_random_below(&scene->random, 2) == 0) {
        type = EFI_MAP_CONVENTIONAL;
    }
    const uint64_t attribute = attributes[fake_random_below(&scene->random, 6)];
    const uint64_t start = random_address(scene);
    fake_efi_map_add(&scene->efi, (uint32_t)type, start, random_pages(scene), attribute);
}

static void random_e820(struct scene *scene, uint32_t index)
{
    const uint64_t odd = fake_random_below(&scene->random, 3) == 0
                             ? fake_random_below(&scene->random, PAGE_SIZE)
                             : 0;
    scene->e820[index] = (struct mmap_build_e820_entry){
        .base = random_address(scene),
        .size = random_pages(scene) * PAGE_SIZE + odd,
        .type = (uint32_t)fake_random_below(&scene->random, 8),
    };
}

static void random_overlays(struct scene *scene)
{
    static const uint32_t types[] = { MMAP_KERNEL, MMAP_LOADER, MMAP_AVAILABLE, 77 };
    scene->input.ledger = scene->ledger;
    scene->input.pins = scene->pins;
    scene->input.ledger_count = (uint32_t)fake_random_below(&scene->random, MAX_OVERLAY + 1);
    scene->input.pin_count = (uint32_t)fake_random_below(&scene->random, MAX_OVERLAY + 1);
    for (uint32_t i = 0; i < scene->input.ledger_count; i++) {
        scene->ledger[i] = (struct bootinfo_ledger_entry){
            .base = random_address(scene),
            .pages = random_pages(scene),
            .type = types[fake_random_below(&scene->random, 4)],
        };
    }
    for (uint32_t i = 0; i < scene->input.pin_count; i++) {
        scene->pins[i] = (struct bootinfo_pin){
            .base = random_address(scene),
            .pages = random_pages(scene),
            .kind = 1 + (uint32_t)fake_random_below(&scene->random, 3),
        };
    }
}

static void random_scene(struct scene *scene, uint64_t seed)
{
    *scene = (struct scene){ .random = seed };
    const uint32_t count = 1 + (uint32_t)fake_random_below(&scene->random, MAX_CLAIMS);
    fake_efi_map_init(&scene->efi, 40 + 8 * fake_random_below(&scene->random, 4));
    const bool efi = fake_random_below(&scene->random, 2) == 0;
    for (uint32_t i = 0; i < count; i++) {
        if (efi) {
            random_descriptor(scene);
        } else {
            random_e820(scene, i);
        }
    }
    scene->input = efi ? fake_efi_input(&scene->efi) : fake_e820_input(scene->e820, count);
    random_overlays(scene);
    if (fake_random_below(&scene->random, 3) == 0) {
        scene->input.mem_limit_bytes = random_address(scene);
    }
    if (fake_random_below(&scene->random, 3) == 0) {
        scene->input.phys_bits = 32 + (uint32_t)fake_random_below(&scene->random, 21);
    }
}

/* ---- cases ------------------------------------------------------------------------------------
 */

static bool scene_holds(uint64_t seed)
{
    static struct model model;
    struct scene scene;
    random_scene(&scene, seed);
    struct fake_mmap_run run;
    fake_mmap_run(&scene.input, &run);
    model_build(&model, &scene.input);
    const bool good = run.status == K_OK && shape_is_right(&run.output) &&
                      books_are_right(&run.output) && matches_model(&model, &run.output) &&
                      repairs_match_model(&model, &run.output);
    fake_mmap_run_free(&run);
    fake_efi_map_free(&scene.efi);
    return good;
}

static void mmap_build_random_maps_match_reference_model(struct ktest *t)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint64_t seed = t->seed * UINT64_C(1000003) + round;
        if (!KTEST_TRUE(t, scene_holds(seed))) {
            ktest_output("    # seed %llu\n", (unsigned long long)seed);
            return;
        }
    }
}

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

static bool repairs_equal(struct mmap_build_output *a, struct mmap_build_output *b)
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

static bool entries_equal(const struct mmap_build_output *a, const struct mmap_build_output *b)
{
    return a->entry_count == b->entry_count && a->ram_count == b->ram_count &&
           memcmp(a->entries, b->entries, a->entry_count * sizeof(a->entries[0])) == 0 &&
           memcmp(a->reasons, b->reasons, a->entry_count * sizeof(a->reasons[0])) == 0 &&
           memcmp(a->ram, b->ram, a->ram_count * sizeof(a->ram[0])) == 0 &&
           memcmp(&a->accounting, &b->accounting, sizeof(a->accounting)) == 0;
}

/* Fisher and Yates, on whole descriptors. */
static void shuffle(uint8_t *items, uint64_t count, uint64_t item_bytes, uint64_t *random)
{
    uint8_t kept[128];
    for (uint64_t i = count; i > 1; i--) {
        const uint64_t j = fake_random_below(random, i);
        memcpy(kept, items + (i - 1) * item_bytes, item_bytes);
        memcpy(items + (i - 1) * item_bytes, items + j * item_bytes, item_bytes);
        memcpy(items + j * item_bytes, kept, item_bytes);
    }
}

static void mmap_build_order_of_input_changes_nothing(struct ktest *t)
{
    for (uint64_t round = 0; round < ROUNDS / 4; round++) {
        struct scene scene;
        random_scene(&scene, t->seed * 31 + round);
        struct fake_mmap_run first;
        struct fake_mmap_run second;
        fake_mmap_run(&scene.input, &first);
        if (scene.input.efi != NULL) {
            shuffle(scene.efi.bytes, efi_map_count(&scene.efi.map), scene.efi.map.descriptor_size,
                    &scene.random);
        } else {
            shuffle((uint8_t *)scene.e820, scene.input.e820_count, sizeof(scene.e820[0]),
                    &scene.random);
        }
        fake_mmap_run(&scene.input, &second);
        KTEST_TRUE(t, entries_equal(&first.output, &second.output));
        KTEST_TRUE(t, repairs_equal(&first.output, &second.output));
        fake_mmap_run_free(&first);
        fake_mmap_run_free(&second);
        fake_efi_map_free(&scene.efi);
    }
}

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

static bool is_idempotent(const struct mmap_build_output *output)
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

static void mmap_build_twice_gives_the_same_types(struct ktest *t)
{
    uint32_t checked = 0;
    for (uint64_t round = 0; round < ROUNDS / 4; round++) {
        struct scene scene;
        random_scene(&scene, t->seed * 97 + round);
        struct fake_mmap_run run;
        fake_mmap_run(&scene.input, &run);
        if (overlays_are_whole_pages(&run.output)) {
            KTEST_TRUE(t, is_idempotent(&run.output));
            checked++;
        }
        fake_mmap_run_free(&run);
        fake_efi_map_free(&scene.efi);
    }
    KTEST_TRUE(t, checked > ROUNDS / 8);
}

/* One file of tests/data/maps: accepted, balanced, well-formed, stable. */
static bool check_real_map(struct ktest *t, const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof(path), MAPS_FOLDER "/%s", name);
    struct fake_map_file file;
    bool good = KTEST_TRUE(t, fake_map_file_read(path, &file));
    struct fake_mmap_run run;
    fake_mmap_run(&file.input, &run);
    good &= KTEST_STATUS(t, run.status, K_OK);
    good &= KTEST_TRUE(t, shape_is_right(&run.output));
    good &= KTEST_TRUE(t, books_are_right(&run.output));
    good &= KTEST_TRUE(t, is_idempotent(&run.output));
    fake_mmap_run_free(&run);
    fake_map_file_free(&file);
    return good;
}

static void mmap_build_real_maps_balance(struct ktest *t)
{
    DIR *const folder = opendir(MAPS_FOLDER);
    if (!KTEST_TRUE(t, folder != NULL)) {
        return;
    }
    uint32_t maps = 0;
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        const char *const suffix = strrchr(item->d_name, '.');
        if (suffix == NULL || strcmp(suffix, ".map") != 0) {
            continue;
        }
        maps++;
        if (!check_real_map(t, item->d_name)) {
            ktest_output("    # %s\n", item->d_name);
        }
    }
    (void)closedir(folder); /* read only: nothing to lose */
    KTEST_TRUE(t, maps >= 112);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mmap_build_random_maps_match_reference_model),
    KTEST_CASE(mmap_build_order_of_input_changes_nothing),
    KTEST_CASE(mmap_build_twice_gives_the_same_types),
    KTEST_CASE(mmap_build_real_maps_balance),
};
KTEST_SUITE(loader_mmap_build_property, "loader.mmap_build.property", cases);
