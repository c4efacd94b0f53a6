/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The protocol of GDB's remote stub: a state machine that takes bytes from the debugger's line,
 * answers on it, and reaches the machine only through the functions of struct gdb_target. It knows
 * one thread (number 1) and says when the machine is to run again. Pure; kernel and host. The
 * caller owns the struct and serialises.
 *
 * While the machine is stopped, feed every byte and do what the returned action says. When it has
 * stopped again, call gdb_stub_stopped(). While it runs, only look for GDB_BREAK_BYTE or `$`.
 *
 * @spec GDB manual (13), appendix "GDB Remote Serial Protocol"
 */
#ifndef GDB_GDB_STUB_H
#define GDB_GDB_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdb/gdb_packet.h"
#include "gdb/gdb_registers.h"
#include "kstatus.h"

/* Signals by gdb's numbers, not Linux's. */
#define GDB_SIGNAL_INT  2U
#define GDB_SIGNAL_ILL  4U
#define GDB_SIGNAL_TRAP 5U
#define GDB_SIGNAL_ABRT 6U
#define GDB_SIGNAL_FPE  8U
#define GDB_SIGNAL_BUS  10U
#define GDB_SIGNAL_SEGV 11U

/** The types of Z packets, with their numbers. */
enum gdb_point {
    GDB_POINT_SOFTWARE = 0,
    GDB_POINT_HARDWARE = 1,
    GDB_POINT_WRITE = 2,
    GDB_POINT_READ = 3,
    GDB_POINT_ACCESS = 4,
};

enum gdb_stop_reason {
    GDB_STOP_PLAIN,    /* the signal says it all */
    GDB_STOP_SOFTWARE, /* at a software breakpoint, RIP on it */
    GDB_STOP_HARDWARE, /* at a hardware breakpoint */
    GDB_STOP_WRITE,    /* watchpoints: `address` is the one that was set */
    GDB_STOP_READ,
    GDB_STOP_ACCESS,
};

struct gdb_stop {
    uint8_t signal;
    enum gdb_stop_reason reason;
    uint64_t address;
};

/** The machine. No function waits for the debugger; all but console_line get numbers that the
 *  debugger chose, so anything may be wrong with them. */
struct gdb_target {
    void *context;
    /** Sends bytes to the debugger. */
    void (*send)(void *context, const char *bytes, size_t size_bytes);
    /** @return K_OK; K_ENOENT where the register is not available */
    enum kstatus (*read_register)(void *context, unsigned number, uint64_t *value);
    /** @return K_OK; K_EPERM for a register that must not change; K_EFAULT; K_ENOENT */
    enum kstatus (*write_register)(void *context, unsigned number, uint64_t value);
    /** @return bytes read before the first one that cannot be */
    size_t (*read_memory)(void *context, uint64_t address, uint8_t *bytes, size_t size_bytes);
    /** @return K_OK; K_EFAULT: the bytes from some place on are not written */
    enum kstatus (*write_memory)(void *context, uint64_t address, const uint8_t *bytes,
                                 size_t size_bytes);
    /** The same point again is K_OK. @return K_OK; K_EINVAL; K_EFAULT; K_ENOSPC: all in use */
    enum kstatus (*insert_point)(void *context, enum gdb_point kind, uint64_t address,
                                 uint64_t size_bytes);
    /** One that is not there is K_OK. */
    void (*remove_point)(void *context, enum gdb_point kind, uint64_t address, uint64_t size_bytes);
    void (*remove_all_points)(void *context);
    /** Runs a line of the machine's own monitor; its output comes back through
     *  gdb_stub_monitor_output(). */
    void (*monitor)(void *context, const char *line);
};

enum gdb_action {
    GDB_ACTION_STAY,     /* stopped */
    GDB_ACTION_CONTINUE, /* run */
    GDB_ACTION_STEP,     /* one instruction */
    GDB_ACTION_DETACH,   /* run; the debugger is gone */
};

struct gdb_stub {
    const struct gdb_target *target;
    uint64_t image_base;   /* what gdb adds to the ELF's addresses (qOffsets) */
    struct gdb_stop stop;  /* why the machine stands */
    uint8_t resume_signal; /* that the last resume passes to the machine; 0: none */
    bool is_attached;      /* a debugger has spoken and not detached */
    bool owes_stop;        /* it waits for a stop reply */
    bool is_no_ack;
    bool knows_software; /* it understands swbreak, hwbreak in stop replies */
    bool knows_hardware;
    struct gdb_packet_reader reader;
    struct gdb_packet_writer writer;
    char out[GDB_PACKET_WIRE_BYTES];        /* the last packet, for sending it again */
    uint8_t data[GDB_PACKET_BYTES / 2 + 1]; /* what a packet's digits said */
};

/** Prepares @p stub for a machine that runs, no debugger attached. */
void gdb_stub_init(struct gdb_stub *stub, const struct gdb_target *target, uint64_t image_base);

/** The machine has stopped as @p stop says; tells the debugger where it waits for that. */
void gdb_stub_stopped(struct gdb_stub *stub, const struct gdb_stop *stop);

/** Takes one @p byte from the debugger while the machine stands. @return what to do now */
enum gdb_action gdb_stub_feed(struct gdb_stub *stub, uint8_t byte);

/** Sends @p text of a monitor command to the debugger; called from within target->monitor(). */
void gdb_stub_monitor_output(struct gdb_stub *stub, const char *text, size_t size_bytes);

#endif
