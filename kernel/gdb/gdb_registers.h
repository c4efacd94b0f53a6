/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The registers that gdb sees, in the order in which their numbers count, and the target
 * description (XML) that tells gdb so. Constant tables; pure; kernel and host.
 *
 * gdb 13 takes a description for x86-64 only where the feature org.gnu.gdb.i386.core holds the x87
 * registers too. The kernel has no x87 state: their values are reported as not available.
 * Control registers stand in a feature of our own.
 *
 * @spec GDB manual (13), "Target Descriptions", "i386 Features"
 */
#ifndef GDB_GDB_REGISTERS_H
#define GDB_GDB_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum gdb_register {
    GDB_REGISTER_RAX,
    GDB_REGISTER_RBX,
    GDB_REGISTER_RCX,
    GDB_REGISTER_RDX,
    GDB_REGISTER_RSI,
    GDB_REGISTER_RDI,
    GDB_REGISTER_RBP,
    GDB_REGISTER_RSP,
    GDB_REGISTER_R8,
    GDB_REGISTER_R9,
    GDB_REGISTER_R10,
    GDB_REGISTER_R11,
    GDB_REGISTER_R12,
    GDB_REGISTER_R13,
    GDB_REGISTER_R14,
    GDB_REGISTER_R15,
    GDB_REGISTER_RIP,
    GDB_REGISTER_EFLAGS,
    GDB_REGISTER_CS,
    GDB_REGISTER_SS,
    GDB_REGISTER_DS,
    GDB_REGISTER_ES,
    GDB_REGISTER_FS,
    GDB_REGISTER_GS,
    GDB_REGISTER_X87_FIRST, /* st0 .. st7, then fctrl .. fop: never available */
    GDB_REGISTER_FS_BASE = GDB_REGISTER_X87_FIRST + 16,
    GDB_REGISTER_GS_BASE,
    GDB_REGISTER_CR0,
    GDB_REGISTER_CR2,
    GDB_REGISTER_CR3,
    GDB_REGISTER_CR4,
    GDB_REGISTER_EFER,
    GDB_REGISTER_COUNT,
};

/** Bytes that register @p number (< GDB_REGISTER_COUNT) has in packets: 4, 8 or 10. */
size_t gdb_register_bytes(unsigned number);

/**
 * Gives @p put the target description in pieces.
 * @param put  called with NUL-terminated texts, one after the other
 */
void gdb_registers_describe(void (*put)(void *context, const char *text), void *context);

#endif
