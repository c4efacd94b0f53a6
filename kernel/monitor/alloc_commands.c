/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See alloc_commands.h.
 */
#include "monitor/alloc_commands.h"

#include <stdbool.h>
#include <stddef.h>

#include "console.h"
#include "lib/format.h"
#include "mm/locked_frame_allocator.h"
#include "monitor/arguments.h"
#include "monitor/command.h"

#define BLOCK_MAX 64U

static struct {
    unsigned count;
    struct prompt_block {
        phys_addr_t base;
        unsigned order; /* log2 frames */
    } block[BLOCK_MAX];
} taken;

static void list_blocks(void)
{
    for (unsigned i = 0; i < taken.count; i++) {
        console_printf(PRIphys " %" FMTu64 " frames\n", taken.block[i].base.value,
                       BIT(taken.block[i].order));
    }
    console_printf("%u blocks\n", taken.count);
}

/* The order of a block of @p count frames; false with a line where there is none. */
static bool read_order(uint64_t count, unsigned *order)
{
    if (!bits_is_power_of_two(count) || count > BIT(BUDDY_MAX_ORDER)) {
        console_printf("a block has 1, 2, 4, ... %" FMTu64 " frames\n", BIT(BUDDY_MAX_ORDER));
        return false;
    }
    *order = bits_log2_floor(count);
    return true;
}

static void take_block(struct buddy_allocator *buddy, uint64_t count)
{
    struct prompt_block *const block = &taken.block[taken.count];
    if (!read_order(count, &block->order)) {
        return;
    }
    const enum kstatus status = buddy_allocate(buddy, block->order, &block->base);
    if (status != K_OK) {
        console_printf("no block of %" FMTu64 " frames: %s\n", count, kstatus_name(status));
        return;
    }
    taken.count++;
    console_printf(PRIphys "\n", block->base.value);
}

void alloc_command(const char *argument)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    uint64_t count;
    if (argument_is_end(argument)) {
        list_blocks();
    } else if (argument_u64(&argument, &count) != K_OK || !argument_is_end(argument)) {
        monitor_usage("alloc");
    } else if (buddy == NULL) {
        console_printf("no allocator is installed\n");
    } else if (taken.count == BLOCK_MAX) {
        console_printf("the prompt holds %u blocks: `free` some\n", BLOCK_MAX);
    } else {
        take_block(buddy, count);
    }
}

static struct prompt_block *find_block(phys_addr_t base, unsigned order)
{
    for (unsigned i = 0; i < taken.count; i++) {
        if (taken.block[i].base.value == base.value && taken.block[i].order == order) {
            return &taken.block[i];
        }
    }
    return NULL;
}

static void give_back(struct buddy_allocator *buddy, phys_addr_t base, uint64_t count)
{
    struct buddy_free_report report;
    buddy_describe_bad_free(buddy, base, page_frame_count(count), &report);
    if (report.kind != BUDDY_FREE_IS_GOOD) {
        console_printf("refused: %s\n", buddy_bad_free_text(report.kind));
        if (report.has_block) {
            console_printf("a block of %" FMTu64 " frames begins at " PRIphys "\n",
                           BIT(report.recorded_order), report.block.value);
        }
        return;
    }
    const unsigned order = bits_log2_floor(count); /* a good count is a power of two */
    struct prompt_block *const block = find_block(base, order);
    if (block == NULL) {
        console_printf("refused: the kernel uses it: not taken with `alloc`\n");
        return;
    }
    const enum kstatus status = buddy_free(buddy, base, order);
    if (status != K_OK) {
        console_printf("refused: %s\n", kstatus_name(status));
        return;
    }
    taken.count--;
    *block = taken.block[taken.count];
    console_printf("freed\n");
}

void free_command(const char *argument)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    struct monitor_address address;
    uint64_t count;
    if (argument_address(&argument, &address) != K_OK || argument_u64(&argument, &count) != K_OK ||
        !argument_is_end(argument)) {
        monitor_usage("free");
    } else if (buddy == NULL) {
        console_printf("no allocator is installed\n");
    } else {
        give_back(buddy, phys_addr(address.value), count);
    }
}
