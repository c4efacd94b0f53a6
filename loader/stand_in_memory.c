/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See stand_in_memory.h. A hash table with open addressing; a slot whose piece has no bytes is
 * empty. Nothing is ever taken out of it.
 */
#include "stand_in_memory.h"

#include <arch/physmap.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "panic.h"

#define PIECE_ALIGN 32U /* as the allocator aligns its metadata */

struct stand_in_piece {
    uint64_t start; /* physical address */
    uint64_t size_bytes;
    uint64_t offset; /* in the room */
};

/* In use (state of the loader, which has no other way to tell physmap_ptr() apart from a parameter
 * of every unit in between). */
struct stand_in_memory *physmap_stand_in;

static uint64_t slots_for(uint64_t pieces)
{
    return BIT(bits_log2_ceil(2U * pieces + 1U));
}

uint64_t stand_in_memory_bytes(uint64_t pieces, uint64_t bytes)
{
    return slots_for(pieces) * sizeof(struct stand_in_piece) + bytes + pieces * PIECE_ALIGN;
}

void stand_in_memory_init(struct stand_in_memory *memory, uint64_t pieces, uint64_t bytes,
                          void *room)
{
    const uint64_t slots = slots_for(pieces);
    const uint64_t table_bytes = slots * sizeof(struct stand_in_piece);
    *memory = (struct stand_in_memory){
        .pieces = room,
        .piece_slots = slots,
        .piece_limit = pieces,
        .room = (uint8_t *)room + table_bytes,
        .room_bytes = bytes + pieces * PIECE_ALIGN,
    };
    memset(room, 0, table_bytes);
}

struct stand_in_memory *stand_in_memory_use(struct stand_in_memory *memory)
{
    struct stand_in_memory *const before = physmap_stand_in;
    physmap_stand_in = memory;
    return before;
}

/* The slot of the piece that begins at `start`, or the empty one where it belongs. */
static struct stand_in_piece *find(const struct stand_in_memory *memory, uint64_t start)
{
    const uint64_t mask = memory->piece_slots - 1U;
    /* Fibonacci hashing: 2^64 divided by the golden ratio spreads neighbours. */
    uint64_t slot = (start / PIECE_ALIGN * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    while (memory->pieces[slot & mask].size_bytes != 0 &&
           memory->pieces[slot & mask].start != start) {
        slot++;
    }
    return &memory->pieces[slot & mask];
}

/* The next of the room for the piece at @p start. */
static struct stand_in_piece new_piece(struct stand_in_memory *memory, uint64_t start,
                                       uint64_t size_bytes)
{
    const struct stand_in_piece piece = { start, size_bytes, memory->used_bytes };
    const uint64_t end = memory->used_bytes + bits_align_up(size_bytes, PIECE_ALIGN);
    BUG_ON(memory->piece_count == memory->piece_limit || end > memory->room_bytes);
    memory->piece_count++;
    memory->used_bytes = end;
    return piece;
}

void *stand_in_memory_ptr(struct stand_in_memory *memory, phys_addr_t phys, uint64_t size_bytes)
{
    struct stand_in_piece *const piece = find(memory, phys.value);
    if (piece->size_bytes == 0) {
        *piece = new_piece(memory, phys.value, size_bytes);
    }
    BUG_ON(size_bytes > piece->size_bytes);
    return memory->room + piece->offset;
}
