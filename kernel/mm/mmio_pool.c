/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The space of the MMIO pool: which addresses are out. See mmio_pool.h; what is mapped there is
 * mmio_guard.c's. No state of its own. Kernel and host.
 *
 * A tree is an array of bytes, node 1 its root, nodes 2n and 2n+1 the halves of node n:
 *
 *     order of the largest free block under the node, plus 1; 0: no free block
 *
 *              [3]                 [2]                  [2]
 *           [2]   [2]   take 1  [0]   [2]   take 1   [1]   [2]   (after a block was given back)
 *          1  1  1  1          1  1  1  1           0  1  1  1
 *
 * Invariants: a node with two wholly free halves is wholly free itself; any other inner node has
 * the larger value of its halves, unless it is 0 and its halves are not: then it is a block that
 * was handed out as a whole. This is how giving back knows exactly what is out: below and above a
 * block nothing else looks like one. The same holds across levels: a leaf of a zone's tree that is
 * 0 is a block of 8 MiB exactly where the chunk behind it has nothing out.
 *
 * A leaf's value in one level is the root's value of the level below, once that exists.
 */
#include "mm/mmio_pool.h"

#include <stddef.h>

#include <arch/physmap.h>

/* Orders are log2 of 4 KiB pages; depths are levels of a tree below its root. */
#define CHUNK_DEPTH 11U
#define ZONE_DEPTH  7U
#define POOL_DEPTH  10U
#define CHUNK_ORDER CHUNK_DEPTH                /* 8 MiB */
#define ZONE_ORDER  (CHUNK_ORDER + ZONE_DEPTH) /* 1 GiB */
#define CHUNK_COUNT (1U << ZONE_DEPTH)         /* in a zone */

_Static_assert((PAGE_SIZE << ZONE_ORDER) == MMIO_BLOCK_MAX, "a zone is the largest block");
_Static_assert((1U << POOL_DEPTH) == MMIO_ZONE_COUNT, "one leaf a zone");
_Static_assert((2U << CHUNK_DEPTH) == PAGE_SIZE, "a chunk's tree is one frame");

/* The content of a zone's frame. */
struct zone {
    uint8_t tree[2 * CHUNK_COUNT];
    phys_addr_t chunk[CHUNK_COUNT]; /* frame with the chunk's tree; 0: none yet */
};
_Static_assert(sizeof(struct zone) <= PAGE_SIZE, "a zone is one frame");

struct tree {
    uint8_t *node;
    unsigned depth;
    unsigned leaf_order;
    bool merges; /* whether two free halves are one block; not so above 1 GiB */
};

/* Where a block lies: the same page number, cut into the three levels. */
struct place {
    uint32_t zone;
    uint32_t chunk; /* in the zone */
    uint32_t page;  /* in the chunk */
};

/* ---- one tree ----------------------------------------------------------------------------------
 */

static struct tree pool_tree(struct mmio_pool *pool)
{
    return (struct tree){ .node = pool->tree, .depth = POOL_DEPTH, .leaf_order = ZONE_ORDER };
}

static struct tree zone_tree(struct zone *zone)
{
    return (struct tree){
        .node = zone->tree, .depth = ZONE_DEPTH, .leaf_order = CHUNK_ORDER, .merges = true
    };
}

static struct tree chunk_tree(phys_addr_t frame)
{
    return (
        struct tree){ .node = physmap_ptr(frame, PAGE_SIZE), .depth = CHUNK_DEPTH, .merges = true };
}

static struct zone *zone_at(const struct mmio_pool *pool, uint32_t index)
{
    return physmap_ptr(pool->zone[index], sizeof(struct zone));
}

/* Value of a wholly free node `height` levels above the leaves. */
static uint8_t free_value(const struct tree *tree, unsigned height)
{
    const unsigned order = tree->leaf_order + (tree->merges ? height : 0);
    return (uint8_t)(order + 1); /* at most 19 */
}

static void tree_reset(const struct tree *tree)
{
    for (unsigned height = 0; height <= tree->depth; height++) {
        const uint32_t first = UINT32_C(1) << (tree->depth - height);
        for (uint32_t node = first; node < 2 * first; node++) {
            tree->node[node] = free_value(tree, height);
        }
    }
}

static uint8_t tree_root(const struct tree *tree)
{
    return tree->node[1];
}

static bool tree_is_free(const struct tree *tree)
{
    return tree_root(tree) == free_value(tree, tree->depth);
}

/* The node of the block with leaf `leaf` at `height`. */
static uint32_t tree_node(const struct tree *tree, uint32_t leaf, unsigned height)
{
    return ((UINT32_C(1) << tree->depth) + leaf) >> height;
}

static uint32_t tree_first_leaf(const struct tree *tree, uint32_t node, unsigned height)
{
    return (node << height) - (UINT32_C(1) << tree->depth);
}

/* The lowest node at `height` under which a block of `order` is free; the root says there is one.
 */
static uint32_t tree_find(const struct tree *tree, unsigned order, unsigned height)
{
    uint32_t node = 1;
    for (unsigned at = tree->depth; at > height; at--) {
        node *= 2;
        node += tree->node[node] <= order ? 1 : 0; /* the value is an order plus 1 */
    }
    return node;
}

/* Gives `node`, at `height`, a value and brings its ancestors up to date. */
static void tree_set(const struct tree *tree, uint32_t node, unsigned height, uint8_t value)
{
    tree->node[node] = value;
    while (node > 1) {
        const uint8_t mine = tree->node[node];
        const uint8_t other = tree->node[node ^ 1];
        const bool both_free = mine == free_value(tree, height) && other == mine;
        node /= 2;
        height++;
        const uint8_t larger = mine > other ? mine : other;
        tree->node[node] = both_free ? free_value(tree, height) : larger;
    }
}

/* Whether an inner node, or a leaf that stands for no further tree, is a block that is out. */
static bool tree_is_block(const struct tree *tree, uint32_t node, unsigned height)
{
    return tree->node[node] == 0 && (height == 0 || tree->node[(size_t)2 * node] != 0);
}

/* ---- metadata ----------------------------------------------------------------------------------
 */

static bool has_frame(phys_addr_t frame)
{
    return frame.value != 0;
}

static enum kstatus take_frame(struct mmio_pool *pool, phys_addr_t *frame)
{
    const enum kstatus status = frame_allocator_allocate_one(pool->frames, frame);
    if (status == K_OK) {
        pool->metadata_frames++;
    }
    return status;
}

static enum kstatus need_zone(struct mmio_pool *pool, uint32_t index)
{
    if (has_frame(pool->zone[index])) {
        return K_OK;
    }
    const enum kstatus status = take_frame(pool, &pool->zone[index]);
    if (status != K_OK) {
        return status;
    }
    struct zone *const zone = zone_at(pool, index);
    const struct tree tree = zone_tree(zone);
    tree_reset(&tree);
    for (uint32_t i = 0; i < CHUNK_COUNT; i++) {
        zone->chunk[i] = phys_addr(0);
    }
    return K_OK;
}

/* Gives back the frame of a zone that was only just made. One that is not taken back stays. */
static void drop_zone(struct mmio_pool *pool, uint32_t index)
{
    if (frame_allocator_free_one(pool->frames, pool->zone[index]) == K_OK) {
        pool->zone[index] = phys_addr(0);
        pool->metadata_frames--;
    }
}

static enum kstatus need_chunk(struct mmio_pool *pool, struct zone *zone, uint32_t index)
{
    if (has_frame(zone->chunk[index])) {
        return K_OK;
    }
    const enum kstatus status = take_frame(pool, &zone->chunk[index]);
    if (status == K_OK) {
        const struct tree tree = chunk_tree(zone->chunk[index]);
        tree_reset(&tree);
    }
    return status;
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static void zone_changed(struct mmio_pool *pool, uint32_t index)
{
    const struct tree zone = zone_tree(zone_at(pool, index));
    const struct tree tree = pool_tree(pool);
    tree_set(&tree, tree_node(&tree, index, 0), 0, tree_root(&zone));
}

static void chunk_changed(struct mmio_pool *pool, uint32_t zone_index, uint32_t index)
{
    struct zone *const zone = zone_at(pool, zone_index);
    const struct tree chunk = chunk_tree(zone->chunk[index]);
    const struct tree tree = zone_tree(zone);
    tree_set(&tree, tree_node(&tree, index, 0), 0, tree_root(&chunk));
    zone_changed(pool, zone_index);
}

/* Takes the lowest block of `order` in a tree that has one. @return its first leaf */
static uint32_t take_from(const struct tree *tree, unsigned order)
{
    const unsigned height = order - tree->leaf_order;
    const uint32_t node = tree_find(tree, order, height);
    tree_set(tree, node, height, 0);
    return tree_first_leaf(tree, node, height);
}

/* The lowest leaf under which a block of `order`, smaller than the leaf, is free. */
static uint32_t leaf_for(const struct tree *tree, unsigned order)
{
    return tree_first_leaf(tree, tree_find(tree, order, 0), 0);
}

/* A block of less than 8 MiB, from the zone `place->zone`, which exists and has room. */
static enum kstatus take_small(struct mmio_pool *pool, unsigned order, struct place *place)
{
    struct zone *const zone = zone_at(pool, place->zone);
    const struct tree tree = zone_tree(zone);
    place->chunk = leaf_for(&tree, order);
    const enum kstatus status = need_chunk(pool, zone, place->chunk);
    if (status != K_OK) {
        return status;
    }
    const struct tree chunk = chunk_tree(zone->chunk[place->chunk]);
    place->page = take_from(&chunk, order);
    chunk_changed(pool, place->zone, place->chunk);
    return K_OK;
}

static enum kstatus take_block(struct mmio_pool *pool, unsigned order, struct place *place)
{
    const struct tree tree = pool_tree(pool);
    *place = (struct place){ 0 };
    if (tree_root(&tree) <= order) {
        return K_ENOMEM;
    }
    if (order == ZONE_ORDER) {
        place->zone = take_from(&tree, order);
        return K_OK;
    }
    place->zone = leaf_for(&tree, order);
    const bool is_new = !has_frame(pool->zone[place->zone]);
    enum kstatus status = need_zone(pool, place->zone);
    if (status != K_OK) {
        return status;
    }
    if (order < CHUNK_ORDER) {
        status = take_small(pool, order, place);
        if (status != K_OK && is_new) {
            drop_zone(pool, place->zone);
        }
        return status;
    }
    const struct tree zone = zone_tree(zone_at(pool, place->zone));
    place->chunk = take_from(&zone, order);
    zone_changed(pool, place->zone);
    return K_OK;
}

/* Frees the block of `order` at `leaf` if exactly that is out. `below_is_free`: where the block is
 * one leaf, nothing of a further tree behind it is out. */
static bool give_to(const struct tree *tree, uint32_t leaf, unsigned order, bool below_is_free)
{
    const unsigned height = order - tree->leaf_order;
    const uint32_t node = tree_node(tree, leaf, height);
    if (!tree_is_block(tree, node, height) || (height == 0 && !below_is_free)) {
        return false;
    }
    tree_set(tree, node, height, free_value(tree, height));
    return true;
}

static bool zone_is_free(const struct mmio_pool *pool, uint32_t index)
{
    if (!has_frame(pool->zone[index])) {
        return true;
    }
    const struct tree tree = zone_tree(zone_at(pool, index));
    return tree_is_free(&tree);
}

static bool chunk_is_free(const struct zone *zone, uint32_t index)
{
    if (!has_frame(zone->chunk[index])) {
        return true;
    }
    const struct tree tree = chunk_tree(zone->chunk[index]);
    return tree_is_free(&tree);
}

static bool give_small(struct mmio_pool *pool, unsigned order, struct place place)
{
    const struct zone *const zone = zone_at(pool, place.zone);
    if (!has_frame(zone->chunk[place.chunk])) {
        return false;
    }
    const struct tree chunk = chunk_tree(zone->chunk[place.chunk]);
    const bool done = give_to(&chunk, place.page, order, true);
    if (done) {
        chunk_changed(pool, place.zone, place.chunk);
    }
    return done;
}

static bool give_block(struct mmio_pool *pool, unsigned order, struct place place)
{
    const struct tree tree = pool_tree(pool);
    if (order == ZONE_ORDER) {
        return give_to(&tree, place.zone, order, zone_is_free(pool, place.zone));
    }
    if (!has_frame(pool->zone[place.zone])) {
        return false;
    }
    if (order < CHUNK_ORDER) {
        return give_small(pool, order, place);
    }
    struct zone *const zone = zone_at(pool, place.zone);
    const struct tree zones = zone_tree(zone);
    const bool done = give_to(&zones, place.chunk, order, chunk_is_free(zone, place.chunk));
    if (done) {
        zone_changed(pool, place.zone);
    }
    return done;
}

/* ---- the pool ----------------------------------------------------------------------------------
 */

static uint64_t place_address(struct place place)
{
    return MMIO_POOL_START + ((uint64_t)place.zone << (ZONE_ORDER + PAGE_SHIFT)) +
           ((uint64_t)place.chunk << (CHUNK_ORDER + PAGE_SHIFT)) +
           ((uint64_t)place.page << PAGE_SHIFT);
}

static struct place place_of(uint64_t address)
{
    const uint64_t page = (address - MMIO_POOL_START) >> PAGE_SHIFT;
    return (struct place){
        .zone = (uint32_t)(page >> ZONE_ORDER), /* the pool has 1024 zones */
        .chunk = (uint32_t)(page >> CHUNK_ORDER) & (CHUNK_COUNT - 1),
        .page = (uint32_t)page & ((1U << CHUNK_ORDER) - 1),
    };
}

void mmio_pool_init(struct mmio_pool *pool, struct frame_allocator *frames)
{
    pool->lock = (struct spinlock){ 0 };
    pool->frames = frames;
    pool->free_bytes = MMIO_POOL_END - MMIO_POOL_START;
    pool->metadata_frames = 0;
    const struct tree tree = pool_tree(pool);
    tree_reset(&tree);
    for (uint32_t i = 0; i < MMIO_ZONE_COUNT; i++) {
        pool->zone[i] = phys_addr(0);
    }
}

/* Log2 pages of the block that holds `size_bytes`, which is 1 byte to 1 GiB. */
static unsigned order_for(uint64_t size_bytes)
{
    return bits_log2_ceil(mmio_block_bytes(size_bytes)) - PAGE_SHIFT;
}

enum kstatus mmio_pool_take(struct mmio_pool *pool, uint64_t size_bytes, virt_addr_t *virt)
{
    if (size_bytes == 0 || size_bytes > MMIO_BLOCK_MAX) {
        return K_EINVAL;
    }
    const unsigned order = order_for(size_bytes);
    struct place place;
    const uint64_t token = spinlock_lock_irqsave(&pool->lock);
    const enum kstatus status = take_block(pool, order, &place);
    if (status == K_OK) {
        pool->free_bytes -= PAGE_SIZE << order;
    }
    spinlock_unlock_irqrestore(&pool->lock, token);
    if (status == K_OK) {
        *virt = virt_addr(place_address(place));
    }
    return status;
}

enum kstatus mmio_pool_give_back(struct mmio_pool *pool, virt_addr_t virt, uint64_t size_bytes)
{
    if (virt.value < MMIO_POOL_START || virt.value >= MMIO_POOL_END) {
        return K_EFAULT;
    }
    if (!bits_is_power_of_two(size_bytes) || size_bytes < MMIO_BLOCK_MIN ||
        size_bytes > MMIO_BLOCK_MAX || !bits_is_aligned(virt.value, size_bytes)) {
        return K_EINVAL;
    }
    const uint64_t token = spinlock_lock_irqsave(&pool->lock);
    const bool done = give_block(pool, order_for(size_bytes), place_of(virt.value));
    if (done) {
        pool->free_bytes += size_bytes;
    }
    spinlock_unlock_irqrestore(&pool->lock, token);
    return done ? K_OK : K_ENOENT;
}

uint64_t mmio_pool_free_bytes(struct mmio_pool *pool)
{
    const uint64_t token = spinlock_lock_irqsave(&pool->lock);
    const uint64_t free_bytes = pool->free_bytes;
    spinlock_unlock_irqrestore(&pool->lock, token);
    return free_bytes;
}
