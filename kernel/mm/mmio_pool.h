/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Virtual address space for device memory (S90, S91): 1 TiB from MMIO_POOL_START, handed out as
 * blocks of 4 KiB to 1 GiB, each aligned to its size, and mapped uncached (or as the caller says),
 * read-write, never executable.
 *
 *     struct mmio_guard guard;
 *     create_mmio(size_bytes, &guard)                 a block, nothing mapped
 *     mmio_guard_map_phys(&guard, phys, ...)          once
 *     ... guard.virt ...
 *     mmio_guard_release(&guard)
 *
 * How the space is kept, without a heap: three levels of binary trees of bytes. A byte says how
 * large the largest free block under it is. Taking and giving back walk one path, at most 10 + 7 +
 * 11 steps, whatever the pool holds; two free halves become one block on the way up.
 *
 *     pool    1 tree    1024 leaves of 1 GiB    in struct mmio_pool
 *     zone    1 GiB      128 leaves of 8 MiB    one frame, made when the zone is first cut
 *     chunk   8 MiB     2048 leaves of 4 KiB    one frame, made when the chunk is first cut
 *
 * Frames for zones and chunks come from a frame allocator and are kept: at most one per 8 MiB and
 * one per GiB of the space that was ever in use at once, as the lowest free block is taken first.
 *
 * Two files: mmio_pool.c keeps the space, mmio_guard.c maps devices into it. State (mmio_guard.c):
 * the kernel's one pool. Any other one is its owner's. Kernel and host.
 */
#ifndef MM_MMIO_POOL_H
#define MM_MMIO_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "lib/bits.h"
#include "mm/addr.h"
#include "mm/frame_allocator.h"
#include "mm/page_flags.h"
#include "spinlock.h"

#define MMIO_BLOCK_MIN  SIZE_4K
#define MMIO_BLOCK_MAX  SIZE_1G
#define MMIO_ZONE_COUNT ((MMIO_POOL_END - MMIO_POOL_START) / MMIO_BLOCK_MAX)

/** Members are private to mmio_pool.c; all but `frames` are under `lock`. */
struct mmio_pool {
    struct spinlock lock;
    struct frame_allocator *frames;
    uint64_t free_bytes;
    uint64_t metadata_frames;
    uint8_t tree[2 * MMIO_ZONE_COUNT];
    phys_addr_t zone[MMIO_ZONE_COUNT]; /* frame with its tree; 0: none yet */
};

/** A block of the pool and what is mapped in it. Owned by whoever created it; not thread-safe. */
struct mmio_guard {
    struct mmio_pool *pool; /* NULL: released, or never created */
    virt_addr_t virt;
    uint64_t size_bytes;   /* of the block: what was asked for, rounded up to a power of two */
    uint64_t mapped_bytes; /* from `virt` on; 0: nothing */
};

/** Bytes of the block that holds @p size_bytes (1 byte to 1 GiB). */
static inline uint64_t mmio_block_bytes(uint64_t size_bytes)
{
    return bits_max(BIT(bits_log2_ceil(size_bytes)), MMIO_BLOCK_MIN);
}

/** An empty pool; @p frames gives its metadata. Takes nothing yet. */
void mmio_pool_init(struct mmio_pool *pool, struct frame_allocator *frames);

/**
 * Takes the lowest block that fits.
 * @param size_bytes  1 byte to 1 GiB; rounded up to a power of two of at least 4 KiB
 * @return K_OK; K_EINVAL for any other size; K_ENOMEM no such block, or no frame for metadata
 *         (nothing changed)
 */
MUST_CHECK enum kstatus mmio_pool_take(struct mmio_pool *pool, uint64_t size_bytes,
                                       virt_addr_t *virt);

/**
 * Gives a block back.
 * @param size_bytes  of the block, a power of two
 * @return K_OK; K_EFAULT outside of the pool; K_EINVAL no block can have that size or address;
 *         K_ENOENT no such block is out: never taken, given back already, or of another size
 */
MUST_CHECK enum kstatus mmio_pool_give_back(struct mmio_pool *pool, virt_addr_t virt,
                                            uint64_t size_bytes);

/** Bytes that no block holds. */
uint64_t mmio_pool_free_bytes(struct mmio_pool *pool);

/** Sets up the kernel's pool. @return K_OK. A second call panics. */
MUST_CHECK enum kstatus mmio_init(struct frame_allocator *frames);

/** The kernel's pool; panics before mmio_init(). */
struct mmio_pool *mmio_pool(void);

/** Forgets the kernel's pool, so that the next test can set it up again. Host tests only. */
void mmio_reset(void);

/** mmio_pool_take() as a guard, from @p pool. */
MUST_CHECK enum kstatus mmio_pool_create(struct mmio_pool *pool, uint64_t size_bytes,
                                         struct mmio_guard *guard);

/** mmio_pool_create() from the kernel's pool. */
MUST_CHECK enum kstatus create_mmio(uint64_t size_bytes, struct mmio_guard *guard);

/**
 * Maps device memory at the start of the guard's block, in the kernel's tables.
 * @param phys          page-aligned
 * @param length_bytes  up to the block's size; rounded up to whole pages
 * @param cache         PAGE_CACHE_UNCACHED for registers, PAGE_CACHE_WRITE_COMBINING for a
 *                      framebuffer
 * @return K_OK; K_EBUSY something is mapped already; K_EINVAL length 0, over the block's size, or
 *         @p phys unaligned; K_ENOENT a released guard; K_EAGAIN this CPU holds the kernel mapper;
 *         K_ERANGE, K_ENOMEM as the mapper
 */
MUST_CHECK enum kstatus mmio_guard_map_phys(struct mmio_guard *guard, phys_addr_t phys,
                                            uint64_t length_bytes, enum page_cache cache);

/** Unmaps what is mapped, everywhere, and gives the block back. @return K_OK; K_ENOENT released
 *  already; K_EAGAIN this CPU holds the kernel mapper (nothing changed) */
MUST_CHECK enum kstatus mmio_guard_release(struct mmio_guard *guard);

#endif
