/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See console.h. State: the UART of COM1, the keyboard, which outputs are allowed, the tap and the
 * poll hook.
 */
#include "console.h"

#include <stdarg.h>

#include "dev/ps2_keyboard.h"
#include "dev/screen.h"
#include "dev/serial8250.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "mm/memory_map.h"
#include "mm/mm_init.h"
#include "mm/mmio_pool.h"
#include "printk_control.h"

static struct serial8250 serial;
static bool serial_is_probed;
static struct mmio_guard serial_mapping; /* of registers in memory */
static bool serial_is_off;               /* console= names other outputs only */
static bool screen_is_on;
static struct ps2_keyboard keyboard;
static struct {
    void (*put)(void *context, const char *text, size_t size_bytes); /* NULL: no tap */
    void *context;
} tap;
static struct {
    void (*call)(void); /* NULL: nobody wants it */
} poll_hook;

static struct serial8250_place place_of(const struct bootinfo_serial *info)
{
    return (struct serial8250_place){
        .base = info->base,
        .baud = info->baud,
        .is_mmio = info->is_mmio != 0,
        .stride_bytes = info->stride_bytes,
        .width_bytes = info->width_bytes,
    };
}

void console_open_serial(const struct bootinfo_serial *info)
{
    const struct serial8250_place place = place_of(info);
    serial_is_probed = true;
    if (info->source != BOOTINFO_SERIAL_NONE && !place.is_mmio) {
        kstatus_ignore(serial8250_open(&serial, &place, 0)); /* as above */
    }
}

/* Pages that hold the registers of a sound place. */
static struct phys_frame_range frames_of(const struct serial8250_place *place)
{
    const uint64_t first = place->base >> PAGE_SHIFT;
    const uint64_t last = (place->base + serial8250_span_bytes(place) - 1) >> PAGE_SHIFT;
    return (struct phys_frame_range){ { first }, { last - first + 1 } };
}

static bool is_in_direct_map(const struct phys_frame_range *frames)
{
    const struct memory_map map = mm_memory_map();
    const uint64_t start = frames->first.value << PAGE_SHIFT;
    const uint64_t end = start + (frames->count.value << PAGE_SHIFT);
    for (uint32_t i = 0; i < map.count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map.entries[i];
        if (memory_map_type_is_mapped(entry->type) && entry->address < end &&
            entry->address + entry->length > start) {
            return true;
        }
    }
    return false;
}

enum kstatus console_map_serial(const struct bootinfo_serial *info)
{
    const struct serial8250_place place = place_of(info);
    if (info->source == BOOTINFO_SERIAL_NONE || !place.is_mmio) {
        return K_OK;
    }
    if (!serial8250_place_is_sound(&place)) {
        return K_EINVAL;
    }
    const struct phys_frame_range frames = frames_of(&place);
    if (is_in_direct_map(&frames)) {
        return K_EFAULT;
    }
    const uint64_t size_bytes = frames.count.value << PAGE_SHIFT;
    enum kstatus status = create_mmio(size_bytes, &serial_mapping);
    if (status != K_OK) {
        return status;
    }
    status = mmio_guard_map_phys(&serial_mapping, phys_addr(frames.first.value << PAGE_SHIFT),
                                 size_bytes, PAGE_CACHE_UNCACHED);
    if (status == K_OK) {
        const uint64_t offset = place.base & PAGE_OFFSET_MASK;
        status = serial8250_open(&serial, &place, serial_mapping.virt.value + offset);
    }
    if (status != K_OK) {
        kstatus_ignore(
            mmio_guard_release(&serial_mapping)); /* the first error is the one to tell */
    }
    return status;
}

bool console_has_serial(void)
{
    return serial.present;
}

void console_set_tap(void (*put)(void *context, const char *text, size_t size_bytes), void *context)
{
    printk_flush(); /* to where it went so far */
    tap.context = context;
    tap.put = put;
}

/* ---- for the log -------------------------------------------------------------------------------
 */

bool console_takes_serial(void)
{
    return tap.put != NULL || (serial.present && !serial_is_off);
}

size_t console_try_serial(const char *text, size_t size_bytes)
{
    if (tap.put != NULL) {
        tap.put(tap.context, text, size_bytes);
        return size_bytes;
    }
    size_t taken = 0;
    while (taken < size_bytes && serial8250_try_put(&serial, (uint8_t)text[taken])) {
        taken++;
    }
    return taken;
}

bool console_wait_serial(void)
{
    return serial8250_wait(&serial);
}

bool console_takes_screen(void)
{
    return tap.put == NULL && screen_is_on && screen_is_up();
}

size_t console_try_screen(const char *text, size_t size_bytes)
{
    screen_write(text, size_bytes);
    return size_bytes;
}

/* ---- text that is not in the log ---------------------------------------------------------------
 */

/* Where the log is not out the UART stands still, and takes this no more than that. */
static void write_serial(const char *text, size_t size_bytes, bool log_is_out)
{
    if (log_is_out) {
        serial8250_write(&serial, text, size_bytes);
    } else {
        serial.dropped += (uint32_t)size_bytes; /* a count to look at: it may wrap */
    }
}

void console_find_serial(void)
{
    if (serial_is_probed) {
        return;
    }
    serial_is_probed = true; /* first: a fault while probing must not probe again */
    /* Absent: every later write is a no-op. */
    kstatus_ignore(serial8250_init(&serial, SERIAL8250_COM1));
}

void console_write_serial(const char *text, size_t size_bytes)
{
    if (tap.put != NULL) {
        tap.put(tap.context, text, size_bytes);
        return;
    }
    console_find_serial();
    bool log_is_out;
    const bool held = printk_hold_outputs(&log_is_out);
    write_serial(text, size_bytes, log_is_out);
    printk_release_outputs(held);
}

void console_write(const char *text, size_t size_bytes)
{
    if (tap.put != NULL) {
        tap.put(tap.context, text, size_bytes);
        return;
    }
    console_find_serial();
    bool log_is_out;
    const bool held = printk_hold_outputs(&log_is_out);
    if (!serial_is_off) {
        write_serial(text, size_bytes, log_is_out);
    }
    if (console_takes_screen()) {
        screen_write(text, size_bytes);
    }
    printk_release_outputs(held);
}

void console_drain(void)
{
    printk_flush();
    serial8250_drain(&serial);
}

void console_printf(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    console_write(text, bits_min(length, sizeof(text) - 1));
}

bool console_is_at_port(uint16_t port)
{
    return serial.present && !serial.place.is_mmio && serial.place.base == port;
}

void console_set_poll(void (*poll)(void))
{
    poll_hook.call = poll;
}

void console_poll(void)
{
    if (poll_hook.call != NULL) {
        poll_hook.call();
    }
}

int console_read(void)
{
    console_poll();
    uint8_t byte;
    printk_pump();
    return serial8250_getc(&serial, &byte) == K_OK ? byte : ps2_keyboard_getc(&keyboard);
}

enum kstatus console_init_keyboard(uint64_t tsc_hz)
{
    return ps2_keyboard_init(&keyboard, tsc_hz);
}

bool console_has_keyboard(void)
{
    return keyboard.present;
}

bool console_keyboard_answers(void)
{
    return keyboard.answers;
}

const struct serial8250 *console_serial(void)
{
    return &serial;
}

void console_set_serial(bool on)
{
    printk_flush(); /* what was logged while it was on */
    serial_is_off = !on;
}

void console_set_screen(bool on)
{
    screen_is_on = on;
}
