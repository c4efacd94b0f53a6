/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See storm.h: regions, the ownership map, and the two calls that the storm is made of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>
#include <sys/mman.h>

#include "tests/storm/storm.h"

#define REGIONS_MAX  512U
#define LARGEST      UINT64_C(786432) /* frames: 3 GiB */
#define BIG_REGIONS  8U               /* or fewer may be that large */
#define FAULTS_SHOWN 20U

__thread int my_cpu;
struct storm_world world;
static struct buddy_statistics fresh;

uint64_t storm_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t storm_below(uint64_t *state, uint64_t limit)
{
    return (storm_random(state) >> 11) % limit;
}

unsigned storm_order(uint64_t *state)
{
    const uint64_t kind = storm_below(state, 64);
    return (unsigned)storm_below(state, kind == 0 ? 19 : kind < 8 ? 11 : 4);
}

phys_addr_t storm_address(uint64_t frame)
{
    return phys_addr(world.base + (frame << PAGE_SHIFT));
}

void storm_fault(uint64_t *errors, const char *what, uint64_t frame, unsigned order)
{
    if (++*errors <= FAULTS_SHOWN) {
        fprintf(stderr, "storm: %s: frame %#llx, order %u\n", what, (unsigned long long)frame,
                order);
    }
}

/* ---- regions --------------------------------------------------------------------------------- */

/* Only the world is mapped: what "physical address 0" is then follows from where it stands. */
static void open_memory(void)
{
    static char *memory;
    const size_t size_bytes = WORLD_FRAMES << PAGE_SHIFT;
    if (memory == NULL) {
        memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            perror("storm: mmap");
            exit(1);
        }
    }
    /* What an earlier world wrote stays where it is: memory is not zero at boot. */
    pa_memory = (char *)((uintptr_t)memory - world.base);
}

static void add_region(uint64_t frame, uint64_t count)
{
    if (buddy_add_region(&world.buddy, storm_address(frame), page_frame_count(count)) != K_OK) {
        return; /* too small for its metadata, and nothing else there yet */
    }
    for (uint64_t i = frame; i < frame + count; i++) {
        atomic_store_explicit(&world.frames[i], FRAME_RAM, memory_order_relaxed);
    }
    world.ram_frames += count;
}

static void add_regions(uint64_t *random)
{
    const uint64_t regions = 1 + storm_below(random, REGIONS_MAX);
    const uint64_t share = WORLD_FRAMES / regions;
    const uint64_t largest = regions <= BIG_REGIONS ? bits_min(share, LARGEST) : share;
    uint64_t frame = 0;
    for (uint64_t i = 0; i < regions; i++) {
        const uint64_t gap = storm_below(random, 4) == 0 ? 0 : storm_below(random, share / 4 + 1);
        const uint64_t count = 1 + storm_below(random, largest);
        if (frame + gap + count > WORLD_FRAMES) {
            break;
        }
        add_region(frame + gap, count);
        frame += gap + count;
    }
}

void storm_world_open(uint64_t seed, uint32_t cpu_count)
{
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    world.base = storm_below(&random, (DIRECT_MAP_SIZE >> PAGE_SHIFT) - WORLD_FRAMES) << PAGE_SHIFT;
    open_memory();
    world.ram_frames = 0;
    memset(world.frames, FRAME_HOLE, sizeof(world.frames));
    buddy_init(&world.buddy, world.caches, cpu_count);
    add_regions(&random);
    fresh = buddy_statistics(&world.buddy);
    for (uint32_t cpu = 0; cpu < STORM_CPUS; cpu++) {
        world.threads[cpu].cpu = cpu;
        world.threads[cpu].random = storm_random(&random);
        world.threads[cpu].held_count = 0;
    }
}

void storm_world_close(void)
{
    struct buddy_allocator *const buddy = &world.buddy;
    buddy_drain_caches(buddy);
    const struct buddy_statistics now = buddy_statistics(buddy);
    if (now.free_frames != now.total_frames ||
        now.total_frames + now.metadata_frames != world.ram_frames ||
        memcmp(now.free_blocks, fresh.free_blocks, sizeof(fresh.free_blocks)) != 0) {
        storm_fault(&world.errors, "not all merged again", now.free_frames, 0);
    }
    if (buddy_validate(buddy) != K_OK) {
        storm_fault(&world.errors, "an invariant is broken", 0, 0);
    }
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Moves every frame of a block from one holder to another. */
static bool move_frames(uint64_t frame, unsigned order, uint8_t from, uint8_t to)
{
    bool is_right = true;
    for (uint64_t i = frame; i < frame + BIT(order); i++) {
        is_right &= atomic_exchange_explicit(&world.frames[i], to, memory_order_relaxed) == from;
    }
    return is_right;
}

static bool is_in_world(phys_addr_t base, unsigned order)
{
    const uint64_t frame = (base.value - world.base) >> PAGE_SHIFT;
    return base.value >= world.base && frame < WORLD_FRAMES && BIT(order) <= WORLD_FRAMES - frame &&
           bits_is_aligned(base.value, PAGE_SIZE << order);
}

void storm_allocate(struct storm_thread *thread)
{
    const unsigned order = storm_order(&thread->random);
    phys_addr_t base;
    if (thread->held_count == HELD_MAX) {
        return;
    }
    if (buddy_allocate(&world.buddy, order, &base) != K_OK) {
        thread->shortages++;
        return;
    }
    const uint64_t frame = (base.value - world.base) >> PAGE_SHIFT;
    const uint8_t holder = (uint8_t)(FRAME_HELD + thread->cpu); /* few CPUs */
    if (!is_in_world(base, order) || !move_frames(frame, order, FRAME_RAM, holder)) {
        storm_fault(&thread->errors, "allocated what was not free", frame, order);
        return;
    }
    thread->held[thread->held_count++] = (struct held_block){ frame, order };
}

void storm_free(struct storm_thread *thread, uint32_t index)
{
    const struct held_block block = thread->held[index];
    const uint8_t holder = (uint8_t)(FRAME_HELD + thread->cpu);
    thread->held[index] = thread->held[--thread->held_count];
    if (!move_frames(block.frame, block.order, holder, FRAME_RAM)) {
        storm_fault(&thread->errors, "somebody else holds a frame", block.frame, block.order);
    }
    if (buddy_free(&world.buddy, storm_address(block.frame), block.order) != K_OK) {
        storm_fault(&thread->errors, "a good free was refused", block.frame, block.order);
    }
}
