/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The live page tables: translations, W^X, audit, NX, the low remap that is gone, kernel and user
 * mapper, and the MMIO pool, all on the real MMU.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/physmap.h>

#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/efer.h"
#include "arch/x86_64/mm_arch.h"
#include "arch/x86_64/trap.h"
#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_audit.h"
#include "mm/mm_init.h"
#include "mm/mmio_pool.h"
#include "mm/page_flush.h"
#include "mm/user_mapper.h"
#include "tests/ktest.h"

/* Where the tests map things in the lower half, which holds nothing after bring-up. */
#define TEST_VIRT UINT64_C(0x0000123456789000)

static struct page_translation translate(struct ktest *t, virt_addr_t virt)
{
    struct page_translation translation = { .leaf_level = 0 };
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, page_mapper_translate(kernel_mapper_as_ref(&guard), virt, &translation), K_OK);
    kernel_mapper_unlock(&guard);
    return translation;
}

static void paging_root_is_the_initial_table(struct ktest *t)
{
    KTEST_EQ(t, arch_table_root().value, mm_state()->root.value);
    KTEST_EQ(t, arch_initial_page_table().value, mm_state()->root.value);
}

static void paging_kernel_image_has_its_permissions(struct ktest *t)
{
    const struct kernel_image *const image = &mm_state()->layout.image;
    const bool nx = mm_state()->features.nx;
    const page_flags_t code = translate(t, image->code_start).flags;
    const page_flags_t rodata = translate(t, image->code_end).flags;
    const page_flags_t data = translate(t, image->rodata_end).flags;
    KTEST_TRUE(t, !code.write && code.execute && !code.user);
    KTEST_TRUE(t, !rodata.write && rodata.execute == !nx && !rodata.user);
    KTEST_TRUE(t, data.write && data.execute == !nx && !data.user);
}

static void paging_direct_map_translates_every_area(struct ktest *t)
{
    const struct phys_memory_areas *const areas = &mm_state()->areas;
    for (uint32_t i = 0; i < areas->count; i++) {
        const uint64_t first = areas->area[i].base.value;
        const uint64_t last = phys_memory_area_end(&areas->area[i]) - 1;
        KTEST_EQ(t, translate(t, virt_addr(PHYS_OFFSET + first)).phys.value, first);
        KTEST_EQ(t, translate(t, virt_addr(PHYS_OFFSET + last)).phys.value, last);
    }
}

static void paging_no_flush_is_outstanding(struct ktest *t)
{
    KTEST_EQ(t, page_flush_outstanding(), 0);
}

static void paging_leaves_match_the_cpu(struct ktest *t)
{
    struct page_audit_report report;
    if (KTEST_TRUE(t, mm_audit(&report) == K_OK)) {
        KTEST_TRUE(t, mm_state()->features.pages_1g || report.leaves_1g == 0);
        const uint64_t leaves = report.leaves_4k + report.leaves_2m + report.leaves_1g;
        KTEST_EQ(t, report.global_leaves, mm_state()->features.global ? leaves : 0);
    }
}

static const struct ktest_case paging_cases[] = {
    KTEST_CASE(paging_root_is_the_initial_table),
    KTEST_CASE(paging_kernel_image_has_its_permissions),
    KTEST_CASE(paging_direct_map_translates_every_area),
    KTEST_CASE(paging_no_flush_is_outstanding),
    KTEST_CASE(paging_leaves_match_the_cpu),
};
KTEST_SUITE(mm_paging, "mm.paging", paging_cases);

static void audit_finds_no_violation(struct ktest *t)
{
    struct page_audit_report report;
    if (!KTEST_TRUE(t, mm_audit(&report) == K_OK)) {
        return;
    }
    KTEST_EQ(t, report.violation_count, 0);
    KTEST_TRUE(t, !mm_state()->features.nx || report.writable_executable == 0);
    KTEST_EQ(t, report.user_leaves, 0);
}

/* A check that cannot fail is none: a seeded W+X leaf is found. */
static void audit_finds_a_seeded_violation(struct ktest *t)
{
    struct page_audit_report report;
    struct page_flush flush;
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    struct page_mapper *const mapper = kernel_mapper_as_mut(&guard);
    const page_flags_t flags =
        page_flags_set_execute(page_flags_set_write(page_flags_new(), true), true);
    const bool mapped =
        KTEST_TRUE(t, page_mapper_map(mapper, virt_addr(TEST_VIRT), flags, &flush) == K_OK);
    if (mapped) {
        page_flush_flush(&flush);
        KTEST_STATUS(t, mm_audit(&report), K_OK);
        KTEST_TRUE(t, report.violation_count > 0);
        KTEST_TRUE(t, report.writable_executable > 0);
        struct page_translation translation;
        KTEST_STATUS(t, page_mapper_translate(mapper, virt_addr(TEST_VIRT), &translation), K_OK);
        KTEST_STATUS(t, page_mapper_unmap_phys(mapper, virt_addr(TEST_VIRT), true, &flush), K_OK);
        page_flush_flush(&flush);
        deallocate_page_frames(translation.phys, page_frame_count(1));
    }
    kernel_mapper_unlock(&guard);
    KTEST_STATUS(t, mm_audit(&report), K_OK);
    KTEST_EQ(t, report.violation_count, 0);
}

static const struct ktest_case audit_cases[] = {
    KTEST_CASE(audit_finds_no_violation),
    KTEST_CASE(audit_finds_a_seeded_violation),
};
KTEST_SUITE(mm_audit, "mm.audit", audit_cases);

static void nx_state_agrees_with_the_cpu(struct ktest *t)
{
    KTEST_EQ(t, is_xd_reserved(), !cpu_setup_features()->nx);
    KTEST_EQ(t, efer_nxe_is_set(), cpu_setup_features()->nx);
    KTEST_EQ(t, mm_state()->features.nx, cpu_setup_features()->nx);
}

static void nx_top_entries_carry_bit_63_only_with_nx(struct ktest *t)
{
    const volatile uint64_t *const entries = physmap_ptr(mm_state()->root, PAGE_SIZE);
    uint64_t all = 0;
    for (uint32_t i = 0; i < PAGE_ENTRY_COUNT; i++) {
        all |= entries[i];
    }
    KTEST_TRUE(t, (all & X86_PTE_PRESENT) != 0);
    KTEST_TRUE(t, mm_state()->features.nx || (all & BIT(63)) == 0);
}

static const struct ktest_case nx_cases[] = {
    KTEST_CASE(nx_state_agrees_with_the_cpu),
    KTEST_CASE(nx_top_entries_carry_bit_63_only_with_nx),
};
KTEST_SUITE(mm_nx, "mm.nx", nx_cases);

static void low_remap_is_gone(struct ktest *t)
{
    for (uint64_t address = PAGE_SIZE; address < LOW_REMAP_END; address += 64 * PAGE_SIZE) {
        KTEST_TRUE(t, trap_probe_read(virt_addr(address)).faulted);
    }
}

static void low_remap_left_the_lower_half_empty(struct ktest *t)
{
    const volatile uint64_t *const entries = physmap_ptr(mm_state()->root, PAGE_SIZE);
    for (uint32_t i = 0; i < KERNEL_PML4_FIRST; i++) {
        KTEST_EQ(t, entries[i], 0);
    }
}

static const struct ktest_case low_remap_cases[] = {
    KTEST_CASE(low_remap_is_gone),
    KTEST_CASE(low_remap_left_the_lower_half_empty),
};
KTEST_SUITE(mm_low_remap, "mm.low_remap", low_remap_cases);

static void kernel_mapper_nested_lock_only_reads(struct ktest *t)
{
    struct kernel_mapper_guard outer;
    struct kernel_mapper_guard inner;
    kernel_mapper_lock(&outer);
    KTEST_TRUE(t, kernel_mapper_as_mut(&outer) != NULL);
    kernel_mapper_lock(&inner);
    KTEST_TRUE(t, kernel_mapper_as_mut(&inner) == NULL);
    const struct page_mapping request = {
        .virt = { MMIO_POOL_START },
        .phys = { 0xfee00000 },
        .size_bytes = 1,
        .flags = page_flags_mmio(),
    };
    KTEST_STATUS(t, kernel_mapper_map_phys_with_size(&inner, &request, true), K_EAGAIN);
    kernel_mapper_unlock(&inner);
    KTEST_TRUE(t, kernel_mapper_as_mut(&outer) != NULL);
    kernel_mapper_unlock(&outer);
}

static void kernel_mapper_maps_and_unmaps_a_page(struct ktest *t)
{
    struct page_flush flush;
    struct kernel_mapper_guard guard;
    const uint64_t free_before = locked_frame_allocator_get_usage().free.value;
    kernel_mapper_lock(&guard);
    struct page_mapper *const mapper = kernel_mapper_as_mut(&guard);
    const page_flags_t flags = page_flags_set_write(page_flags_new(), true);
    if (KTEST_TRUE(t, page_mapper_map(mapper, virt_addr(TEST_VIRT), flags, &flush) == K_OK)) {
        page_flush_flush(&flush);
        KTEST_FALSE(t, trap_probe_write(virt_addr(TEST_VIRT), 1).faulted);
        KTEST_EQ(t, page_mapper_map(mapper, virt_addr(TEST_VIRT), flags, &flush), K_EEXIST);
        KTEST_STATUS(
            t, page_mapper_remap(mapper, virt_addr(TEST_VIRT), PAGE_SIZE, page_flags_new(), &flush),
            K_OK);
        page_flush_flush(&flush);
        KTEST_TRUE(t, trap_probe_write(virt_addr(TEST_VIRT), 1).faulted);
        KTEST_FALSE(t, trap_probe_read(virt_addr(TEST_VIRT)).faulted);
        struct page_translation translation;
        KTEST_STATUS(t, page_mapper_translate(mapper, virt_addr(TEST_VIRT), &translation), K_OK);
        KTEST_STATUS(t, page_mapper_unmap_phys(mapper, virt_addr(TEST_VIRT), true, &flush), K_OK);
        page_flush_flush(&flush);
        deallocate_page_frames(translation.phys, page_frame_count(1));
        KTEST_TRUE(t, trap_probe_read(virt_addr(TEST_VIRT)).faulted);
    }
    kernel_mapper_unlock(&guard);
    KTEST_EQ(t, locked_frame_allocator_get_usage().free.value, free_before);
}

static const struct ktest_case kernel_mapper_cases[] = {
    KTEST_CASE(kernel_mapper_nested_lock_only_reads),
    KTEST_CASE(kernel_mapper_maps_and_unmaps_a_page),
};
KTEST_SUITE(mm_kernel_mapper, "mm.kernel_mapper", kernel_mapper_cases);

static void user_mapper_shares_the_kernel_half(struct ktest *t)
{
    const uint64_t free_before = locked_frame_allocator_get_usage().free.value;
    struct user_mapper user;
    if (!KTEST_TRUE(t, setup_new_usermapper(&user) == K_OK)) {
        return;
    }
    const volatile uint64_t *const kernel = physmap_ptr(mm_state()->root, PAGE_SIZE);
    const volatile uint64_t *const own = physmap_ptr(user.mapper.root, PAGE_SIZE);
    for (uint32_t i = 0; i < PAGE_ENTRY_COUNT; i++) {
        KTEST_EQ(t, own[i], i < KERNEL_PML4_FIRST ? 0 : kernel[i]);
    }
    user_mapper_destroy(&user);
    KTEST_EQ(t, locked_frame_allocator_get_usage().free.value, free_before);
}

static void user_mapper_destroyed_while_current_goes_back(struct ktest *t)
{
    struct user_mapper user;
    if (!KTEST_TRUE(t, setup_new_usermapper(&user) == K_OK)) {
        return;
    }
    page_mapper_make_current(&user.mapper);
    KTEST_EQ(t, arch_table_root().value, user.mapper.root.value);
    user_mapper_destroy(&user);
    KTEST_EQ(t, arch_table_root().value, mm_state()->root.value);
}

static const struct ktest_case user_mapper_cases[] = {
    KTEST_CASE(user_mapper_shares_the_kernel_half),
    KTEST_CASE(user_mapper_destroyed_while_current_goes_back),
};
KTEST_SUITE(mm_user_mapper, "mm.user_mapper", user_mapper_cases);

/* The local APIC's version register: a device that every x86-64 PC has at this address. */
#define LOCAL_APIC         0xfee00000U
#define LOCAL_APIC_VERSION 0x30U

static void mmio_maps_a_device_register(struct ktest *t)
{
    struct mmio_guard guard;
    if (!KTEST_TRUE(t, create_mmio(PAGE_SIZE, &guard) == K_OK)) {
        return;
    }
    KTEST_STATUS(t,
                 mmio_guard_map_phys(&guard, phys_addr(LOCAL_APIC), PAGE_SIZE, PAGE_CACHE_UNCACHED),
                 K_OK);
    const uint32_t version =
        *(const volatile uint32_t *)(uintptr_t)(guard.virt.value + LOCAL_APIC_VERSION);
    KTEST_TRUE(t, (version & 0xff) >= 0x10 && (version & 0xff) <= 0x15); /* integrated APIC */
    const page_flags_t flags = translate(t, guard.virt).flags;
    KTEST_TRUE(t, flags.cache == PAGE_CACHE_UNCACHED && flags.write);
    KTEST_EQ(t, flags.execute, !mm_state()->features.nx);
    KTEST_STATUS(t,
                 mmio_guard_map_phys(&guard, phys_addr(LOCAL_APIC), PAGE_SIZE, PAGE_CACHE_UNCACHED),
                 K_EBUSY);
    const virt_addr_t virt = guard.virt;
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
    KTEST_STATUS(t, mmio_guard_release(&guard), K_ENOENT);
    KTEST_TRUE(t, trap_probe_read(virt).faulted);
}

static void mmio_refuses_bad_sizes(struct ktest *t)
{
    struct mmio_guard guard;
    KTEST_STATUS(t, create_mmio(0, &guard), K_EINVAL);
    KTEST_STATUS(t, create_mmio(SIZE_1G + 1, &guard), K_EINVAL);
    if (KTEST_TRUE(t, create_mmio(2 * PAGE_SIZE, &guard) == K_OK)) {
        KTEST_STATUS(
            t,
            mmio_guard_map_phys(&guard, phys_addr(LOCAL_APIC), 3 * PAGE_SIZE, PAGE_CACHE_UNCACHED),
            K_EINVAL);
        KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
    }
}

static const struct ktest_case mmio_cases[] = {
    KTEST_CASE(mmio_maps_a_device_register),
    KTEST_CASE(mmio_refuses_bad_sizes),
};
KTEST_SUITE(mm_mmio, "mm.mmio", mmio_cases);
