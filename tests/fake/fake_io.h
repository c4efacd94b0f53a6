/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Fake port I/O: ports answer 0xff and swallow writes unless a device is plugged in, as on a PC.
 */
#ifndef FAKE_IO_H
#define FAKE_IO_H

#include <stdint.h>

struct fake_io_device {
    uint16_t first_port;
    uint16_t port_count;
    uint8_t (*read)(void *context, uint16_t offset);
    void (*write)(void *context, uint16_t offset, uint8_t value);
    void *context;
};

/** Unplugs everything and forgets the last 32-bit write. */
void fake_io_reset(void);

/** Plugs in @p device (at most 8); it must outlive its use. */
void fake_io_plug(const struct fake_io_device *device);

/** Port and value of the last 32-bit write (isa-debug-exit); 0, 0 where there was none. */
void fake_io_last_outl(uint16_t *port, uint32_t *value);

#endif
