/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See debug_points.h. No state of its own.
 */
#include "debug_points.h"

#include <stddef.h>

#include "lib/bits.h"

/* ---- software ----------------------------------------------------------------------------------
 */

static struct debug_software_point *find_software(struct debug_points *points, bool is_used,
                                                  uint64_t address)
{
    for (size_t i = 0; i < DEBUG_SOFTWARE_POINTS; i++) {
        struct debug_software_point *const point = &points->software[i];
        if (point->is_used == is_used && (!is_used || point->address == address)) {
            return point;
        }
    }
    return NULL;
}

enum kstatus debug_points_add_software(struct debug_points *points, uint64_t address,
                                       uint8_t original)
{
    if (find_software(points, true, address) != NULL) {
        return K_OK;
    }
    struct debug_software_point *const point = find_software(points, false, 0);
    if (point == NULL) {
        return K_ENOSPC;
    }
    *point = (struct debug_software_point){
        .is_used = true,
        .original = original,
        .address = address,
    };
    return K_OK;
}

void debug_points_remove_software(struct debug_points *points, uint64_t address)
{
    struct debug_software_point *const point = find_software(points, true, address);
    if (point != NULL) {
        point->is_used = false;
    }
}

const struct debug_software_point *debug_points_software(const struct debug_points *points,
                                                         uint64_t address)
{
    for (size_t i = 0; i < DEBUG_SOFTWARE_POINTS; i++) {
        if (points->software[i].is_used && points->software[i].address == address) {
            return &points->software[i];
        }
    }
    return NULL;
}

/* ---- registers ---------------------------------------------------------------------------------
 */

static bool is_of(const struct debug_register *reg, enum gdb_point kind, uint64_t start,
                  uint64_t size_bytes)
{
    return reg->is_used && reg->kind == kind && reg->range_start == start &&
           (kind == GDB_POINT_HARDWARE || reg->range_bytes == size_bytes);
}

/* The largest aligned part at the front of [@p start, @p start + @p size_bytes). */
static uint8_t part_bytes(uint64_t start, uint64_t size_bytes)
{
    uint8_t part = 8;
    while (part > size_bytes || !bits_is_aligned(start, part)) {
        part /= 2;
    }
    return part;
}

static bool take_register(struct debug_points *points, const struct debug_register *wanted)
{
    for (size_t i = 0; i < DEBUG_REGISTERS; i++) {
        if (!points->registers[i].is_used) {
            points->registers[i] = *wanted;
            return true;
        }
    }
    return false;
}

enum kstatus debug_points_add_hardware(struct debug_points *points, enum gdb_point kind,
                                       uint64_t start, uint64_t size_bytes)
{
    const uint64_t bytes = kind == GDB_POINT_HARDWARE ? 1 : size_bytes;
    uint64_t last;
    if (kind == GDB_POINT_SOFTWARE || bytes == 0 ||
        __builtin_add_overflow(start, bytes - 1, &last)) {
        return K_EINVAL;
    }
    for (size_t i = 0; i < DEBUG_REGISTERS; i++) {
        if (is_of(&points->registers[i], kind, start, size_bytes)) {
            return K_OK;
        }
    }
    uint64_t done = 0;
    while (done < bytes) {
        const struct debug_register wanted = {
            .is_used = true,
            .size_bytes = part_bytes(start + done, bytes - done),
            .kind = kind,
            .address = start + done,
            .range_start = start,
            .range_bytes = size_bytes,
        };
        if (!take_register(points, &wanted)) {
            debug_points_remove_hardware(points, kind, start, size_bytes);
            return K_ENOSPC;
        }
        done += wanted.size_bytes;
    }
    return K_OK;
}

void debug_points_remove_hardware(struct debug_points *points, enum gdb_point kind, uint64_t start,
                                  uint64_t size_bytes)
{
    for (size_t i = 0; i < DEBUG_REGISTERS; i++) {
        if (is_of(&points->registers[i], kind, start, size_bytes)) {
            points->registers[i].is_used = false;
        }
    }
}

/* R/W and LEN of one register, as four bits (SDM: LEN 1, 2, 8, 4 bytes are 0, 1, 2, 3). */
static uint64_t condition_of(const struct debug_register *reg)
{
    static const uint8_t length_codes[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
    const uint64_t access = reg->kind == GDB_POINT_HARDWARE ? 0
                            : reg->kind == GDB_POINT_WRITE  ? 1
                                                            : 3;
    return access | ((uint64_t)length_codes[reg->size_bytes] << 2);
}

uint64_t debug_points_dr7(const struct debug_points *points)
{
    uint64_t dr7 = DEBUG_DR7_OFF;
    for (unsigned i = 0; i < DEBUG_REGISTERS; i++) {
        if (points->registers[i].is_used) {
            dr7 |= BIT(2 * i + 1); /* global enable */
            dr7 |= condition_of(&points->registers[i]) << (16 + 4 * i);
        }
    }
    return dr7;
}

struct gdb_stop debug_points_stop(const struct debug_points *points, uint64_t dr6)
{
    static const enum gdb_stop_reason reasons[] = {
        [GDB_POINT_HARDWARE] = GDB_STOP_HARDWARE,
        [GDB_POINT_WRITE] = GDB_STOP_WRITE,
        [GDB_POINT_READ] = GDB_STOP_READ,
        [GDB_POINT_ACCESS] = GDB_STOP_ACCESS,
    };
    struct gdb_stop stop = { .signal = GDB_SIGNAL_TRAP, .reason = GDB_STOP_PLAIN };
    for (unsigned i = 0; i < DEBUG_REGISTERS; i++) {
        const struct debug_register *const reg = &points->registers[i];
        if (reg->is_used && (dr6 & BIT(i)) != 0) {
            stop.reason = reasons[reg->kind];
            stop.address = reg->range_start;
            break;
        }
    }
    return stop;
}
