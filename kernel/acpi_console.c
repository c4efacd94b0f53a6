/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See acpi_console.h. Numbers are little-endian and unaligned. Every offset is checked against the
 * table's own size, every length against what it lies in. Stateless.
 */
#include "acpi_console.h"

#include "lib/little_endian.h"

/* Offsets in an SPCR. */
#define SPCR_INTERFACE 36U
#define SPCR_ADDRESS   40U
#define SPCR_BAUD      58U
#define SPCR_BYTES     80U

/* Offsets in a DBG2 and in one of its device structures. */
#define DBG2_FIRST         36U
#define DBG2_BYTES         44U
#define DEVICE_LENGTH      1U
#define DEVICE_REGISTERS   3U
#define DEVICE_TYPE        12U
#define DEVICE_SUBTYPE     14U
#define DEVICE_ADDRESS     18U
#define DEVICE_BYTES       22U
#define DEVICE_TYPE_SERIAL 0x8000U

/* Serial subtypes of DBG2, and the interface types of SPCR. */
#define SUBTYPE_16550      0x00U
#define SUBTYPE_16450      0x01U
#define SUBTYPE_16550_GAS  0x12U /* "16550-compatible with parameters in the generic address" */
#define GAS_BYTES          12U
#define GAS_MEMORY         0U
#define GAS_PORTS          1U
#define GAS_ACCESS_DEFAULT 0U
#define GAS_ACCESS_BYTE    1U
#define GAS_ACCESS_DWORD   3U

static bool is_16550(uint64_t subtype)
{
    return subtype == SUBTYPE_16550 || subtype == SUBTYPE_16450 || subtype == SUBTYPE_16550_GAS;
}

/* A Generic Address Structure: space, register width in bits, offset, access size, address. The
 * width of a register is the distance to the next one. */
static bool read_address(const uint8_t *gas, struct serial8250_place *place)
{
    const uint8_t bits = gas[1];
    const uint8_t access = gas[3];
    if (gas[0] > GAS_PORTS || bits % 8 != 0 || gas[2] != 0) {
        return false;
    }
    struct serial8250_place found = {
        .base = little_endian(gas + 4, 8),
        .is_mmio = gas[0] == GAS_MEMORY,
        .stride_bytes = bits == 0 ? 1 : bits / 8,
        .width_bytes = 1,
    };
    if (!found.is_mmio) {
        found.stride_bytes = 1; /* I/O ports are bytes, whatever it says */
    } else if (access == GAS_ACCESS_DWORD || (access == GAS_ACCESS_DEFAULT && bits == 32)) {
        found.width_bytes = 4;
        found.stride_bytes = found.stride_bytes < 4 ? 4 : found.stride_bytes;
    } else if (access != GAS_ACCESS_DEFAULT && access != GAS_ACCESS_BYTE) {
        return false;
    }
    *place = found;
    return serial8250_place_is_sound(&found);
}

/* Baud rates as SPCR counts them; 0: as the firmware left it. */
static uint32_t baud_of(uint8_t code)
{
    static const uint32_t rates[] = { [3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200 };
    return code < sizeof(rates) / sizeof(rates[0]) ? rates[code] : 0;
}

bool acpi_spcr_place(const uint8_t *table, size_t size_bytes, struct serial8250_place *place)
{
    if (size_bytes < SPCR_BYTES || !is_16550(table[SPCR_INTERFACE]) ||
        !read_address(table + SPCR_ADDRESS, place)) {
        return false;
    }
    /* The divisor of registers in memory counts from a clock that is not known here. */
    place->baud = place->is_mmio ? 0 : baud_of(table[SPCR_BAUD]);
    return true;
}

/* @p device has @p size_bytes bytes, at least DEVICE_BYTES. */
static bool read_device(const uint8_t *device, size_t size_bytes, struct serial8250_place *place)
{
    const uint64_t address = little_endian(device + DEVICE_ADDRESS, 2);
    return little_endian(device + DEVICE_TYPE, 2) == DEVICE_TYPE_SERIAL &&
           is_16550(little_endian(device + DEVICE_SUBTYPE, 2)) && device[DEVICE_REGISTERS] > 0 &&
           address + GAS_BYTES <= size_bytes && read_address(device + address, place);
}

bool acpi_dbg2_next_place(const uint8_t *table, size_t size_bytes, size_t *cursor,
                          struct serial8250_place *place)
{
    if (size_bytes < DBG2_BYTES) {
        return false;
    }
    size_t at = *cursor == 0 ? (size_t)little_endian(table + DBG2_FIRST, 4) : *cursor;
    while (at >= DBG2_BYTES && at < size_bytes && size_bytes - at >= DEVICE_BYTES) {
        const size_t length = (size_t)little_endian(table + at + DEVICE_LENGTH, 2);
        if (length < DEVICE_BYTES || length > size_bytes - at) {
            break;
        }
        const uint8_t *const device = table + at;
        at += length;
        if (read_device(device, length, place)) {
            *cursor = at;
            return true;
        }
    }
    *cursor = size_bytes;
    return false;
}
