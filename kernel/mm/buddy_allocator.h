/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page-frame allocator's interface (S60-S65, S72). Orders count log2 frames: 0 = 4 KiB ...
 * 18 = 1 GiB. How it works is told in buddy_core.h. This header is the contract; the members of
 * struct buddy_allocator are private to the buddy_*.c files.
 *
 * Books: every frame ever added is at all times in exactly one class,
 *
 *     metadata    set aside when its region is added, for all that the region can ever need
 *     free        in the core or in a CPU's cache
 *     allocated   handed out
 *
 * and total = free + allocated. So equal allocations and frees give the same free count.
 *
 * Context: every function may be called with interrupts on or off and from any CPU once
 * buddy_init() is done; locks and interrupt masking are inside (S70). None prints with a lock held.
 */
#ifndef MM_BUDDY_ALLOCATOR_H
#define MM_BUDDY_ALLOCATOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "mm/buddy_tile.h"
#include "mm/frame_allocator.h"
#include "spinlock.h"

#define BUDDY_MAX_ORDER   18U
#define BUDDY_ORDER_COUNT (BUDDY_MAX_ORDER + 1U)

/** CPUs that can have a cache; others go to the core. */
#define BUDDY_CPU_LIMIT 8U

/** Frames at and above 2^46 (64 TiB) are refused: the direct map ends at 33 TiB, and metadata that
 *  cannot be reached is of no use. */
#define BUDDY_ADDRESS_BITS 46U
_Static_assert(BIT(BUDDY_ADDRESS_BITS) >= DIRECT_MAP_SIZE, "all of the direct map is manageable");

/** What is wrong with a call of buddy_free(). */
enum buddy_bad_free {
    BUDDY_FREE_IS_GOOD,
    BUDDY_FREE_BAD_COUNT,     /* not a power of two, or above 2^18 frames */
    BUDDY_FREE_MISALIGNED,    /* not at a multiple of the block's size */
    BUDDY_FREE_OUT_OF_RANGE,  /* no such RAM was ever added */
    BUDDY_FREE_HOLE,          /* next to RAM that was added, but itself was not */
    BUDDY_FREE_METADATA,      /* the allocator's own */
    BUDDY_FREE_NOT_ALLOCATED, /* freed already, or never handed out */
    BUDDY_FREE_WRONG_ORDER,   /* a block begins there, of another order */
    BUDDY_FREE_INTERIOR,      /* in the middle of an allocated block */
};

/** buddy_describe_bad_free()'s answer. */
struct buddy_free_report {
    enum buddy_bad_free kind;
    bool has_block;          /* an allocated block contains the address: the next two are valid */
    unsigned recorded_order; /* log2 frames */
    phys_addr_t block;       /* its first frame */
};

/** A snapshot; exact while no other CPU allocates or frees. Counts of frames but for the blocks. */
struct buddy_statistics {
    uint64_t total_frames; /* free + allocated */
    uint64_t free_frames;  /* with those in CPU caches */
    uint64_t allocated_frames;
    uint64_t metadata_frames;
    uint64_t cached_frames;
    /** Maximal free blocks by order, memory that was never touched included; not the cached ones:
     *  sum of free_blocks[k] << k, plus cached_frames, is free_frames. */
    uint64_t free_blocks[BUDDY_ORDER_COUNT];
    bool has_free_block;
    unsigned largest_free_order;             /* valid where has_free_block */
    uint64_t allocations[BUDDY_ORDER_COUNT]; /* since buddy_init() */
    uint64_t frees[BUDDY_ORDER_COUNT];
    /* Where the free frames are: shards, untouched RAM and CPU caches add up to free_frames. */
    uint64_t untouched_frames;
    uint32_t shard_count;
    uint32_t cpu_count; /* CPUs with a cache */
    uint64_t shard_free_frames[BUDDY_CPU_LIMIT];
    uint64_t cpu_cached_frames[BUDDY_CPU_LIMIT];
};

/* ---- private to the buddy_*.c files ---------------------------------------------------------- */

#define BUDDY_CACHED_ORDERS 11U  /* 0..10 */
#define BUDDY_CACHE_BLOCKS  928U /* sum of the caps in buddy_cache.c */
#define BUDDY_INDEX_ENTRIES 256U

/** A list for each largest free order, and one for parked tiles. */
#define BUDDY_LIST_COUNT (BUDDY_ORDER_COUNT + 1U)
_Static_assert(TILE_PARKED == BUDDY_ORDER_COUNT, "the list behind all others");

struct buddy_directory;

/** Slots for the things numbered [first, first + count). The first `low_count` of them may stand
 *  apart from the rest. Addresses are physical. */
struct buddy_slot_run {
    uint64_t first;
    uint64_t count;
    uint64_t low_count;
    uint64_t low;
    uint64_t high;
};

/** Where a region's metadata goes (buddy_index.h). */
struct buddy_slots {
    struct buddy_slot_run directories;
    struct buddy_slot_run zones;
    struct buddy_slot_run leaves;
};

/** A region that brought its own metadata. The first one's record is in the allocator, so that a
 *  machine with one region comes up without a byte of metadata; the others' are at the start of
 *  their metadata. */
struct buddy_area {
    struct buddy_area *next;
    struct buddy_area *next_untouched;
    uint64_t first_frame; /* the metadata's own frames */
    uint64_t frames;
    uint64_t
        untouched_first;    /* frames [untouched_first, untouched_end) are free and no tile knows */
    uint64_t untouched_end; /* them; nobody else has frames in their zones */
    struct buddy_slots slots;
};

/** A free block on its way: its first frame, and where its owner byte is. */
struct buddy_block {
    uint64_t frame;
    _Atomic uint8_t *owner;
};

/** One CPU's free blocks of one order: what a call that ends here needs, in half a cache line. */
struct buddy_stack {
    _Atomic uint16_t count; /* blocks */
    _Atomic uint16_t cap;   /* blocks at most, by what was free at the last refill or overflow */
    struct buddy_block *blocks;
    _Atomic uint64_t allocations; /* successful calls since buddy_init() */
    _Atomic uint64_t frees;
};
_Static_assert(sizeof(struct buddy_stack) == 32, "no stack straddles a cache line");

/** Written by its CPU with interrupts off while `is_busy`, or by the CPU that set `is_claimed` and
 *  then saw it not busy (buddy_cache.h). Orders that are not cached have a cap of 0. */
struct buddy_cpu_cache {
    atomic_bool is_busy;
    atomic_bool is_claimed;
    struct buddy_stack stacks[BUDDY_ORDER_COUNT] ALIGNED(64);
    struct buddy_block blocks[BUDDY_CACHE_BLOCKS];
} ALIGNED(128);

/** A part of the zones (buddy_core.h). */
struct buddy_shard {
    struct spinlock lock; /* guards all below, and the shard's tiles but for owner bytes */
    uint32_t list_mask;   /* bit o: lists[o] is not empty */
    struct tile_link lists[BUDDY_LIST_COUNT];
    _Atomic uint64_t free_frames; /* read without the lock */
} ALIGNED(128);

struct buddy_allocator {
    struct frame_allocator allocator;
    struct buddy_cpu_cache *caches; /* by CPU number */
    uint32_t cpu_count;             /* caches */
    uint32_t shard_count;           /* as many, at least 1 */
    atomic_bool is_poisoning;
    struct spinlock drain_lock; /* one CPU at a time empties caches */

    struct spinlock region_lock;       /* guards what follows, up to `spare_end` */
    _Atomic uint64_t total_frames;     /* free + allocated; read without the lock */
    _Atomic uint64_t metadata_frames;  /* the same */
    _Atomic uint64_t untouched_frames; /* the same; free */
    struct buddy_area *areas;          /* all */
    struct buddy_area *untouched;      /* with all those that have untouched frames */
    struct buddy_area first_area;
    uint64_t spare_base; /* physical: left-over metadata bytes */
    uint64_t spare_end;

    /* Calls that no cache served; atomic additions. */
    _Atomic uint64_t allocations[BUDDY_ORDER_COUNT];
    _Atomic uint64_t frees[BUDDY_ORDER_COUNT];

    /* First stage of the index, by physical address >> 38; read without a lock. */
    _Atomic(struct buddy_directory *) directories[BUDDY_INDEX_ENTRIES];
    struct buddy_shard shards[BUDDY_CPU_LIMIT];
};

/* ---- the contract ---------------------------------------------------------------------------- */

/**
 * Makes @p buddy an allocator without memory.
 * @param caches    for the CPUs numbered below @p cpu_count, their content does not matter
 * @param cpu_count how many, 0 for none; cut to BUDDY_CPU_LIMIT
 * The struct and the caches belong to the caller and stay where they are for good.
 */
void buddy_init(struct buddy_allocator *buddy, struct buddy_cpu_cache *caches, uint32_t cpu_count);

/**
 * Adds RAM. Its content does not matter; it need not be free of holes around, of any alignment or
 * in any order. Costs a constant plus the region's two ragged edges, whatever its size.
 * @param base   page-aligned
 * @param count  frames, at least 1
 * @return K_OK; K_EINVAL (unaligned, empty); K_EOVERFLOW (wraps); K_ERANGE (beyond 64 TiB);
 *         K_EEXIST (a frame of it is managed already); K_ENOMEM (neither the region nor the free
 *         memory holds its metadata). On failure nothing changed.
 * Room for metadata comes out of left-over metadata bytes, else of the region, else of free frames.
 * A region whose 2 MiB neighbourhoods are known already needs none.
 */
MUST_CHECK enum kstatus buddy_add_region(struct buddy_allocator *buddy, phys_addr_t base,
                                         page_frame_count_t count);

/**
 * Takes a block of 2^@p order frames, aligned to its size.
 * @param order 0..BUDDY_MAX_ORDER
 * @return K_OK; K_EINVAL (order); K_ENOMEM
 */
MUST_CHECK enum kstatus buddy_allocate(struct buddy_allocator *buddy, unsigned order,
                                       phys_addr_t *base);

/**
 * Takes a block of 2^@p order frames that ends at or below @p limit. Slow path: searches upwards
 * from address 0.
 * @return as buddy_allocate()
 */
MUST_CHECK enum kstatus buddy_allocate_below(struct buddy_allocator *buddy, unsigned order,
                                             phys_addr_t limit, phys_addr_t *base);

/**
 * Takes @p count single frames, anywhere; all or none.
 * @param frames receives their addresses; room for @p count
 * @return K_OK; K_ENOMEM (frames' content is then undefined)
 */
MUST_CHECK enum kstatus buddy_allocate_bulk(struct buddy_allocator *buddy, uint32_t count,
                                            phys_addr_t *frames);

/**
 * Gives back a block that one of the above returned, with its order (0 for bulk's frames).
 * @return K_OK; else a report went to the log and nothing changed: K_EINVAL (bad order, misaligned,
 *         wrong order, interior, not allocated), K_EFAULT (hole, metadata, no such RAM)
 * Detection is exact: of two CPUs that free one block in the same instant, one is refused.
 */
MUST_CHECK enum kstatus buddy_free(struct buddy_allocator *buddy, phys_addr_t base, unsigned order);

/** buddy_allocate(), and every byte of the block is 0. */
MUST_CHECK enum kstatus buddy_allocate_zeroed(struct buddy_allocator *buddy, unsigned order,
                                              phys_addr_t *base);

/** What buddy_free() would say about the block of @p count frames at @p base. */
void buddy_describe_bad_free(struct buddy_allocator *buddy, phys_addr_t base,
                             page_frame_count_t count, struct buddy_free_report *report);

/** @p kind in words, e.g. "not allocated". */
const char *buddy_bad_free_text(enum buddy_bad_free kind);

/** used = allocated. O(CPUs). */
struct page_frame_usage buddy_usage(struct buddy_allocator *buddy);

/** Everything there is to count; walks the metadata that was touched so far. */
struct buddy_statistics buddy_statistics(struct buddy_allocator *buddy);

/** Bytes of metadata that have been written so far, the struct itself not counted. For tests. */
uint64_t buddy_touched_metadata_bytes(struct buddy_allocator *buddy);

/** Puts every cached block back into the core, so that it can merge. */
void buddy_drain_caches(struct buddy_allocator *buddy);

/** Fills blocks with 0xdf when they are freed and with 0xa7 when they are handed out. Off at first;
 *  every managed frame must then be mapped. */
void buddy_set_poisoning(struct buddy_allocator *buddy, bool on);

/**
 * Checks every invariant that metadata, lists and counts have. Slow; for tests. No other CPU may
 * use @p buddy meanwhile.
 * @return K_OK; K_EIO, with the broken invariant in the log
 */
MUST_CHECK enum kstatus buddy_validate(struct buddy_allocator *buddy);

#endif
