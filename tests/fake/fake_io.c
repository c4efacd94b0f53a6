/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_io.h.
 */
#include "tests/fake/fake_io.h"

#include <stdio.h>
#include <stdlib.h>

#include <arch/io.h>

static const struct fake_io_device *devices[8];
static unsigned device_count;
static uint16_t last_port;
static uint32_t last_value;
static const struct fake_io_mmio *mmios[4];
static unsigned mmio_count;
static uint32_t (*inl_answer)(uint16_t port);
static void (*outl_taker)(uint16_t port, uint32_t value);

void fake_io_reset(void)
{
    device_count = 0;
    mmio_count = 0;
    inl_answer = NULL;
    outl_taker = NULL;
    last_port = 0;
    last_value = 0;
}

void fake_io_plug(const struct fake_io_device *device)
{
    if (device_count == 8) {
        fprintf(stderr, "fake_io: too many devices\n");
        abort();
    }
    devices[device_count++] = device;
}

void fake_io_plug_mmio(const struct fake_io_mmio *mmio)
{
    if (mmio_count == 4) {
        fprintf(stderr, "fake_io: too many devices in memory\n");
        abort();
    }
    mmios[mmio_count++] = mmio;
}

void fake_io_answer_inl(uint32_t (*answer)(uint16_t port))
{
    inl_answer = answer;
}

void fake_io_on_outl(void (*take)(uint16_t port, uint32_t value))
{
    outl_taker = take;
}

void fake_io_last_outl(uint16_t *port, uint32_t *value)
{
    *port = last_port;
    *value = last_value;
}

static const struct fake_io_device *device_at(uint16_t port)
{
    for (unsigned i = 0; i < device_count; i++) {
        if (port >= devices[i]->first_port &&
            port - devices[i]->first_port < devices[i]->port_count) {
            return devices[i];
        }
    }
    return NULL;
}

void x86_outb(uint16_t port, uint8_t value)
{
    const struct fake_io_device *const device = device_at(port);
    if (device != NULL) {
        device->write(device->context, (uint16_t)(port - device->first_port), value);
    }
}

uint8_t x86_inb(uint16_t port)
{
    const struct fake_io_device *const device = device_at(port);
    return device == NULL ? 0xff
                          : device->read(device->context, (uint16_t)(port - device->first_port));
}

void x86_outw(uint16_t port, uint16_t value)
{
    x86_outb(port, (uint8_t)(value & 0xff));
    x86_outb((uint16_t)(port + 1), (uint8_t)(value >> 8));
}

uint16_t x86_inw(uint16_t port)
{
    const uint8_t low = x86_inb(port);
    return (uint16_t)(low | (x86_inb((uint16_t)(port + 1)) << 8));
}

void x86_outl(uint16_t port, uint32_t value)
{
    last_port = port;
    last_value = value;
    if (outl_taker != NULL) {
        outl_taker(port, value);
    }
}

uint32_t x86_inl(uint16_t port)
{
    return inl_answer == NULL ? UINT32_MAX : inl_answer(port);
}

/* ---- registers in memory ------------------------------------------------------------------------
 */

/* The register at `address`; anything else is a mistake of the code under test. */
static const struct fake_io_device *register_at(uint64_t address, uint32_t width_bytes,
                                                uint16_t *offset)
{
    for (unsigned i = 0; i < mmio_count; i++) {
        const struct fake_io_mmio *const mmio = mmios[i];
        const uint64_t distance = address - mmio->address;
        if (mmio->width_bytes == width_bytes && distance % mmio->stride_bytes == 0 &&
            distance / mmio->stride_bytes < mmio->device->port_count) {
            *offset = (uint16_t)(distance / mmio->stride_bytes); /* below port_count */
            return mmio->device;
        }
    }
    fprintf(stderr, "fake_io: %u byte access to %#llx\n", width_bytes, (unsigned long long)address);
    abort();
}

static uint8_t mmio_read(uint64_t address, uint32_t width_bytes)
{
    uint16_t offset = 0;
    const struct fake_io_device *const device = register_at(address, width_bytes, &offset);
    return device->read(device->context, offset);
}

static void mmio_write(uint64_t address, uint32_t width_bytes, uint8_t value)
{
    uint16_t offset = 0;
    const struct fake_io_device *const device = register_at(address, width_bytes, &offset);
    device->write(device->context, offset, value);
}

uint8_t arch_mmio_read8(uint64_t address)
{
    return mmio_read(address, 1);
}

uint32_t arch_mmio_read32(uint64_t address)
{
    return UINT32_C(0xa5a5a500) | mmio_read(address, 4); /* nobody promises what lies above */
}

void arch_mmio_write8(uint64_t address, uint8_t value)
{
    mmio_write(address, 1, value);
}

void arch_mmio_write32(uint64_t address, uint32_t value)
{
    mmio_write(address, 4, (uint8_t)value);
}
