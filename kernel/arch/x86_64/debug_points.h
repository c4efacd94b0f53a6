/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The table of a debugger's breakpoints and watchpoints: software breakpoints in the kernel's text
 * with the byte that INT3 replaces, and the four address registers of the CPU with the DR7 that
 * goes with them. Bookkeeping only: nobody's memory or register is touched here (gdb_server.c
 * does). The caller owns the struct. Pure; kernel and host.
 *
 * @spec SDM vol 3B, "Debug Registers" (ed. 2023-12)
 */
#ifndef ARCH_X86_64_DEBUG_POINTS_H
#define ARCH_X86_64_DEBUG_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "gdb/gdb_stub.h"
#include "kstatus.h"

#define DEBUG_SOFTWARE_POINTS 64U
#define DEBUG_REGISTERS       4U

#define DEBUG_DR7_OFF UINT64_C(0x400) /* bit 10 is always 1 */

/* DR6: which condition was met, and single step. */
#define DEBUG_DR6_HITS  UINT64_C(0xf)
#define DEBUG_DR6_STEP  (UINT64_C(1) << 14)
#define DEBUG_DR6_CLEAR UINT64_C(0xffff0ff0) /* the bits that read as 1 */

struct debug_software_point {
    bool is_used;
    uint8_t original; /* the byte that INT3 replaces */
    uint64_t address;
};

/* One register: a part of the range that the debugger named. */
struct debug_register {
    bool is_used;
    uint8_t size_bytes; /* 1, 2, 4, 8; 1 for an instruction */
    enum gdb_point kind;
    uint64_t address;
    uint64_t range_start; /* as the debugger set it */
    uint64_t range_bytes;
};

struct debug_points {
    struct debug_software_point software[DEBUG_SOFTWARE_POINTS];
    struct debug_register registers[DEBUG_REGISTERS];
};

/** Notes a software breakpoint at @p address over @p original. The same again is K_OK.
 *  @return K_OK; K_ENOSPC */
MUST_CHECK enum kstatus debug_points_add_software(struct debug_points *points, uint64_t address,
                                                  uint8_t original);

/** Forgets the software breakpoint at @p address, where there is one. */
void debug_points_remove_software(struct debug_points *points, uint64_t address);

/** The software breakpoint at @p address, or NULL. */
const struct debug_software_point *debug_points_software(const struct debug_points *points,
                                                         uint64_t address);

/**
 * Takes registers for [@p start, @p start + @p size_bytes): an instruction (whose size does not
 * matter) takes one, data as many as aligned parts of 1, 2, 4 and 8 bytes need. The CPU cannot
 * watch reads alone: a read watchpoint sees writes too. The same again is K_OK.
 * @return K_OK; K_EINVAL for no bytes, a wrap, or GDB_POINT_SOFTWARE; K_ENOSPC where registers are
 *         missing (nothing is taken then)
 */
MUST_CHECK enum kstatus debug_points_add_hardware(struct debug_points *points, enum gdb_point kind,
                                                  uint64_t start, uint64_t size_bytes);

/** Gives back what debug_points_add_hardware() took for the same arguments. */
void debug_points_remove_hardware(struct debug_points *points, enum gdb_point kind, uint64_t start,
                                  uint64_t size_bytes);

/** The value of DR7 for the registers in use. */
uint64_t debug_points_dr7(const struct debug_points *points);

/** Why a debug exception with @p dr6 came: a register's point, else GDB_STOP_PLAIN. */
struct gdb_stop debug_points_stop(const struct debug_points *points, uint64_t dr6);

#endif
