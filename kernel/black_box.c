/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See black_box.h. State: where the box is, and whether somebody writes to it. A line that comes
 * while another is written (an exception in the middle of it) is in the log but not in the box;
 * the end of the boot is written all the same.
 */
#include "black_box.h"

#include <stdatomic.h>

#include <arch/physmap.h>

#include "black_box_record.h"
#include "bootinfo.h"
#include "printk_control.h"

static phys_addr_t box; /* 0: none */
static atomic_bool is_busy;

static void *region(void)
{
    return physmap_ptr(box, BLACK_BOX_BYTES);
}

static void put_line(const char *text, size_t size_bytes)
{
    if (!atomic_exchange_explicit(&is_busy, true, memory_order_acquire)) {
        black_box_append(region(), text, size_bytes);
        atomic_store_explicit(&is_busy, false, memory_order_release);
    }
}

void black_box_open(const struct bootinfo *bootinfo)
{
    const struct bootinfo_ledger_entry *const ledger = bootinfo_ledger(bootinfo);
    for (uint32_t i = 0; i < bootinfo->ledger.count; i++) {
        if (ledger[i].purpose == BOOTINFO_PURPOSE_BLACK_BOX &&
            ledger[i].pages == BLACK_BOX_BYTES / PAGE_SIZE) {
            box = phys_addr(ledger[i].base);
        }
    }
    if (box.value != 0 && black_box_is_whole(region())) {
        printk_set_copy(put_line);
    } else {
        box = phys_addr(0);
    }
}

void black_box_note(const char *name)
{
    if (box.value != 0) {
        black_box_step(region(), black_box_now(region()).step + 1, name);
    }
}

void black_box_end(enum black_box_state state)
{
    if (box.value != 0) {
        black_box_set_state(region(), state);
    }
}

struct black_box_mark black_box_last(void)
{
    return box.value != 0 ? black_box_before(region()) : (struct black_box_mark){ .step = 0 };
}
