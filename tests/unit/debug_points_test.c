/* SPDX-License-Identifier: GPL-2.0-only
 *
 * arch/x86_64/debug_points: the table of breakpoints, and what DR7 says of it.
 */
#include "debug_points.h"

#include <string.h>

#include "tests/ktest.h"

static void debug_points_keep_software_breakpoints(struct ktest *t)
{
    static struct debug_points points;
    memset(&points, 0, sizeof(points));
    KTEST_STATUS(t, debug_points_add_software(&points, 0x1000, 0x55), K_OK);
    KTEST_STATUS(t, debug_points_add_software(&points, 0x1000, 0xcc), K_OK); /* again */
    KTEST_EQ(t, debug_points_software(&points, 0x1000)->original, 0x55);
    KTEST_TRUE(t, debug_points_software(&points, 0x1001) == NULL);
    debug_points_remove_software(&points, 0x1001);
    debug_points_remove_software(&points, 0x1000);
    KTEST_TRUE(t, debug_points_software(&points, 0x1000) == NULL);
    for (uint64_t i = 0; i < DEBUG_SOFTWARE_POINTS; i++) {
        KTEST_STATUS(t, debug_points_add_software(&points, i, 0x90), K_OK);
    }
    KTEST_STATUS(t, debug_points_add_software(&points, 0x9999, 0x90), K_ENOSPC);
    KTEST_STATUS(t, debug_points_add_software(&points, 5, 0x90), K_OK);
}

/* DR7 by the manual's picture: LEN3 RW3 ... LEN0 RW0 | G3 L3 ... G0 L0, and bit 10. */
static void debug_points_make_dr7(struct ktest *t)
{
    struct debug_points points = { .software = { { .is_used = false } } };
    KTEST_EQ(t, debug_points_dr7(&points), 0x400);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_HARDWARE, 0x1001, 3), K_OK);
    KTEST_EQ(t, debug_points_dr7(&points), 0x402);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_WRITE, 0x2000, 8), K_OK);
    KTEST_EQ(t, debug_points_dr7(&points), 0x90040a);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_READ, 0x3000, 4), K_OK);
    KTEST_EQ(t, debug_points_dr7(&points), 0xf90042a);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_ACCESS, 0x4002, 2), K_OK);
    KTEST_EQ(t, debug_points_dr7(&points), 0x7f9004aa);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_HARDWARE, 0x1, 1), K_ENOSPC);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_ACCESS, 0x4002, 2), K_OK);
    debug_points_remove_hardware(&points, GDB_POINT_WRITE, 0x2000, 4); /* another one */
    KTEST_EQ(t, debug_points_dr7(&points), 0x7f9004aa);
    debug_points_remove_hardware(&points, GDB_POINT_HARDWARE, 0x1001, 1);
    debug_points_remove_hardware(&points, GDB_POINT_WRITE, 0x2000, 8);
    KTEST_EQ(t, debug_points_dr7(&points), 0x7f0004a0);
}

static void debug_points_cut_a_range_into_aligned_parts(struct ktest *t)
{
    struct debug_points points = { .software = { { .is_used = false } } };
    /*    0x1003 1 | 0x1004 4 | 0x1008 8 | 0x1010 1 */
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_WRITE, 0x1003, 14), K_OK);
    static const struct {
        uint64_t address;
        uint8_t size_bytes;
    } parts[] = { { 0x1003, 1 }, { 0x1004, 4 }, { 0x1008, 8 }, { 0x1010, 1 } };
    for (size_t i = 0; i < DEBUG_REGISTERS; i++) {
        KTEST_EQ(t, points.registers[i].address, parts[i].address);
        KTEST_EQ(t, points.registers[i].size_bytes, parts[i].size_bytes);
    }
    debug_points_remove_hardware(&points, GDB_POINT_WRITE, 0x1003, 14);
    KTEST_EQ(t, debug_points_dr7(&points), DEBUG_DR7_OFF);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_WRITE, 0x1003, 16), K_ENOSPC);
    KTEST_EQ(t, debug_points_dr7(&points), DEBUG_DR7_OFF); /* nothing was taken */
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_WRITE, 0x1000, UINT64_MAX),
                 K_EINVAL);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_WRITE, 0x1000, 0), K_EINVAL);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_SOFTWARE, 0x1000, 1), K_EINVAL);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_WRITE, UINT64_MAX, 1), K_OK);
}

static void debug_points_name_what_was_hit(struct ktest *t)
{
    struct debug_points points = { .software = { { .is_used = false } } };
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_WRITE, 0x1004, 12), K_OK);
    KTEST_STATUS(t, debug_points_add_hardware(&points, GDB_POINT_HARDWARE, 0x2000, 1), K_OK);
    struct gdb_stop stop = debug_points_stop(&points, 0xffff0ff2);
    KTEST_EQ(t, stop.reason, GDB_STOP_WRITE);
    KTEST_EQ(t, stop.address, 0x1004); /* as it was set, not the part */
    KTEST_EQ(t, stop.signal, GDB_SIGNAL_TRAP);
    stop = debug_points_stop(&points, 0xffff0ff4);
    KTEST_EQ(t, stop.reason, GDB_STOP_HARDWARE);
    stop = debug_points_stop(&points, 0xffff4ff8); /* a register that is not in use; a step */
    KTEST_EQ(t, stop.reason, GDB_STOP_PLAIN);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(debug_points_keep_software_breakpoints),
    KTEST_CASE(debug_points_make_dr7),
    KTEST_CASE(debug_points_cut_a_range_into_aligned_parts),
    KTEST_CASE(debug_points_name_what_was_hit),
};
KTEST_SUITE(debug_points, "gdb.points", cases);
