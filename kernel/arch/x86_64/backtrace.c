/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See backtrace.h. No state; kernel and host.
 */
#include "backtrace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/safe_access.h>

#include "image.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "printk.h"
#include "symbols.h"

#define WORD_BYTES 8U

static bool is_code(virt_addr_t address)
{
    const struct kernel_image image = kernel_image();
    return address.value >= image.code_start.value && address.value < image.code_end.value;
}

static void add(struct backtrace *trace, virt_addr_t address)
{
    trace->address[trace->count++] = address;
}

static bool load(virt_addr_t virt, virt_addr_t *value)
{
    return arch_safe_load(virt, WORD_BYTES, &value->value) == K_OK;
}

/* The frame at `rbp` holds the caller's frame pointer and the return address. */
static bool read_frame(virt_addr_t rbp, virt_addr_t *next, virt_addr_t *return_address)
{
    return rbp.value % WORD_BYTES == 0 && rbp.value >= PHYS_OFFSET && rbp.value < MMIO_POOL_START &&
           load(rbp, next) && load(virt_add(rbp, WORD_BYTES), return_address);
}

void backtrace_collect(const struct backtrace_start *start, struct backtrace *trace)
{
    virt_addr_t return_address;
    trace->count = 0;
    trace->first_is_return = start->rip_is_return;
    add(trace, start->rip);
    if (!is_code(start->rip) && load(start->rsp, &return_address) && is_code(return_address)) {
        add(trace, return_address);
    }
    virt_addr_t frame = start->rbp;
    virt_addr_t next;
    while (trace->count < BACKTRACE_MAX_FRAMES && read_frame(frame, &next, &return_address)) {
        add(trace, return_address);
        if (next.value <= frame.value) {
            break;
        }
        frame = next;
    }
}

void backtrace_describe(const struct backtrace *trace, unsigned number, char *text,
                        size_t size_bytes)
{
    const virt_addr_t address = trace->address[number];
    const bool is_return = number > 0 || trace->first_is_return;
    const virt_addr_t instruction = virt_addr(address.value - (is_return ? 1 : 0));
    struct symbol_place place;
    if (!symbols_lookup(instruction, &place)) {
        (void)format_text(text, size_bytes, PRIvirt " (outside the kernel's code)", address.value);
        return;
    }
    const uint64_t offset = place.offset + (address.value - instruction.value);
    (void)format_text(text, size_bytes, PRIvirt " %s+0x%" FMTx64 " %s:%u", address.value,
                      place.function, offset, place.file, place.line);
}

void backtrace_print(const struct backtrace *trace)
{
    char text[220]; /* cut text is still a text */
    for (unsigned i = 0; i < trace->count; i++) {
        backtrace_describe(trace, i, text, sizeof(text));
        pr_emerg("  #%u %s", i, text);
    }
}

struct backtrace_start backtrace_of_frame(const void *frame)
{
    const uint64_t *const words = frame;
    return (struct backtrace_start){
        .rip = virt_addr(words[1]),
        .rip_is_return = true,
        .rsp = virt_addr((uintptr_t)frame + 2 * (uint64_t)WORD_BYTES),
        .rbp = virt_addr(words[0]),
    };
}

NOINLINE struct backtrace_start backtrace_here(void)
{
    return backtrace_of_frame(__builtin_frame_address(0));
}
