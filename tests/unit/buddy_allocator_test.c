/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page-frame allocator (S60-S65): books, blocks, holes, bad frees, caches. RAM is full of junk
 * before it is added, as on a real machine. Random sequences are in
 * tests/property/buddy_allocator_prop.c.
 */
#include "mm/buddy_allocator.h"

#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>
#include <pthread.h>

#include "lib/format.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define JUNK       0x5a
#define JUNK_BYTES (UINT64_C(8) << 20) /* at either end: where metadata of these tests can be */
#define MIB        SIZE_1M
#define GIB        SIZE_1G
#define TIB        SIZE_1T

static struct buddy_allocator buddy;
static struct buddy_cpu_cache caches[BUDDY_CPU_LIMIT];

static void start(uint32_t cpu_count)
{
    fake_cpu_reset();
    fake_ram_reset();
    fake_log_reset();
    buddy_init(&buddy, caches, cpu_count);
}

static void declare_ram(uint64_t base, uint64_t size_bytes)
{
    const uint64_t junk_bytes = bits_min(size_bytes, JUNK_BYTES);
    fake_ram_add(base, size_bytes);
    fake_ram_fill(base, junk_bytes, JUNK);
    fake_ram_fill(base + size_bytes - junk_bytes, junk_bytes, JUNK);
}

static enum kstatus add(uint64_t base, uint64_t size_bytes)
{
    declare_ram(base, size_bytes);
    return buddy_add_region(&buddy, phys_addr(base), page_frame_count(size_bytes >> PAGE_SHIFT));
}

/* Whether everything adds up. */
static void check_books(struct ktest *t)
{
    const struct buddy_statistics s = buddy_statistics(&buddy);
    const struct page_frame_usage usage = buddy_usage(&buddy);
    uint64_t in_blocks = 0;
    for (unsigned order = 0; order < BUDDY_ORDER_COUNT; order++) {
        in_blocks += s.free_blocks[order] << order;
    }
    KTEST_EQ(t, in_blocks + s.cached_frames, s.free_frames);
    KTEST_EQ(t, s.free_frames + s.allocated_frames, s.total_frames);
    KTEST_EQ(t, usage.free.value, s.free_frames);
    KTEST_EQ(t, usage.used.value, s.allocated_frames);
    KTEST_EQ(t, usage.total.value, s.total_frames);
    KTEST_STATUS(t, buddy_validate(&buddy), K_OK);
    KTEST_EQ(t, fake_cpu_irq_depth(), 0);
}

static uint64_t free_frames(void)
{
    return buddy_usage(&buddy).free.value;
}

/* Takes blocks of `order` until there are no more. @return how many; `bases` is malloc'ed */
static uint64_t take_all(unsigned order, phys_addr_t **bases)
{
    const uint64_t room = (free_frames() >> order) + 1U;
    uint64_t count = 0;
    *bases = malloc(room * sizeof(**bases));
    while (count < room && buddy_allocate(&buddy, order, &(*bases)[count]) == K_OK) {
        count++;
    }
    return count;
}

static uint64_t give_all(unsigned order, phys_addr_t *bases, uint64_t count)
{
    uint64_t refused = 0;
    for (uint64_t i = 0; i < count; i++) {
        refused += buddy_free(&buddy, bases[i], order) == K_OK ? 0U : 1U;
    }
    free(bases);
    return refused;
}

/* ---- regions --------------------------------------------------------------------------------- */

static void buddy_without_ram_has_nothing(struct ktest *t)
{
    start(1);
    phys_addr_t base = phys_addr(7);
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &base), K_ENOMEM);
    KTEST_EQ(t, base.value, 7);
    check_books(t);
}

/* S60, S63: the seed loses every 1 GiB block of such a region. */
static void buddy_region_of_16_gib_is_all_there(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(4 * GIB, 16 * GIB), K_OK);
    const struct buddy_statistics s = buddy_statistics(&buddy);
    KTEST_EQ(t, s.total_frames + s.metadata_frames, 16 * GIB / PAGE_SIZE);
    KTEST_TRUE(t, s.metadata_frames * PAGE_SIZE <= 16 * 320 * UINT64_C(1024));
    KTEST_EQ(t, s.free_blocks[BUDDY_MAX_ORDER], 15);
    phys_addr_t *bases;
    KTEST_EQ(t, take_all(BUDDY_MAX_ORDER, &bases), 15);
    check_books(t);
    KTEST_EQ(t, give_all(BUDDY_MAX_ORDER, bases, 15), 0);
    KTEST_EQ(t, free_frames(), s.free_frames);
    check_books(t);
}

/* S39: the seed takes everything behind its offset for one run of RAM.
 *
 *     |  8 MiB  |  hole  |  8 MiB  |
 */
static void buddy_hole_is_never_handed_out(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(16 * MIB, 8 * MIB), K_OK);
    KTEST_STATUS(t, add(33 * MIB, 8 * MIB), K_OK);
    phys_addr_t *bases;
    const uint64_t all = free_frames();
    const uint64_t count = take_all(0, &bases);
    KTEST_EQ(t, count, all);
    uint64_t outside = 0;
    for (uint64_t i = 0; i < count; i++) {
        outside += fake_ram_contains(bases[i].value, PAGE_SIZE) ? 0U : 1U;
    }
    KTEST_EQ(t, outside, 0);
    KTEST_EQ(t, give_all(0, bases, count), 0);
    check_books(t);
}

static void buddy_ragged_region_gives_every_frame_once(struct ktest *t)
{
    start(1);
    const uint64_t base = 3 * MIB + 5 * PAGE_SIZE;
    const uint64_t size_bytes = 37 * MIB + 3 * PAGE_SIZE;
    KTEST_STATUS(t, add(base, size_bytes), K_OK);
    const struct buddy_statistics before = buddy_statistics(&buddy);
    phys_addr_t *bases;
    const uint64_t count = take_all(0, &bases);
    KTEST_EQ(t, count + before.metadata_frames, size_bytes / PAGE_SIZE);
    uint8_t *const seen = calloc(size_bytes / PAGE_SIZE, 1);
    uint64_t twice = 0;
    for (uint64_t i = 0; i < count; i++) {
        twice += seen[(bases[i].value - base) / PAGE_SIZE]++;
    }
    KTEST_EQ(t, twice, 0);
    free(seen);
    KTEST_EQ(t, give_all(0, bases, count), 0);
    buddy_drain_caches(&buddy);
    const struct buddy_statistics after = buddy_statistics(&buddy);
    KTEST_EQ(t, memcmp(before.free_blocks, after.free_blocks, sizeof(before.free_blocks)), 0);
    check_books(t);
}

static void buddy_adjacent_regions_merge(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(8 * MIB, 8 * MIB), K_OK); /* room for everything below */
    const uint64_t metadata = buddy_statistics(&buddy).metadata_frames;
    declare_ram(32 * MIB, 2 * MIB);
    for (uint64_t frame = 512; frame > 0; frame--) {
        const phys_addr_t base = phys_addr(32 * MIB + (frame - 1) * PAGE_SIZE);
        KTEST_STATUS(t, buddy_add_region(&buddy, base, page_frame_count(1)), K_OK);
    }
    const struct buddy_statistics s = buddy_statistics(&buddy);
    KTEST_EQ(t, s.metadata_frames, metadata); /* a leaf's slot came out of left-over bytes */
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 9, &base), K_OK);
    KTEST_STATUS(t, buddy_free(&buddy, base, 9), K_OK);
    check_books(t);
}

/* Bytes of metadata that adding a region costs, known to fit in what an earlier one left over. */
static uint64_t cost_of(uint64_t base, uint64_t size_bytes)
{
    const uint64_t before = buddy.spare_end - buddy.spare_base;
    const enum kstatus status = add(base, size_bytes);
    return status == K_OK ? before - (buddy.spare_end - buddy.spare_base) : UINT64_MAX;
}

/*      32 MiB       34 MiB        36 MiB
 *     |..D...C..A..|.....B.......|
 */
static void buddy_region_in_known_2_mib_needs_no_metadata(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(8 * MIB, 6 * MIB), K_OK); /* leaves 3 KiB over */
    const uint64_t leaf_bytes = 608;
    KTEST_EQ(t, cost_of(33 * MIB, PAGE_SIZE), leaf_bytes);
    KTEST_EQ(t, cost_of(35 * MIB, PAGE_SIZE), leaf_bytes);
    KTEST_EQ(t, cost_of(33 * MIB - PAGE_SIZE, PAGE_SIZE), 0);
    KTEST_EQ(t, cost_of(33 * MIB + PAGE_SIZE, 2 * MIB - PAGE_SIZE), 0);
    KTEST_EQ(t, cost_of(31 * MIB, MIB + PAGE_SIZE), leaf_bytes);
    KTEST_EQ(t, cost_of(36 * MIB - PAGE_SIZE, MIB), leaf_bytes);
    check_books(t);
}

static void buddy_tiny_region_needs_room_elsewhere(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(5 * TIB, PAGE_SIZE), K_ENOMEM);
    KTEST_EQ(t, buddy_usage(&buddy).total.value, 0);
    check_books(t);
    KTEST_STATUS(t, add(64 * MIB, MIB), K_OK);
    const struct buddy_statistics before = buddy_statistics(&buddy);
    KTEST_STATUS(t, add(5 * TIB, PAGE_SIZE), K_OK);
    const struct buddy_statistics after = buddy_statistics(&buddy);
    KTEST_EQ(t, after.total_frames + after.metadata_frames,
             before.total_frames + before.metadata_frames + 1);
    KTEST_TRUE(t, after.metadata_frames > before.metadata_frames);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate_below(&buddy, 0, phys_addr(64 * TIB), &base), K_OK);
    check_books(t);
}

static void buddy_smallest_region_that_holds_its_own_metadata_works(struct ktest *t)
{
    for (uint64_t frames = 1; frames < 8; frames++) {
        start(1);
        const enum kstatus status = add(7 * TIB + 5 * PAGE_SIZE, frames * PAGE_SIZE);
        const struct buddy_statistics s = buddy_statistics(&buddy);
        KTEST_EQ(t, s.total_frames + s.metadata_frames, status == K_OK ? frames : 0);
        KTEST_TRUE(t, status == (frames < 3 ? K_ENOMEM : K_OK));
        KTEST_TRUE(t, status != K_OK || s.free_frames > 0);
        check_books(t);
    }
}

/* Leaves nothing free but what CPU 1 has in its cache. @return how many frames that is */
static uint64_t take_all_but_cached(void)
{
    phys_addr_t base;
    fake_cpu_set_number(1);
    if (buddy_allocate(&buddy, 0, &base) != K_OK || buddy_free(&buddy, base, 0) != K_OK) {
        return 0;
    }
    fake_cpu_set_number(0);
    const uint64_t cached = buddy_statistics(&buddy).cpu_cached_frames[1];
    while (free_frames() > cached && buddy_allocate(&buddy, 0, &base) == K_OK) {}
    return cached;
}

static void buddy_metadata_may_come_out_of_a_cpu_cache(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(64 * MIB, 4 * MIB), K_OK);
    const uint64_t cached = take_all_but_cached();
    KTEST_TRUE(t, cached > 1);
    KTEST_EQ(t, buddy_statistics(&buddy).cpu_cached_frames[1], cached);
    KTEST_STATUS(t, add(9 * TIB, PAGE_SIZE), K_OK); /* directory, zone and leaf: two frames */
    KTEST_EQ(t, free_frames(), cached - 2 + 1);
    KTEST_EQ(t, buddy_statistics(&buddy).cached_frames, 0);
    check_books(t);
    phys_addr_t base;
    while (buddy_allocate(&buddy, 0, &base) == K_OK) {}
    KTEST_STATUS(t, add(19 * TIB, PAGE_SIZE), K_ENOMEM);
    KTEST_EQ(t, free_frames(), 0);
    check_books(t);
}

/* Fault injection: no block for the metadata of a far single frame, whatever else is free. The
 * first region has odd frames free only, then pairs of neighbours too far apart, then a pair.
 */
static void buddy_region_without_room_for_its_metadata_changes_nothing(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(64 * MIB, MIB), K_OK);
    phys_addr_t *bases;
    const uint64_t count = take_all(0, &bases);
    declare_ram(5 * TIB, PAGE_SIZE);
    uint64_t last_even = 0;
    for (uint64_t i = 0; i < count; i++) {
        if ((bases[i].value & PAGE_SIZE) == 0) {
            last_even = i;
            continue;
        }
        KTEST_STATUS(t, buddy_free(&buddy, bases[i], 0), K_OK);
        buddy_drain_caches(&buddy);
        const struct buddy_statistics before = buddy_statistics(&buddy);
        KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(5 * TIB), page_frame_count(1)),
                     K_ENOMEM);
        const struct buddy_statistics after = buddy_statistics(&buddy);
        KTEST_EQ(t, memcmp(&before, &after, sizeof(before)), 0);
    }
    check_books(t);
    KTEST_STATUS(t, buddy_free(&buddy, bases[last_even], 0), K_OK);
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(5 * TIB), page_frame_count(1)), K_OK);
    check_books(t);
    free(bases);
}

static void buddy_bad_region_is_refused(struct ktest *t)
{
    start(1);
    const page_frame_count_t one = { 1 };
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(1), one), K_EINVAL);
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(4096), page_frame_count(0)), K_EINVAL);
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(PAGE_SIZE), page_frame_count(UINT64_MAX)),
                 K_EOVERFLOW);
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(BIT(52)), one), K_ERANGE);
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(64 * TIB - PAGE_SIZE), page_frame_count(2)),
                 K_ERANGE);
    KTEST_EQ(t, buddy_usage(&buddy).total.value, 0);
    check_books(t);
}

static void check_exists(struct ktest *t, uint64_t base, uint64_t size_bytes)
{
    const struct buddy_statistics before = buddy_statistics(&buddy);
    KTEST_STATUS(
        t, buddy_add_region(&buddy, phys_addr(base), page_frame_count(size_bytes / PAGE_SIZE)),
        K_EEXIST);
    const struct buddy_statistics after = buddy_statistics(&buddy);
    KTEST_EQ(t, memcmp(&before, &after, sizeof(before)), 0);
}

/*            base                                  base + 5 GiB
 *     |.......|R|==== GiB ====|==== GiB ====|====|R|.......|
 */
static void buddy_overlapping_region_is_refused(struct ktest *t)
{
    start(1);
    const uint64_t base = 3 * GIB + 7 * PAGE_SIZE;
    const uint64_t size_bytes = 5 * GIB;
    const uint64_t end = base + size_bytes;
    KTEST_STATUS(t, add(base, size_bytes), K_OK);
    check_exists(t, base, size_bytes);
    check_exists(t, base, PAGE_SIZE);
    check_exists(t, end - PAGE_SIZE, PAGE_SIZE);
    check_exists(t, base - PAGE_SIZE, 2 * PAGE_SIZE);
    check_exists(t, end - PAGE_SIZE, 2 * PAGE_SIZE);
    check_exists(t, 5 * GIB, PAGE_SIZE); /* in a zone that nobody touched */
    check_exists(t, 2 * GIB, 16 * GIB);
    phys_addr_t block;
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &block), K_OK);
    check_exists(t, block.value, PAGE_SIZE);
    check_exists(t, bits_align_down(block.value, SIZE_2M), SIZE_2M);
    for (uint64_t frame = 0; frame < size_bytes / PAGE_SIZE; frame += 997) {
        check_exists(t, base + frame * PAGE_SIZE, PAGE_SIZE); /* the metadata too */
    }
    KTEST_STATUS(t, add(base - PAGE_SIZE, PAGE_SIZE), K_OK);
    KTEST_STATUS(t, add(end, PAGE_SIZE), K_OK);
    check_books(t);
}

static void buddy_metadata_taken_elsewhere_is_managed(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(64 * MIB, 8 * PAGE_SIZE), K_OK);
    KTEST_STATUS(t, add(5 * TIB, PAGE_SIZE), K_OK);
    for (uint64_t frame = 0; frame < 8; frame++) {
        check_exists(t, 64 * MIB + frame * PAGE_SIZE, PAGE_SIZE);
    }
    check_books(t);
}

static void buddy_thousand_regions_far_apart_work(struct ktest *t)
{
    start(1);
    uint64_t frames = 0;
    for (uint64_t i = 1000; i > 0; i--) {
        const uint64_t size_bytes = (i % 7 + 4) * PAGE_SIZE;
        frames += size_bytes / PAGE_SIZE;
        if (add(i * 63 * GIB + i * PAGE_SIZE, size_bytes) != K_OK) {
            KTEST_EQ(t, i, 0);
        }
    }
    const struct buddy_statistics s = buddy_statistics(&buddy);
    KTEST_EQ(t, s.total_frames + s.metadata_frames, frames);
    check_books(t);
}

/*      | |metadata|  A: two frames less than 4 MiB  |  B  |     B is a frame of A's last 2 MiB
 */
static void buddy_untouched_neighbours_merge(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(GIB + PAGE_SIZE, 4 * MIB - 2 * PAGE_SIZE), K_OK);
    KTEST_EQ(t, buddy_touched_metadata_bytes(&buddy), 0);
    KTEST_STATUS(t, add(GIB + 4 * MIB - PAGE_SIZE, PAGE_SIZE), K_OK);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 9, &base), K_OK);
    KTEST_EQ(t, base.value, GIB + 2 * MIB);
    KTEST_STATUS(t, buddy_free(&buddy, base, 9), K_OK);
    check_books(t);
}

/*      |  A                    |B|  C  |              D
 *      |        2 MiB        |   2 MiB             |
 */
static void buddy_neighbours_of_a_used_region_merge(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(GIB + PAGE_SIZE, 3 * MIB - PAGE_SIZE), K_OK);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &base), K_OK); /* nothing is untouched any more */
    KTEST_EQ(t, buddy_statistics(&buddy).untouched_frames, 0);
    check_exists(t, base.value, PAGE_SIZE);
    KTEST_STATUS(t, add(GIB + 3 * MIB, PAGE_SIZE), K_OK);
    KTEST_STATUS(t, add(GIB + 3 * MIB + PAGE_SIZE, MIB - PAGE_SIZE), K_OK);
    KTEST_STATUS(t, add(GIB + 8 * MIB, 2 * MIB), K_OK);
    KTEST_STATUS(t, buddy_free(&buddy, base, 0), K_OK);
    buddy_drain_caches(&buddy);
    KTEST_EQ(t, buddy_statistics(&buddy).free_blocks[9], 1); /* B; A's and D's hold metadata */
    check_books(t);
}

/*     |..|==== GiB ====|==== GiB ====|..|      the ragged ends serve what is small
 */
static void buddy_small_blocks_leave_untouched_gib_alone(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(3 * GIB - 8 * MIB, 2 * GIB + 16 * MIB), K_OK);
    phys_addr_t base;
    for (unsigned i = 0; i < 7; i++) { /* metadata takes less than one of the eight */
        KTEST_STATUS(t, buddy_allocate(&buddy, 9, &base), K_OK);
        KTEST_EQ(t, buddy_statistics(&buddy).free_blocks[BUDDY_MAX_ORDER], 2);
    }
    KTEST_STATUS(t, buddy_allocate(&buddy, BUDDY_MAX_ORDER, &base), K_OK);
    KTEST_STATUS(t, buddy_allocate(&buddy, BUDDY_MAX_ORDER, &base), K_OK);
    KTEST_STATUS(t, buddy_allocate(&buddy, BUDDY_MAX_ORDER, &base), K_ENOMEM);
    check_books(t);
}

/* Goal G8: the first region is a record in the allocator, nothing else. */
static void buddy_first_region_touches_no_metadata(struct ktest *t)
{
    static const uint64_t sizes[] = { GIB, 16 * GIB, 16 * TIB };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        start(1);
        KTEST_STATUS(t, add(5 * PAGE_SIZE, sizes[i]), K_OK);
        KTEST_EQ(t, buddy_touched_metadata_bytes(&buddy), 0);
        check_books(t);
    }
}

/* Goal G12, and bring-up whatever the size. */
static void buddy_bring_up_touches_little(struct ktest *t)
{
    static const uint64_t tib[] = { 1, 16, 33 };
    for (size_t i = 0; i < ARRAY_COUNT(tib); i++) {
        start(1);
        KTEST_STATUS(t, add(MIB, 100 * MIB), K_OK);
        KTEST_STATUS(t, add(128 * MIB + 9 * PAGE_SIZE, 1900 * MIB), K_OK);
        KTEST_STATUS(t, add(4 * GIB, tib[i] * TIB - 4 * GIB - 77 * PAGE_SIZE), K_OK);
        const struct buddy_statistics s = buddy_statistics(&buddy);
        KTEST_TRUE(t, buddy_touched_metadata_bytes(&buddy) <= 64 * 1024);
        KTEST_TRUE(t, s.metadata_frames * PAGE_SIZE <= tib[i] * 1024 * 320 * UINT64_C(1024));
        KTEST_TRUE(t, s.free_blocks[BUDDY_MAX_ORDER] >= tib[i] * 1023 - 4);
        phys_addr_t base;
        KTEST_STATUS(t, buddy_allocate(&buddy, 18, &base), K_OK);
        check_books(t);
    }
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void buddy_block_is_aligned_to_its_size(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(5 * MIB + PAGE_SIZE, 4 * GIB), K_OK);
    const uint64_t before = free_frames();
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        phys_addr_t base;
        KTEST_STATUS(t, buddy_allocate(&buddy, order, &base), K_OK);
        KTEST_TRUE(t, bits_is_aligned(base.value, PAGE_SIZE << order));
        KTEST_EQ(t, free_frames(), before - BIT(order));
        KTEST_STATUS(t, buddy_free(&buddy, base, order), K_OK);
        KTEST_EQ(t, free_frames(), before);
    }
    const struct buddy_statistics s = buddy_statistics(&buddy);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        KTEST_EQ(t, s.allocations[order], 1);
        KTEST_EQ(t, s.frees[order], 1);
    }
    check_books(t);
}

static void buddy_allocate_refuses_what_is_no_order(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(0, 4 * GIB), K_OK);
    phys_addr_t base = phys_addr(3);
    KTEST_STATUS(t, buddy_allocate(&buddy, BUDDY_MAX_ORDER + 1, &base), K_EINVAL);
    static const uint64_t counts[] = { 0, 3, 5, 1000, BIT(19), BIT(63), UINT64_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        KTEST_STATUS(t,
                     frame_allocator_allocate(&buddy.allocator, page_frame_count(counts[i]), &base),
                     K_EINVAL);
    }
    KTEST_EQ(t, base.value, 3);
    KTEST_STATUS(t, frame_allocator_allocate(&buddy.allocator, page_frame_count(64), &base), K_OK);
    KTEST_STATUS(t, frame_allocator_free(&buddy.allocator, base, page_frame_count(64)), K_OK);
    KTEST_EQ(t, frame_allocator_usage(&buddy.allocator).used.value, 0);
    check_books(t);
}

/* S63: the seed's list of an order aborts past about 509 entries. */
static void buddy_keeps_thousands_of_free_blocks_of_one_order(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(2 * MIB, 64 * MIB), K_OK);
    const struct buddy_statistics before = buddy_statistics(&buddy);
    phys_addr_t *bases;
    const uint64_t count = take_all(0, &bases);
    for (uint64_t i = 0; i < count; i++) {
        if ((bases[i].value >> PAGE_SHIFT) % 2 == 0) {
            KTEST_STATUS(t, buddy_free(&buddy, bases[i], 0), K_OK);
        }
    }
    buddy_drain_caches(&buddy);
    const struct buddy_statistics half = buddy_statistics(&buddy);
    KTEST_TRUE(t, half.free_blocks[0] > 8000);
    KTEST_EQ(t, half.free_blocks[0], half.free_frames);
    KTEST_EQ(t, half.largest_free_order, 0);
    check_books(t);
    for (uint64_t i = 0; i < count; i++) {
        if ((bases[i].value >> PAGE_SHIFT) % 2 != 0) {
            KTEST_STATUS(t, buddy_free(&buddy, bases[i], 0), K_OK);
        }
    }
    buddy_drain_caches(&buddy);
    const struct buddy_statistics after = buddy_statistics(&buddy);
    KTEST_EQ(t, memcmp(before.free_blocks, after.free_blocks, sizeof(before.free_blocks)), 0);
    check_books(t);
    free(bases);
}

static void buddy_exhausted_refuses_and_recovers(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(17 * MIB, 24 * MIB), K_OK);
    const uint64_t all = free_frames();
    for (unsigned order = 0; order <= 12; order += 3) {
        phys_addr_t *bases;
        const uint64_t count = take_all(order, &bases);
        KTEST_EQ(t, free_frames(), all - (count << order));
        phys_addr_t base = phys_addr(9);
        KTEST_STATUS(t, buddy_allocate(&buddy, order, &base), K_ENOMEM);
        KTEST_EQ(t, base.value, 9);
        check_books(t);
        KTEST_EQ(t, give_all(order, bases, count), 0);
        KTEST_EQ(t, free_frames(), all);
    }
    check_books(t);
}

static void buddy_cached_frames_merge_when_a_large_block_is_asked_for(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(6 * MIB, 64 * MIB), K_OK);
    const unsigned largest = buddy_statistics(&buddy).largest_free_order;
    phys_addr_t *bases;
    const uint64_t count = take_all(0, &bases);
    KTEST_EQ(t, give_all(0, bases, count), 0);
    KTEST_TRUE(t, buddy_statistics(&buddy).cached_frames > 0);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, largest, &base), K_OK);
    check_books(t);
}

static void buddy_takes_what_another_cpu_has_cached(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(6 * MIB, 64 * MIB), K_OK);
    const uint64_t cached = take_all_but_cached();
    KTEST_TRUE(t, cached > 1);
    phys_addr_t base;
    for (uint64_t i = 0; i < cached; i++) {
        KTEST_STATUS(t, buddy_allocate(&buddy, 0, &base), K_OK);
    }
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &base), K_ENOMEM);
    KTEST_EQ(t, free_frames(), 0);
    check_books(t);
}

/* What caches hold is missing where blocks merge, so a CPU keeps less of what is scarce. */
static void buddy_caches_shrink_when_memory_is_scarce(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(6 * MIB, 256 * MIB), K_OK);
    const uint64_t all = free_frames();
    phys_addr_t *bases;
    const uint64_t count = take_all(0, &bases);
    KTEST_EQ(t, count, all);
    uint64_t most = 0;
    uint64_t i = 0;
    for (; i < count / 16; i++) {
        KTEST_STATUS(t, buddy_free(&buddy, bases[i], 0), K_OK);
        const uint64_t cached = buddy_statistics(&buddy).cached_frames;
        most = bits_max(most, i < 1024 ? 0 : cached * 100 / (i + 1));
    }
    KTEST_TRUE(t, most <= 2); /* per cent of what is free */
    for (; i < count; i++) {
        KTEST_STATUS(t, buddy_free(&buddy, bases[i], 0), K_OK);
    }
    KTEST_TRUE(t, buddy_statistics(&buddy).cached_frames >= 256);
    check_books(t);
    free(bases);
}

static void buddy_cpu_without_a_cache_uses_the_core(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(6 * MIB, 64 * MIB), K_OK);
    fake_cpu_set_number(40);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &base), K_OK);
    KTEST_STATUS(t, buddy_free(&buddy, base, 0), K_OK);
    const struct buddy_statistics s = buddy_statistics(&buddy);
    KTEST_EQ(t, s.cached_frames, 0);
    KTEST_EQ(t, s.allocations[0], 1);
    KTEST_EQ(t, s.frees[0], 1);
    fake_cpu_set_number(0);
    check_books(t);
}

static void buddy_allocate_below_stays_below(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, 15 * MIB), K_OK);
    KTEST_STATUS(t, add(4 * GIB, 3 * GIB), K_OK);
    const uint64_t all = free_frames();
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate_below(&buddy, 19, phys_addr(GIB), &base), K_EINVAL);
    KTEST_STATUS(t, buddy_allocate_below(&buddy, 0, phys_addr(MIB), &base), K_ENOMEM);
    KTEST_STATUS(t, buddy_allocate_below(&buddy, 18, phys_addr(6 * GIB - 1), &base), K_ENOMEM);
    KTEST_STATUS(t, buddy_allocate_below(&buddy, 18, phys_addr(6 * GIB), &base), K_OK);
    KTEST_EQ(t, base.value, 5 * GIB); /* metadata is at 4 GiB */
    KTEST_STATUS(t, buddy_free(&buddy, base, 18), K_OK);
    for (unsigned order = 0; order < 11; order++) {
        const uint64_t limit = bits_align_up(4 * MIB, PAGE_SIZE << order) + (PAGE_SIZE << order);
        KTEST_STATUS(t, buddy_allocate_below(&buddy, order, phys_addr(limit), &base), K_OK);
        KTEST_TRUE(t, base.value + (PAGE_SIZE << order) <= limit);
        KTEST_STATUS(t, buddy_free(&buddy, base, order), K_OK);
    }
    KTEST_EQ(t, free_frames(), all);
    check_books(t);
}

/* Drivers of old devices: below 4 GiB until nothing is left there, though there is more above. */
static void buddy_allocate_below_4_gib_serves_until_that_is_used_up(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(3 * GIB, GIB), K_OK);
    KTEST_STATUS(t, add(4 * GIB, 8 * GIB), K_OK);
    phys_addr_t base;
    uint64_t count = 0;
    uint64_t outside = 0;
    while (buddy_allocate_below(&buddy, 9, phys_addr(SIZE_4G), &base) == K_OK) {
        outside += base.value >= 3 * GIB && base.value + SIZE_2M <= SIZE_4G ? 0U : 1U;
        count++;
    }
    KTEST_EQ(t, outside, 0);
    KTEST_TRUE(t, count >= 510 && count < 512);
    KTEST_STATUS(t, buddy_allocate(&buddy, 18, &base), K_OK);
    check_books(t);
}

/* A leaf that was split once keeps its bitmap, all free, when it is later part of a 2 MiB block. */
static void buddy_allocate_below_does_not_cut_into_large_blocks(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(64 * MIB, 8 * MIB), K_OK);
    phys_addr_t *frames;
    const uint64_t count = take_all(0, &frames);
    KTEST_EQ(t, give_all(0, frames, count), 0);
    buddy_drain_caches(&buddy);
    phys_addr_t *large;
    const uint64_t large_count = take_all(9, &large);
    KTEST_TRUE(t, large_count >= 2);
    phys_addr_t base;
    uint64_t small_count = 0;
    while (buddy_allocate_below(&buddy, 0, phys_addr(GIB), &base) == K_OK) {
        small_count++;
    }
    KTEST_EQ(t, small_count, count - (large_count << 9));
    KTEST_EQ(t, give_all(9, large, large_count), 0);
    check_books(t);
}

static void buddy_zeroed_block_is_zero(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(16 * MIB, 4 * MIB), K_OK);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate_zeroed(&buddy, 19, &base), K_EINVAL);
    buddy_set_poisoning(&buddy, true);
    KTEST_STATUS(t, buddy_allocate_zeroed(&buddy, 2, &base), K_OK);
    const uint8_t *const bytes = physmap_ptr(base, 4 * PAGE_SIZE);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 4 * PAGE_SIZE; i++) {
        sum += bytes[i];
    }
    KTEST_EQ(t, sum, 0);
}

static void buddy_allocate_below_carves_the_lowest_untouched_gib(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(20 * GIB, 3 * GIB), K_OK);
    KTEST_STATUS(t, add(4 * GIB, 3 * GIB), K_OK);
    KTEST_STATUS(t, add(30 * GIB, 3 * GIB), K_OK);
    static const uint64_t expected[] = { 5 * GIB, 6 * GIB, 21 * GIB, 22 * GIB };
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        phys_addr_t base;
        KTEST_STATUS(t, buddy_allocate_below(&buddy, 18, phys_addr(23 * GIB), &base), K_OK);
        KTEST_EQ(t, base.value, expected[i]);
    }
    check_books(t);
}

static void buddy_allocate_below_finds_the_last_frame(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, 15 * MIB), K_OK);
    KTEST_STATUS(t, add(GIB, GIB), K_OK);
    uint64_t count = 0;
    phys_addr_t base;
    while (buddy_allocate_below(&buddy, 0, phys_addr(16 * MIB), &base) == K_OK) {
        count++;
        KTEST_TRUE(t, base.value < 16 * MIB);
    }
    const uint64_t metadata_or_less = 15 * MIB / PAGE_SIZE - count;
    KTEST_TRUE(t, metadata_or_less <= 4);
    check_books(t);
}

static void buddy_bulk_gives_all_or_none(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, MIB), K_OK);
    const uint64_t all = free_frames();
    phys_addr_t frames[256];
    KTEST_STATUS(t, buddy_allocate_bulk(&buddy, (uint32_t)all + 1, frames), K_ENOMEM);
    KTEST_EQ(t, free_frames(), all);
    KTEST_STATUS(t, buddy_allocate_bulk(&buddy, (uint32_t)all, frames), K_OK);
    KTEST_EQ(t, free_frames(), 0);
    for (uint64_t i = 0; i < all; i++) {
        KTEST_STATUS(t, buddy_free(&buddy, frames[i], 0), K_OK);
    }
    check_books(t);
}

static void buddy_poisons_when_told(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, 4 * MIB), K_OK);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 2, &base), K_OK);
    const uint8_t *const bytes = physmap_ptr(base, 4 * PAGE_SIZE);
    KTEST_EQ(t, bytes[0], JUNK);
    buddy_set_poisoning(&buddy, true);
    KTEST_EQ(t, buddy_statistics(&buddy).cached_frames, 0);
    KTEST_STATUS(t, buddy_free(&buddy, base, 2), K_OK);
    KTEST_EQ(t, bytes[0], 0xdf);
    KTEST_EQ(t, bytes[4 * PAGE_SIZE - 1], 0xdf);
    phys_addr_t again;
    KTEST_STATUS(t, buddy_allocate(&buddy, 2, &again), K_OK);
    KTEST_EQ(t, again.value, base.value);
    KTEST_EQ(t, bytes[0], 0xa7);
    KTEST_EQ(t, bytes[4 * PAGE_SIZE - 1], 0xa7);
    KTEST_EQ(t, buddy_statistics(&buddy).cached_frames, 0);
    check_books(t);
}

/* ---- bad frees (S65) ------------------------------------------------------------------------- */

/* A bad free is refused with `status`, named in the log, and changes nothing. */
static void check_bad_free(struct ktest *t, uint64_t base, uint64_t count, enum kstatus status,
                           enum buddy_bad_free kind)
{
    const struct buddy_statistics before = buddy_statistics(&buddy);
    struct buddy_free_report report;
    buddy_describe_bad_free(&buddy, phys_addr(base), page_frame_count(count), &report);
    KTEST_EQ(t, report.kind, kind);
    fake_log_reset();
    KTEST_STATUS(t,
                 frame_allocator_free(&buddy.allocator, phys_addr(base), page_frame_count(count)),
                 status);
    KTEST_TRUE(t, fake_log_contains("buddy: bad free of 0x"));
    KTEST_TRUE(t, fake_log_contains(buddy_bad_free_text(kind)));
    const struct buddy_statistics after = buddy_statistics(&buddy);
    KTEST_EQ(t, memcmp(&before, &after, sizeof(before)), 0);
    check_books(t);
}

static void buddy_double_free_is_refused(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, 4 * GIB), K_OK);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        phys_addr_t base;
        KTEST_STATUS(t, buddy_allocate(&buddy, order, &base), K_OK);
        KTEST_STATUS(t, buddy_free(&buddy, base, order), K_OK); /* into a cache, or merged */
        check_bad_free(t, base.value, BIT(order), K_EINVAL, BUDDY_FREE_NOT_ALLOCATED);
    }
}

static void buddy_free_of_another_order_is_refused(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, 4 * GIB), K_OK);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        phys_addr_t base;
        KTEST_STATUS(t, buddy_allocate(&buddy, order, &base), K_OK);
        for (unsigned other = 0; other <= BUDDY_MAX_ORDER; other++) {
            if (other != order && bits_is_aligned(base.value, PAGE_SIZE << other)) {
                check_bad_free(t, base.value, BIT(other), K_EINVAL, BUDDY_FREE_WRONG_ORDER);
            }
        }
        KTEST_STATUS(t, buddy_free(&buddy, base, order), K_OK);
    }
}

static void buddy_free_inside_a_block_is_refused(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, 4 * GIB), K_OK);
    for (unsigned order = 1; order <= BUDDY_MAX_ORDER; order++) {
        phys_addr_t base;
        KTEST_STATUS(t, buddy_allocate(&buddy, order, &base), K_OK);
        for (unsigned part = 0; part < order; part++) {
            const uint64_t inside = base.value + (PAGE_SIZE << (order - 1));
            check_bad_free(t, inside, BIT(part), K_EINVAL, BUDDY_FREE_INTERIOR);
        }
        KTEST_STATUS(t, buddy_free(&buddy, base, order), K_OK);
    }
}

static void buddy_two_frames_freed_as_one_block_are_refused(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(MIB, 64 * MIB), K_OK);
    phys_addr_t *bases;
    const uint64_t count = take_all(0, &bases);
    for (uint64_t i = 0; i < 64; i++) {
        if (bits_is_aligned(bases[i].value, 2 * PAGE_SIZE)) {
            check_bad_free(t, bases[i].value, 2, K_EINVAL, BUDDY_FREE_WRONG_ORDER);
        }
    }
    KTEST_EQ(t, give_all(0, bases, count), 0);
}

static void buddy_wild_free_is_refused(struct ktest *t)
{
    start(1);
    /* ragged: frames 3 .. of the first leaf; then untouched zones */
    const uint64_t base = 16 * MIB + 3 * PAGE_SIZE;
    KTEST_STATUS(t, add(base, 4 * GIB), K_OK);
    phys_addr_t block;
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &block), K_OK);
    check_bad_free(t, block.value, 0, K_EINVAL, BUDDY_FREE_BAD_COUNT);
    check_bad_free(t, block.value, 3, K_EINVAL, BUDDY_FREE_BAD_COUNT);
    check_bad_free(t, 0, BIT(19), K_EINVAL, BUDDY_FREE_BAD_COUNT);
    check_bad_free(t, 0, BIT(63), K_EINVAL, BUDDY_FREE_BAD_COUNT);
    check_bad_free(t, block.value + 1, 1, K_EINVAL, BUDDY_FREE_MISALIGNED);
    check_bad_free(t, base, 2, K_EINVAL, BUDDY_FREE_MISALIGNED);
    check_bad_free(t, 16 * MIB, 1, K_EFAULT, BUDDY_FREE_HOLE);
    check_bad_free(t, 2 * MIB, 1, K_EFAULT, BUDDY_FREE_HOLE);
    check_bad_free(t, 2 * MIB, 512, K_EFAULT, BUDDY_FREE_HOLE);
    check_bad_free(t, 40 * TIB, 1, K_EFAULT, BUDDY_FREE_OUT_OF_RANGE);
    check_bad_free(t, 40 * TIB, BIT(18), K_EFAULT, BUDDY_FREE_OUT_OF_RANGE);
    check_bad_free(t, BIT(63), 1, K_EFAULT, BUDDY_FREE_OUT_OF_RANGE);
    check_bad_free(t, 2 * GIB, 1, K_EINVAL, BUDDY_FREE_NOT_ALLOCATED);
    check_bad_free(t, 2 * GIB, BIT(18), K_EINVAL, BUDDY_FREE_NOT_ALLOCATED);
    KTEST_STATUS(t, buddy_free(&buddy, block, 0), K_OK);
    check_books(t);
}

/* Whatever is not free and was never handed out is the allocator's own. */
static void buddy_free_of_metadata_is_refused(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(16 * MIB, 32 * PAGE_SIZE), K_OK);
    KTEST_STATUS(t, add(5 * TIB, PAGE_SIZE), K_OK); /* takes a block of the first for itself */
    const uint64_t expected = buddy_statistics(&buddy).metadata_frames;
    uint64_t metadata = 0;
    for (uint64_t frame = 0; frame < 32; frame++) {
        struct buddy_free_report report;
        const phys_addr_t base = phys_addr(16 * MIB + frame * PAGE_SIZE);
        buddy_describe_bad_free(&buddy, base, page_frame_count(1), &report);
        if (report.kind == BUDDY_FREE_METADATA) {
            metadata++;
            check_bad_free(t, base.value, 1, K_EFAULT, BUDDY_FREE_METADATA);
        }
    }
    KTEST_EQ(t, metadata, expected);
}

static void buddy_bad_free_report_has_the_facts(struct ktest *t)
{
    start(4);
    KTEST_STATUS(t, add(16 * MIB, 16 * MIB), K_OK);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 3, &base), K_OK);
    fake_cpu_set_number(3);
    fake_log_reset();
    char expected[160];
    KTEST_STATUS(t, buddy_free(&buddy, phys_add(base, 2 * PAGE_SIZE), 1), K_EINVAL);
    (void)format_text(expected, sizeof(expected),
                      "buddy: bad free of " PRIphys ", 2 frames: inside an allocated block; "
                      "recorded: " PRIphys ", order 3 (cpu 3, caller 0x",
                      base.value + 2 * PAGE_SIZE, base.value);
    KTEST_TRUE(t, fake_log_contains(expected));
    fake_cpu_set_number(0);
}

/* A test of the checker: a flipped bit is seen. */
static void buddy_validate_sees_a_wrong_count(struct ktest *t)
{
    start(1);
    KTEST_STATUS(t, add(16 * MIB, 16 * MIB), K_OK);
    buddy.shards[0].free_frames++;
    KTEST_STATUS(t, buddy_validate(&buddy), K_EIO);
    KTEST_TRUE(t, fake_log_contains("broken invariant: free frames of a shard"));
    buddy.shards[0].free_frames--;
    KTEST_STATUS(t, buddy_validate(&buddy), K_OK);
}

/* ---- two CPUs -------------------------------------------------------------------------------- */

#define THREAD_BLOCKS 400U
#define THREAD_ROUNDS 40U
#define RACED_BLOCKS  10000U
#define SKEWS         64U   /* how much later one thread comes: the signal takes its time too */
#define SPINS_MAX     1000U /* before the other thread gets the CPU */

struct thread_work {
    uint32_t cpu;
    uint64_t mismatches; /* a block was not this thread's alone, or a free was refused */
    uint64_t shortages;
    uint64_t successes;
};

static enum kstatus other_cpu_status;

/* Takes, marks, checks and gives back blocks until nothing is left for the other thread but what it
 * steals. */
static void *run_thread(void *argument)
{
    struct thread_work *const work = argument;
    phys_addr_t bases[THREAD_BLOCKS];
    fake_cpu_set_number(work->cpu);
    for (unsigned round = 0; round < THREAD_ROUNDS; round++) {
        const unsigned order = round % 4U;
        unsigned count = 0;
        while (count < THREAD_BLOCKS && buddy_allocate(&buddy, order, &bases[count]) == K_OK) {
            uint64_t *const mark = physmap_ptr(bases[count], PAGE_SIZE << order);
            *mark = bases[count].value + work->cpu;
            count++;
        }
        work->shortages += count < THREAD_BLOCKS ? 1U : 0U;
        for (unsigned i = 0; i < count; i++) {
            const uint64_t *const mark = physmap_ptr(bases[i], PAGE_SIZE << order);
            work->mismatches += *mark == bases[i].value + work->cpu ? 0U : 1U;
            work->mismatches += buddy_free(&buddy, bases[i], order) == K_OK ? 0U : 1U;
        }
    }
    return NULL;
}

static void buddy_two_cpus_never_share_a_block(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(MIB, 2 * MIB), K_OK);
    KTEST_STATUS(t, add(5 * MIB, 8 * MIB), K_OK); /* too little for both at order 3 */
    const uint64_t before = free_frames();
    struct thread_work works[2] = { { .cpu = 0 }, { .cpu = 1 } };
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        KTEST_EQ(t, pthread_create(&threads[i], NULL, run_thread, &works[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        KTEST_EQ(t, pthread_join(threads[i], NULL), 0);
        KTEST_EQ(t, works[i].mismatches, 0);
    }
    KTEST_TRUE(t, works[0].shortages + works[1].shortages > 0);
    KTEST_EQ(t, free_frames(), before);
    check_books(t);
}

static phys_addr_t raced_blocks[RACED_BLOCKS];
static atomic_uint raced_arrivals;

/* The window is a few nanoseconds: a check that is not atomic is caught in about every second run.
 * Frees every block at the same time as the other thread, and counts those that were taken. */
static void *run_racing_thread(void *argument)
{
    struct thread_work *const work = argument;
    fake_cpu_set_number(work->cpu);
    for (unsigned i = 0; i < RACED_BLOCKS; i++) {
        atomic_fetch_add(&raced_arrivals, 1);
        for (unsigned spins = 1; atomic_load(&raced_arrivals) < 2 * (i + 1); spins++) {
            if (spins % SPINS_MAX == 0) {
                arch_cpu_relax();
            }
        }
        for (volatile unsigned skew = (i * work->cpu) % SKEWS; skew > 0; skew--) {}
        work->successes += buddy_free(&buddy, raced_blocks[i], 0) == K_OK ? 1U : 0U;
    }
    return NULL;
}

static void buddy_block_freed_by_two_cpus_at_once_is_free_once(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(MIB, 64 * MIB), K_OK);
    const uint64_t before = free_frames();
    KTEST_STATUS(t, buddy_allocate_bulk(&buddy, RACED_BLOCKS, raced_blocks), K_OK);
    atomic_store(&raced_arrivals, 0);
    struct thread_work works[2] = { { .cpu = 0 }, { .cpu = 1 } };
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        KTEST_EQ(t, pthread_create(&threads[i], NULL, run_racing_thread, &works[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        KTEST_EQ(t, pthread_join(threads[i], NULL), 0);
    }
    KTEST_EQ(t, works[0].successes + works[1].successes, RACED_BLOCKS);
    KTEST_EQ(t, free_frames(), before);
    check_books(t);
}

/* What CPU 1 does in the next three cases while CPU 0 is in the middle of a call. */
static void add_far_frame_on_cpu_1(void)
{
    fake_cpu_set_number(1);
    other_cpu_status = buddy_add_region(&buddy, phys_addr(5 * TIB), page_frame_count(1));
    fake_cpu_set_number(0);
}

static void leave_regions_on_cpu_1(void)
{
    spinlock_unlock(&buddy.region_lock);
    other_cpu_status = K_OK;
}

static void take_last_untouched_on_cpu_1(void)
{
    spinlock_unlock(&buddy.region_lock);
    fake_cpu_set_number(1);
    phys_addr_t base;
    other_cpu_status = buddy_allocate(&buddy, 0, &base);
    fake_cpu_set_number(0);
}

/* Both need a block for the frame's metadata; the slower one gives its block back. */
static void buddy_region_added_by_two_cpus_at_once_is_there_once(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(64 * MIB, MIB), K_OK);
    declare_ram(5 * TIB, PAGE_SIZE);
    other_cpu_status = K_EIO;
    fake_cpu.on_cpu_number = add_far_frame_on_cpu_1;
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(5 * TIB), page_frame_count(1)), K_EEXIST);
    KTEST_STATUS(t, other_cpu_status, K_OK);
    const struct buddy_statistics s = buddy_statistics(&buddy);
    KTEST_EQ(t, s.total_frames + s.metadata_frames, MIB / PAGE_SIZE + 1);
    KTEST_EQ(t, s.allocated_frames, 0);
    check_books(t);
}

static void buddy_untouched_ram_is_carved_under_the_regions_lock(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(4 * GIB, 3 * GIB), K_OK);
    other_cpu_status = K_EIO;
    fake_cpu.on_relax = leave_regions_on_cpu_1;
    spinlock_lock(&buddy.region_lock);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &base), K_OK);
    KTEST_STATUS(t, other_cpu_status, K_OK); /* the call has waited */
    check_books(t);
}

static void buddy_last_untouched_ram_may_go_to_another_cpu(struct ktest *t)
{
    start(2);
    KTEST_STATUS(t, add(GIB, 64 * MIB), K_OK);
    other_cpu_status = K_EIO;
    fake_cpu.on_relax = take_last_untouched_on_cpu_1;
    spinlock_lock(&buddy.region_lock);
    phys_addr_t base;
    KTEST_STATUS(t, buddy_allocate(&buddy, 0, &base), K_OK);
    KTEST_STATUS(t, other_cpu_status, K_OK);
    const struct buddy_statistics s = buddy_statistics(&buddy);
    KTEST_EQ(t, s.untouched_frames, 0);
    KTEST_EQ(t, s.shard_free_frames[0], 0);
    KTEST_EQ(t, s.allocated_frames, 2);
    check_books(t);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(buddy_without_ram_has_nothing),
    KTEST_CASE(buddy_region_of_16_gib_is_all_there),
    KTEST_CASE(buddy_hole_is_never_handed_out),
    KTEST_CASE(buddy_ragged_region_gives_every_frame_once),
    KTEST_CASE(buddy_adjacent_regions_merge),
    KTEST_CASE(buddy_region_in_known_2_mib_needs_no_metadata),
    KTEST_CASE(buddy_tiny_region_needs_room_elsewhere),
    KTEST_CASE(buddy_smallest_region_that_holds_its_own_metadata_works),
    KTEST_CASE(buddy_metadata_may_come_out_of_a_cpu_cache),
    KTEST_CASE(buddy_region_without_room_for_its_metadata_changes_nothing),
    KTEST_CASE(buddy_bad_region_is_refused),
    KTEST_CASE(buddy_overlapping_region_is_refused),
    KTEST_CASE(buddy_metadata_taken_elsewhere_is_managed),
    KTEST_CASE(buddy_thousand_regions_far_apart_work),
    KTEST_CASE(buddy_untouched_neighbours_merge),
    KTEST_CASE(buddy_neighbours_of_a_used_region_merge),
    KTEST_CASE(buddy_small_blocks_leave_untouched_gib_alone),
    KTEST_CASE(buddy_first_region_touches_no_metadata),
    KTEST_CASE(buddy_bring_up_touches_little),
    KTEST_CASE(buddy_block_is_aligned_to_its_size),
    KTEST_CASE(buddy_allocate_refuses_what_is_no_order),
    KTEST_CASE(buddy_keeps_thousands_of_free_blocks_of_one_order),
    KTEST_CASE(buddy_exhausted_refuses_and_recovers),
    KTEST_CASE(buddy_cached_frames_merge_when_a_large_block_is_asked_for),
    KTEST_CASE(buddy_takes_what_another_cpu_has_cached),
    KTEST_CASE(buddy_caches_shrink_when_memory_is_scarce),
    KTEST_CASE(buddy_cpu_without_a_cache_uses_the_core),
    KTEST_CASE(buddy_allocate_below_stays_below),
    KTEST_CASE(buddy_allocate_below_4_gib_serves_until_that_is_used_up),
    KTEST_CASE(buddy_allocate_below_does_not_cut_into_large_blocks),
    KTEST_CASE(buddy_zeroed_block_is_zero),
    KTEST_CASE(buddy_allocate_below_carves_the_lowest_untouched_gib),
    KTEST_CASE(buddy_allocate_below_finds_the_last_frame),
    KTEST_CASE(buddy_bulk_gives_all_or_none),
    KTEST_CASE(buddy_poisons_when_told),
    KTEST_CASE(buddy_double_free_is_refused),
    KTEST_CASE(buddy_free_of_another_order_is_refused),
    KTEST_CASE(buddy_free_inside_a_block_is_refused),
    KTEST_CASE(buddy_two_frames_freed_as_one_block_are_refused),
    KTEST_CASE(buddy_wild_free_is_refused),
    KTEST_CASE(buddy_free_of_metadata_is_refused),
    KTEST_CASE(buddy_bad_free_report_has_the_facts),
    KTEST_CASE(buddy_validate_sees_a_wrong_count),
    KTEST_CASE(buddy_two_cpus_never_share_a_block),
    KTEST_CASE(buddy_block_freed_by_two_cpus_at_once_is_free_once),
    KTEST_CASE(buddy_region_added_by_two_cpus_at_once_is_there_once),
    KTEST_CASE(buddy_untouched_ram_is_carved_under_the_regions_lock),
    KTEST_CASE(buddy_last_untouched_ram_may_go_to_another_cpu),
};
KTEST_SUITE(mm_buddy, "mm.buddy", cases);
