/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Fake port I/O: ports answer 0xff and swallow writes unless a device is plugged in, as on a PC.
 * Registers in memory are devices too; an access beside them, or of another width, ends the test.
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

/** The registers of `device` in memory. */
struct fake_io_mmio {
    uint64_t address;
    uint32_t stride_bytes; /* from one register to the next */
    uint32_t width_bytes;  /* 1 or 4 */
    const struct fake_io_device *device;
};

/** Unplugs everything and forgets the last 32-bit write. */
void fake_io_reset(void);

/** Plugs in @p device (at most 8); it must outlive its use. */
void fake_io_plug(const struct fake_io_device *device);

/** Plugs in @p mmio (at most 4); it must outlive its use. */
void fake_io_plug_mmio(const struct fake_io_mmio *mmio);

/** What 32-bit reads of ports answer; NULL: all ones. fake_io_reset() forgets it. */
void fake_io_answer_inl(uint32_t (*answer)(uint16_t port));

/** Who hears of 32-bit writes; NULL: nobody. fake_io_reset() forgets it. */
void fake_io_on_outl(void (*take)(uint16_t port, uint32_t value));

/** Port and value of the last 32-bit write (isa-debug-exit); 0, 0 where there was none. */
void fake_io_last_outl(uint16_t *port, uint32_t *value);

#endif
