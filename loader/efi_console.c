/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_console.h. Each line must appear once on a serial line: OVMF's ConOut *is* COM1, a PC
 * with a screen has it silent. The firmware's console carries a port where an active text console's
 * device path leads there: ConsoleOutHandle itself, or (behind EDK2's console splitter, which has
 * no path) a text console that the ConOut variable names. Where no path tells (U-Boot has none; a
 * BIOS may redirect its screen on its own) the port is asked: put into loopback, it hears what the
 * console sends.
 */
#include "efi_console.h"

#include <stdint.h>

#include "dev/serial8250.h"
#include "device_path.h"
#include "lib/format.h"
#include "lib/string.h"
#include "printk.h"

#define LINE_BYTES 512U
#define OTHER_KEY  0x7f
#define WIDE_CHARS 128U

/* EDK, Foundation/Protocol/ConsoleControl/ConsoleControl.h: older than UEFI, and in none of its
 * versions. */
#define CONSOLE_CONTROL_GUID                               \
    {                                                      \
        0xf42f7782, 0x012e, 0x4c12,                        \
        {                                                  \
            0x99, 0x56, 0x49, 0xf9, 0x43, 0x04, 0xf7, 0x21 \
        }                                                  \
    }
#define CONSOLE_CONTROL_TEXT 0U

struct console_control_protocol {
    EFI_STATUS(EFIAPI *get_mode)
    (struct console_control_protocol *self, uint32_t *mode, BOOLEAN *has_graphics,
     BOOLEAN *is_locked);
    EFI_STATUS(EFIAPI *set_mode)(struct console_control_protocol *self, uint32_t mode);
    void *lock_input;
};

/* The loader's console (singleton). */
static struct {
    SIMPLE_TEXT_OUTPUT_INTERFACE *firmware; /* NULL where there is none, or no more */
    SIMPLE_INPUT_INTERFACE *keys;           /* the same */
    struct serial8250 uart;
    bool uart_is_ours; /* lines must be written to it directly */
    void (*write_screen)(void *context, const char *text, size_t size_bytes); /* or NULL */
    void *screen;
    void (*copy)(const char *text, size_t size_bytes); /* or NULL */
    char log[EFI_CONSOLE_LOG_BYTES];
    size_t log_length; /* bytes without the NUL */
} console;

static bool handle_leads_to(EFI_BOOT_SERVICES *services, EFI_HANDLE handle,
                            const struct device_path_uart *uart)
{
    EFI_GUID path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
    void *path = NULL;
    if (handle == NULL || EFI_ERROR(services->HandleProtocol(handle, &path_guid, &path)) ||
        path == NULL) {
        return false;
    }
    return device_path_has_uart(path, DEVICE_PATH_MAX_BYTES, uart);
}

static bool any_text_console_leads_to(EFI_BOOT_SERVICES *services,
                                      const struct device_path_uart *uart)
{
    EFI_GUID text_guid = EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    if (EFI_ERROR(services->LocateHandleBuffer(ByProtocol, &text_guid, NULL, &count, &handles))) {
        return false;
    }
    bool found = false;
    for (UINTN i = 0; i < count && !found; i++) {
        found = handle_leads_to(services, handles[i], uart);
    }
    (void)services->FreePool(handles); /* nothing to do where it fails */
    return found;
}

/* Whether the ConOut variable (UEFI 2.10, 3.3 "Globally Defined Variables") names the port, or does
 * not exist and so rules nothing out. */
static bool variable_allows(EFI_SYSTEM_TABLE *system, const struct device_path_uart *uart)
{
    static CHAR16 name[] = L"ConOut";
    EFI_GUID guid = EFI_GLOBAL_VARIABLE;
    EFI_RUNTIME_SERVICES *const runtime = system->RuntimeServices;
    UINTN size_bytes = 0;
    if (runtime->GetVariable(name, &guid, NULL, &size_bytes, NULL) != EFI_BUFFER_TOO_SMALL) {
        return true;
    }
    void *value = NULL;
    if (EFI_ERROR(system->BootServices->AllocatePool(EfiLoaderData, size_bytes, &value))) {
        return true;
    }
    const bool failed = EFI_ERROR(runtime->GetVariable(name, &guid, NULL, &size_bytes, value));
    const bool allows = failed || device_path_has_uart(value, size_bytes, uart);
    (void)system->BootServices->FreePool(value); /* nothing to do where it fails */
    return allows;
}

static bool firmware_console_is(EFI_SYSTEM_TABLE *system, const struct device_path_uart *uart)
{
    EFI_BOOT_SERVICES *const services = system->BootServices;
    if (system->ConOut == NULL) {
        return false;
    }
    return handle_leads_to(services, system->ConsoleOutHandle, uart) ||
           (any_text_console_leads_to(services, uart) && variable_allows(system, uart));
}

/* A carriage return: at the start of a line no console shows it. */
static void return_carriage(void *context)
{
    static CHAR16 text[] = L"\r";
    SIMPLE_TEXT_OUTPUT_INTERFACE *const output = context;
    (void)output->OutputString(output, text); /* where it fails nothing comes back */
}

/* The port in console.uart answers: is it ours to write to? @p path NULL: no path can name it. */
static void take_uart(EFI_SYSTEM_TABLE *system, const struct device_path_uart *path)
{
    const bool is_named = path != NULL && firmware_console_is(system, path);
    console.uart_is_ours =
        !is_named && (system->ConOut == NULL ||
                      !serial8250_carries(&console.uart, return_carriage, system->ConOut));
    if (console.uart_is_ours) {
        console.uart_is_ours = serial8250_setup(&console.uart) == K_OK;
    }
}

/* Apple's firmware and others of EDK's first version start images behind a picture, and then
 * OutputString() succeeds and shows nothing. What fails here leaves things as they were. */
static void switch_to_text(EFI_BOOT_SERVICES *services)
{
    EFI_GUID guid = CONSOLE_CONTROL_GUID;
    void *interface = NULL;
    if (EFI_ERROR(services->LocateProtocol(&guid, NULL, &interface)) || interface == NULL) {
        return;
    }
    struct console_control_protocol *const control = interface;
    uint32_t mode = CONSOLE_CONTROL_TEXT;
    if (!EFI_ERROR(control->get_mode(control, &mode, NULL, NULL)) && mode != CONSOLE_CONTROL_TEXT) {
        (void)control->set_mode(control, CONSOLE_CONTROL_TEXT);
    }
}

void efi_console_init(EFI_SYSTEM_TABLE *system)
{
    switch_to_text(system->BootServices);
    console.firmware = system->ConOut;
    console.keys = system->ConIn;
    static const struct serial8250_place com1 = SERIAL8250_PLACE_PORT(SERIAL8250_COM1);
    static const struct device_path_uart com1_path = { .unit = 0 };
    if (serial8250_probe(&console.uart, &com1, 0) == K_OK) {
        take_uart(system, &com1_path);
    }
}

/* The next piece of @p text as UTF-16 with CR LF; returns where it ends. */
static const char *widen(const char *text, CHAR16 *wide)
{
    size_t length = 0;
    for (; *text != '\0' && length < WIDE_CHARS - 2; text++) {
        if (*text == '\n') {
            wide[length++] = L'\r';
        }
        wide[length++] = (CHAR16)(uint8_t)*text;
    }
    wide[length] = 0;
    return text;
}

/* @return whether the firmware took all of it */
static bool write_firmware(const char *text)
{
    CHAR16 wide[WIDE_CHARS];
    bool is_good = true;
    while (*text != '\0') {
        text = widen(text, wide);
        is_good = !EFI_ERROR(console.firmware->OutputString(console.firmware, wide)) && is_good;
    }
    return is_good;
}

static void write_log(const char *text)
{
    const size_t length = strlen(text);
    if (length >= EFI_CONSOLE_LOG_BYTES - console.log_length) {
        return; /* full: the consoles still have the line */
    }
    memcpy(console.log + console.log_length, text, length + 1);
    console.log_length += length;
}

void efi_console_print_v(const char *format, va_list arguments)
{
    char line[LINE_BYTES];
    static const char prefix[] = "firstlight: ";
    memcpy(line, prefix, sizeof(prefix));
    const size_t start = sizeof(prefix) - 1;
    const size_t room = LINE_BYTES - 1 - start; /* one byte is for the end of line */

    size_t length = format_text_v(line + start, room, format, arguments);
    length = length < room ? length : room - 1;
    line[start + length] = '\n';
    line[start + length + 1] = '\0';

    write_log(line);
    if (console.firmware != NULL && !write_firmware(line) && !console.uart_is_ours &&
        console.uart.present) {
        /* It was to carry the port. Better a line twice, where only its screen failed, than none.
         */
        console.uart_is_ours = serial8250_setup(&console.uart) == K_OK;
    }
    if (console.uart_is_ours) {
        serial8250_write(&console.uart, line, strlen(line));
    }
    if (console.copy != NULL) {
        console.copy(line, start + length + 1);
    }
    if (console.write_screen != NULL) {
        console.write_screen(console.screen, line, start + length + 1);
    }
}

void efi_console_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    efi_console_print_v(format, arguments);
    va_end(arguments);
}

/* The shared units (the page mapper) log through the kernel's interface. */
void printk(enum log_level level, const char *format, ...)
{
    if (level > LOG_LEVEL_WARNING) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    efi_console_print_v(format, arguments);
    va_end(arguments);
}

void efi_console_use_serial(EFI_SYSTEM_TABLE *system, const struct serial8250 *uart,
                            const struct device_path_uart *path)
{
    const struct serial8250_place *const old = &console.uart.place;
    if (console.uart.present && old->base == uart->place.base &&
        old->is_mmio == uart->place.is_mmio && old->baud == uart->place.baud) {
        return;
    }
    console.uart = *uart;
    take_uart(system, path);
    if (console.uart_is_ours) {
        serial8250_write(&console.uart, console.log, console.log_length);
    }
}

void efi_console_firmware_gone(void)
{
    console.firmware = NULL;
    console.keys = NULL;
    console.uart_is_ours = console.uart.present;
}

void efi_console_set_copy(void (*put)(const char *text, size_t size_bytes))
{
    console.copy = put;
    if (put != NULL) {
        put(console.log, console.log_length);
    }
}

void efi_console_add_screen(void (*write)(void *context, const char *text, size_t size_bytes),
                            void *context)
{
    console.write_screen = write;
    console.screen = context;
    write(context, console.log, console.log_length);
}

const char *efi_console_log(size_t *size_bytes)
{
    *size_bytes = console.log_length + 1;
    return console.log;
}

bool efi_console_take_byte(void)
{
    uint8_t byte; /* which one does not matter */
    return serial8250_getc(&console.uart, &byte) == K_OK;
}

static char ascii_or_other(CHAR16 key)
{
    if (key == 0 || key > OTHER_KEY) {
        return OTHER_KEY;
    }
    return (char)key; /* ASCII */
}

char efi_console_read_key(void)
{
    EFI_INPUT_KEY key;
    if (console.keys != NULL && !EFI_ERROR(console.keys->ReadKeyStroke(console.keys, &key))) {
        return ascii_or_other(key.UnicodeChar);
    }
    uint8_t byte;
    if (serial8250_getc(&console.uart, &byte) != K_OK) {
        return 0;
    }
    return ascii_or_other(byte);
}

bool efi_console_take_key(void)
{
    return efi_console_read_key() != 0;
}
