/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page mapper without enough memory, at every allocation there is: each operation runs with the
 * allocator failing at call 1, 2, 3 ... until it succeeds. After each failure the tables are as
 * before to the last bit and no frame is lost; after the success they map what they would have
 * mapped at once. One failing call, and all from that one on.
 *
 *     scene    [2M - 4K, 2M)      one 4 KiB page        [1G, 3G)   1 GiB leaves
 *              [4M, 6M)           a 2 MiB leaf          [K, K+1G)  a 1 GiB leaf, kernel half
 */
#include "mm/page_mapper.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define K          PHYS_OFFSET
#define MEMORY     (64 * SIZE_1G) /* what is mapped; only addresses */
#define CALLS_MAX  20U
#define FAIL_KINDS 2U /* one call, or all from there on */

enum operation_kind {
    MAP_RANGE,
    MAP_PAGE, /* with a frame of its own */
    REMAP,
    UNMAP_RANGE,
    UNMAP_PAGE,
    SECOND_LEVEL,
};

struct operation {
    const char *name;
    enum operation_kind kind;
    uint64_t virt;
    uint64_t size_bytes;
    uint32_t allocations; /* that it takes */
};

static const struct operation operations[] = {
    { "a page where the table exists", MAP_RANGE, SIZE_4K, SIZE_4K, 0 },
    { "a page in a new half", MAP_RANGE, SIZE_1T, SIZE_4K, 3 },
    { "a 2M leaf", MAP_RANGE, SIZE_1T, SIZE_2M, 2 },
    { "a 1G leaf", MAP_RANGE, SIZE_1T, SIZE_1G, 1 },
    { "ragged ends across 1G", MAP_RANGE, SIZE_1T + SIZE_1G - SIZE_4K, SIZE_2M + 2 * SIZE_4K, 5 },
    { "across a top-level entry", MAP_RANGE, SIZE_1T - SIZE_4K, 2 * SIZE_4K, 6 },
    { "a frame and its page", MAP_PAGE, SIZE_1T, SIZE_4K, 4 },
    { "rights of a page in 2M", REMAP, 2 * SIZE_2M + SIZE_4K, SIZE_4K, 1 },
    { "rights of a page in 1G", REMAP, K + 5 * SIZE_2M + SIZE_4K, SIZE_4K, 2 },
    { "rights of 2M in 1G", REMAP, SIZE_1G + SIZE_2M, SIZE_2M, 1 },
    { "rights across two 1G", REMAP, 2 * SIZE_1G - SIZE_4K, 2 * SIZE_4K, 4 },
    { "rights with two ragged ends in 1G", REMAP, K + SIZE_4K, 2 * SIZE_2M, 3 },
    { "a page out of 2M", UNMAP_PAGE, 2 * SIZE_2M, SIZE_4K, 1 },
    { "a page out of 1G", UNMAP_PAGE, K + SIZE_4K, SIZE_4K, 2 },
    { "2M out of 1G", UNMAP_RANGE, K, SIZE_2M, 1 },
    { "a page to the end of 1G", UNMAP_RANGE, SIZE_1G + SIZE_4K, SIZE_1G - SIZE_4K, 2 },
    { "the middle of two 1G", UNMAP_RANGE, 2 * SIZE_1G - SIZE_4K, 2 * SIZE_4K, 4 },
    { "second-level tables", SECOND_LEVEL, MMIO_POOL_START, MMIO_POOL_END - MMIO_POOL_START, 2 },
};

static const struct paging_features features = { .nx = true, .pages_1g = true, .phys_bits = 46 };
static struct fake_frames frames;
static struct page_mapper mapper;

static void map(struct ktest *t, uint64_t virt, uint64_t size_bytes)
{
    const struct page_mapping request = {
        .virt = virt_addr(virt),
        .phys = phys_addr(MEMORY + virt % SIZE_1G),
        .size_bytes = size_bytes,
        .flags = page_flags_set_write(page_flags_new(), true),
    };
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_map_range(&mapper, &request, &flush), K_OK);
    page_flush_ignore(&flush);
}

static void set_up(struct ktest *t)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, SIZE_1M, 64);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, &features), K_OK);
    map(t, SIZE_2M - SIZE_4K, SIZE_4K);
    map(t, 2 * SIZE_2M, SIZE_2M);
    map(t, SIZE_1G, 2 * SIZE_1G);
    map(t, K, SIZE_1G);
}

static enum kstatus run(const struct operation *operation, struct page_flush *flush)
{
    const virt_addr_t virt = virt_addr(operation->virt);
    const uint64_t size_bytes = operation->size_bytes;
    const page_flags_t flags = page_flags_set_execute(page_flags_new(), true);
    switch (operation->kind) {
    case MAP_RANGE: {
        const struct page_mapping request = {
            .virt = virt,
            .phys = phys_addr(MEMORY + operation->virt % SIZE_1G),
            .size_bytes = size_bytes,
            .flags = flags,
        };
        return page_mapper_map_range(&mapper, &request, flush);
    }
    case MAP_PAGE:
        return page_mapper_map(&mapper, virt, flags, flush);
    case REMAP:
        return page_mapper_remap(&mapper, virt, size_bytes, flags, flush);
    case UNMAP_RANGE:
        return page_mapper_unmap_range(&mapper, virt, size_bytes, true, flush);
    case UNMAP_PAGE:
        return page_mapper_unmap_phys(&mapper, virt, true, flush);
    case SECOND_LEVEL:
        page_flush_open(flush, virt, 0, NULL, NULL); /* for the caller; this operation has none */
        return page_mapper_make_second_level(&mapper, virt, size_bytes);
    }
    return K_EINVAL; /* not reached */
}

/* Consumes the token of an operation that has one. */
static enum kstatus run_and_flush(const struct operation *operation)
{
    struct page_flush flush;
    const enum kstatus status = run(operation, &flush);
    if (status == K_OK || operation->kind == SECOND_LEVEL) {
        page_flush_flush(&flush);
    }
    return status;
}

/* Adds up what a leaf says, but for the address of a frame that the mapper took itself. */
static void add_leaf(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    uint64_t *const sum = context;
    const uint64_t phys = word & ENTRY_ADDRESS_MASK;
    const uint64_t what = phys < MEMORY ? word - phys : word;
    *sum = *sum * UINT64_C(6364136223846793005) + (virt ^ what ^ level);
}

static uint64_t leaves_sum(void)
{
    uint64_t sum = 0;
    (void)table_walk(mapper.root, add_leaf, &sum);
    return sum;
}

static bool books_balance(const struct operation *operation, bool done)
{
    const uint32_t own = done && operation->kind == MAP_PAGE ? 1 : 0;
    const struct table_print now = table_print(mapper.root);
    return now.tables == mapper.table_frames && mapper.spare_frames == 0 &&
           frames.out == now.tables + own && frames.bad_frees == 0;
}

/* The operation with call number `call` failing, and the later ones too where `all`; then again
 * with nothing failing, which must come to `good`. */
static bool fails_cleanly(struct ktest *t, const struct operation *operation, uint32_t call,
                          bool all, uint64_t good)
{
    set_up(t);
    const uint64_t pending = page_flush_outstanding();
    const struct table_print before = table_print(mapper.root);
    fake_frames_fail(&frames, call, all ? 0 : 1);
    bool ok = run_and_flush(operation) == K_ENOMEM;
    ok = ok && table_print_equal(before, table_print(mapper.root));
    ok = ok && books_balance(operation, false) && page_flush_outstanding() == pending;
    fake_frames_fail(&frames, 0, 0);
    ok = ok && run_and_flush(operation) == K_OK && books_balance(operation, true);
    return ok && leaves_sum() == good;
}

static void check_operation(struct ktest *t, const struct operation *operation)
{
    set_up(t);
    fake_frames_fail(&frames, CALLS_MAX, 1); /* counts from here on */
    bool ok = run_and_flush(operation) == K_OK && books_balance(operation, true);
    ok = ok && frames.calls == operation->allocations;
    const uint64_t good = leaves_sum();
    for (uint32_t i = 0; ok && i < FAIL_KINDS * operation->allocations; i++) {
        ok = fails_cleanly(t, operation, 1 + i / FAIL_KINDS, i % FAIL_KINDS != 0, good);
    }
    if (!KTEST_TRUE(t, ok)) {
        ktest_output("    # %s: %u calls\n", operation->name, frames.calls);
    }
}

static void page_mapper_out_of_frames_at_any_call_changes_nothing(struct ktest *t)
{
    for (unsigned i = 0; i < ARRAY_COUNT(operations); i++) {
        check_operation(t, &operations[i]);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_mapper_out_of_frames_at_any_call_changes_nothing),
};
KTEST_SUITE(mm_page_mapper_faults, "mm.paging.faults", cases);
