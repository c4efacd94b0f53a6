/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The bring-up as a whole (S10-S13, S20, S21, S30-S42) on the machine of fake_machine.h: order of
 * its steps, what stands in the tables, who owns each frame afterwards, and that the books balance
 * at every step. What its parts do alone is in their own tests.
 */
#include "mm/mm_init.h"

#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/efer.h"
#include "arch/x86_64/mm_arch.h"
#include "bootinfo.h"
#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_audit.h"
#include "mm/page_flush.h"
#include "mm/page_mapper.h"
#include "printk.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define M            SIZE_1M
#define NO_EXECUTE   (UINT64_C(1) << 63)
#define PAGES(count) ((uint64_t)(count)*PAGE_SIZE)

static struct fake_machine machine;

static void expect_balance(struct ktest *t)
{
    struct mm_books books;
    mm_read_books(&books);
    KTEST_TRUE(t, books.classes_balance);
    KTEST_TRUE(t, books.frames_balance);
    KTEST_EQ(t, page_flush_outstanding(), 0);
}

static void expect_clean_audit(struct ktest *t)
{
    struct page_audit_report report = { .violation_count = 1 };
    KTEST_STATUS(t, mm_audit(&report), K_OK);
    KTEST_EQ(t, report.violation_count, 0);
}

static bool translate(uint64_t phys, struct page_translation *found)
{
    struct page_mapper mapper;
    page_mapper_open(&mapper, mm_state()->root, NULL, &mm_state()->features);
    return page_mapper_translate(&mapper, virt_addr(PHYS_OFFSET + phys), found) == K_OK;
}

/* Whether the direct map has [phys, phys + size) and nothing but `write` and `execute` there. */
static bool range_is(uint64_t phys, uint64_t size, bool write, bool execute)
{
    for (uint64_t at = phys; at < phys + size; at += PAGE_SIZE) {
        struct page_translation found;
        if (!translate(at, &found) || found.phys.value != at || found.flags.write != write ||
            found.flags.execute != execute || found.flags.user) {
            return false;
        }
    }
    return true;
}

static bool is_mapped(uint64_t phys)
{
    struct page_translation found;
    return translate(phys, &found);
}

/* ---- order ----------------------------------------------------------------------------------- */

/* The lines stand in the log in this order, each once. */
static void expect_lines(struct ktest *t, const char *const *lines, size_t count)
{
    const char *at = fake_log_text();
    for (size_t i = 0; i < count; i++) {
        const char *const found = strstr(at, lines[i]);
        if (found == NULL) {
            KTEST_STRING(t, "missing, or too early", lines[i]);
            return;
        }
        KTEST_TRUE(t, strstr(found + 1, lines[i]) == NULL);
        at = found;
    }
}

static void note_cr3(void)
{
    pr_info("CR3 is loaded");
}

static void mm_init_logs_the_seeds_order(struct ktest *t)
{
    static const char *const lines[] = {
        "mm_init() called",
        "Total memory size: 21 MB, total areas from multiboot2: ",
        "bootstrap info: kernel_code_start: 0xffff800000400000, kernel_code_end: "
        "0xffff800000408000, kernel_data_end: 0xffff800000414000, kernel_rodata_end: "
        "0xffff80000040c000, start_brk: 0xffff800000440000",
        "phys[0]=virt[0xffff800000000000]",
        "PhysArea[0] = ",
        "BumpAllocator created, offset=0x0000000000440000",
        "PageMapper created, page table emptied",
        "After mapping all physical memory, Firstlight used: ",
        "Successfully initialized buddy allocator",
        "To enable new page table",
        "CR3 is loaded",
        "New page table enabled",
        "Successfully enabled new page table",
    };
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    fake_cpu.on_cr3_write = note_cr3;
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    expect_lines(t, lines, ARRAY_COUNT(lines));
}

static void mm_init_loads_cr3_once_with_the_initial_table(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_EQ(t, fake_cpu.cr3_writes, 1);
    KTEST_EQ(t, fake_cpu.cr3, mm_state()->root.value);
    KTEST_EQ(t, arch_initial_page_table().value, mm_state()->root.value);
}

static void mm_init_keeps_the_screen_off_around_the_switch(struct ktest *t)
{
    fake_machine_start(&machine);
    const uint64_t before = fake_cpu.cr3;
    fake_machine_add_small_pc(&machine);
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_EQ(t, fake_console.screen_off_count, 1);
    KTEST_EQ(t, fake_console.screen_on_count, 1);
    KTEST_EQ(t, fake_console.cr3_at_screen_off, before);
    KTEST_EQ(t, fake_console.cr3_at_screen_on, mm_state()->root.value);
}

static void call_again(void *context)
{
    kstatus_ignore(mm_init(&machine.boot, &machine.why)); /* it panics */
    (void)context;
}

static void mm_init_twice_panics(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    const uint64_t root = mm_state()->root.value;
    const char *const message = fake_panic_catch(call_again, NULL);
    KTEST_STRING(t, message != NULL ? message : "", "mm_init() can only be called once");
    KTEST_EQ(t, mm_state()->root.value, root);
    KTEST_EQ(t, fake_cpu.cr3_writes, 1);
}

/* Even a call that failed was the one call. */
static void mm_init_after_a_failed_one_panics(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, M, PAGES(2));
    KTEST_STATUS(t, fake_machine_boot(&machine), K_ENOMEM);
    const char *const message = fake_panic_catch(call_again, NULL);
    KTEST_STRING(t, message != NULL ? message : "", "mm_init() can only be called once");
}

static void install_again(void *context)
{
    set_inner_allocator(context);
}

static void mm_init_installs_the_allocator_for_good(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    const char *const message = fake_panic_catch(install_again, locked_frame_allocator_inner());
    KTEST_STRING(t, message != NULL ? message : "", "Cannot set inner allocator twice!");
}

/* ---- areas: S10-S12 -------------------------------------------------------------------------- */

/* The number behind `text` in the log, or UINT64_MAX. */
static uint64_t logged_number(const char *text)
{
    const char *const at = strstr(fake_log_text(), text);
    return at == NULL ? UINT64_MAX : strtoull(at + strlen(text), NULL, 10);
}

static void mm_init_areas_are_the_usable_entries(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    /* 1M..kernel, kernel..loader, loader..ACPI, 16M..24M */
    const struct phys_memory_areas *const areas = &mm_state()->areas;
    KTEST_EQ(t, areas->count, 4);
    KTEST_EQ(t, areas->area[0].base.value, M);
    KTEST_EQ(t, phys_memory_area_end(&areas->area[0]), FAKE_PC_KERNEL);
    KTEST_EQ(t, areas->area[1].base.value, FAKE_PC_KERNEL + PAGES(FAKE_KERNEL_ALL_PAGES));
    KTEST_EQ(t, phys_memory_area_end(&areas->area[3]), FAKE_PC_END);
    KTEST_EQ(t, mm_state()->multiboot2_entries, 4);
    KTEST_EQ(t, logged_number("valid areas: "), 4);
    KTEST_EQ(t, logged_number("total areas from multiboot2: "), machine.run.output.entry_count);
    KTEST_EQ(t, logged_number("Total memory size: "), phys_memory_areas_bytes(areas) / M);
}

/* 600 single pages with holes between, then one large area: 512 slots. */
static void add_many_areas(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, 32 * M + PAGES(2 * i), PAGE_SIZE);
    }
}

static void mm_init_keeps_512_areas_and_reports_the_rest(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    add_many_areas(600);
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_EQ(t, mm_state()->areas.count, PHYS_MEMORY_AREA_MAX);
    KTEST_EQ(t, mm_state()->multiboot2_entries, 604);
    KTEST_EQ(t, mm_state()->dropped_bytes, PAGES(604 - 512));
    KTEST_TRUE(t, fake_log_contains("604 usable ranges but only 512 area slots: 368 KiB"));
    struct mm_books books;
    mm_read_books(&books);
    KTEST_EQ(t, books.classes.dropped, PAGES(604 - 512));
    expect_balance(t);
    expect_clean_audit(t);
}

static void mm_init_map_of_zero_length_entries_has_no_areas(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, M, 0);
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, 0, 0xa0000);
    KTEST_STATUS(t, fake_machine_boot(&machine), K_ENOMEM);
    KTEST_TRUE(t, machine.panic == NULL);
    KTEST_STRING(t, machine.why, "no memory for the kernel's copy of the bootinfo");
    KTEST_EQ(t, mm_state()->areas.count, 0);
}

/* ---- tables: S33-S36, S84 -------------------------------------------------------------------- */

static void mm_init_image_is_mapped_by_segment(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    const uint64_t base = FAKE_PC_KERNEL;
    const uint64_t guard = base + PAGES(FAKE_KERNEL_IST_GUARD);
    const uint64_t rodata = base + PAGES(FAKE_KERNEL_RODATA_PAGE);
    const uint64_t data = base + PAGES(FAKE_KERNEL_DATA_PAGE);
    KTEST_TRUE(t, range_is(base, rodata - base, false, true));
    KTEST_TRUE(t, range_is(rodata, data - rodata, false, false));
    KTEST_TRUE(t, range_is(data, guard - data, true, false));
    KTEST_TRUE(t, range_is(guard + PAGE_SIZE, base + PAGES(FAKE_KERNEL_PAGES) - guard - PAGE_SIZE,
                           true, false));
    KTEST_TRUE(t, range_is(machine.header.stack_base, machine.header.stack_size, true, false));
}

static void mm_init_guards_and_page_0_are_holes(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_FALSE(t, is_mapped(0));
    KTEST_TRUE(t, is_mapped(PAGE_SIZE));
    KTEST_FALSE(t, is_mapped(machine.header.stack_guard));
    KTEST_FALSE(t, is_mapped(FAKE_PC_KERNEL + PAGES(FAKE_KERNEL_IST_GUARD)));
}

static void mm_init_maps_memory_and_nothing_else(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, range_is(PAGE_SIZE, 0xa0000 - PAGE_SIZE, true, false));
    KTEST_FALSE(t, is_mapped(0xa0000));
    KTEST_FALSE(t, is_mapped(M - PAGE_SIZE));
    KTEST_TRUE(t, range_is(M, FAKE_PC_KERNEL - M, true, false));
    KTEST_TRUE(t,
               range_is(6 * M, FAKE_PC_RUNTIME - 6 * M, true, false)); /* loader, RAM, ACPI, NVS */
    KTEST_FALSE(t, is_mapped(FAKE_PC_RUNTIME));                        /* runtime services */
    KTEST_FALSE(t, is_mapped(16 * M - PAGE_SIZE));
    KTEST_TRUE(t, range_is(16 * M, 8 * M, true, false));
    KTEST_FALSE(t, is_mapped(FAKE_PC_END));
    expect_clean_audit(t);
}

struct leaf_census {
    uint64_t leaves[4]; /* by level */
    uint64_t with_no_execute;
    uint64_t low;
};

static void count_leaf(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    struct leaf_census *const census = context;
    census->leaves[level]++;
    census->with_no_execute += (word & NO_EXECUTE) != 0 ? 1 : 0;
    census->low += virt < PHYS_OFFSET ? 1 : 0;
}

static struct leaf_census count_leaves(void)
{
    struct leaf_census census = { 0 };
    (void)table_walk(mm_state()->root, count_leaf, &census);
    return census;
}

/* 4 GiB + 3 GiB: one leaf where the CPU has 1 GiB pages, else 2 MiB ones, and 4 KiB only around
 * the kernel and at ragged ends. */
static void boot_large(bool pages_1g)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, SIZE_4G, 3 * SIZE_1G + PAGES(5));
    machine.junk_limit_bytes = 0;
    machine.boot.cpu_has_pages_1g = pages_1g;
    kstatus_ignore(fake_machine_boot(&machine)); /* the caller looks at it */
}

static void mm_init_uses_the_largest_leaves_the_cpu_has(struct ktest *t)
{
    boot_large(true);
    KTEST_STATUS(t, machine.status, K_OK);
    const struct leaf_census with_1g = count_leaves();
    KTEST_EQ(t, with_1g.leaves[3], 3);
    expect_clean_audit(t);
    boot_large(false);
    KTEST_STATUS(t, machine.status, K_OK);
    const struct leaf_census without = count_leaves();
    KTEST_EQ(t, without.leaves[3], 0);
    KTEST_EQ(t, without.leaves[2], with_1g.leaves[2] + 3 * 512);
    KTEST_EQ(t, without.leaves[1], with_1g.leaves[1]);
    struct page_translation found;
    KTEST_TRUE(t, translate(SIZE_4G + 3 * SIZE_1G, &found) && found.leaf_level == PAGE_LEVEL_4K);
    expect_clean_audit(t);
}

static bool has_second_level(uint64_t virt)
{
    const struct page_table root = page_table_root(mm_state()->root);
    return page_table_entry_mapped(&root, page_table_index(&root, virt_addr(virt)));
}

/* User tables copy the top level: what the kernel will ever map has its second level now (S86). */
static void mm_init_makes_the_kernel_halfs_second_level(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, has_second_level(PHYS_OFFSET));
    KTEST_TRUE(t, has_second_level(MMIO_POOL_START));
    KTEST_TRUE(t, has_second_level(MMIO_POOL_END - 1));
    KTEST_FALSE(t, has_second_level(MMIO_POOL_START - 1));
    KTEST_FALSE(t, has_second_level(MMIO_POOL_END));
}

static void mm_init_leaves_the_loaders_tables_alone(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    fake_machine_add_loader(&machine, 7 * M, 16); /* takes the bootinfo */
    KTEST_TRUE(t, fake_machine_load(&machine));
    uint8_t *const loader = physmap_ptr(phys_addr(FAKE_PC_LOADER), PAGES(64));
    memset(loader, 0x3c, PAGES(64));
    KTEST_STATUS(t, mm_init(&machine.boot, &machine.why), K_OK);
    uint64_t changed = 0;
    for (uint64_t i = 0; i < PAGES(64); i++) {
        changed += loader[i] != 0x3c ? 1 : 0;
    }
    KTEST_EQ(t, changed, 0);
}

/* ---- NX: S20, S21 ---------------------------------------------------------------------------- */

static void mm_init_sets_nxe_where_the_firmware_did_not(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    fake_cpu.efer = 0x500;
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_EQ(t, fake_cpu.efer, 0xd00);
    KTEST_FALSE(t, is_xd_reserved());
    KTEST_TRUE(t, mm_state()->features.nx);
    KTEST_TRUE(t, count_leaves().with_no_execute > 0);
    expect_clean_audit(t);
}

static void mm_init_without_nx_writes_no_bit_63(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    machine.boot.cpu_has_nx = false;
    fake_cpu.has_nx = false;
    fake_cpu.efer = 0x500;
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_TRUE(t, is_xd_reserved());
    KTEST_EQ(t, fake_cpu.efer, 0x500);
    KTEST_EQ(t, count_leaves().with_no_execute, 0);
    /* Text and rodata are as read-only as ever, and the audit says the rest. */
    KTEST_TRUE(t, range_is(FAKE_PC_KERNEL, PAGES(FAKE_KERNEL_DATA_PAGE), false, true));
    struct page_audit_report report;
    KTEST_STATUS(t, mm_audit(&report), K_OK);
    KTEST_EQ(t, report.violation_count, 0);
    KTEST_TRUE(t, report.writable_executable > 0);
    KTEST_TRUE(t, fake_log_contains("no NX"));
}

/* ---- frames: S32, S38, S39 ------------------------------------------------------------------- */

static void mm_init_copies_the_bootinfo(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    const uint64_t copy = mm_state()->bootinfo.value;
    KTEST_TRUE(t, copy != machine.block_at &&
                      copy == mm_state()->bump_start.value + PAGES(FAKE_STACK_PAGES + 1U));
    fake_ram_fill(FAKE_PC_LOADER, PAGES(64), 0); /* the original is gone */
    KTEST_EQ(t, mm_bootinfo()->magic, BOOTINFO_MAGIC);
    KTEST_EQ(t, mm_bootinfo()->kernel_phys, FAKE_PC_KERNEL);
    KTEST_EQ(t, mm_memory_map().count, machine.run.output.entry_count);
}

static void mm_init_bump_starts_at_the_image_end(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_EQ(t, mm_state()->bump_start.value, FAKE_PC_KERNEL + PAGES(FAKE_KERNEL_PAGES));
}

static void mm_init_logs_the_real_usage(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    const uint64_t frames = mm_state()->bump_used.value + mm_state()->page_tables.value;
    KTEST_EQ(t, logged_number("Firstlight used: "), frames * 4);
    struct mm_books books;
    mm_read_books(&books);
    KTEST_EQ(t, logged_number("buddy allocator: "), books.free_frames + books.allocated_frames);
    KTEST_EQ(t, logged_number(" frames free, "), books.metadata_frames);
    KTEST_EQ(t, mm_state()->page_tables.value, table_print(mm_state()->root).tables);
    KTEST_EQ(t, mm_state()->bump_used.value,
             bits_align_up(mm_state()->bootinfo_bytes, PAGE_SIZE) / PAGE_SIZE);
}

#define PC_FRAMES (FAKE_PC_END / PAGE_SIZE)

/* Takes every frame there is, one by one. @return how many; each is usable and came once */
static uint64_t drain(struct ktest *t, bool *taken)
{
    uint64_t count = 0;
    uint64_t wrong = 0;
    phys_addr_t frame;
    while (allocate_page_frames(page_frame_count(1), &frame) == K_OK) {
        const uint64_t number = frame.value / PAGE_SIZE;
        if (number >= PC_FRAMES || taken[number]) {
            wrong++;
            continue;
        }
        taken[number] = true;
        count++;
    }
    KTEST_EQ(t, wrong, 0);
    return count;
}

static uint64_t count_taken(const bool *taken, uint64_t start, uint64_t end)
{
    uint64_t count = 0;
    for (uint64_t frame = start / PAGE_SIZE; frame < end / PAGE_SIZE; frame++) {
        count += taken[frame] ? 1 : 0;
    }
    return count;
}

/* Every frame of an area that is neither table, copy nor metadata comes out of the buddy: those
 * below the kernel too, which the seed loses. */
static void mm_init_gives_every_free_frame_to_the_buddy(struct ktest *t)
{
    static bool taken[PC_FRAMES];
    memset(taken, 0, sizeof(taken));
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    struct mm_books books;
    mm_read_books(&books);
    KTEST_EQ(t, drain(t, taken), books.free_frames);
    const uint64_t below = (FAKE_PC_KERNEL - M) / PAGE_SIZE;
    KTEST_TRUE(t, count_taken(taken, M, FAKE_PC_KERNEL) >= below - books.metadata_frames);
    KTEST_EQ(t, count_taken(taken, 0, M), 0);
    KTEST_EQ(t, count_taken(taken, FAKE_PC_KERNEL, FAKE_PC_KERNEL + PAGES(FAKE_KERNEL_ALL_PAGES)),
             0);
    KTEST_EQ(t, count_taken(taken, FAKE_PC_LOADER, FAKE_PC_LOADER + PAGES(64)), 0);
    KTEST_EQ(t, count_taken(taken, FAKE_PC_ACPI, 16 * M), 0);
    mm_read_books(&books);
    KTEST_EQ(t, books.free_frames, 0);
    expect_balance(t);
}

/* Nothing lies above the kernel: bump goes on with the areas below it. */
static void mm_init_kernel_at_the_top_of_ram_boots(struct ktest *t)
{
    const uint64_t kernel = 16 * M - PAGES(FAKE_KERNEL_ALL_PAGES);
    fake_machine_start(&machine);
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, 0, 0xa0000);
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, M, 15 * M);
    fake_machine_add_kernel(&machine, kernel);
    fake_machine_add_loader(&machine, kernel - PAGES(8), 8);
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_TRUE(t, mm_state()->root.value < kernel);
    KTEST_EQ(t, mm_state()->bump_start.value, kernel + PAGES(FAKE_KERNEL_PAGES));
    expect_balance(t);
    expect_clean_audit(t);
}

/* ---- late steps ------------------------------------------------------------------------------ */

static void mm_unmap_low_under_a_held_lock_is_refused(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    struct kernel_mapper_guard guard;
    const struct table_print before = table_print(mm_state()->root);
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, mm_unmap_low(), K_EAGAIN);
    kernel_mapper_unlock(&guard);
    KTEST_TRUE(t, mm_state()->low_is_mapped);
    KTEST_TRUE(t, table_print_equal(before, table_print(mm_state()->root)));
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    KTEST_FALSE(t, mm_state()->low_is_mapped);
}

static void mm_unmap_low_frees_its_tables(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    struct mm_books before;
    mm_read_books(&before);
    KTEST_TRUE(t, count_leaves().low > 0);
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    struct mm_books after;
    mm_read_books(&after);
    KTEST_EQ(t, count_leaves().low, 0);
    const uint64_t freed = before.page_table_frames - after.page_table_frames;
    KTEST_TRUE(t, freed >= 3);
    KTEST_EQ(t, after.page_table_frames, table_print(mm_state()->root).tables);
    KTEST_EQ(t, after.free_frames + after.metadata_frames,
             before.free_frames + before.metadata_frames + freed);
    expect_balance(t);
    expect_clean_audit(t);
}

static void mm_reclaim_makes_loader_memory_usable(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    struct mm_books before;
    mm_read_books(&before);
    KTEST_EQ(t, before.classes.loader, PAGES(64));
    mm_reclaim_loader_memory();
    struct mm_books after;
    mm_read_books(&after);
    KTEST_EQ(t, after.classes.loader, 0);
    KTEST_EQ(t, after.classes.usable, before.classes.usable + PAGES(64));
    KTEST_EQ(t, after.free_frames + after.metadata_frames,
             before.free_frames + before.metadata_frames + 64);
    KTEST_EQ(t, mm_state()->areas.count, 3); /* it joined two */
    KTEST_TRUE(t, mm_memory_map().count == machine.run.output.entry_count - 2);
    KTEST_TRUE(t, fake_log_contains("reclaimed 256 KiB"));
    expect_balance(t);
    expect_clean_audit(t);
    mm_reclaim_loader_memory(); /* there is none any more */
    expect_balance(t);
}

/* The table of areas is full. What touches an area grows it, here two into one; the slot that this
 * frees takes the first island; the second one has none, and is dropped and unmapped. */
static void mm_reclaim_with_512_areas_keeps_what_joins(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    add_many_areas(508);
    for (uint64_t island = 48 * M; island <= 49 * M; island += M) {
        fake_machine_add(&machine, EFI_MAP_LOADER_DATA, island, PAGES(4));
        fake_machine_add_loader(&machine, island, 4);
    }
    machine.block_at = FAKE_PC_LOADER;
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_EQ(t, mm_state()->areas.count, PHYS_MEMORY_AREA_MAX);
    mm_reclaim_loader_memory();
    struct mm_books books;
    mm_read_books(&books);
    KTEST_EQ(t, books.classes.loader, 0);
    KTEST_EQ(t, books.classes.dropped, PAGES(4));
    KTEST_EQ(t, mm_state()->dropped_bytes, PAGES(4));
    KTEST_TRUE(t, is_mapped(48 * M));
    KTEST_FALSE(t, is_mapped(49 * M));
    KTEST_TRUE(t, fake_log_contains("stays unused: ENOSPC"));
    KTEST_TRUE(t, fake_log_contains("reclaimed 272 KiB"));
    expect_balance(t);
    expect_clean_audit(t);
}

static void mm_check_books_names_what_does_not_balance(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, mm_check_books());
    KTEST_FALSE(t, fake_log_contains("NOT BALANCED"));
    struct memory_map map = mm_memory_map();
    for (uint32_t i = 0; i < map.count; i++) {
        if (map.entries[i].address == FAKE_PC_ACPI) {
            map.entries[i].length -= 1; /* one byte */
        }
    }
    KTEST_FALSE(t, mm_check_books());
    KTEST_TRUE(t, fake_log_contains("NOT BALANCED"));
    struct mm_books books;
    mm_read_books(&books);
    KTEST_FALSE(t, books.classes_balance);
    KTEST_TRUE(t, books.frames_balance);
}

/* Bring-up, an allocation, low remap, reclaim: balanced after each. */
static void mm_books_balance_at_every_step(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    expect_balance(t);
    phys_addr_t block;
    KTEST_STATUS(t, allocate_page_frames(page_frame_count(8), &block), K_OK);
    struct mm_books books;
    mm_read_books(&books);
    KTEST_EQ(t, books.allocated_frames, 8);
    expect_balance(t);
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    expect_balance(t);
    mm_reclaim_loader_memory();
    expect_balance(t);
    deallocate_page_frames(block, page_frame_count(8));
    expect_balance(t);
    mm_read_books(&books);
    KTEST_EQ(t, books.allocated_frames, 0);
}

/* ---- shortage -------------------------------------------------------------------------------- */

/* RAM of `frames` frames, in runs of `run` with a hole of one frame behind each; the kernel lies
 * elsewhere. */
static void boot_with_frames(uint32_t frames, uint32_t run)
{
    fake_machine_start(&machine);
    fake_machine_add(&machine, EFI_MAP_LOADER_DATA, 64 * M, PAGES(FAKE_KERNEL_ALL_PAGES));
    fake_machine_add_kernel(&machine, 64 * M);
    uint64_t at = 2 * M;
    for (uint32_t left = frames; left > 0;) {
        const uint32_t pages = left < run ? left : run;
        fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, at, PAGES(pages));
        at += PAGES(pages + 1);
        left -= pages;
    }
    kstatus_ignore(fake_machine_boot(&machine)); /* the caller looks at it */
}

/* At every size: no panic; a reason, or a bring-up that balances. Once there is a free frame at the
 * end, more memory never makes it fail again. @return the size from which on there is one */
static uint32_t smallest_that_boots(struct ktest *t, uint32_t run, uint32_t most)
{
    uint32_t smallest = 0;
    for (uint32_t frames = 1; frames <= most; frames++) {
        boot_with_frames(frames, run);
        KTEST_STRING(t, machine.panic != NULL ? machine.panic : "", "");
        if (machine.status != K_OK) {
            KTEST_STATUS(t, machine.status, K_ENOMEM);
            KTEST_TRUE(t, strncmp(machine.why, "no memory for", 13) == 0);
            KTEST_EQ(t, smallest, 0);
            continue;
        }
        expect_balance(t);
        KTEST_STATUS(t, mm_unmap_low(), K_OK);
        expect_balance(t);
        const bool has_free = locked_frame_allocator_get_usage().free.value > 0;
        smallest = smallest == 0 && has_free ? frames : smallest;
    }
    return smallest;
}

static void mm_init_short_of_memory_fails_cleanly(struct ktest *t)
{
    const uint32_t of_one_run = smallest_that_boots(t, 1000, 100);
    KTEST_TRUE(t, of_one_run > 10 && of_one_run < 20);
    KTEST_EQ(t, smallest_that_boots(t, 16, 120), of_one_run);
    /* Runs that cannot hold the metadata of their own 2 MiB, GiB and 256 GiB. */
    KTEST_EQ(t, smallest_that_boots(t, 3, 60), 0);
}

/* Only single frames: the bootinfo fits one, the tables take one each. */
static void mm_init_short_of_contiguous_memory_says_so(struct ktest *t)
{
    boot_with_frames(60, 1);
    KTEST_STATUS(t, machine.status, K_ENOMEM);
    KTEST_TRUE(t, machine.panic == NULL);
    KTEST_STRING(t, machine.why, "no memory for the kernel's copy of the bootinfo");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mm_init_logs_the_seeds_order),
    KTEST_CASE(mm_init_loads_cr3_once_with_the_initial_table),
    KTEST_CASE(mm_init_keeps_the_screen_off_around_the_switch),
    KTEST_CASE(mm_init_twice_panics),
    KTEST_CASE(mm_init_after_a_failed_one_panics),
    KTEST_CASE(mm_init_installs_the_allocator_for_good),
    KTEST_CASE(mm_init_areas_are_the_usable_entries),
    KTEST_CASE(mm_init_keeps_512_areas_and_reports_the_rest),
    KTEST_CASE(mm_init_map_of_zero_length_entries_has_no_areas),
    KTEST_CASE(mm_init_image_is_mapped_by_segment),
    KTEST_CASE(mm_init_guards_and_page_0_are_holes),
    KTEST_CASE(mm_init_maps_memory_and_nothing_else),
    KTEST_CASE(mm_init_uses_the_largest_leaves_the_cpu_has),
    KTEST_CASE(mm_init_makes_the_kernel_halfs_second_level),
    KTEST_CASE(mm_init_leaves_the_loaders_tables_alone),
    KTEST_CASE(mm_init_sets_nxe_where_the_firmware_did_not),
    KTEST_CASE(mm_init_without_nx_writes_no_bit_63),
    KTEST_CASE(mm_init_copies_the_bootinfo),
    KTEST_CASE(mm_init_bump_starts_at_the_image_end),
    KTEST_CASE(mm_init_logs_the_real_usage),
    KTEST_CASE(mm_init_gives_every_free_frame_to_the_buddy),
    KTEST_CASE(mm_init_kernel_at_the_top_of_ram_boots),
    KTEST_CASE(mm_unmap_low_under_a_held_lock_is_refused),
    KTEST_CASE(mm_unmap_low_frees_its_tables),
    KTEST_CASE(mm_reclaim_makes_loader_memory_usable),
    KTEST_CASE(mm_reclaim_with_512_areas_keeps_what_joins),
    KTEST_CASE(mm_check_books_names_what_does_not_balance),
    KTEST_CASE(mm_books_balance_at_every_step),
    KTEST_CASE(mm_init_short_of_memory_fails_cleanly),
    KTEST_CASE(mm_init_short_of_contiguous_memory_says_so),
};
KTEST_SUITE(mm_init, "mm.init", cases);
