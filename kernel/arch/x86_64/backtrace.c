/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See backtrace.h. Reads stack frames only where they lie in the direct map below the MMIO pool and
 * go strictly upwards, so that a broken chain ends instead of looping; a frame on an unmapped page
 * is caught by the probe of trap.c.
 */
#include "backtrace.h"

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "printk.h"
#include "trap.h"

#define BACKTRACE_MAX_FRAMES 24U

static void print_entry(unsigned number, uint64_t address, const struct kernel_image *image)
{
    if (address >= image->code_start.value && address < image->code_end.value) {
        pr_emerg("  #%u " PRIvirt " kernel.elf+0x%" FMTx64, number, address,
                 address - image->code_start.value);
    } else {
        pr_emerg("  #%u " PRIvirt " (outside the kernel's code)", number, address);
    }
}

static bool frame_is_readable(uint64_t rbp)
{
    return rbp % sizeof(uint64_t) == 0 && rbp >= PHYS_OFFSET && rbp < MMIO_POOL_START &&
           !trap_probe_read(virt_addr(rbp)).faulted && !trap_probe_read(virt_addr(rbp + 8)).faulted;
}

void backtrace_print(virt_addr_t rip, virt_addr_t rbp)
{
    const struct kernel_image image = kernel_image();
    pr_emerg("backtrace (addr2line -e build/kernel.elf OFFSET):");
    print_entry(0, rip.value, &image);
    uint64_t frame = rbp.value;
    for (unsigned i = 1; i < BACKTRACE_MAX_FRAMES && frame_is_readable(frame); i++) {
        const uint64_t *const words = (const uint64_t *)(uintptr_t)frame;
        const uint64_t next = words[0];
        print_entry(i, words[1], &image);
        if (next <= frame) {
            break;
        }
        frame = next;
    }
}

void backtrace_print_here(void)
{
    const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    backtrace_print(virt_addr((uintptr_t)__builtin_return_address(0)), virt_addr(frame));
}
