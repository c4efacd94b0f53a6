/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See bench.h. Every measure works on an address space of its own (a user mapper, whose tables are
 * freed after it), so the kernel's tables stay as they are. Mapped addresses need no RAM behind
 * them: only tables are written.
 */
#include "bench/bench.h"

#include <stddef.h>

#include <arch/cpu.h>

#include "bench/seed_walk.h"
#include "console.h"
#include "lib/format.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "mm/page_audit.h"
#include "mm/user_mapper.h"
#include "printk.h"

#define BENCH_VIRT  UINT64_C(0x0000010000000000) /* 1 TiB: aligned for every leaf */
#define REPETITIONS 100U

static void write_measure(const char *name, uint64_t ticks, uint64_t operations)
{
    console_printf("@bench %s %" FMTu64 " %" FMTu64 "\n", name, ticks, operations);
}

/* One table build: `leaf_level` 0 stands for the seed's walk. */
struct build {
    const char *name;
    uint64_t size_bytes;
    unsigned leaf_level;
};

static const struct build builds[] = {
    { "map_4g_seed_walk", 4 * SIZE_1G, 0 },        { "map_4g_4k", 4 * SIZE_1G, PAGE_LEVEL_4K },
    { "map_4g_2m", 4 * SIZE_1G, PAGE_LEVEL_2M },   { "map_4g_1g", 4 * SIZE_1G, PAGE_LEVEL_1G },
    { "map_64g_seed_walk", 64 * SIZE_1G, 0 },      { "map_64g_4k", 64 * SIZE_1G, PAGE_LEVEL_4K },
    { "map_64g_2m", 64 * SIZE_1G, PAGE_LEVEL_2M }, { "map_64g_1g", 64 * SIZE_1G, PAGE_LEVEL_1G },
    { "map_1t_2m", SIZE_1T, PAGE_LEVEL_2M },       { "map_1t_1g", SIZE_1T, PAGE_LEVEL_1G },
    { "map_16t_2m", 16 * SIZE_1T, PAGE_LEVEL_2M }, { "map_16t_1g", 16 * SIZE_1T, PAGE_LEVEL_1G },
};

static enum kstatus map_build(struct page_mapper *mapper, const struct build *build)
{
    if (build->leaf_level == 0) {
        return seed_walk_map(mapper, virt_addr(BENCH_VIRT), build->size_bytes);
    }
    const struct page_mapping mapping = {
        .virt = { BENCH_VIRT },
        .phys = { 0 },
        .size_bytes = build->size_bytes,
        .flags = page_flags_set_write(page_flags_new(), true),
        .max_leaf_level = build->leaf_level,
    };
    struct page_flush flush;
    const enum kstatus status = page_mapper_map_range(mapper, &mapping, &flush);
    if (status == K_OK) {
        page_flush_ignore(&flush); /* never loaded */
    }
    return status;
}

/* The audit of an address space that holds 1 TiB in 2 MiB leaves besides the kernel half. That all
 * of physical memory "shall be mapped" is not so: what counts here is that every table is read. */
static void measure_audit(const struct page_mapper *mapper)
{
    const struct phys_frame_range everything = { .first = { 0 },
                                                 .count = { DIRECT_MAP_SIZE / PAGE_SIZE } };
    const struct page_audit_window window = { .start = { 0 },
                                              .size_bytes = PAGE_ADDRESS_SIZE / 2,
                                              .kind = PAGE_AUDIT_WINDOW_ANY };
    const struct page_audit_expectation expectation = { .mapped = { &everything, 1 },
                                                        .windows = &window,
                                                        .window_count = 1 };
    struct page_audit_report report;
    const uint64_t start = arch_timestamp();
    const enum kstatus status = page_audit(mapper->root, mapper->features, &expectation, &report);
    const uint64_t ticks = arch_timestamp() - start;
    if (status == K_OK && report.leaves_2m >= SIZE_1T / SIZE_2M) {
        write_measure("audit_1t_2m", ticks, 1);
    } else {
        pr_err("bench: audit_1t_2m: the audit did not read every leaf");
    }
}

static void measure_build(const struct build *build)
{
    struct user_mapper user;
    if (setup_new_usermapper(&user) != K_OK) {
        pr_err("bench: no frame for %s", build->name);
        return;
    }
    const uint64_t start = arch_timestamp();
    const enum kstatus status = map_build(&user.mapper, build);
    const uint64_t ticks = arch_timestamp() - start;
    if (status == K_OK) {
        write_measure(build->name, ticks, 1);
    } else {
        pr_err("bench: %s: %s (give the guest more memory)", build->name, kstatus_name(status));
    }
    if (build->size_bytes == SIZE_1T && build->leaf_level == PAGE_LEVEL_2M && status == K_OK) {
        measure_audit(&user.mapper);
    }
    user_mapper_destroy(&user);
}

/* Map and unmap one page whose tables exist and stay. */
static void measure_map_unmap(void)
{
    struct user_mapper user;
    struct page_flush flush;
    const page_flags_t flags = page_flags_set_write(page_flags_new(), true);
    if (setup_new_usermapper(&user) != K_OK) {
        pr_err("bench: no frame for map_unmap_4k");
        return;
    }
    struct page_mapper *const mapper = &user.mapper;
    const virt_addr_t neighbour = virt_addr(BENCH_VIRT + PAGE_SIZE);
    enum kstatus status = page_mapper_map_phys(mapper, neighbour, phys_addr(0), flags, &flush);
    if (status == K_OK) {
        page_flush_ignore(&flush);
    }
    const uint64_t start = arch_timestamp();
    for (uint32_t i = 0; i < REPETITIONS && status == K_OK; i++) {
        status = page_mapper_map_phys(mapper, virt_addr(BENCH_VIRT), phys_addr(0), flags, &flush);
        if (status == K_OK) {
            page_flush_ignore(&flush);
            status = page_mapper_unmap_phys(mapper, virt_addr(BENCH_VIRT), false, &flush);
        }
        if (status == K_OK) {
            page_flush_flush(&flush);
        }
    }
    if (status == K_OK) {
        write_measure("map_unmap_4k", arch_timestamp() - start, REPETITIONS);
    }
    user_mapper_destroy(&user);
}

struct allocator_measure {
    unsigned order; /* log2 frames */
    const char *allocate_name;
    const char *free_name;
};

static const struct allocator_measure allocator_measures[] = {
    { 0, "allocate_order_0", "free_order_0" },
    { 9, "allocate_order_9", "free_order_9" },
    { 18, "allocate_order_18", "free_order_18" },
};

/* Allocates and frees one block, again and again; what reading the clock costs is taken off. */
static void measure_allocator(const struct allocator_measure *measure)
{
    const page_frame_count_t count = { BIT(measure->order) };
    uint64_t allocate_ticks = 0;
    uint64_t free_ticks = 0;
    for (uint32_t i = 0; i < REPETITIONS; i++) {
        phys_addr_t base;
        const uint64_t start = arch_timestamp();
        const uint64_t clock_read = arch_timestamp();
        const enum kstatus status = allocate_page_frames(count, &base);
        const uint64_t allocated = arch_timestamp();
        if (status != K_OK) {
            pr_err("bench: %s: %s", measure->allocate_name, kstatus_name(status));
            return;
        }
        deallocate_page_frames(base, count);
        const uint64_t freed = arch_timestamp();
        allocate_ticks += (allocated - clock_read) - (clock_read - start);
        free_ticks += (freed - allocated) - (clock_read - start);
    }
    write_measure(measure->allocate_name, allocate_ticks, REPETITIONS);
    write_measure(measure->free_name, free_ticks, REPETITIONS);
}

void bench_run(bool (*stop)(void))
{
    for (size_t i = 0; i < ARRAY_COUNT(builds) && !stop(); i++) {
        measure_build(&builds[i]);
    }
    if (stop()) {
        return;
    }
    measure_map_unmap();
    for (size_t i = 0; i < ARRAY_COUNT(allocator_measures); i++) {
        measure_allocator(&allocator_measures[i]);
    }
}
