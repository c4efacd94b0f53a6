/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See pci_command.h. No state. Configuration space through ports 0xcf8 and 0xcfc (PCI Local Bus
 * 3.0, 3.2.2.3.2; layout: 6.1, 6.2.5; PCI-to-PCI Bridge 1.2, 3.2). All 256 buses are looked at:
 * root buses need not be told of by a bridge. Sizes of base addresses are not shown: finding them
 * out takes writes to registers of devices that may be running.
 */
#include "monitor/pci_command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console.h"
#include "dev/pci_config.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "monitor/command.h"

#define REGISTER_IDENTITY 0x00U
#define REGISTER_COMMAND  0x04U
#define REGISTER_CLASS    0x08U
#define REGISTER_HEADER   0x0cU
#define REGISTER_BAR      0x10U
#define REGISTER_BUSES    0x18U
#define COMMAND_MASTER    BIT(2)
#define HEADER_BRIDGE     1U
#define BAR_IO            BIT(0)
#define BAR_PREFETCHABLE  BIT(3)
#define BARS_DEVICE       6U
#define BARS_BRIDGE       2U

/* Class and subclass (PCI Code and ID Assignment 1.11); a person's words for what is common. */
static const struct {
    uint16_t class;
    char name[14];
} class_names[] = {
    { 0x0101, "IDE" },           { 0x0104, "RAID" },       { 0x0106, "SATA" },
    { 0x0108, "NVMe" },          { 0x0200, "Ethernet" },   { 0x0280, "network" },
    { 0x0300, "VGA" },           { 0x0302, "3D" },         { 0x0380, "display" },
    { 0x0401, "audio" },         { 0x0403, "audio" },      { 0x0600, "host bridge" },
    { 0x0601, "ISA bridge" },    { 0x0604, "PCI bridge" }, { 0x0700, "serial" },
    { 0x0780, "communication" }, { 0x0880, "system" },     { 0x0c03, "USB" },
    { 0x0c05, "SMBus" },         { 0x0100, "SCSI" },
};

static const char *class_name(uint32_t class)
{
    for (size_t i = 0; i < ARRAY_COUNT(class_names); i++) {
        if (class_names[i].class == class >> 8) {
            return class_names[i].name;
        }
    }
    return "";
}

/* @return how many registers the address took */
static uint32_t print_bar(uint32_t function, uint32_t index)
{
    const uint32_t low = pci_config_read(function, REGISTER_BAR + 4 * index);
    if ((low & BAR_IO) != 0) {
        if ((low & ~UINT32_C(3)) != 0) {
            console_printf("        bar %u: ports 0x%x\n", index, low & ~UINT32_C(3));
        }
        return 1;
    }
    const bool is_wide = (low & 6) == 4;
    const uint32_t high = is_wide ? pci_config_read(function, REGISTER_BAR + 4 * index + 4) : 0;
    const uint64_t address = ((uint64_t)high << 32) | (low & ~UINT32_C(15));
    if (address != 0) {
        console_printf("        bar %u: memory 0x%" FMTx64 " %s-bit%s\n", index, address,
                       is_wide ? "64" : "32", (low & BAR_PREFETCHABLE) != 0 ? " prefetchable" : "");
    }
    return is_wide ? 2 : 1;
}

static void print_function(uint32_t function, uint32_t identity, uint32_t header)
{
    const uint32_t class = pci_config_read(function, REGISTER_CLASS) >> 8;
    const bool is_master = (pci_config_read(function, REGISTER_COMMAND) & COMMAND_MASTER) != 0;
    console_printf("%02x:%02x.%u %04x:%04x %06x %s%s\n", function >> 8, (function >> 3) & 31,
                   function & 7, identity & 0xffff, identity >> 16, class, class_name(class),
                   is_master ? " (bus master)" : "");
    const bool is_bridge = (header & 0x7f) == HEADER_BRIDGE;
    if (is_bridge) {
        const uint32_t buses = pci_config_read(function, REGISTER_BUSES);
        console_printf("        bridge to buses %02x to %02x\n", (buses >> 8) & 0xff,
                       (buses >> 16) & 0xff);
    }
    const uint32_t count = is_bridge ? BARS_BRIDGE : (header & 0x7f) == 0 ? BARS_DEVICE : 0;
    for (uint32_t i = 0; i < count;) {
        i += print_bar(function, i);
    }
}

/* @return whether the device has more functions than the first */
static bool look_at(uint32_t function)
{
    const uint32_t identity = pci_config_read(function, REGISTER_IDENTITY);
    if ((identity & 0xffff) == 0xffff) {
        return false;
    }
    const uint32_t header = (pci_config_read(function, REGISTER_HEADER) >> 16) & 0xff;
    print_function(function, identity, header);
    return (header & 0x80) != 0;
}

static void look_at_device(uint32_t first)
{
    const uint32_t functions = look_at(first) ? 8 : 1;
    for (uint32_t i = 1; i < functions; i++) {
        (void)look_at(first + i); /* what matters of it was known from the first */
    }
}

void pci_command(const char *argument)
{
    (void)argument;
    for (uint32_t bus = 0; bus < 256 && !monitor_interrupted(); bus++) {
        for (uint32_t device = 0; device < 32; device++) {
            look_at_device((bus << 8) | (device << 3));
        }
    }
}
