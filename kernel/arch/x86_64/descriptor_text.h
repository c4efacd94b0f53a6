/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Segment and gate descriptors in words. Pure; kernel and host.
 */
#ifndef ARCH_X86_64_DESCRIPTOR_TEXT_H
#define ARCH_X86_64_DESCRIPTOR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A gate of the interrupt descriptor table (SDM vol 3A, "64-Bit Mode IDT"). */
struct x86_gate {
    uint64_t handler;
    uint16_t selector;
    uint8_t ist;  /* 0: none */
    uint8_t ring; /* the lowest privilege that may use it with INT */
    uint8_t type; /* 14: interrupt gate, 15: trap gate */
    bool present;
};

/** Reads the gate in its two words. */
struct x86_gate x86_gate_decode(uint64_t low, uint64_t high);

/** Whether the segment descriptor @p low is the first of two words (TSS, LDT). */
bool x86_segment_is_wide(uint64_t low);

/** Text of a segment descriptor (SDM vol 3A, "Segment Descriptors"). @param high the word behind a
 *  wide one, else of no matter. @return its length as format_text() does */
size_t x86_segment_describe(uint64_t low, uint64_t high, char *text, size_t size_bytes);

#endif
