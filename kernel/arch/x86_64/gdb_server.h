/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's edge of its GDB stub (gdb/gdb_stub.h): a second serial port, the trap frame, memory,
 * INT3 and the debug registers. Owner of the one debugger session. `gdb=` on the command line turns
 * it on; without it nothing here does anything.
 *
 * There are no interrupts, so a debugger that wants in is noticed only where gdb_server_poll() is
 * called: at the prompt, in commands that ask for Ctrl-C, between self-tests. Everything else
 * (breakpoints, exceptions, panics) comes by itself.
 */
#ifndef ARCH_X86_64_GDB_SERVER_H
#define ARCH_X86_64_GDB_SERVER_H

#include <stdint.h>

/**
 * Reads `gdb=` and opens its port; refused under lock-down (one line on the console). With `,wait`
 * it returns once a debugger has let the kernel go on.
 * @param command_line  the whole of it, NUL-terminated
 * @param image_base    virtual address of the kernel image, for qOffsets
 * @context after trap_init(), lockdown_init() and the console's
 */
void gdb_server_start(const char *command_line, uint64_t image_base);

/** Lets a debugger in that has sent something. Context: any place where the kernel may stop. */
void gdb_server_poll(void);

/** Gives a debugger, attached or not, the machine before panic() ends it; returns when it lets go.
 *  At once where `gdb=` was not given. Context: panic, once what happened has been printed. */
void gdb_server_panic(void);

#endif
