/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See buddy_command.h. No state.
 */
#include "monitor/buddy_command.h"

#include <stddef.h>
#include <string.h>

#include "console.h"
#include "lib/format.h"
#include "mm/locked_frame_allocator.h"
#include "monitor/command.h"

#define ORDER_2M 9U /* log2 frames */

static uint64_t kib(uint64_t frames)
{
    return page_frame_count_bytes(page_frame_count(frames)) / 1024;
}

static void print_orders(const struct buddy_statistics *s)
{
    console_printf("order  block KiB  free blocks     free KiB  allocations        frees\n");
    for (unsigned order = 0; order < BUDDY_ORDER_COUNT; order++) {
        console_printf("%5u %10" FMTu64 " %12" FMTu64 " %12" FMTu64 " %12" FMTu64 " %12" FMTu64
                       "\n",
                       order, kib(BIT(order)), s->free_blocks[order],
                       kib(s->free_blocks[order] << order), s->allocations[order], s->frees[order]);
    }
}

/* Thousandths of the free memory outside caches that no 2 MiB block can use; 0 = none. */
static uint64_t fragmentation(const struct buddy_statistics *s)
{
    uint64_t all = 0;
    uint64_t usable = 0;
    for (unsigned order = 0; order < BUDDY_ORDER_COUNT; order++) {
        all += s->free_blocks[order] << order;
        usable += order >= ORDER_2M ? s->free_blocks[order] << order : 0;
    }
    return all == 0 ? 0 : (all - usable) * 1000 / all;
}

static void print_largest(const struct buddy_statistics *s)
{
    const uint64_t index = fragmentation(s);
    if (s->has_free_block) {
        console_printf("largest free block: order %u, %" FMTu64 " KiB\n", s->largest_free_order,
                       kib(BIT(s->largest_free_order)));
    } else {
        console_printf("largest free block: none\n");
    }
    console_printf("fragmentation: %" FMTu64 ".%" FMTu64
                   " %% of the free memory is in blocks below 2 MiB\n",
                   index / 10, index % 10);
}

static void print_parts(const struct buddy_statistics *s)
{
    for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++) {
        console_printf("cache of cpu %u: %" FMTu64 " KiB\n", cpu, kib(s->cpu_cached_frames[cpu]));
    }
    for (uint32_t shard = 0; shard < s->shard_count; shard++) {
        console_printf("shard %u: %" FMTu64 " KiB free\n", shard, kib(s->shard_free_frames[shard]));
    }
    console_printf("never touched: %" FMTu64 " KiB\n", kib(s->untouched_frames));
    console_printf("total %" FMTu64 ", free %" FMTu64 ", allocated %" FMTu64
                   " frames; metadata %" FMTu64 " frames beside them\n",
                   s->total_frames, s->free_frames, s->allocated_frames, s->metadata_frames);
}

void buddy_command(const char *argument)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    if (buddy == NULL) {
        console_printf("no allocator is installed\n");
    } else if (strcmp(argument, "check") == 0) {
        console_printf("%s\n", buddy_validate(buddy) == K_OK ? "every invariant holds"
                                                             : "BROKEN: see the log");
    } else if (*argument == '\0') {
        const struct buddy_statistics statistics = buddy_statistics(buddy);
        print_orders(&statistics);
        print_largest(&statistics);
        print_parts(&statistics);
    } else {
        monitor_usage("buddy");
    }
}
