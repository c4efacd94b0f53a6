/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Addresses, page-frame numbers and counts as types, and the constants of the address space (rows
 * S01, S03, S04, S06, S72). Pure arithmetic: an address is not access. Only physmap_ptr() of
 * <arch/physmap.h> turns a physical address into a pointer. Every world includes this.
 *
 *   ffff_a200_0000_0000  end of the MMIO pool
 *   ffff_a100_0000_0000  MMIO pool, 1 TiB
 *   ffff_8000_0000_0000  PHYS_OFFSET = PML4[256]: direct map, 33 TiB
 *        (canonical hole)
 *   0000_7eff_ffff_ffff  USER_END_VADDR
 *   0000_0000_0200_0000  end of the low remap (32 MiB), gone after bring-up
 */
#ifndef MM_ADDR_H
#define MM_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define PAGE_SHIFT          12U
#define PAGE_SIZE           (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_OFFSET_MASK    (PAGE_SIZE - 1)
#define PAGE_MASK           (~PAGE_OFFSET_MASK)
#define PAGE_ENTRY_SHIFT    9U
#define PAGE_ENTRY_COUNT    (1U << PAGE_ENTRY_SHIFT)
#define PAGE_ENTRY_MASK     (PAGE_ENTRY_COUNT - 1)
#define PAGE_LEVELS         4U
#define ENTRY_ADDRESS_SHIFT 52U
#define PAGE_ADDRESS_SHIFT  (PAGE_LEVELS * PAGE_ENTRY_SHIFT + PAGE_SHIFT) /* 48 */
#define PAGE_ADDRESS_SIZE   (UINT64_C(1) << PAGE_ADDRESS_SHIFT)
#define PAGE_ADDRESS_MASK   (PAGE_ADDRESS_SIZE - PAGE_SIZE)
#define PAGE_NEGATIVE_MASK  (~(PAGE_ADDRESS_SIZE - 1))
/* The frame address inside an entry: bits 12..51 (the seed cut it at 48 bits, S01). */
#define ENTRY_ADDRESS_MASK ((UINT64_C(1) << ENTRY_ADDRESS_SHIFT) - PAGE_SIZE)
#define ENTRY_FLAGS_MASK   (~ENTRY_ADDRESS_MASK)

#define SIZE_4K UINT64_C(0x1000)
#define SIZE_1M UINT64_C(0x100000)
#define SIZE_2M UINT64_C(0x200000)
#define SIZE_1G UINT64_C(0x40000000)
#define SIZE_4G UINT64_C(0x100000000)
#define SIZE_1T UINT64_C(0x10000000000)

#define PHYS_OFFSET      UINT64_C(0xffff800000000000)
#define MMIO_POOL_START  UINT64_C(0xffffa10000000000)
#define MMIO_POOL_END    UINT64_C(0xffffa20000000000)
#define DIRECT_MAP_SIZE  (MMIO_POOL_START - PHYS_OFFSET) /* 33 TiB */
#define USER_END_VADDR   UINT64_C(0x00007effffffffff)
#define USER_BRK_START   UINT64_C(0x0000700000000000)
#define USER_STACK_START UINT64_C(0x00006ffff0a00000)
#define LOW_REMAP_END    UINT64_C(0x02000000) /* 32 MiB, S36 */
#define LOW_MEMORY_END   SIZE_1M              /* below: never type 1 */

/** First PML4 entry of the kernel half: entries 256..511 (S86). */
#define KERNEL_PML4_FIRST 256U

typedef struct {
    uint64_t value;
} phys_addr_t;

typedef struct {
    uint64_t value;
} virt_addr_t;

/** A number of 4 KiB page frames. */
typedef struct {
    uint64_t value;
} page_frame_count_t;

/** Physical page-frame number: physical address >> 12. */
typedef struct {
    uint64_t value;
} phys_frame_t;

/** Virtual page number: virtual address >> 12. */
typedef struct {
    uint64_t value;
} virt_page_t;

/** Half-open range of physical page frames [first, first + count). */
struct phys_frame_range {
    phys_frame_t first;
    page_frame_count_t count;
};

enum addr_kind {
    ADDR_KIND_USER,
    ADDR_KIND_KERNEL,
};

static inline phys_addr_t phys_addr(uint64_t value)
{
    return (phys_addr_t){ value };
}

static inline virt_addr_t virt_addr(uint64_t value)
{
    return (virt_addr_t){ value };
}

static inline page_frame_count_t page_frame_count(uint64_t count_frames)
{
    return (page_frame_count_t){ count_frames };
}

static inline phys_addr_t phys_add(phys_addr_t base, uint64_t size_bytes)
{
    return (phys_addr_t){ base.value + size_bytes };
}

static inline virt_addr_t virt_add(virt_addr_t base, uint64_t size_bytes)
{
    return (virt_addr_t){ base.value + size_bytes };
}

/** Direct-map address of @p phys (S03). @return false (@p virt untouched) where the sum passes the
 *  end of the address space. */
static inline bool phys_to_virt(phys_addr_t phys, virt_addr_t *virt)
{
    uint64_t sum;
    if (__builtin_add_overflow(phys.value, PHYS_OFFSET, &sum)) {
        return false;
    }
    virt->value = sum;
    return true;
}

/** Physical address behind the direct-map address @p virt (S03). @return false (@p phys untouched)
 *  for an address below PHYS_OFFSET. */
static inline bool virt_to_phys(virt_addr_t virt, phys_addr_t *phys)
{
    uint64_t difference;
    if (__builtin_sub_overflow(virt.value, PHYS_OFFSET, &difference)) {
        return false;
    }
    phys->value = difference;
    return true;
}

/** Whether bits 47..63 of @p virt are all equal (S06). SDM vol 1, "Canonical Addressing". */
static inline bool virt_is_canonical(virt_addr_t virt)
{
    const uint64_t high = virt.value & PHYS_OFFSET;
    return high == 0 || high == PHYS_OFFSET;
}

/** User below and at USER_END_VADDR, else Kernel (S04). */
static inline enum addr_kind virt_kind(virt_addr_t virt)
{
    return virt.value <= USER_END_VADDR ? ADDR_KIND_USER : ADDR_KIND_KERNEL;
}

static inline phys_frame_t phys_frame_of(phys_addr_t phys)
{
    return (phys_frame_t){ phys.value >> PAGE_SHIFT };
}

static inline phys_addr_t phys_frame_address(phys_frame_t frame)
{
    return (phys_addr_t){ frame.value << PAGE_SHIFT };
}

static inline virt_page_t virt_page_of(virt_addr_t virt)
{
    return (virt_page_t){ virt.value >> PAGE_SHIFT };
}

static inline virt_addr_t virt_page_address(virt_page_t page)
{
    return (virt_addr_t){ page.value << PAGE_SHIFT };
}

/** Bytes in @p count frames; the caller knows that it fits (a count of real frames is < 2^40). */
static inline uint64_t page_frame_count_bytes(page_frame_count_t count)
{
    return count.value << PAGE_SHIFT;
}

/** Frames in @p size_bytes (S72). @return false (@p count untouched) for a non-multiple of 4 KiB.
 */
static inline bool page_frame_count_from_bytes(uint64_t size_bytes, page_frame_count_t *count)
{
    if (!bits_is_aligned(size_bytes, PAGE_SIZE)) {
        return false;
    }
    count->value = size_bytes >> PAGE_SHIFT;
    return true;
}

/** Frame number @p index of @p range; @p index < range.count. (The seed's iterator skips the first
 *  frame, S72: index 0 is the first one here.) */
static inline phys_frame_t phys_frame_range_at(struct phys_frame_range range, uint64_t index)
{
    return (phys_frame_t){ range.first.value + index };
}

#endif
