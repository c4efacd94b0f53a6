/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Where the loader's lines go: the firmware's console (ConOut, which may be NULL), the first serial
 * port where the firmware's console is not that very port or fails, a log that ends in bootinfo,
 * and where the loader stops for good a screen of its own. One singleton, set up once. Loader only.
 *
 * Rule: nothing prints between the first GetMemoryMap of the exit and the end of boot services
 * (OutputString may allocate and so change the map key).
 */
#ifndef LOADER_EFI_CONSOLE_H
#define LOADER_EFI_CONSOLE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <efi.h>

#include "dev/serial8250.h"
#include "device_path.h"
#include "lib/compiler.h"

/** Bytes of log that are kept, with the NUL; later lines go to the consoles only. */
#define EFI_CONSOLE_LOG_BYTES 8192U

/** Finds the consoles, and has the firmware's show text (which may change the screen's mode).
 *  @context first act, boot services available */
void efi_console_init(EFI_SYSTEM_TABLE *system);

/** One line to every console and the log: "firstlight: ", the text, end of line. */
void efi_console_print(const char *format, ...) PRINTF_LIKE(1, 2);

/** efi_console_print() with its arguments as a list. */
void efi_console_print_v(const char *format, va_list arguments) PRINTF_LIKE(1, 0);

/** From here on the serial port is @p uart (probed): it gets the lines so far, and those that
 * follow, unless the firmware's console is that port. @param path  its name in device paths; NULL:
 * none */
void efi_console_use_serial(EFI_SYSTEM_TABLE *system, const struct serial8250 *uart,
                            const struct device_path_uart *path);

/** From here on no firmware: the serial port, and a screen of one's own. Boot services are gone, or
 * may no longer be called. */
void efi_console_firmware_gone(void);

/** From here on @p write gets every line as well, and now the log so far: a screen that needs no
 *  firmware. @param context  handed to it */
void efi_console_add_screen(void (*write)(void *context, const char *text, size_t size_bytes),
                            void *context);

/** From here on @p put gets every line as well, and now the log so far; NULL: nobody does. */
void efi_console_set_copy(void (*put)(const char *text, size_t size_bytes));

/** The log so far, NUL-terminated. @param size_bytes  receives its size with the NUL */
const char *efi_console_log(size_t *size_bytes);

/** The ASCII character of a key that was pressed, on the firmware's console (ConIn, which may be
 *  NULL) or on the serial line; DEL for any other key, 0 where none was. @context boot services */
char efi_console_read_key(void);

/** Whether a key was pressed, on the firmware's console (ConIn, which may be NULL) or on the serial
 *  line; it is taken. @context boot services */
bool efi_console_take_key(void);

/** Whether a key was pressed on the serial line; the byte is taken. @context any */
bool efi_console_take_byte(void);

#endif
