/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What mappings allow on the real MMU: every combination of leaf size, write, execute and user,
 * with CR0.WP set and clear, read, written and executed by the kernel, against what the flags
 * promise under this CPU's NX, SMEP and SMAP. The host does the same with every machine there could
 * be, and with user accesses (tests/unit/page_access_test.c); here the CPU has the last word. Leaf
 * sizes for which there is no free block or no CPU support are left out, never all of them.
 */
#include <arch/cpu.h>
#include <arch/physmap.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/trap.h"
#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "tests/ktest.h"

#define TEST_VIRT       UINT64_C(0x0000012340000000) /* lower half: empty; aligned to 1 GiB */
#define RET_INSTRUCTION 0xc3
#define COMBINATIONS    8U

static page_flags_t flags_of(unsigned bits)
{
    return (page_flags_t){
        .write = (bits & 1) != 0,
        .execute = (bits & 2) != 0,
        .user = (bits & 4) != 0,
    };
}

/* Whether `fault` is the protection fault with these bits, or none where it shall not fault. TCG
 * and hardware agree on these. */
static bool is_fault(struct trap_fault fault, bool expected, uint64_t bits)
{
    if (!expected || !fault.faulted) {
        return expected == fault.faulted;
    }
    return fault.vector == TRAP_PAGE_FAULT && fault.error_code == (TRAP_PF_PRESENT | bits) &&
           fault.address == TEST_VIRT;
}

/* A write of the byte that stands there already. */
static struct trap_fault probe_write(bool write_protect)
{
    const uint64_t cr0 = x86_read_cr0();
    x86_write_cr0(write_protect ? cr0 : cr0 & ~CR0_WP);
    const struct trap_fault fault = trap_probe_write(virt_addr(TEST_VIRT), RET_INSTRUCTION);
    x86_write_cr0(cr0);
    return fault;
}

static void check_accesses(struct ktest *t, page_flags_t flags)
{
    const struct cpu_features *const cpu = cpu_setup_features();
    const bool kept_out = flags.user && cpu->smap;
    const bool no_fetch = (!flags.execute && mm_state()->features.nx) || (flags.user && cpu->smep);
    KTEST_TRUE(t, is_fault(trap_probe_read(virt_addr(TEST_VIRT)), kept_out, 0));
    KTEST_TRUE(t, is_fault(probe_write(true), kept_out || !flags.write, TRAP_PF_WRITE));
    KTEST_TRUE(t, is_fault(probe_write(false), kept_out, TRAP_PF_WRITE));
    KTEST_TRUE(t, is_fault(trap_probe_execute(virt_addr(TEST_VIRT)), no_fetch, TRAP_PF_FETCH));
}

static void check_mapping(struct ktest *t, phys_addr_t memory, unsigned level, page_flags_t flags)
{
    const struct page_mapping request = {
        .virt = virt_addr(TEST_VIRT),
        .phys = memory,
        .size_bytes = page_level_size(level),
        .flags = flags,
        .max_leaf_level = level,
    };
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    struct page_mapper *const mapper = kernel_mapper_as_mut(&guard);
    struct page_flush flush;
    if (KTEST_TRUE(t, page_mapper_map_range(mapper, &request, &flush) == K_OK)) {
        page_flush_flush(&flush);
        check_accesses(t, flags);
        KTEST_STATUS(
            t, page_mapper_unmap_range(mapper, request.virt, request.size_bytes, true, &flush),
            K_OK);
        page_flush_flush(&flush);
        KTEST_TRUE(t, trap_probe_read(virt_addr(TEST_VIRT)).faulted);
    }
    kernel_mapper_unlock(&guard);
}

static void check_level(struct ktest *t, unsigned level)
{
    const page_frame_count_t count = { page_level_size(level) / PAGE_SIZE };
    const uint64_t free_before = locked_frame_allocator_get_usage().free.value;
    phys_addr_t memory;
    if (level > page_level_max_leaf(&mm_state()->features) ||
        allocate_page_frames(count, &memory) != K_OK) {
        ktest_skip(t, "no CPU support or no free block of this size");
        return;
    }
    *(volatile uint8_t *)physmap_ptr(memory, 1) = RET_INSTRUCTION;
    for (unsigned bits = 0; bits < COMBINATIONS; bits++) {
        check_mapping(t, memory, level, flags_of(bits));
    }
    deallocate_page_frames(memory, count);
    KTEST_EQ(t, locked_frame_allocator_get_usage().free.value, free_before);
}

static void access_to_4k_leaves_is_as_promised(struct ktest *t)
{
    check_level(t, PAGE_LEVEL_4K);
}

static void access_to_2m_leaves_is_as_promised(struct ktest *t)
{
    check_level(t, PAGE_LEVEL_2M);
}

static void access_to_1g_leaves_is_as_promised(struct ktest *t)
{
    check_level(t, PAGE_LEVEL_1G);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(access_to_4k_leaves_is_as_promised),
    KTEST_CASE(access_to_2m_leaves_is_as_promised),
    KTEST_CASE(access_to_1g_leaves_is_as_promised),
};
KTEST_SUITE(mm_access, "mm.access", cases);
