/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See memtest_command.h. A pass takes the largest blocks first and holds them all until its end, so
 * that no memory is tested twice. What it holds is written down in frames that passed the test
 * themselves: a link inside a tested block would be lost with a bad word.
 */
#include "monitor/memtest_command.h"

#include <stdbool.h>
#include <stddef.h>

#include <arch/cpu.h>
#include <arch/physmap.h>

#include "console.h"
#include "lib/format.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/memtest.h"
#include "monitor/progress.h"

#define PIECE_BYTES  SIZE_1M
#define LIST_ENTRIES (PAGE_SIZE / 8 - 2)
#define SHOWN_ERRORS 16U
#define NO_FRAME     UINT64_MAX
#define SECONDS_MAX  UINT64_C(1000000)

/* A frame of the list of held blocks; each entry is a base with the order in its low bits. */
struct list_frame {
    uint64_t previous; /* physical address, or NO_FRAME */
    uint64_t count;
    uint64_t entries[LIST_ENTRIES];
};
_Static_assert(sizeof(struct list_frame) == PAGE_SIZE, "one frame");

struct memtest {
    struct buddy_allocator *buddy;
    struct progress progress;
    uint64_t deadline_seconds; /* 0: none */
    uint64_t seed;
    uint64_t list;       /* the newest list frame, or NO_FRAME */
    uint64_t work_bytes; /* written and compared in this pass */
    uint64_t passes;
    uint64_t errors;
    bool stopped;
};

static bool go_on(struct memtest *test)
{
    test->stopped =
        test->stopped || !progress_step(&test->progress, test->work_bytes) ||
        (test->deadline_seconds > 0 && progress_seconds(&test->progress) >= test->deadline_seconds);
    return !test->stopped;
}

static void report_error(struct memtest *test, enum memtest_pattern pattern,
                         const struct memtest_error *error)
{
    if (test->errors >= SHOWN_ERRORS) {
        return;
    }
    progress_end(&test->progress);
    console_printf("BAD " PRIphys ": 0x%016" FMTx64 ", not 0x%016" FMTx64 " (%s)\n",
                   error->at.value, error->actual, error->expected, memtest_pattern_name(pattern));
}

/* ---- one block ---------------------------------------------------------------------------------
 */

static bool fill_block(struct memtest *test, phys_addr_t base, uint64_t size_bytes,
                       enum memtest_pattern pattern)
{
    for (uint64_t at = 0; at < size_bytes; at += PIECE_BYTES) {
        const uint64_t piece_bytes = bits_min(size_bytes - at, PIECE_BYTES);
        const phys_addr_t phys = phys_add(base, at);
        memtest_fill(physmap_ptr(phys, piece_bytes), piece_bytes / 8, phys, pattern, test->seed);
        test->work_bytes += piece_bytes;
        if (!go_on(test)) {
            return false;
        }
    }
    return true;
}

static bool compare_block(struct memtest *test, phys_addr_t base, uint64_t size_bytes,
                          enum memtest_pattern pattern)
{
    for (uint64_t at = 0; at < size_bytes; at += PIECE_BYTES) {
        const uint64_t piece_bytes = bits_min(size_bytes - at, PIECE_BYTES);
        const phys_addr_t phys = phys_add(base, at);
        struct memtest_error first;
        const uint64_t errors = memtest_compare(physmap_ptr(phys, piece_bytes), piece_bytes / 8,
                                                phys, pattern, test->seed, &first);
        if (errors > 0) {
            report_error(test, pattern, &first);
            test->errors += errors;
        }
        test->work_bytes += piece_bytes;
        if (!go_on(test)) {
            return false;
        }
    }
    return true;
}

static void test_block(struct memtest *test, phys_addr_t base, unsigned order)
{
    const uint64_t size_bytes = PAGE_SIZE << order;
    for (unsigned i = 0; i < MEMTEST_PATTERN_COUNT; i++) {
        const enum memtest_pattern pattern = (enum memtest_pattern)i; /* a loop over all */
        if (!fill_block(test, base, size_bytes, pattern) ||
            !compare_block(test, base, size_bytes, pattern)) {
            return;
        }
    }
}

/* ---- what is held ------------------------------------------------------------------------------
 */

static struct list_frame *list_frame(uint64_t phys)
{
    return physmap_ptr(phys_addr(phys), PAGE_SIZE);
}

static void give_back(struct memtest *test, phys_addr_t base, unsigned order)
{
    if (buddy_free(test->buddy, base, order) != K_OK) {
        console_printf("the block " PRIphys " of order %u cannot be given back\n", base.value,
                       order);
    }
}

/* A frame for the list, which must pass the test. */
static bool add_list_frame(struct memtest *test)
{
    phys_addr_t frame;
    const uint64_t errors = test->errors;
    if (buddy_allocate(test->buddy, 0, &frame) != K_OK) {
        return false;
    }
    test_block(test, frame, 0);
    if (test->errors != errors || test->stopped) {
        give_back(test, frame, 0);
        return false;
    }
    struct list_frame *const list = list_frame(frame.value);
    list->previous = test->list;
    list->count = 0;
    test->list = frame.value;
    return true;
}

/* Room for one more entry. */
static bool list_has_room(struct memtest *test)
{
    return (test->list != NO_FRAME && list_frame(test->list)->count < LIST_ENTRIES) ||
           add_list_frame(test);
}

static void hold(const struct memtest *test, phys_addr_t base, unsigned order)
{
    struct list_frame *const list = list_frame(test->list);
    list->entries[list->count] = base.value | order;
    list->count++;
}

static void give_all_back(struct memtest *test)
{
    while (test->list != NO_FRAME) {
        const struct list_frame *const list = list_frame(test->list);
        for (uint64_t i = 0; i < list->count; i++) {
            give_back(test, phys_addr(list->entries[i] & PAGE_MASK),
                      (unsigned)(list->entries[i] & PAGE_OFFSET_MASK)); /* an order */
        }
        const phys_addr_t frame = phys_addr(test->list);
        test->list = list->previous;
        give_back(test, frame, 0);
    }
}

/* ---- the command -------------------------------------------------------------------------------
 */

static void test_order(struct memtest *test, unsigned order)
{
    phys_addr_t base;
    while (!test->stopped && list_has_room(test) &&
           buddy_allocate(test->buddy, order, &base) == K_OK) {
        hold(test, base, order);
        test_block(test, base, order);
    }
}

static void run_pass(struct memtest *test)
{
    test->seed = arch_timestamp();
    test->work_bytes = 0;
    for (unsigned order = BUDDY_ORDER_COUNT; order-- > 0 && !test->stopped;) {
        test_order(test, order);
    }
    give_all_back(test);
    test->passes += test->stopped ? 0 : 1;
}

static void run_memtest(struct buddy_allocator *buddy, uint64_t seconds)
{
    const uint64_t free_frames = buddy_usage(buddy).free.value;
    const uint64_t work_bytes = free_frames * PAGE_SIZE * 2 * MEMTEST_PATTERN_COUNT;
    struct memtest test = { .buddy = buddy, .deadline_seconds = seconds, .list = NO_FRAME };
    progress_start(&test.progress, "memtest", work_bytes, mm_bootinfo()->tsc_hz);
    do {
        run_pass(&test);
    } while (seconds > 0 && !test.stopped);
    progress_end(&test.progress);
    console_printf(
        "%" FMTu64 " passes, then %" FMTu64 " %% of one; %" FMTu64 " s; %" FMTu64 " errors%s\n",
        test.passes, test.stopped ? progress_percent(&test.progress, test.work_bytes) : 0,
        progress_seconds(&test.progress), test.errors, monitor_interrupted() ? " (stopped)" : "");
    buddy_drain_caches(buddy); /* the large blocks of before are large blocks again */
    const uint64_t after = buddy_usage(buddy).free.value;
    if (after != free_frames) {
        console_printf("NOT ALL GIVEN BACK: %" FMTu64 " free frames, then %" FMTu64 "\n",
                       free_frames, after);
    }
}

void memtest_command(const char *argument)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    uint64_t seconds = 0;
    if (!argument_is_end(argument) && (argument_u64(&argument, &seconds) != K_OK || seconds == 0 ||
                                       seconds > SECONDS_MAX || !argument_is_end(argument))) {
        monitor_usage("memtest");
    } else if (buddy == NULL) {
        console_printf("no allocator is installed\n");
    } else {
        run_memtest(buddy, seconds);
    }
}
