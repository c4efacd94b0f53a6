/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The pool below 1 MiB.
 *
 *     0      4 KiB            512 KiB   518 KiB  640 KiB
 *     | page 0 | low ............ | nvs   | low ... |         and far above it, RAM of type 1
 */
#include "mm/low_memory.h"

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define KIB UINT64_C(1024)
#define MIB SIZE_1M

static struct multiboot2_mmap_entry entries[] = {
    { .address = 0, .length = 512 * KIB, .type = MMAP_LOW },
    { .address = 512 * KIB, .length = 8 * KIB, .type = MMAP_ACPI_NVS },
    { .address = 520 * KIB, .length = 120 * KIB, .type = MMAP_LOW },
    { .address = 16 * MIB, .length = 16 * MIB, .type = MMAP_AVAILABLE },
};

static void start(uint32_t entry_count)
{
    const struct memory_map map = { .entries = entries, .count = entry_count };
    fake_cpu_reset();
    fake_ram_reset();
    fake_log_reset();
    fake_ram_add(PAGE_SIZE, 512 * KIB - PAGE_SIZE); /* page 0 is not mapped */
    fake_ram_add(520 * KIB, 120 * KIB);
    fake_ram_fill(PAGE_SIZE, 512 * KIB - PAGE_SIZE, 0x5a);
    low_memory_init(&map);
}

static bool is_low_ram(phys_addr_t base, uint64_t size_bytes)
{
    return base.value != 0 && base.value + size_bytes <= MIB &&
           fake_ram_contains(base.value, size_bytes);
}

static void low_memory_without_any_has_none(struct ktest *t)
{
    start(0);
    phys_addr_t base = phys_addr(7);
    KTEST_STATUS(t, low_memory_allocate(0, &base), K_ENOMEM);
    KTEST_EQ(t, base.value, 7);
    KTEST_EQ(t, low_memory_usage().total.value, 0);
}

static void low_memory_gives_only_what_is_low_and_ram(struct ktest *t)
{
    start(ARRAY_COUNT(entries));
    const struct page_frame_usage fresh = low_memory_usage();
    phys_addr_t frames[160];
    uint32_t count = 0;
    while (count < ARRAY_COUNT(frames) && low_memory_allocate(0, &frames[count]) == K_OK) {
        KTEST_TRUE(t, is_low_ram(frames[count], PAGE_SIZE));
        count++;
    }
    KTEST_EQ(t, count, fresh.free.value);
    KTEST_TRUE(t, count >= 127 + 30 - 4); /* a few hold metadata */
    KTEST_EQ(t, low_memory_usage().used.value, count);
    for (uint32_t i = 0; i < count; i++) {
        KTEST_STATUS(t, low_memory_free(frames[i], 0), K_OK);
    }
    KTEST_EQ(t, low_memory_usage().free.value, fresh.free.value);
}

static void low_memory_blocks_merge_again(struct ktest *t)
{
    start(ARRAY_COUNT(entries));
    phys_addr_t base;
    KTEST_STATUS(t, low_memory_allocate(6, &base), K_OK); /* 256 KiB */
    KTEST_TRUE(t, is_low_ram(base, 256 * KIB) && bits_is_aligned(base.value, 256 * KIB));
    KTEST_STATUS(t, low_memory_free(base, 6), K_OK);
    KTEST_STATUS(t, low_memory_free(base, 6), K_EINVAL);
    KTEST_STATUS(t, low_memory_free(phys_addr(0), 0), K_EFAULT);
    KTEST_STATUS(t, low_memory_allocate(6, &base), K_OK);
    KTEST_STATUS(t, low_memory_allocate(8, &base), K_ENOMEM);
    KTEST_STATUS(t, low_memory_allocate(19, &base), K_EINVAL);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(low_memory_without_any_has_none),
    KTEST_CASE(low_memory_gives_only_what_is_low_and_ram),
    KTEST_CASE(low_memory_blocks_merge_again),
};
KTEST_SUITE(mm_low_memory, "mm.low_memory", cases);
