/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Memory that stands in for other memory: code that reaches physical memory by physmap_ptr() can
 * run over addresses that still belong to the firmware, without a byte written there. Made for page
 * tables and for the page-frame allocator, which ask for each table, and each piece of metadata, by
 * the address where it begins: such a piece is known by that address and lies wherever there is
 * room.
 *
 *     physical    ...[zone 3 ]......[leaf 96][leaf 97]......
 *                        \              |        |
 *     stand-in   [leaf 96][leaf 97][zone 3][ room ...      ]
 *
 * So two pieces that are neighbours are none here, and a pointer must not be moved from one to the
 * next. The caller owns the struct and its room. Loader and host; one CPU.
 */
#ifndef LOADER_STAND_IN_MEMORY_H
#define LOADER_STAND_IN_MEMORY_H

#include <stdint.h>

#include "mm/addr.h"

struct stand_in_piece;

struct stand_in_memory {
    struct stand_in_piece *pieces; /* a hash table by address */
    uint64_t piece_slots;          /* a power of two, over twice as many as there can be pieces */
    uint64_t piece_limit;
    uint64_t piece_count;
    uint8_t *room;
    uint64_t room_bytes;
    uint64_t used_bytes;
};

/** Bytes of room for @p pieces pieces (below 2^32) of @p bytes bytes (below 2^48) in all. */
uint64_t stand_in_memory_bytes(uint64_t pieces, uint64_t bytes);

/** @param room  stand_in_memory_bytes(), at a multiple of 64; its content does not matter */
void stand_in_memory_init(struct stand_in_memory *memory, uint64_t pieces, uint64_t bytes,
                          void *room);

/** From here on physmap_ptr() leads into @p memory; NULL: to physical memory again.
 *  @return what was in use before, or NULL */
struct stand_in_memory *stand_in_memory_use(struct stand_in_memory *memory);

/**
 * Where the piece [@p phys, @p phys + @p size_bytes) stands: always the same place.
 * More or larger pieces than were announced are a broken invariant, and so is one that grows.
 */
void *stand_in_memory_ptr(struct stand_in_memory *memory, phys_addr_t phys, uint64_t size_bytes);

#endif
