/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Where text goes to and comes from: the serial port, and later the screen. One console per
 * machine; owner of which outputs are on. Lines of printk() come through here, and raw output
 * (KTAP, the report, the monitor).
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "kstatus.h"
#include "lib/compiler.h"

struct serial8250;

/** Whether a serial port answered. */
bool console_has_serial(void);

/** Turns the port on that the loader chose; one whose registers are in memory has to wait for
 *  console_map_serial(): until then the log only remembers. Context: any. */
void console_open_serial(const struct bootinfo_serial *info);

/**
 * Maps the registers of the loader's choice, uncached, and turns the port on; nothing for I/O
 * ports.
 * @return K_OK; K_ENOENT no UART there; K_EFAULT there is memory; K_EINVAL; as create_mmio() and
 *         mmio_guard_map_phys()
 * Context: after mm_init(), once.
 */
MUST_CHECK enum kstatus console_map_serial(const struct bootinfo_serial *info);

/** Looks for COM1 and turns it on, where no port was opened yet: for a trap or a panic before the
 *  boot got there. Context: any; needs no memory management. An absent port costs a bounded number
 * of polls and nothing after. */
void console_find_serial(void);

/** The serial port, for its counters and where it is. Not to be written to. */
const struct serial8250 *console_serial(void);

/** Writes @p size_bytes of @p text to every output that is on, behind all of the log so far. '\n'
 *  becomes CR LF on a UART. */
void console_write(const char *text, size_t size_bytes);

/** console_write() to the serial port alone, whatever console= says: for what machines read. */
void console_write_serial(const char *text, size_t size_bytes);

/** printf to console_write(), without level or time stamp. One call prints at most 511 bytes. */
void console_printf(const char *format, ...) PRINTF_LIKE(1, 2);

/** Looks for a PS/2 keyboard, which console_read() then reads too. @param tsc_hz and @return as
 *  ps2_keyboard_init() */
MUST_CHECK enum kstatus console_init_keyboard(uint64_t tsc_hz);

/** Whether there is a controller whose keyboard is read. */
bool console_has_keyboard(void);

/** Whether that keyboard answered: else it may not be there, or only type. */
bool console_keyboard_answers(void);

/** @return the next byte that was typed, or -1 where there is none. Never waits; shows some of the
 *  log where that is behind. */
int console_read(void);

/**
 * While set, what any of the writes above is given goes to @p put instead, as it is: how a debugger
 * gets the output of a monitor command. NULL ends it. Whoever sets it ends it; a panic does too,
 * so that a crash is seen. @p put must not write to the console. Context: one CPU, no lock.
 */
void console_set_tap(void (*put)(void *context, const char *text, size_t size_bytes),
                     void *context);

/** Whether the console's UART is at I/O port @p port. */
bool console_is_at_port(uint16_t port);

/** Calls @p poll whenever somebody asks for typed bytes, or console_poll(): where the kernel can be
 *  interrupted. NULL ends it. */
void console_set_poll(void (*poll)(void));

/** Does what console_read() does before it looks for a byte. Context: as for @p poll above. */
void console_poll(void);

/** Console output to the serial port off and on; it starts on. */
void console_set_serial(bool on);

/** All that was written is on the wire: before the machine stops or resets. */
void console_drain(void);

/** Window output off while the framebuffer is not mapped, and on again (S40). */
void console_set_screen(bool on);

/* ---- for printk.c: what the log is shown on; nothing here waits but console_wait_serial() ------
 */

/** Whether the log goes to the serial port (or a tap in its place); to the screen. */
bool console_takes_serial(void);
bool console_takes_screen(void);

/** Write what can be taken now, as it is. @return bytes taken */
size_t console_try_serial(const char *text, size_t size_bytes);
size_t console_try_screen(const char *text, size_t size_bytes);

/** serial8250_wait() */
bool console_wait_serial(void);

#endif
