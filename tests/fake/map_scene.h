/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Hostile memory maps made up from a seed (property tests) or from the bytes of a fuzzer: few
 * ranges, close to the addresses where something changes, so that they meet. Host only.
 */
#ifndef FAKE_MAP_SCENE_H
#define FAKE_MAP_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/fake/fake_efi_map.h"
#include "tests/fake/map_model.h"

#define MAP_SCENE_MAX_OVERLAY 6U
_Static_assert(MAP_SCENE_MAX_OVERLAY <= MAP_MODEL_MAX_OVERLAY, "a scene fits the model");

/** Where a scene's choices come from: bytes while there are any where bytes is not NULL, else
 *  fake_random(). */
struct map_draw {
    uint64_t random;
    const uint8_t *bytes;
    size_t left_bytes;
};

/** An input of mmap_build() with all that it points at. */
struct map_scene {
    struct map_draw draw;
    struct fake_efi_map efi;
    struct mmap_build_e820_entry e820[MAP_MODEL_MAX_CLAIMS];
    struct bootinfo_ledger_entry ledger[MAP_SCENE_MAX_OVERLAY];
    struct bootinfo_pin pins[MAP_SCENE_MAX_OVERLAY];
    struct mmap_build_input input;
};

void map_scene_from_seed(struct map_scene *scene, uint64_t seed);

/** The same choices, taken from @p bytes; behind their end all are 0. */
void map_scene_from_bytes(struct map_scene *scene, const uint8_t *bytes, size_t size_bytes);

/** Puts the descriptors into another order, chosen by @p random. */
void map_scene_shuffle(struct map_scene *scene, uint64_t *random);

void map_scene_free(struct map_scene *scene);

#endif
