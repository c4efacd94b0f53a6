/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See gdb_server.h. State: the session, in `server`.
 *
 * Breakpoints are in the text only while the kernel runs: each stop puts the original bytes back,
 * each start writes INT3 again (docs/adr/0008). So the stub never meets its own breakpoints, and
 * whoever reads the text while the machine stands (the debugger, an audit, a dump) sees it as it
 * was built. What runs between an exception and that moment is in the section .text.nobreak, where
 * no breakpoint can be set.
 *
 * Failure plan: an exception inside the stub goes the way that it would go without one; a port that
 * is gone counts as a debugger that has detached.
 */
#include "gdb_server.h"

#include <stdbool.h>
#include <stddef.h>

#include <arch/cpu.h>
#include <arch/safe_access.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/debug_points.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/trap.h"
#include "command_line.h"
#include "console.h"
#include "dev/serial8250.h"
#include "gdb/gdb_options.h"
#include "gdb/gdb_stub.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lockdown.h"
#include "monitor/command.h"
#include "printk.h"

#define INT3      0xccU
#define RFLAGS_TF BIT(8)
#define RFLAGS_RF BIT(16)

/* Bounds of .text.nobreak (kernel.lds). */
extern const uint8_t x86_nobreak_start[] __attribute__((visibility("hidden")));
extern const uint8_t x86_nobreak_end[] __attribute__((visibility("hidden")));

static struct {
    bool is_on;          /* gdb= was given and its port is there */
    bool is_serving;     /* the machine stands: the stub runs */
    bool is_breaking_in; /* the INT3 that comes is our own, for `break_in` */
    struct gdb_stop break_in;
    int first_byte; /* that brought the debugger in, -1: none */
    uint32_t port_index;
    struct trap_frame *frame;   /* while serving: of what is debugged */
    struct trap_frame *crash;   /* of an exception that is on its way to panic() */
    struct gdb_stop crash_stop; /* and what it is */
    struct serial8250 port;
    struct debug_points points;
    struct gdb_stub stub;
} server;

/* ---- registers ---------------------------------------------------------------------------------
 */

/* Where a register is in the frame, or NULL. */
static uint64_t *frame_register(unsigned number)
{
    static const uint8_t offsets[] = {
        [GDB_REGISTER_RAX] = offsetof(struct trap_frame, rax),
        [GDB_REGISTER_RBX] = offsetof(struct trap_frame, rbx),
        [GDB_REGISTER_RCX] = offsetof(struct trap_frame, rcx),
        [GDB_REGISTER_RDX] = offsetof(struct trap_frame, rdx),
        [GDB_REGISTER_RSI] = offsetof(struct trap_frame, rsi),
        [GDB_REGISTER_RDI] = offsetof(struct trap_frame, rdi),
        [GDB_REGISTER_RBP] = offsetof(struct trap_frame, rbp),
        [GDB_REGISTER_RSP] = offsetof(struct trap_frame, rsp),
        [GDB_REGISTER_R8] = offsetof(struct trap_frame, r8),
        [GDB_REGISTER_R9] = offsetof(struct trap_frame, r9),
        [GDB_REGISTER_R10] = offsetof(struct trap_frame, r10),
        [GDB_REGISTER_R11] = offsetof(struct trap_frame, r11),
        [GDB_REGISTER_R12] = offsetof(struct trap_frame, r12),
        [GDB_REGISTER_R13] = offsetof(struct trap_frame, r13),
        [GDB_REGISTER_R14] = offsetof(struct trap_frame, r14),
        [GDB_REGISTER_R15] = offsetof(struct trap_frame, r15),
        [GDB_REGISTER_RIP] = offsetof(struct trap_frame, rip),
        [GDB_REGISTER_EFLAGS] = offsetof(struct trap_frame, rflags),
        [GDB_REGISTER_CS] = offsetof(struct trap_frame, cs),
        [GDB_REGISTER_SS] = offsetof(struct trap_frame, ss),
    };
    if (number >= ARRAY_COUNT(offsets)) {
        return NULL;
    }
    return (uint64_t *)(void *)((uint8_t *)server.frame + offsets[number]);
}

static enum kstatus read_register(void *context, unsigned number, uint64_t *value)
{
    (void)context;
    const uint64_t *const in_frame = frame_register(number);
    if (in_frame != NULL) {
        *value = *in_frame;
        return K_OK;
    }
    switch (number) {
    case GDB_REGISTER_DS:
        *value = x86_read_ds();
        return K_OK;
    case GDB_REGISTER_ES:
        *value = x86_read_es();
        return K_OK;
    case GDB_REGISTER_FS:
        *value = x86_read_fs();
        return K_OK;
    case GDB_REGISTER_GS:
        *value = x86_read_gs();
        return K_OK;
    case GDB_REGISTER_FS_BASE:
        return arch_safe_rdmsr(X86_MSR_FS_BASE, value);
    case GDB_REGISTER_GS_BASE:
        return arch_safe_rdmsr(X86_MSR_GS_BASE, value);
    case GDB_REGISTER_CR0:
        *value = x86_read_cr0();
        return K_OK;
    case GDB_REGISTER_CR2:
        *value = x86_read_cr2();
        return K_OK;
    case GDB_REGISTER_CR3:
        *value = x86_read_cr3();
        return K_OK;
    case GDB_REGISTER_CR4:
        *value = x86_read_cr4();
        return K_OK;
    case GDB_REGISTER_EFER:
        return arch_safe_rdmsr(X86_MSR_EFER, value);
    default:
        return K_ENOENT; /* x87 */
    }
}

/* Selectors and control registers stay: a wrong one is the end of the machine, the stub's too. */
static enum kstatus write_register(void *context, unsigned number, uint64_t value)
{
    (void)context;
    uint64_t *const in_frame = frame_register(number);
    switch (number) {
    case GDB_REGISTER_CS:
    case GDB_REGISTER_SS:
        return K_EPERM;
    case GDB_REGISTER_FS_BASE:
        return arch_safe_wrmsr(X86_MSR_FS_BASE, value);
    case GDB_REGISTER_GS_BASE:
        return arch_safe_wrmsr(X86_MSR_GS_BASE, value);
    case GDB_REGISTER_EFER:
        return arch_safe_wrmsr(X86_MSR_EFER, value);
    default:
        break;
    }
    if (in_frame == NULL) {
        return K_EPERM;
    }
    *in_frame = value;
    return K_OK;
}

/* ---- memory ------------------------------------------------------------------------------------
 */

/* The widest aligned access at @p address that @p size_bytes allow: a device's register is read and
 * written once, and no access crosses a page. */
static unsigned access_width(uint64_t address, size_t size_bytes)
{
    unsigned width = 8;
    while (width > size_bytes || !bits_is_aligned(address, width)) {
        width /= 2;
    }
    return width;
}

static size_t read_memory(void *context, uint64_t address, uint8_t *bytes, size_t size_bytes)
{
    (void)context;
    size_t done = 0;
    while (done < size_bytes) {
        const unsigned width = access_width(address + done, size_bytes - done);
        uint64_t value;
        if (arch_safe_load(virt_addr(address + done), width, &value) != K_OK) {
            break;
        }
        for (unsigned i = 0; i < width; i++) {
            bytes[done + i] = (uint8_t)(value >> (8 * i));
        }
        done += width;
    }
    return done;
}

static enum kstatus write_memory(void *context, uint64_t address, const uint8_t *bytes,
                                 size_t size_bytes)
{
    (void)context;
    size_t done = 0;
    while (done < size_bytes) {
        const unsigned width = access_width(address + done, size_bytes - done);
        uint64_t value = 0;
        for (unsigned i = 0; i < width; i++) {
            value |= (uint64_t)bytes[done + i] << (8 * i);
        }
        const enum kstatus status = arch_safe_store(virt_addr(address + done), width, value);
        if (status != K_OK) {
            return status;
        }
        done += width;
    }
    return K_OK;
}

/* ---- breakpoints -------------------------------------------------------------------------------
 */

/* Whether an instruction at @p address may be stopped at: kernel text, but for what runs between
 * an exception and the moment when the breakpoints are out. */
static bool may_break_at(uint64_t address)
{
    const struct kernel_image image = kernel_image();
    return address >= image.code_start.value && address < image.code_end.value &&
           (address < (uintptr_t)x86_nobreak_start || address >= (uintptr_t)x86_nobreak_end);
}

static enum kstatus insert_point(void *context, enum gdb_point kind, uint64_t address,
                                 uint64_t size_bytes)
{
    (void)context;
    const bool is_instruction = kind == GDB_POINT_SOFTWARE || kind == GDB_POINT_HARDWARE;
    if (is_instruction && !may_break_at(address)) {
        return K_EFAULT;
    }
    if (kind != GDB_POINT_SOFTWARE) {
        return debug_points_add_hardware(&server.points, kind, address, size_bytes);
    }
    uint64_t original;
    const enum kstatus status = arch_safe_load(virt_addr(address), 1, &original);
    return status != K_OK ? status
                          : debug_points_add_software(&server.points, address, (uint8_t)original);
}

static void remove_point(void *context, enum gdb_point kind, uint64_t address, uint64_t size_bytes)
{
    (void)context;
    if (kind == GDB_POINT_SOFTWARE) {
        debug_points_remove_software(&server.points, address);
    } else {
        debug_points_remove_hardware(&server.points, kind, address, size_bytes);
    }
}

static void remove_all_points(void *context)
{
    (void)context;
    server.points = (struct debug_points){ .software = { { .is_used = false } } };
}

/* Writes INT3, or the original bytes, at every software breakpoint. The text has no writable
 * mapping and gets none: CR0.WP is off for these stores and nothing else, with interrupts off. */
static NO_BREAKPOINT void write_text(bool armed)
{
    const uint64_t token = arch_irq_save();
    const uint64_t cr0 = x86_read_cr0();
    x86_write_cr0(cr0 & ~CR0_WP);
    for (size_t i = 0; i < DEBUG_SOFTWARE_POINTS; i++) {
        const struct debug_software_point *const point = &server.points.software[i];
        if (point->is_used) {
            *(volatile uint8_t *)(uintptr_t)point->address = armed ? INT3 : point->original;
        }
    }
    x86_write_cr0(cr0); /* serialises: the CPU fetches the new bytes */
    arch_irq_restore(token);
}

static void load_registers(void)
{
    const struct debug_register *const registers = server.points.registers;
    x86_write_dr0(registers[0].address);
    x86_write_dr1(registers[1].address);
    x86_write_dr2(registers[2].address);
    x86_write_dr3(registers[3].address);
}

static NO_BREAKPOINT void disarm(void)
{
    x86_write_dr7(DEBUG_DR7_OFF);
    write_text(false);
}

/* ---- the monitor -------------------------------------------------------------------------------
 */

static void put_to_debugger(void *context, const char *text, size_t size_bytes)
{
    (void)context;
    gdb_stub_monitor_output(&server.stub, text, size_bytes);
}

static void monitor(void *context, const char *line)
{
    (void)context;
    console_set_tap(put_to_debugger, NULL);
    monitor_execute(line);
    console_set_tap(NULL, NULL);
}

/* ---- serving -----------------------------------------------------------------------------------
 */

static void send(void *context, const char *bytes, size_t size_bytes)
{
    (void)context;
    for (size_t i = 0; i < size_bytes; i++) {
        serial8250_put_byte(&server.port, (uint8_t)bytes[i]);
    }
}

static const struct gdb_target target = {
    .send = send,
    .read_register = read_register,
    .write_register = write_register,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .insert_point = insert_point,
    .remove_point = remove_point,
    .remove_all_points = remove_all_points,
    .monitor = monitor,
};

static enum gdb_action serve_bytes(void)
{
    enum gdb_action action = GDB_ACTION_STAY;
    if (server.first_byte >= 0) {
        action = gdb_stub_feed(&server.stub, (uint8_t)server.first_byte);
        server.first_byte = -1;
    }
    while (action == GDB_ACTION_STAY) {
        uint8_t byte;
        const enum kstatus status = serial8250_getc(&server.port, &byte);
        if (status == K_OK) {
            action = gdb_stub_feed(&server.stub, byte);
        } else if (status == K_ENOENT) {
            remove_all_points(NULL);
            action = GDB_ACTION_DETACH;
        } else {
            arch_cpu_relax();
        }
    }
    return action;
}

/* Lets the debugger have the machine as @p frame shows it. */
static enum gdb_action serve(struct trap_frame *frame, const struct gdb_stop *stop)
{
    server.is_serving = true;
    server.frame = frame;
    frame->rflags &= ~RFLAGS_TF; /* not the program's: a step of ours */
    const uint64_t rip = frame->rip;
    gdb_stub_stopped(&server.stub, stop);
    const enum gdb_action action = serve_bytes();
    if (action == GDB_ACTION_STEP) {
        frame->rflags |= RFLAGS_TF;
    }
    if (stop->reason == GDB_STOP_HARDWARE && frame->rip == rip) {
        frame->rflags |= RFLAGS_RF; /* else it would stop here again at once */
    }
    server.is_serving = false;
    return action;
}

static uint8_t signal_of(uint64_t vector)
{
    switch (vector) {
    case 0: /* divide error */
    case 16:
    case 19:
        return GDB_SIGNAL_FPE;
    case TRAP_DEBUG:
    case TRAP_BREAKPOINT:
        return GDB_SIGNAL_TRAP;
    case TRAP_NMI:
        return GDB_SIGNAL_INT;
    case TRAP_INVALID_OPCODE:
        return GDB_SIGNAL_ILL;
    case TRAP_DOUBLE_FAULT:
    case TRAP_MACHINE_CHECK:
        return GDB_SIGNAL_BUS;
    default:
        return GDB_SIGNAL_SEGV;
    }
}

/* Whether the exception is the debugger's own doing; says what it is in @p stop either way. */
static bool is_debug_stop(struct trap_frame *frame, struct gdb_stop *stop)
{
    *stop = (struct gdb_stop){ .signal = signal_of(frame->vector) };
    if (frame->vector == TRAP_DEBUG) {
        const uint64_t dr6 = x86_read_dr6();
        x86_write_dr6(DEBUG_DR6_CLEAR); /* the CPU only ever sets bits */
        *stop = debug_points_stop(&server.points, dr6);
        return stop->reason != GDB_STOP_PLAIN || (dr6 & DEBUG_DR6_STEP) != 0;
    }
    if (frame->vector != TRAP_BREAKPOINT) {
        return false;
    }
    if (debug_points_software(&server.points, frame->rip - 1) != NULL) {
        frame->rip--; /* to the instruction that INT3 stands for */
        stop->reason = GDB_STOP_SOFTWARE;
        return true;
    }
    if (server.is_breaking_in) {
        server.is_breaking_in = false;
        *stop = server.break_in;
        return true;
    }
    return server.stub.is_attached; /* an INT3 of the program: a stop, and it goes on behind it */
}

/* @return whether the kernel is to go on at the frame; else the exception takes its usual way */
static bool stop_at(struct trap_frame *frame)
{
    struct gdb_stop stop;
    const bool is_ours = is_debug_stop(frame, &stop);
    if (is_ours) {
        (void)serve(frame, &stop); /* the frame says how to go on */
        return true;
    }
    if (frame->vector == TRAP_BREAKPOINT) {
        return false;
    }
    if (server.stub.is_attached && serve(frame, &stop) != GDB_ACTION_DETACH &&
        server.stub.resume_signal == 0) {
        return true;
    }
    server.crash = frame;
    server.crash_stop = stop;
    return false;
}

static NO_BREAKPOINT bool handle_trap(struct trap_frame *frame)
{
    if (server.is_serving) {
        return false; /* an exception inside the stub, or of a monitor command */
    }
    disarm();
    const bool goes_on = stop_at(frame);
    load_registers();
    const uint64_t dr7 = debug_points_dr7(&server.points);
    write_text(true);
    x86_write_dr7(dr7);
    return goes_on;
}

static void break_in(uint8_t signal)
{
    server.break_in = (struct gdb_stop){ .signal = signal };
    server.is_breaking_in = true;
    x86_breakpoint();
}

/* ---- the interface -----------------------------------------------------------------------------
 */

void gdb_server_poll(void)
{
    uint8_t byte;
    if (!server.is_on || server.is_serving || serial8250_getc(&server.port, &byte) != K_OK) {
        return;
    }
    if (byte == '$') { /* a new debugger: the last one is not there to be told */
        server.stub.owes_stop = false;
        server.first_byte = byte;
        break_in(GDB_SIGNAL_INT);
    } else if (byte == GDB_BREAK_BYTE && server.stub.is_attached) {
        break_in(GDB_SIGNAL_INT);
    }
}

void gdb_server_panic(void)
{
    if (!server.is_on || server.is_serving) {
        return;
    }
    if (!server.stub.is_attached) {
        pr_emerg("gdb: waiting for a debugger on ttyS%u; what it detaches from goes on",
                 server.port_index);
    }
    if (server.crash != NULL) {
        disarm();
        (void)serve(server.crash, &server.crash_stop); /* whatever it says: this is the end */
    } else {
        break_in(GDB_SIGNAL_ABRT);
    }
}

static bool open_port(uint32_t index)
{
    static const uint16_t ports[] = { SERIAL8250_COM1, SERIAL8250_COM2, SERIAL8250_COM3,
                                      SERIAL8250_COM4 };
    if (console_is_at_port(ports[index])) {
        pr_warn("gdb: ttyS%u is the console: no debugger", index);
        return false;
    }
    if (serial8250_init(&server.port, ports[index]) != K_OK) {
        pr_warn("gdb: there is no ttyS%u: no debugger", index);
        return false;
    }
    server.port_index = index;
    return true;
}

void gdb_server_start(const char *command_line, uint64_t image_base)
{
    struct command_line_word word;
    struct gdb_options options;
    if (!command_line_find(command_line, "gdb", &word)) {
        return;
    }
    if (gdb_options_parse(word.value, word.value_length, &options) != K_OK) {
        pr_warn("options: gdb= needs ttyS0 to ttyS3, and perhaps \",wait\": ignored");
        return;
    }
    if (lockdown_refuses("the GDB stub") || !open_port(options.port_index)) {
        return;
    }
    gdb_stub_init(&server.stub, &target, image_base);
    server.first_byte = -1;
    server.is_on = true;
    (void)trap_set_hook(handle_trap); /* the first one: nobody to give it back to */
    console_set_poll(gdb_server_poll);
    pr_info("gdb: listening on ttyS%u", options.port_index);
    if (options.wait) {
        pr_info("gdb: waiting for a debugger");
        break_in(GDB_SIGNAL_INT);
    }
}
