/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/stand_in_memory: a piece is found again, no two share a byte, and more than was announced
 * stops.
 */
#include "stand_in_memory.h"

#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>

#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define PIECES      2000U
#define PIECE_BYTES 608U

static struct stand_in_memory memory;
static void *room;

static void start(uint64_t pieces, uint64_t bytes)
{
    const uint64_t size = stand_in_memory_bytes(pieces, bytes);
    room = aligned_alloc(64, (size + 63) / 64 * 64);
    memset(room, 0xa5, size);
    stand_in_memory_init(&memory, pieces, bytes, room);
    fake_ram_reset();
    stand_in_memory_use(&memory);
}

static void finish(void)
{
    stand_in_memory_use(NULL);
    free(room);
}

/* Pieces of a dense array, as the allocator lays them out, somewhere far above what is RAM. */
static phys_addr_t piece_at(uint32_t number)
{
    return phys_addr((UINT64_C(1) << 45) + (uint64_t)number * PIECE_BYTES);
}

static void stand_in_keeps_every_piece_apart(struct ktest *t)
{
    start(PIECES, (uint64_t)PIECES * PIECE_BYTES);
    for (uint32_t i = 0; i < PIECES; i++) {
        memset(physmap_ptr(piece_at(i), PIECE_BYTES), (int)(i % 251), PIECE_BYTES);
    }
    uint32_t damaged = 0;
    for (uint32_t i = 0; i < PIECES; i++) {
        const uint8_t *const piece = physmap_ptr(piece_at(i), PIECE_BYTES);
        damaged += (uintptr_t)piece % 32 != 0 || piece[0] != i % 251 ||
                   memcmp(piece, piece + 1, PIECE_BYTES - 1) != 0;
    }
    KTEST_EQ(t, damaged, 0);
    KTEST_EQ(t, memory.piece_count, PIECES);
    finish();
}

static void stand_in_may_be_asked_for_a_part_of_a_piece(struct ktest *t)
{
    start(2, 128);
    void *const whole = physmap_ptr(phys_addr(0), 100); /* frame 0 is an address like any other */
    KTEST_TRUE(t, physmap_ptr(phys_addr(0), 8) == whole);
    KTEST_TRUE(t, physmap_ptr(phys_addr(64), 8) != whole);
    KTEST_TRUE(t, physmap_ptr(phys_addr(0), 100) == whole);
    finish();
}

static void ask(void *context)
{
    const uint64_t *const piece = context;
    (void)physmap_ptr(phys_addr(piece[0]), piece[1]);
}

static void stand_in_more_than_was_announced_stops(struct ktest *t)
{
    uint64_t pieces[][2] = { { 0x1000, 64 }, { 0x2000, 64 }, { 0x3000, 1 }, { 0x1000, 65 } };
    start(2, 128);
    KTEST_TRUE(t, fake_panic_catch(ask, pieces[0]) == NULL);
    KTEST_TRUE(t, fake_panic_catch(ask, pieces[1]) == NULL);
    KTEST_TRUE(t, fake_panic_catch(ask, pieces[2]) != NULL); /* too many */
    KTEST_TRUE(t, fake_panic_catch(ask, pieces[3]) != NULL); /* it grows */
    finish();
    uint64_t large[2] = { 0x1000, 128 + 2 * 32 + 1 };
    start(2, 128);
    KTEST_TRUE(t, fake_panic_catch(ask, large) != NULL);
    finish();
}

static void stand_in_ends_with_its_use(struct ktest *t)
{
    start(1, 64);
    uint8_t *const piece = physmap_ptr(phys_addr(0x1000), 1);
    *piece = 1;
    stand_in_memory_use(NULL);
    fake_ram_add(0x1000, PAGE_SIZE);
    KTEST_TRUE(t, physmap_ptr(phys_addr(0x1000), 1) != piece);
    KTEST_EQ(t, *(uint8_t *)physmap_ptr(phys_addr(0x1000), 1), 0);
    finish();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(stand_in_keeps_every_piece_apart),
    KTEST_CASE(stand_in_may_be_asked_for_a_part_of_a_piece),
    KTEST_CASE(stand_in_more_than_was_announced_stops),
    KTEST_CASE(stand_in_ends_with_its_use),
};

KTEST_SUITE(stand_in_memory, "loader.stand_in_memory", cases);
