/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The step of the loader that chooses the serial port (boot.h): gathers what serial_choice.h wants
 * to know, tells the console and the kernel.
 */
#include <stdbool.h>

#include "boot.h"
#include "command_line.h"
#include "efi_console.h"
#include "lib/format.h"
#include "serial_choice.h"

/* How device paths name the port. @return false where they cannot */
static bool path_of(const struct serial_choice *choice, struct device_path_uart *path)
{
    static const uint16_t com_ports[] = { SERIAL8250_COM1, SERIAL8250_COM2, SERIAL8250_COM3,
                                          SERIAL8250_COM4 };
    if (choice->source == BOOTINFO_SERIAL_PCI) {
        *path = (struct device_path_uart){ .is_pci = true,
                                           .device = (choice->pci_number >> 3) & 0x1fU,
                                           .function = choice->pci_number & 7U };
        return true;
    }
    for (uint32_t i = 0; i < ARRAY_COUNT(com_ports); i++) {
        if (!choice->place.is_mmio && choice->place.base == com_ports[i]) {
            *path = (struct device_path_uart){ .unit = i };
            return true;
        }
    }
    return false;
}

static void note(struct boot *boot, const struct serial_choice *choice)
{
    const struct serial8250_place *const place = &choice->place;
    boot->info.serial = (struct bootinfo_serial){
        .base = place->base,
        .baud = place->baud,
        .source = (uint8_t)choice->source,
        .is_mmio = place->is_mmio ? 1 : 0,
        .stride_bytes = place->stride_bytes,
        .width_bytes = place->width_bytes,
    };
}

static void find(struct boot *boot, const struct efi_map *map)
{
    static struct serial8250 serial; /* too large for a stack of unknown size */
    const char *const line = boot->options.text;
    const struct serial_choice_input input = {
        .info = &boot->info,
        .command_line = line,
        .map = map,
        .locked_down = (boot->info.flags & BOOTINFO_FLAG_SECURE_BOOT) != 0 ||
                       command_line_has(line, "lockdown"),
    };
    struct serial_choice choice;
    if (!serial_choice_find(&input, &serial, &choice)) {
        efi_console_print("serial port: none");
        return;
    }
    struct device_path_uart path;
    const bool has_path = path_of(&choice, &path);
    efi_console_use_serial(boot->system, &serial, has_path ? &path : NULL);
    note(boot, &choice);
    efi_console_print("serial port: 0x%" FMTx64 "%s (%s)", choice.place.base,
                      choice.place.is_mmio ? " in memory" : "",
                      serial_choice_source_name(choice.source));
}

enum kstatus boot_choose_serial(struct boot *boot)
{
    struct efi_map_copy copy;
    if (efi_alloc_read_map(boot->services, &copy) != K_OK) {
        return K_OK; /* the next step that reads the map says what is wrong with it */
    }
    find(boot, &copy.map);
    efi_alloc_release_map(boot->services, &copy);
    return K_OK;
}
