/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The MMIO pool (S90, S91): blocks, refusals, guards through the kernel mapper, and random steps
 * against a model that says exactly which address each call must give.
 */
#include "mm/mmio_pool.h"

#include <stddef.h>
#include <string.h>

#include "mm/kernel_mapper.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define START MMIO_POOL_START
#define SIZE  (MMIO_POOL_END - MMIO_POOL_START)
#define BAR   UINT64_C(0xfe000000) /* a device, physical, 2 MiB-aligned */

static const struct paging_features features = {
    .nx = true,
    .pages_1g = true,
    .global = true,
    .phys_bits = 40,
};
static struct fake_frames frames;       /* of the pool */
static struct fake_frames table_frames; /* of the kernel's tables */
static struct mmio_pool pool;
static phys_addr_t root;

static void set_up(struct ktest *t)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, SIZE_1M, 4096);
    fake_frames_init(&table_frames, 64 * SIZE_1M, 64);
    mmio_pool_init(&pool, &frames.allocator);
    struct page_mapper mapper;
    KTEST_STATUS(t, page_mapper_create(&mapper, &table_frames.allocator, &features), K_OK);
    KTEST_STATUS(t, page_mapper_make_second_level(&mapper, virt_addr(START), SIZE), K_OK);
    root = mapper.root;
    kernel_mapper_reset();
    kernel_mapper_init(root, &table_frames.allocator, &features);
}

static uint64_t take(struct ktest *t, uint64_t size)
{
    virt_addr_t virt = { 0 };
    KTEST_STATUS(t, mmio_pool_take(&pool, size, &virt), K_OK);
    return virt.value;
}

static enum kstatus give(uint64_t virt, uint64_t size)
{
    return mmio_pool_give_back(&pool, virt_addr(virt), size);
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static void mmio_take_rounds_up_to_aligned_powers_of_two(struct ktest *t)
{
    set_up(t);
    static const uint64_t sizes[][2] = {
        { 1, SIZE_4K },
        { SIZE_4K, SIZE_4K },
        { SIZE_4K + 1, 2 * SIZE_4K },
        { 5 * SIZE_4K, 8 * SIZE_4K },
        { SIZE_2M, SIZE_2M },
        { 8 * SIZE_1M, 8 * SIZE_1M },
        { 9 * SIZE_1M, 16 * SIZE_1M },
        { SIZE_1G, SIZE_1G },
        { SIZE_1G - 1, SIZE_1G },
    };
    uint64_t free_bytes = SIZE;
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        const uint64_t virt = take(t, sizes[i][0]);
        free_bytes -= sizes[i][1];
        KTEST_EQ(t, virt % sizes[i][1], 0);
        KTEST_EQ(t, mmio_pool_free_bytes(&pool), free_bytes);
    }
}

static void mmio_take_refuses_nothing_and_too_much(struct ktest *t)
{
    set_up(t);
    virt_addr_t virt = { 7 };
    KTEST_STATUS(t, mmio_pool_take(&pool, 0, &virt), K_EINVAL);
    KTEST_STATUS(t, mmio_pool_take(&pool, SIZE_1G + 1, &virt), K_EINVAL);
    KTEST_STATUS(t, mmio_pool_take(&pool, UINT64_MAX, &virt), K_EINVAL);
    KTEST_EQ(t, virt.value, 7);
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE);
    KTEST_EQ(t, frames.out, 0); /* and it took no memory before the first block */
}

static void mmio_take_of_the_whole_pool_ends_at_1024_blocks(struct ktest *t)
{
    set_up(t);
    for (unsigned i = 0; i < MMIO_ZONE_COUNT; i++) {
        KTEST_EQ(t, take(t, SIZE_1G), START + i * SIZE_1G);
    }
    virt_addr_t virt;
    KTEST_STATUS(t, mmio_pool_take(&pool, SIZE_1G, &virt), K_ENOMEM);
    KTEST_STATUS(t, mmio_pool_take(&pool, 1, &virt), K_ENOMEM);
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), 0);
    KTEST_EQ(t, frames.out, 0); /* whole zones need no metadata */
    KTEST_STATUS(t, give(START + 1000 * SIZE_1G, SIZE_1G), K_OK);
    KTEST_EQ(t, take(t, SIZE_4K), START + 1000 * SIZE_1G);
    KTEST_STATUS(t, mmio_pool_take(&pool, SIZE_1G, &virt), K_ENOMEM);
}

/* Two pages, given back in either order, make every larger block again. */
static void mmio_give_back_coalesces_up_to_the_zone(struct ktest *t)
{
    set_up(t);
    const uint64_t a = take(t, SIZE_4K);
    const uint64_t b = take(t, SIZE_4K);
    KTEST_EQ(t, a, START);
    KTEST_EQ(t, b, START + SIZE_4K);
    KTEST_EQ(t, take(t, SIZE_1G), START + SIZE_1G);
    KTEST_STATUS(t, give(a, SIZE_4K), K_OK);
    KTEST_STATUS(t, give(b, SIZE_4K), K_OK);
    KTEST_EQ(t, take(t, SIZE_1G), START);
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE - 2 * SIZE_1G);
}

static void mmio_give_back_refuses_all_that_is_not_out(struct ktest *t)
{
    static const uint64_t sizes[] = { SIZE_4K, SIZE_2M, 8 * SIZE_1M, 16 * SIZE_1M, SIZE_1G };
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        set_up(t);
        const uint64_t size = sizes[i];
        const uint64_t virt = take(t, size);
        const uint64_t free_bytes = mmio_pool_free_bytes(&pool);
        for (uint64_t wrong = SIZE_4K; wrong <= SIZE_1G; wrong *= 2) {
            if (wrong != size) {
                KTEST_STATUS(t, give(virt, wrong), K_ENOENT);
            }
        }
        KTEST_STATUS(t, give(virt + SIZE_1G * 3, size), K_ENOENT); /* never taken */
        KTEST_EQ(t, mmio_pool_free_bytes(&pool), free_bytes);
        KTEST_STATUS(t, give(virt, size), K_OK);
        KTEST_STATUS(t, give(virt, size), K_ENOENT);
        KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE);
    }
}

/* A full chunk or zone looks like a block of its size; it must not be taken for one. */
static void mmio_give_back_of_a_full_parent_is_refused(struct ktest *t)
{
    set_up(t);
    for (unsigned i = 0; i < 4; i++) {
        KTEST_EQ(t, take(t, SIZE_2M), START + i * SIZE_2M);
    }
    KTEST_STATUS(t, give(START, 8 * SIZE_1M), K_ENOENT);
    for (unsigned i = 1; i < 128; i++) {
        KTEST_EQ(t, take(t, 8 * SIZE_1M), START + i * 8 * SIZE_1M);
    }
    KTEST_STATUS(t, give(START, SIZE_1G), K_ENOENT);
    KTEST_STATUS(t, give(START + 16 * SIZE_1M, 16 * SIZE_1M), K_ENOENT);
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE - SIZE_1G);
    KTEST_EQ(t, take(t, SIZE_4K), START + SIZE_1G);
}

static void mmio_give_back_refuses_foreign_addresses_and_sizes(struct ktest *t)
{
    set_up(t);
    const uint64_t virt = take(t, SIZE_2M);
    KTEST_STATUS(t, give(START - SIZE_4K, SIZE_4K), K_EFAULT);
    KTEST_STATUS(t, give(MMIO_POOL_END, SIZE_4K), K_EFAULT);
    KTEST_STATUS(t, give(0, SIZE_4K), K_EFAULT);
    KTEST_STATUS(t, give(virt, 0), K_EINVAL);
    KTEST_STATUS(t, give(virt, SIZE_2M + SIZE_4K), K_EINVAL);
    KTEST_STATUS(t, give(virt, 2 * SIZE_1G), K_EINVAL);
    KTEST_STATUS(t, give(virt, 2048), K_EINVAL);
    KTEST_STATUS(t, give(virt + SIZE_4K, SIZE_2M), K_EINVAL);
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE - SIZE_2M);
}

static void mmio_take_out_of_frames_changes_nothing(struct ktest *t)
{
    set_up(t);
    virt_addr_t virt;
    for (uint32_t call = 1; call <= 2; call++) {
        fake_frames_fail(&frames, call, 1);
        KTEST_STATUS(t, mmio_pool_take(&pool, SIZE_4K, &virt), K_ENOMEM);
        KTEST_EQ(t, frames.out, 0);
        KTEST_EQ(t, pool.metadata_frames, 0);
        KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE);
    }
    fake_frames_fail(&frames, 3, 0);
    KTEST_EQ(t, take(t, SIZE_4K), START);
    KTEST_EQ(t, frames.out, 2);
    fake_frames_fail(&frames, 1, 0);
    KTEST_EQ(t, take(t, 4 * SIZE_1M), START + 4 * SIZE_1M); /* same chunk: no frame needed */
    KTEST_STATUS(t, mmio_pool_take(&pool, SIZE_1G, &virt), K_OK);
    KTEST_EQ(t, frames.bad_frees, 0);
}

/* ---- random steps against a model --------------------------------------------------------------
 */

#define LIVE_MAX 600U
#define STEPS    20000U

/* Live blocks sorted by address: nothing else is needed to know what the pool must answer. */
struct block {
    uint64_t start;
    uint64_t size;
};

static struct block live[LIVE_MAX];
static unsigned live_count;
static unsigned count_faults;

static uint64_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) ^ (*state >> 17);
}

/* The lowest aligned free stretch of `size`, and where its block belongs in the list. */
static uint64_t model_lowest(uint64_t size, unsigned *at)
{
    uint64_t candidate = START;
    for (unsigned i = 0; i < live_count; i++) {
        if (candidate + size <= live[i].start) {
            *at = i;
            return candidate;
        }
        candidate = bits_align_up(live[i].start + live[i].size, size);
    }
    *at = live_count;
    return candidate;
}

/* One take in four meets an allocator that fails at its first or second call: where the pool needed
 * that frame nothing has changed, and the model stays as it is. */
static bool step_take(uint64_t *random)
{
    const uint64_t size = SIZE_4K << (random_next(random) % 19);
    const uint64_t free_bytes = mmio_pool_free_bytes(&pool);
    unsigned at;
    const uint64_t expected = model_lowest(size, &at);
    const uint64_t fault = random_next(random) % 8;
    virt_addr_t virt = { 0 };
    fake_frames_fail(&frames, fault <= 2 ? (uint32_t)fault : 0, 0);
    const enum kstatus status =
        mmio_pool_take(&pool, size - random_next(random) % (size / 2), &virt);
    if (status == K_ENOMEM && frames.fail_from != 0 && frames.calls >= frames.fail_from) {
        count_faults++;
        return virt.value == 0 && mmio_pool_free_bytes(&pool) == free_bytes;
    }
    if (status != K_OK) {
        return false;
    }
    memmove(&live[at + 1], &live[at], (live_count - at) * sizeof(live[0]));
    live[at] = (struct block){ expected, size };
    live_count++;
    return virt.value == expected;
}

static bool step_give(uint64_t *random)
{
    const unsigned at = (unsigned)(random_next(random) % live_count);
    const struct block block = live[at];
    if (give(block.start, block.size) != K_OK) {
        return false;
    }
    memmove(&live[at], &live[at + 1], (live_count - at - 1) * sizeof(live[0]));
    live_count--;
    return true;
}

static bool model_has(uint64_t start, uint64_t size)
{
    for (unsigned i = 0; i < live_count; i++) {
        if (live[i].start == start && live[i].size == size) {
            return true;
        }
    }
    return false;
}

/* A random release near a live block is right only where the model has exactly that. */
static bool step_wild(uint64_t *random)
{
    const struct block near = live[random_next(random) % live_count];
    const uint64_t size = SIZE_4K << (random_next(random) % 19);
    const uint64_t start =
        bits_align_down(near.start + random_next(random) % (2 * near.size), size);
    return model_has(start, size) || give(start, size) == K_ENOENT;
}

static bool run_step(uint64_t *random)
{
    const uint64_t kind = random_next(random) % 16;
    const unsigned wanted = kind < 8 ? LIVE_MAX - 1 : 100; /* drifts up and down */
    if (live_count == 0 || (kind % 2 == 0 && live_count < wanted)) {
        return step_take(random);
    }
    return kind == 15 ? step_wild(random) : step_give(random);
}

static void mmio_random_steps_match_the_model(struct ktest *t)
{
    set_up(t);
    live_count = 0;
    count_faults = 0;
    uint64_t random = t->seed;
    for (unsigned i = 0; i < STEPS; i++) {
        if (!KTEST_TRUE(t, run_step(&random) && frames.out == pool.metadata_frames)) {
            return;
        }
    }
    KTEST_TRUE(t, count_faults > 0);
    fake_frames_fail(&frames, 0, 0);
    uint64_t used = 0;
    for (unsigned i = 0; i < live_count; i++) {
        used += live[i].size;
    }
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE - used);
    while (live_count > 0) {
        KTEST_TRUE(t, step_give(&random));
    }
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE);
    KTEST_EQ(t, pool.tree[1], 19);
    KTEST_EQ(t, frames.out, pool.metadata_frames);
    for (unsigned i = 0; i < MMIO_ZONE_COUNT; i++) {
        KTEST_EQ(t, take(t, SIZE_1G), START + i * SIZE_1G);
    }
}

/* ---- guards ------------------------------------------------------------------------------------
 */

static struct page_translation look_up(struct ktest *t, uint64_t virt)
{
    struct page_translation found = { 0 };
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, page_mapper_translate(kernel_mapper_as_ref(&guard), virt_addr(virt), &found),
                 K_OK);
    kernel_mapper_unlock(&guard);
    return found;
}

static void mmio_guard_maps_device_memory(struct ktest *t)
{
    set_up(t);
    struct mmio_guard guard;
    KTEST_STATUS(t, mmio_pool_create(&pool, 3 * SIZE_1M, &guard), K_OK);
    KTEST_EQ(t, guard.size_bytes, 4 * SIZE_1M);
    KTEST_EQ(t, guard.mapped_bytes, 0);
    KTEST_STATUS(
        t, mmio_guard_map_phys(&guard, phys_addr(BAR), 3 * SIZE_1M - 5, PAGE_CACHE_UNCACHED), K_OK);
    KTEST_EQ(t, guard.mapped_bytes, 3 * SIZE_1M);
    const struct page_translation found = look_up(t, guard.virt.value + 3 * SIZE_1M - 1);
    KTEST_EQ(t, found.phys.value, BAR + 3 * SIZE_1M - 1);
    KTEST_TRUE(t, page_flags_equal(found.flags, page_flags_set_global(page_flags_mmio(), true)));
    KTEST_FALSE(t, found.flags.execute);
    KTEST_EQ(t, look_up(t, guard.virt.value).leaf_level, PAGE_LEVEL_2M);
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
}

static void mmio_guard_maps_a_framebuffer_write_combining(struct ktest *t)
{
    set_up(t);
    struct mmio_guard guard;
    KTEST_STATUS(t, mmio_pool_create(&pool, SIZE_4K, &guard), K_OK);
    KTEST_STATUS(
        t, mmio_guard_map_phys(&guard, phys_addr(BAR), SIZE_4K, PAGE_CACHE_WRITE_COMBINING), K_OK);
    KTEST_EQ(t, look_up(t, guard.virt.value).flags.cache, PAGE_CACHE_WRITE_COMBINING);
    KTEST_TRUE(t, look_up(t, guard.virt.value).flags.global); /* every address space has it */
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
}

static void mmio_guard_refuses_a_second_map_and_bad_lengths(struct ktest *t)
{
    set_up(t);
    struct mmio_guard guard;
    const phys_addr_t bar = phys_addr(BAR);
    KTEST_STATUS(t, mmio_pool_create(&pool, 2 * SIZE_4K, &guard), K_OK);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, bar, 0, PAGE_CACHE_UNCACHED), K_EINVAL);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, bar, 2 * SIZE_4K + 1, PAGE_CACHE_UNCACHED),
                 K_EINVAL);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, phys_addr(BAR + 4), SIZE_4K, PAGE_CACHE_UNCACHED),
                 K_EINVAL);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, bar, SIZE_4K, PAGE_CACHE_UNCACHED), K_OK);
    const struct table_print before = table_print(root);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, bar, SIZE_4K, PAGE_CACHE_UNCACHED), K_EBUSY);
    KTEST_TRUE(t, table_print_equal(before, table_print(root)));
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
}

static void mmio_guard_release_undoes_everything_once(struct ktest *t)
{
    set_up(t);
    const struct table_print before = table_print(root);
    const uint64_t pending = page_flush_outstanding();
    struct mmio_guard guard;
    KTEST_STATUS(t, mmio_pool_create(&pool, SIZE_2M, &guard), K_OK);
    KTEST_STATUS(
        t, mmio_guard_map_phys(&guard, phys_addr(BAR + SIZE_4K), SIZE_4K, PAGE_CACHE_UNCACHED),
        K_OK);
    const uint32_t flushed = fake_cpu.invlpg_count;
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
    KTEST_TRUE(t, fake_cpu.invlpg_count > flushed);
    KTEST_TRUE(t, table_print_equal(before, table_print(root)));
    KTEST_EQ(t, table_frames.out, before.tables);
    KTEST_EQ(t, mmio_pool_free_bytes(&pool), SIZE);
    KTEST_STATUS(t, mmio_guard_release(&guard), K_ENOENT);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, phys_addr(BAR), SIZE_4K, PAGE_CACHE_UNCACHED),
                 K_ENOENT);
    KTEST_EQ(t, page_flush_outstanding(), pending);
}

static void mmio_guard_under_a_held_mapper_waits_for_later(struct ktest *t)
{
    set_up(t);
    struct mmio_guard guard;
    struct kernel_mapper_guard held;
    KTEST_STATUS(t, mmio_pool_create(&pool, SIZE_4K, &guard), K_OK);
    kernel_mapper_lock(&held);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, phys_addr(BAR), 1, PAGE_CACHE_UNCACHED), K_EAGAIN);
    kernel_mapper_unlock(&held);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, phys_addr(BAR), 1, PAGE_CACHE_UNCACHED), K_OK);
    kernel_mapper_lock(&held);
    KTEST_STATUS(t, mmio_guard_release(&guard), K_EAGAIN);
    kernel_mapper_unlock(&held);
    KTEST_EQ(t, guard.mapped_bytes, SIZE_4K);
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
}

static void mmio_guard_map_out_of_frames_can_be_tried_again(struct ktest *t)
{
    set_up(t);
    struct mmio_guard guard;
    const struct table_print before = table_print(root);
    KTEST_STATUS(t, mmio_pool_create(&pool, SIZE_4K, &guard), K_OK);
    fake_frames_fail(&table_frames, 2, 1);
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, phys_addr(BAR), 1, PAGE_CACHE_UNCACHED), K_ENOMEM);
    KTEST_TRUE(t, table_print_equal(before, table_print(root)));
    KTEST_STATUS(t, mmio_guard_map_phys(&guard, phys_addr(BAR), 1, PAGE_CACHE_UNCACHED), K_OK);
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
}

/* ---- the kernel's pool -------------------------------------------------------------------------
 */

static void init_again(void *context)
{
    (void)context;
    (void)mmio_init(&frames.allocator); /* does not return */
}

static void use_pool(void *context)
{
    (void)context;
    (void)mmio_pool(); /* does not return */
}

static void mmio_init_sets_up_one_pool_once(struct ktest *t)
{
    set_up(t);
    mmio_reset();
    KTEST_TRUE(t, fake_panic_catch(use_pool, NULL) != NULL);
    KTEST_STATUS(t, mmio_init(&frames.allocator), K_OK);
    KTEST_TRUE(t, fake_panic_catch(init_again, NULL) != NULL);
    struct mmio_guard guard;
    KTEST_STATUS(t, create_mmio(SIZE_1G, &guard), K_OK);
    KTEST_TRUE(t, guard.pool == mmio_pool());
    KTEST_EQ(t, mmio_pool_free_bytes(mmio_pool()), SIZE - SIZE_1G);
    KTEST_STATUS(t, mmio_guard_release(&guard), K_OK);
    mmio_reset();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mmio_take_rounds_up_to_aligned_powers_of_two),
    KTEST_CASE(mmio_take_refuses_nothing_and_too_much),
    KTEST_CASE(mmio_take_of_the_whole_pool_ends_at_1024_blocks),
    KTEST_CASE(mmio_give_back_coalesces_up_to_the_zone),
    KTEST_CASE(mmio_give_back_refuses_all_that_is_not_out),
    KTEST_CASE(mmio_give_back_of_a_full_parent_is_refused),
    KTEST_CASE(mmio_give_back_refuses_foreign_addresses_and_sizes),
    KTEST_CASE(mmio_take_out_of_frames_changes_nothing),
    KTEST_CASE(mmio_random_steps_match_the_model),
    KTEST_CASE(mmio_guard_maps_device_memory),
    KTEST_CASE(mmio_guard_maps_a_framebuffer_write_combining),
    KTEST_CASE(mmio_guard_refuses_a_second_map_and_bad_lengths),
    KTEST_CASE(mmio_guard_release_undoes_everything_once),
    KTEST_CASE(mmio_guard_under_a_held_mapper_waits_for_later),
    KTEST_CASE(mmio_guard_map_out_of_frames_can_be_tried_again),
    KTEST_CASE(mmio_init_sets_up_one_pool_once),
};
KTEST_SUITE(mm_mmio, "mm.mmio", cases);
