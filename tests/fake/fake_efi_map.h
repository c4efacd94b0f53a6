/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Memory maps for host tests: raw EFI maps with any stride, lines of tests/data/maps, and one run
 * of mmap_build() in memory of exactly the size that mmap_build_sizes() asks for (so that ASan
 * sees a byte too many). Each object owns its memory until its free function.
 */
#ifndef FAKE_EFI_MAP_H
#define FAKE_EFI_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "efi_map.h"
#include "mmap_build.h"

/** A growing raw map; `map` is always valid to read. */
struct fake_efi_map {
    uint8_t *bytes;
    size_t capacity_bytes;
    struct efi_map map;
};

/** An empty map with @p stride bytes a descriptor (>= 40); the gap behind a descriptor is junk. */
void fake_efi_map_init(struct fake_efi_map *fake, uint64_t stride);
void fake_efi_map_add(struct fake_efi_map *fake, uint32_t type, uint64_t start, uint64_t pages,
                      uint64_t attribute);
void fake_efi_map_free(struct fake_efi_map *fake);

/** What one run of mmap_build() made. */
struct fake_mmap_run {
    enum kstatus status;
    struct mmap_build_output output;
};

/** Runs mmap_build() with the exact capacities; always to be freed. */
void fake_mmap_run(const struct mmap_build_input *input, struct fake_mmap_run *run);
void fake_mmap_run_free(struct fake_mmap_run *run);

/** A file of tests/data/maps. */
struct fake_map_file {
    bool is_e820;
    struct fake_efi_map efi;
    struct mmap_build_e820_entry *e820;
    uint32_t e820_count;
    struct mmap_build_input input; /* ready for mmap_build(): 52 bits, no limit, no overlays */
};

/** Reads @p path. @return whether it could be read and had an entry */
bool fake_map_file_read(const char *path, struct fake_map_file *file);
void fake_map_file_free(struct fake_map_file *file);

/** An input with no overlays, 52 address bits and no limit. */
struct mmap_build_input fake_efi_input(const struct fake_efi_map *fake);
struct mmap_build_input fake_e820_input(const struct mmap_build_e820_entry *entries,
                                        uint32_t count);

/** A small seeded generator (SplitMix64), so that tests need no other unit. */
uint64_t fake_random(uint64_t *state);

/** fake_random() reduced to [0, bound); a little bias does not matter here. */
uint64_t fake_random_below(uint64_t *state, uint64_t bound);

#endif
