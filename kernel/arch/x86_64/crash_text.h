/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Words for what the CPU says in numbers when it raises an exception. Pure; kernel and host.
 */
#ifndef ARCH_X86_64_CRASH_TEXT_H
#define ARCH_X86_64_CRASH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What one exception is about. */
struct crash_cause {
    uint64_t vector;
    uint64_t error_code; /* 0 where the CPU pushes none */
    uint64_t dr6;        /* for a debug exception */
    bool leaf_is_user;   /* for a page fault: the address is mapped for user mode */
};

/** Name with its mnemonic, e.g. "page fault (#PF)". */
const char *crash_name(uint64_t vector);

/**
 * The cause in words, without the address: "write to a read-only page, supervisor",
 * "selector 0x28 of the GDT", "single step". Empty where there is nothing to add to the name.
 * @return as format_text()
 */
size_t crash_describe(const struct crash_cause *cause, char *text, size_t size_bytes);

#endif
