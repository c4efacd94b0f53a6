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

void fake_io_reset(void)
{
    device_count = 0;
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

void x86_outl(uint16_t port, uint32_t value)
{
    last_port = port;
    last_value = value;
}
