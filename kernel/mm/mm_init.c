/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See mm_init.h. The order is the seed's:
 *
 *   mm_init                                                                        S30, S31, S42
 *     arch_init          NX detection, image bounds, areas from the map            S05, S10..S20
 *     allocator_init     bump allocator from the end of the kernel                 S32
 *       copy of the bootinfo (the loader's memory is reclaimed later)              S33
 *       page mapper on the bump allocator, every area mapped, low remap            S34-S36
 *       INITIAL_CR3                                                                S37, S38
 *       buddy from what bump left, installed once                                  S39
 *       screen off, CR3                                                            S40, S41
 *     mmio_init                                                                    S90
 *
 * Who owns a frame at each arrow:
 *
 *   areas ----> bump: tables, bootinfo copy | leftover ----> buddy: metadata | free
 *
 * Failure plan: every step returns a status; the caller (kernel_main, replay) reports `why` and
 * stops. Nothing was handed to anyone else by then, so nothing needs to be undone.
 */
#include "mm/mm_init.h"

#include <stdatomic.h>
#include <string.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/physmap.h>

#include "arch/x86_64/efer.h"
#include "arch/x86_64/low_remap.h"
#include "arch/x86_64/mm_arch.h"
#include "bootinfo.h"
#include "console.h"
#include "mm/bump_allocator.h"
#include "mm/kernel_mapper.h"
#include "mm/kernel_tables.h"
#include "mm/locked_frame_allocator.h"
#include "mm/low_memory.h"
#include "mm/mmio_pool.h"
#include "mm/page_mapper.h"
#include "mm/takeover.h"
#include "panic.h"
#include "printk.h"

#define CPU_COUNT 1U /* the other CPUs stay parked */

static struct mm_state state;
static struct bump_allocator bump;
static struct buddy_allocator buddy;
static struct buddy_cpu_cache buddy_caches[CPU_COUNT];

const struct mm_state *mm_state(void)
{
    return &state;
}

struct bootinfo *mm_bootinfo(void)
{
    return physmap_ptr(state.bootinfo, state.bootinfo_bytes);
}

struct memory_map mm_memory_map(void)
{
    return bootinfo_memory_map(mm_bootinfo());
}

/* ---- arch_init: S05, S10-S13, S20 ----------------------------------------------------------- */

static void log_image(const struct kernel_image *image)
{
    pr_debug("mm: bootstrap info: kernel_code_start: 0x%" FMTx64 ", kernel_code_end: 0x%" FMTx64
             ", kernel_data_end: 0x%" FMTx64 ", kernel_rodata_end: 0x%" FMTx64
             ", start_brk: 0x%" FMTx64,
             image->code_start.value, image->code_end.value, image->data_end.value,
             image->rodata_end.value, image->start_brk.value);
}

static void init_memory_areas(struct bootinfo *bootinfo)
{
    struct memory_map map = bootinfo_memory_map(bootinfo);
    state.multiboot2_entries = phys_memory_areas_from_map(&state.areas, &map, &state.dropped_bytes);
    const uint64_t bytes = phys_memory_areas_bytes(&state.areas);
    pr_info("mm: Total memory size: %" FMTu64 " MB, total areas from multiboot2: %u, "
            "valid areas: %u",
            bytes / SIZE_1M, map.count, state.areas.count);
    if (state.dropped_bytes > 0) {
        pr_warn("mm: %u usable ranges but only %u area slots: %" FMTu64
                " KiB in the smallest ranges stay unused",
                state.multiboot2_entries, PHYS_MEMORY_AREA_MAX, state.dropped_bytes / 1024);
    }
}

static void arch_init(const struct mm_boot *boot)
{
    init_xd_rsvd(boot->cpu_has_nx);
    state.features = (struct paging_features){
        .nx = !is_xd_reserved(),
        .pages_1g = boot->cpu_has_pages_1g,
        .global = boot->cpu_has_pge,
        .phys_bits = boot->phys_bits,
    };
    state.layout = boot->layout;
    init_memory_areas(boot->bootinfo);
    log_image(&state.layout.image);
    pr_debug("mm: phys[0]=virt[" PRIvirt "]", PHYS_OFFSET);
}

/* ---- allocator_init: S32-S41 ---------------------------------------------------------------- */

static void log_areas(void)
{
    for (uint32_t i = 0; i < state.areas.count && i < 10; i++) {
        pr_debug("mm: PhysArea[%u] = " PRIphys " + 0x%" FMTx64, i, state.areas.area[i].base.value,
                 state.areas.area[i].size_bytes);
    }
}

static void start_bump(void)
{
    phys_addr_t image_end = { 0 }; /* no image (replay of a bare map): from the first area on */
    (void)virt_to_phys(state.layout.image.start_brk, &image_end); /* fails only in that case */
    bump_allocator_init(&bump, &state.areas, image_end);
    state.bump_start = bump.start;
    pr_debug("mm: BumpAllocator created, offset=" PRIphys, bump.start.value);
}

static enum kstatus copy_bootinfo(const struct bootinfo *bootinfo)
{
    const page_frame_count_t frames = { bits_align_up(bootinfo->total_size, PAGE_SIZE) /
                                        PAGE_SIZE };
    phys_addr_t copy;
    const enum kstatus status = frame_allocator_allocate(&bump.allocator, frames, &copy);
    if (status != K_OK) {
        return status;
    }
    memcpy(physmap_ptr(copy, bootinfo->total_size), bootinfo, bootinfo->total_size);
    state.bootinfo = copy;
    state.bootinfo_bytes = bootinfo->total_size;
    return K_OK;
}

static enum kstatus build_tables(struct page_mapper *mapper)
{
    const struct memory_map map = mm_memory_map();
    enum kstatus status = page_mapper_create(mapper, &bump.allocator, &state.features);
    if (status != K_OK) {
        return status;
    }
    mapper->makes_boot_tables = true; /* their frames come from bump */
    pr_debug("mm: PageMapper created, page table emptied");
    status = kernel_tables_build(mapper, &map, &state.layout);
    state.low_is_mapped = status == K_OK;
    return status;
}

/* What bump left is free now, but for the metadata. buddy_statistics() would look at all of it. */
static void log_allocator(void)
{
    const struct page_frame_usage usage = buddy_usage(&buddy);
    const uint64_t taken_over = frame_allocator_usage(&bump.allocator).free.value;
    pr_info("mm: Successfully initialized buddy allocator: %" FMTu64 " frames free, %" FMTu64
            " for metadata",
            usage.free.value, taken_over - usage.total.value);
}

static enum kstatus fill_buddy(void)
{
    const uint64_t start = arch_timestamp();
    buddy_init(&buddy, buddy_caches, CPU_COUNT);
    const enum kstatus status = buddy_take_over(&buddy, &bump);
    state.allocator_ticks = arch_timestamp() - start;
    state.allocator_touched = buddy_touched_metadata_bytes(&buddy);
    if (status == K_OK) {
        set_inner_allocator(&buddy);
        log_allocator();
    }
    return status;
}

static void note_bump_usage(const struct page_mapper *mapper)
{
    const struct page_frame_usage usage = frame_allocator_usage(&bump.allocator);
    state.page_tables = page_frame_count(mapper->table_frames);
    state.bump_used = page_frame_count(usage.used.value - mapper->table_frames);
    pr_info("mm: After mapping all physical memory, Firstlight used: %" FMTu64 " KB",
            page_frame_count_bytes(usage.used) / 1024);
}

static void enable_new_table(void)
{
    pr_debug("mm: To enable new page table");
    struct page_mapper mapper;
    page_mapper_open(&mapper, state.root, locked_frame_allocator(), &state.features);
    arch_mfence();
    page_mapper_make_current(&mapper);
    arch_mfence();
    pr_debug("mm: New page table enabled");
}

static enum kstatus allocator_init(const struct mm_boot *boot, const char **why)
{
    log_areas();
    start_bump();
    *why = "no memory for the kernel's copy of the bootinfo";
    enum kstatus status = copy_bootinfo(boot->bootinfo);
    if (status != K_OK) {
        return status;
    }
    *why = "no memory for the page tables";
    struct page_mapper mapper;
    status = build_tables(&mapper);
    if (status != K_OK) {
        return status;
    }
    state.root = mapper.root;
    arch_set_initial_page_table(mapper.root);
    note_bump_usage(&mapper);
    *why = "no memory for the buddy allocator";
    status = fill_buddy();
    if (status != K_OK) {
        return status;
    }
    console_set_screen(false);
    enable_new_table();
    pr_info("mm: Successfully enabled new page table");
    return K_OK;
}

static atomic_bool called;

void mm_init_reset(void)
{
    atomic_store(&called, false);
    state = (struct mm_state){ 0 };
}

static void enter_once(void)
{
    bool expected = false;
    if (!atomic_compare_exchange_strong_explicit(&called, &expected, true, memory_order_seq_cst,
                                                 memory_order_seq_cst)) {
        panic("mm_init() can only be called once");
    }
}

enum kstatus mm_init(const struct mm_boot *boot, const char **why)
{
    enter_once();
    pr_info("mm: mm_init() called");
    arch_init(boot);
    enum kstatus status = allocator_init(boot, why);
    if (status != K_OK) {
        return status;
    }
    const struct memory_map map = mm_memory_map();
    low_memory_init(&map);
    kernel_mapper_init(state.root, locked_frame_allocator(), &state.features);
    *why = "no memory for the MMIO pool";
    status = mmio_init(locked_frame_allocator());
    if (status == K_OK) {
        console_set_screen(true);
    }
    return status;
}

/* ---- late steps ----------------------------------------------------------------------------- */

/* Tables of the low remap came from bump, so the buddy has never heard of them: they enter it as a
 * new region. */
static enum kstatus donate_table(struct frame_allocator *allocator, phys_addr_t base,
                                 page_frame_count_t count)
{
    (void)allocator;
    const enum kstatus status = locked_frame_allocator_add_region(base, count);
    if (status == K_OK) {
        state.page_tables.value -= count.value;
    }
    return status;
}

static enum kstatus never_allocate(struct frame_allocator *allocator, page_frame_count_t count,
                                   phys_addr_t *base)
{
    (void)allocator;
    (void)count;
    (void)base;
    return K_ENOMEM; /* unmapping whole pieces splits nothing */
}

static struct page_frame_usage donation_usage(struct frame_allocator *allocator)
{
    (void)allocator;
    return locked_frame_allocator_get_usage();
}

static const struct frame_allocator_ops donation_ops = {
    .allocate = never_allocate,
    .free = donate_table,
    .usage = donation_usage,
};

enum kstatus mm_unmap_low(void)
{
    struct frame_allocator donation = { .ops = &donation_ops };
    struct kernel_mapper_guard guard;
    enum kstatus status = K_EAGAIN;
    kernel_mapper_lock(&guard);
    struct page_mapper *const mapper = kernel_mapper_as_mut(&guard);
    if (mapper != NULL) {
        mapper->boot_tables = &donation;
        status = unmap_at_low_address(mapper, true);
        mapper->boot_tables = NULL;
    }
    kernel_mapper_unlock(&guard);
    state.low_is_mapped = state.low_is_mapped && status != K_OK;
    return status;
}

/* Whether the table of areas can take a range. */
static bool area_has_room(uint64_t base, uint64_t end)
{
    if (state.areas.count < PHYS_MEMORY_AREA_MAX) {
        return true;
    }
    for (uint32_t i = 0; i < state.areas.count; i++) {
        const struct phys_memory_area *const area = &state.areas.area[i];
        if (phys_memory_area_end(area) == base || area->base.value == end) {
            return true; /* it joins this one */
        }
    }
    return false;
}

/* The area table is asked first: a region that the buddy took cannot be taken back. */
static enum kstatus reclaim_range(phys_addr_t base, uint64_t size_bytes)
{
    if (!area_has_room(base.value, base.value + size_bytes)) {
        return K_ENOSPC;
    }
    const page_frame_count_t frames = { size_bytes / PAGE_SIZE };
    enum kstatus status = locked_frame_allocator_add_region(base, frames);
    if (status != K_OK) {
        return status;
    }
    status = phys_memory_areas_add(&state.areas, base, size_bytes);
    BUG_ON(status != K_OK);
    return K_OK;
}

static enum kstatus unmap_from_direct_map(uint64_t base, uint64_t size_bytes)
{
    struct kernel_mapper_guard guard;
    struct page_flush flush;
    enum kstatus status = K_EAGAIN;
    kernel_mapper_lock(&guard);
    struct page_mapper *const mapper = kernel_mapper_as_mut(&guard);
    if (mapper != NULL) {
        status = page_mapper_unmap_range(mapper, virt_addr(PHYS_OFFSET + base), size_bytes, false,
                                         &flush);
    }
    if (status == K_OK) {
        page_flush_flush(&flush);
    }
    kernel_mapper_unlock(&guard);
    return status;
}

/* Dropped memory is not in the direct map. Where it cannot be taken out it stays loader memory. */
static void drop_entry(struct memory_map *map, uint32_t index, enum kstatus why)
{
    const struct multiboot2_mmap_entry *const entry = &map->entries[index];
    pr_warn("mm: loader memory " PRIphys " + 0x%" FMTx64 " stays unused: %s", entry->address,
            entry->length, kstatus_name(why));
    if (unmap_from_direct_map(entry->address, entry->length) == K_OK) {
        state.dropped_bytes += entry->length;
        memory_map_set(map, index, MMAP_REASON_DROPPED);
    }
}

void mm_reclaim_loader_memory(void)
{
    struct memory_map map = mm_memory_map();
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < map.count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map.entries[i];
        if (entry->type != MMAP_LOADER) {
            continue;
        }
        const enum kstatus status = reclaim_range(phys_addr(entry->address), entry->length);
        if (status == K_OK) {
            bytes += entry->length;
            memory_map_set(&map, i, MMAP_REASON_AVAILABLE);
        } else {
            drop_entry(&map, i, status);
        }
    }
    memory_map_merge(&map);
    mm_bootinfo()->mmap.count = map.count;
    mm_bootinfo()->reasons.count = map.count;
    pr_info("mm: reclaimed %" FMTu64 " KiB of loader memory", bytes / 1024);
}

/* ---- books ---------------------------------------------------------------------------------- */

void mm_read_books(struct mm_books *books)
{
    const struct memory_map map = mm_memory_map();
    const struct buddy_statistics statistics = buddy_statistics(&buddy);
    *books = (struct mm_books){
        .areas_frames = phys_memory_areas_bytes(&state.areas) / PAGE_SIZE,
        .bump_used_frames = state.bump_used.value,
        .page_table_frames = state.page_tables.value,
        .metadata_frames = statistics.metadata_frames,
        .free_frames = statistics.free_frames,
        .allocated_frames = statistics.allocated_frames,
    };
    memory_map_account(&map, &books->classes);
    books->usable_frames = books->classes.usable / PAGE_SIZE;
    books->classes_balance = memory_accounting_balances(&books->classes);
    books->frames_balance = books->bump_used_frames + books->page_table_frames +
                                    books->metadata_frames + books->free_frames +
                                    books->allocated_frames ==
                                books->usable_frames &&
                            books->areas_frames == books->usable_frames;
}

bool mm_check_books(void)
{
    struct mm_books b;
    mm_read_books(&b);
    const struct memory_accounting *const c = &b.classes;
    const bool ok = b.classes_balance && b.frames_balance;
    printk(b.classes_balance ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
           "books: firmware RAM %" FMTu64 " = usable %" FMTu64 " + kernel %" FMTu64
           " + loader %" FMTu64 " + low %" FMTu64 " + acpi %" FMTu64 " + nvs %" FMTu64
           " + reserved %" FMTu64 " + bad %" FMTu64 " + dropped %" FMTu64 " bytes: %s",
           c->firmware_ram, c->usable, c->kernel, c->loader, c->low, c->acpi, c->nvs, c->reserved,
           c->bad, c->dropped, b.classes_balance ? "balanced" : "NOT BALANCED");
    printk(
        b.frames_balance ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
        "books: usable %" FMTu64 " = bump %" FMTu64 " + page tables %" FMTu64 " + metadata %" FMTu64
        " + free %" FMTu64 " + allocated %" FMTu64 " frames, areas %" FMTu64 ": %s",
        b.usable_frames, b.bump_used_frames, b.page_table_frames, b.metadata_frames, b.free_frames,
        b.allocated_frames, b.areas_frames, b.frames_balance ? "balanced" : "NOT BALANCED");
    return ok;
}
