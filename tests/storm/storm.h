/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The world of the storm: a buddy allocator over ragged regions, and a map that remembers one byte
 * a frame. Private to tests/storm.
 *
 *     regions  |====|  |==|   |===========|  ...     in WORLD_FRAMES frames somewhere below 33 TiB
 *     frames    ....     ..    ...........           FRAME_HOLE, FRAME_RAM, or who holds it
 */
#ifndef TESTS_STORM_STORM_H
#define TESTS_STORM_STORM_H

#include <stdatomic.h>

#include "mm/buddy_allocator.h"

#define WORLD_FRAMES    (UINT64_C(1) << 21) /* 8 GiB */
#define STORM_CPUS      4U
#define HELD_MAX        2048U
#define FRAME_HOLE      0U
#define FRAME_RAM       1U /* free, or metadata */
#define FRAME_HELD      2U /* + number of the thread */
#define INJECTION_KINDS 9U

struct held_block {
    uint64_t frame; /* in the world */
    unsigned order;
};

/** One CPU. */
struct storm_thread {
    uint32_t cpu;
    uint64_t random;
    uint64_t operations; /* to do */
    uint64_t done;
    uint64_t shortages;
    uint64_t errors;
    uint32_t held_count;
    struct held_block held[HELD_MAX];
};

struct storm_world {
    struct buddy_allocator buddy;
    struct buddy_cpu_cache caches[BUDDY_CPU_LIMIT];
    uint64_t base; /* physical */
    uint64_t ram_frames;
    _Atomic uint8_t frames[WORLD_FRAMES];
    struct storm_thread threads[STORM_CPUS];
    uint64_t injected[INJECTION_KINDS];
    uint64_t errors;
};

extern struct storm_world world;

uint64_t storm_random(uint64_t *state);

/** 0 .. limit - 1. */
uint64_t storm_below(uint64_t *state, uint64_t limit);

/** Log2 frames: small ones mostly, all up to 18. */
unsigned storm_order(uint64_t *state);

phys_addr_t storm_address(uint64_t frame);

/** Reports what went wrong and counts it. */
void storm_fault(uint64_t *errors, const char *what, uint64_t frame, unsigned order);

/** An allocator with 1 to 512 ragged regions, out of @p seed. */
void storm_world_open(uint64_t seed, uint32_t cpu_count);

/** Everything is back: the blocks are those of a fresh allocator again. */
void storm_world_close(void);

/** Allocates into @p thread's blocks and marks the frames. */
void storm_allocate(struct storm_thread *thread);

/** Frees one of @p thread's blocks. */
void storm_free(struct storm_thread *thread, uint32_t index);

/** Makes one bad free of each kind (no other thread may run); each must be refused for its reason
 *  and change nothing. */
void storm_inject(struct storm_thread *thread);

/** What kind @p kind (below INJECTION_KINDS) is. */
const char *storm_injection_name(unsigned kind);

#endif
