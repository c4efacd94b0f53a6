/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for the page-frame allocator: the input is a stream of calls, four bytes each,
 * on FRAMES frames around a GiB boundary, two CPUs with a cache and one without. A map of who holds
 * each frame says what every answer must be; at the end everything goes back and must merge.
 *
 *     byte 0      which call
 *     byte 1      order, or CPU
 *     byte 2, 3   frame, or which block
 */
#include <string.h>

#include "mm/buddy_allocator.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_ram.h"
#include "tests/fuzz/fuzz.h"

#define FRAMES     4096U
#define BASE       (SIZE_4G - FRAMES / 2U * PAGE_SIZE)
#define BLOCKS_MAX 1024U
#define CALLS_MAX  4096U

enum holder {
    NO_RAM,
    RAM,
    TAKEN,
};

struct block {
    uint32_t frame;
    unsigned order;
};

struct call {
    uint8_t what;
    uint8_t order;
    uint16_t where;
};
_Static_assert(sizeof(struct call) == 4, "bytes of the input");

struct model {
    uint8_t holder[FRAMES];
    uint32_t block_count;
    struct block blocks[BLOCKS_MAX];
    uint64_t taken;
};

static struct buddy_allocator buddy;
static struct buddy_cpu_cache caches[2];
static struct model model;

static phys_addr_t address(uint32_t frame)
{
    return phys_addr(BASE + frame * PAGE_SIZE);
}

static bool all_are(uint32_t frame, uint64_t count, enum holder holder)
{
    for (uint64_t i = 0; i < count; i++) {
        if (frame + i >= FRAMES || model.holder[frame + i] != holder) {
            return false;
        }
    }
    return true;
}

static void add_region(const struct call *call)
{
    const uint32_t frame = call->where % FRAMES;
    const uint64_t count = bits_min(1U + (uint64_t)call->order * call->order / 8U, FRAMES - frame);
    const bool is_new = all_are(frame, count, NO_RAM);
    if (is_new) {
        fake_ram_add(address(frame).value, count * PAGE_SIZE);
    }
    const enum kstatus status = buddy_add_region(&buddy, address(frame), page_frame_count(count));
    FUZZ_REQUIRE(is_new ? status == K_OK || status == K_ENOMEM : status == K_EEXIST);
    if (status == K_OK) {
        memset(&model.holder[frame], RAM, count);
    }
}

static void note_block(phys_addr_t base, unsigned order)
{
    const uint32_t frame = (uint32_t)((base.value - BASE) >> PAGE_SHIFT);
    FUZZ_REQUIRE(base.value >= BASE && bits_is_aligned(base.value, PAGE_SIZE << order));
    FUZZ_REQUIRE(all_are(frame, BIT(order), RAM));
    memset(&model.holder[frame], TAKEN, BIT(order));
    model.blocks[model.block_count++] = (struct block){ frame, order };
    model.taken += BIT(order);
}

static void allocate(const struct call *call, bool is_below)
{
    const unsigned order = call->order % 20U;
    const phys_addr_t limit = address(call->where);
    phys_addr_t base;
    if (model.block_count == BLOCKS_MAX) {
        return;
    }
    const enum kstatus status = is_below ? buddy_allocate_below(&buddy, order, limit, &base)
                                         : buddy_allocate(&buddy, order, &base);
    FUZZ_REQUIRE(status == (order > BUDDY_MAX_ORDER ? K_EINVAL : status));
    if (status == K_OK) {
        note_block(base, order);
        FUZZ_REQUIRE(!is_below || base.value + (PAGE_SIZE << order) <= limit.value);
    }
}

static void free_block(uint32_t index)
{
    const struct block block = model.blocks[index];
    model.blocks[index] = model.blocks[--model.block_count];
    FUZZ_REQUIRE(buddy_free(&buddy, address(block.frame), block.order) == K_OK);
    memset(&model.holder[block.frame], RAM, BIT(block.order));
    model.taken -= BIT(block.order);
}

/* Any address and order: good only where that very block is out. */
static void free_anything(const struct call *call)
{
    const unsigned order = call->order % 24U;
    const uint32_t frame = call->where % FRAMES;
    for (uint32_t i = 0; i < model.block_count; i++) {
        if (model.blocks[i].frame == frame && model.blocks[i].order == order) {
            free_block(i);
            return;
        }
    }
    FUZZ_REQUIRE(buddy_free(&buddy, phys_add(address(frame), call->order / 24U), order) != K_OK);
}

static void run_call(const struct call *call)
{
    switch (call->what % 8U) {
    case 0:
        add_region(call);
        break;
    case 1:
        fake_cpu_set_number(call->order % 3U);
        break;
    case 2:
        buddy_drain_caches(&buddy);
        break;
    case 3:
        free_anything(call);
        break;
    case 4:
        allocate(call, true);
        break;
    case 5:
        if (model.block_count > 0) {
            free_block(call->where % model.block_count);
        }
        break;
    default:
        allocate(call, false);
        break;
    }
    FUZZ_REQUIRE(buddy_usage(&buddy).used.value == model.taken);
}

/* Nothing is lost, and what is free is free in the largest blocks there can be. */
static void give_all_back(void)
{
    while (model.block_count > 0) {
        free_block(model.block_count - 1U);
    }
    buddy_drain_caches(&buddy);
    const struct buddy_statistics s = buddy_statistics(&buddy);
    FUZZ_REQUIRE(s.free_frames == s.total_frames && s.cached_frames == 0);
    phys_addr_t base;
    if (s.has_free_block) {
        FUZZ_REQUIRE(buddy_allocate(&buddy, s.largest_free_order, &base) == K_OK);
        FUZZ_REQUIRE(buddy_free(&buddy, base, s.largest_free_order) == K_OK);
    }
    FUZZ_REQUIRE(buddy_validate(&buddy) == K_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    const size_t calls = bits_min(size_bytes / sizeof(struct call), CALLS_MAX);
    fake_cpu_reset();
    fake_ram_reset();
    buddy_init(&buddy, caches, 2);
    memset(&model, 0, sizeof(model));
    for (size_t i = 0; i < calls; i++) {
        struct call call;
        memcpy(&call, data + i * sizeof(call), sizeof(call));
        run_call(&call);
    }
    FUZZ_REQUIRE(buddy_validate(&buddy) == K_OK);
    give_all_back();
    return 0;
}
