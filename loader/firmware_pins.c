/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See firmware_pins.h. Stateless.
 */
#include "firmware_pins.h"

#include <arch/physmap.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "mm/addr.h"

static bool descriptor_range(const struct efi_map_descriptor *descriptor, uint64_t *end)
{
    uint64_t bytes;
    return !__builtin_mul_overflow(descriptor->pages, PAGE_SIZE, &bytes) &&
           !__builtin_add_overflow(descriptor->physical_start, bytes, end);
}

uint64_t firmware_pins_readable(const struct efi_map *map, uint64_t base)
{
    uint64_t readable = 0;
    const uint64_t count = base == 0 ? 0 : efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        const bool is_memory =
            efi_map_type_is_ram(descriptor.type) || descriptor.type == EFI_MAP_RESERVED;
        uint64_t end;
        if (is_memory && descriptor_range(&descriptor, &end) && base >= descriptor.physical_start &&
            base < end) {
            readable = bits_max(readable, end - base);
        }
    }
    return readable;
}

bool firmware_pins_can_read(const struct efi_map *map, uint64_t base, uint64_t size_bytes)
{
    const uint64_t readable = firmware_pins_readable(map, base);
    return readable > 0 && size_bytes <= readable;
}

bool firmware_pins_read(const struct efi_map *map, uint64_t base, uint8_t *to, uint32_t size_bytes)
{
    if (!firmware_pins_can_read(map, base, size_bytes)) {
        return false;
    }
    memcpy(to, physmap_ptr(phys_addr(base), size_bytes), size_bytes);
    return true;
}

static bool touches_free_memory(const struct efi_map *map, uint64_t base, uint64_t end)
{
    const uint64_t count = efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        uint64_t descriptor_end;
        if (efi_map_reason(descriptor.type, descriptor.attribute) == MMAP_REASON_AVAILABLE &&
            descriptor_range(&descriptor, &descriptor_end) && base < descriptor_end &&
            descriptor.physical_start < end) {
            return true;
        }
    }
    return false;
}

static bool is_pinned(const struct firmware_pins *pins, const struct bootinfo_pin *pin)
{
    for (uint32_t i = 0; i < pins->count; i++) {
        const struct bootinfo_pin *const old = &pins->pins[i];
        if (old->kind == pin->kind && pin->base >= old->base &&
            pin->base + (pin->pages << PAGE_SHIFT) <= old->base + (old->pages << PAGE_SHIFT)) {
            return true;
        }
    }
    return false;
}

void firmware_pins_add(struct firmware_pins *pins, uint64_t base, uint64_t size_bytes,
                       enum bootinfo_pin_kind kind)
{
    uint64_t end;
    if (size_bytes == 0 || __builtin_add_overflow(base, size_bytes, &end) ||
        !bits_align_up_checked(end, PAGE_SIZE, &end)) {
        return;
    }
    base = bits_align_down(base, PAGE_SIZE);
    if (kind != BOOTINFO_PIN_FRAMEBUFFER && !touches_free_memory(pins->map, base, end)) {
        return;
    }
    const struct bootinfo_pin pin = { .base = base,
                                      .pages = (end - base) >> PAGE_SHIFT,
                                      .kind = (uint32_t)kind };
    if (is_pinned(pins, &pin)) {
        return;
    }
    if (pins->count == FIRMWARE_PINS_MAX) {
        pins->dropped++;
        return;
    }
    pins->pins[pins->count++] = pin;
}
