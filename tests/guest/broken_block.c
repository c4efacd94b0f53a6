/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A loader that hands over a damaged bootinfo, for the boots that the kernel must refuse. Takes the
 * place of loader/boot_block.c, whose own boot_block_write() is renamed in this one program
 * (guest.mk); no other object differs from the shipped BOOTX64.EFI. What is damaged says the word
 * `damage=` of the command line:
 *
 *     bit:N     bit N of the block is flipped, counted from its first byte and modulo its size
 *     magic     another magic
 *     major     the next major version
 *     size:N    the block says that it has N bytes
 *     overlap   the first mmap entry reaches over the second, sealed with a right CRC
 *
 * Without the word the block is intact. Loader, after ExitBootServices: prints nothing.
 */
#include <stdbool.h>

#include "boot_block.h"
#include "command_line.h"
#include "lib/bits.h"
#include "lib/crc32c.h"
#include "lib/string.h"
#include "options.h"

/* boot_block_write() of loader/boot_block.c under the name that guest.mk gives it. */
enum kstatus boot_block_write_intact(const struct bootinfo *header,
                                     const struct boot_block_parts *parts, void *memory,
                                     uint64_t capacity_bytes);

struct damage {
    const char *name;
    void (*apply)(struct bootinfo *info, uint64_t number);
};

static void flip_bit(struct bootinfo *info, uint64_t number)
{
    const uint64_t bit = number % ((uint64_t)info->total_size * 8);
    uint8_t *const byte = (uint8_t *)info + bit / 8;
    *byte = (uint8_t)(*byte ^ (1U << bit % 8)); /* one of eight bits: stays a byte */
}

static void spoil_magic(struct bootinfo *info, uint64_t number)
{
    (void)number;
    info->magic = ~info->magic;
}

static void raise_major(struct bootinfo *info, uint64_t number)
{
    (void)number;
    info->version_major++;
}

static void set_size(struct bootinfo *info, uint64_t number)
{
    info->total_size = (uint32_t)bits_min(number, UINT32_MAX);
}

/* An intact block has two entries at least: memory below and above 1 MiB. */
static void overlap_entries(struct bootinfo *info, uint64_t number)
{
    (void)number;
    struct multiboot2_mmap_entry pair[2];
    uint8_t *const entries = (uint8_t *)info + info->mmap.offset;
    memcpy(pair, entries, sizeof(pair));
    pair[0].length = pair[1].address + pair[1].length - pair[0].address;
    memcpy(entries, pair, sizeof(pair));
    info->crc32c = 0;
    info->crc32c = crc32c(info, info->total_size);
}

static const struct damage damages[] = {
    { "bit", flip_bit },  { "magic", spoil_magic },       { "major", raise_major },
    { "size", set_size }, { "overlap", overlap_entries },
};

/* Whether `value` is `name` or begins with `name:`. */
static bool is_named(const char *value, size_t length, const char *name)
{
    const size_t name_length = strlen(name);
    return length >= name_length && memcmp(value, name, name_length) == 0 &&
           (length == name_length || value[name_length] == ':');
}

/* The decimal number behind the colon, 0 where there is none. */
static uint64_t number_of(const char *value, size_t length)
{
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        const bool is_digit = value[i] >= '0' && value[i] <= '9';
        number = is_digit ? number * 10 + (uint64_t)(value[i] - '0') : 0;
    }
    return number;
}

enum kstatus boot_block_write(const struct bootinfo *header, const struct boot_block_parts *parts,
                              void *memory, uint64_t capacity_bytes)
{
    const enum kstatus status = boot_block_write_intact(header, parts, memory, capacity_bytes);
    struct command_line_word word;
    if (status != K_OK || !command_line_find(parts->command_line, "damage", &word)) {
        return status;
    }
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
        if (is_named(word.value, word.value_length, damages[i].name)) {
            damages[i].apply(memory, number_of(word.value, word.value_length));
        }
    }
    return K_OK;
}
