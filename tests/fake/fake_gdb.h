/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Both ends of a debugger's line on the host: a machine for gdb_stub (registers, a little memory,
 * a table of points) and what a debugger sees of it. The machine checks what the stub hands it:
 * a number or size out of its range ends the program.
 */
#ifndef FAKE_GDB_H
#define FAKE_GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdb/gdb_stub.h"

#define FAKE_GDB_MEMORY_START UINT64_C(0xffff800000001000)
#define FAKE_GDB_MEMORY_BYTES 4096U
#define FAKE_GDB_READ_ONLY    1024U /* bytes at the end of it that cannot be written */
#define FAKE_GDB_SENT_BYTES   (1U << 16)
#define FAKE_GDB_POINTS       4U

struct fake_gdb_point {
    bool is_set;
    enum gdb_point kind;
    uint64_t address;
    uint64_t size_bytes;
};

struct fake_gdb {
    struct gdb_stub stub;
    struct gdb_target target;
    uint64_t registers[GDB_REGISTER_COUNT];
    uint8_t memory[FAKE_GDB_MEMORY_BYTES];
    struct fake_gdb_point points[FAKE_GDB_POINTS];
    char monitor_line[2048];
    const char *monitor_answer;         /* NULL: nothing */
    char sent[FAKE_GDB_SENT_BYTES + 1]; /* by the stub, NUL-terminated; cut where it is full */
    size_t sent_bytes;
    uint64_t packets; /* that the stub sent, each of them checked */
};

/** Resets everything; the image base is FAKE_GDB_MEMORY_START. */
void fake_gdb_init(struct fake_gdb *fake);

/** Forgets what was sent. */
void fake_gdb_clear(struct fake_gdb *fake);

/** Feeds bytes as they are. @return the last action that is not "stay" */
enum gdb_action fake_gdb_feed(struct fake_gdb *fake, const void *bytes, size_t size_bytes);

/** Feeds @p size_bytes of @p payload as a packet: escaped, with its checksum. @return as above */
enum gdb_action fake_gdb_packet(struct fake_gdb *fake, const void *payload, size_t size_bytes);

#endif
