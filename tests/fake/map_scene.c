/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See map_scene.h. A fuzzer that changes one byte changes one choice: the bytes are taken in the
 * order of the choices, one byte for a small one. Host only.
 */
#include "tests/fake/map_scene.h"

#include <string.h>

#include "mm/addr.h"

/* ---- choices -----------------------------------------------------------------------------------
 */

static uint64_t draw_bytes(struct map_draw *draw, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count && draw->left_bytes > 0; i++) {
        word = word << 8 | *draw->bytes;
        draw->bytes++;
        draw->left_bytes--;
    }
    return word;
}

static uint64_t draw_word(struct map_draw *draw)
{
    return draw->bytes != NULL ? draw_bytes(draw, sizeof(uint64_t)) : fake_random(&draw->random);
}

/* A choice in [0, bound), bound <= 2^16. */
static uint64_t draw_below(struct map_draw *draw, uint64_t bound)
{
    return draw->bytes != NULL ? draw_bytes(draw, bound > 256 ? 2 : 1) % bound
                               : fake_random_below(&draw->random, bound);
}

/* ---- scenes ------------------------------------------------------------------------------------
 */

/* An address near one of the places where something changes; mostly page-aligned. */
static uint64_t random_address(struct map_scene *scene)
{
    static const uint64_t places[] = { 0,
                                       SIZE_1M,
                                       4 * SIZE_1M,
                                       SIZE_4G,
                                       DIRECT_MAP_SIZE,
                                       UINT64_C(1) << 52,
                                       UINT64_MAX - 64 * PAGE_SIZE };
    const uint64_t kind = draw_below(&scene->draw, 40);
    const uint64_t place = places[kind < 30 ? kind % 3 : kind % ARRAY_COUNT(places)];
    uint64_t at = place + draw_below(&scene->draw, 24) * PAGE_SIZE;
    at -= draw_below(&scene->draw, 2) * 8 * PAGE_SIZE;
    if (draw_below(&scene->draw, 6) == 0) {
        at += draw_below(&scene->draw, PAGE_SIZE);
    }
    return at;
}

static uint64_t random_pages(struct map_scene *scene)
{
    const uint64_t kind = draw_below(&scene->draw, 32);
    if (kind == 0) {
        return draw_word(&scene->draw);
    }
    return kind == 1 ? 0 : 1 + draw_below(&scene->draw, 12);
}

static void random_descriptor(struct map_scene *scene)
{
    static const uint64_t attributes[] = { 0,
                                           0xf,
                                           0xf,
                                           EFI_MAP_ATTRIBUTE_UC,
                                           EFI_MAP_ATTRIBUTE_SP | EFI_MAP_ATTRIBUTE_WB,
                                           EFI_MAP_ATTRIBUTE_RUNTIME | 0xf };
    uint64_t type = draw_below(&scene->draw, 18);
    if (draw_below(&scene->draw, 2) == 0) {
        type = EFI_MAP_CONVENTIONAL;
    }
    const uint64_t attribute = attributes[draw_below(&scene->draw, 6)];
    const uint64_t start = random_address(scene);
    fake_efi_map_add(&scene->efi, (uint32_t)type, start, random_pages(scene), attribute);
}

static void random_e820(struct map_scene *scene, uint32_t index)
{
    const uint64_t odd = draw_below(&scene->draw, 3) == 0 ? draw_below(&scene->draw, PAGE_SIZE) : 0;
    scene->e820[index] = (struct mmap_build_e820_entry){
        .base = random_address(scene),
        .size = random_pages(scene) * PAGE_SIZE + odd,
        .type = (uint32_t)draw_below(&scene->draw, 8),
    };
}

static void random_overlays(struct map_scene *scene)
{
    static const uint32_t types[] = { MMAP_KERNEL, MMAP_LOADER, MMAP_AVAILABLE, 77 };
    scene->input.ledger = scene->ledger;
    scene->input.pins = scene->pins;
    scene->input.ledger_count = (uint32_t)draw_below(&scene->draw, MAP_SCENE_MAX_OVERLAY + 1);
    scene->input.pin_count = (uint32_t)draw_below(&scene->draw, MAP_SCENE_MAX_OVERLAY + 1);
    for (uint32_t i = 0; i < scene->input.ledger_count; i++) {
        scene->ledger[i] = (struct bootinfo_ledger_entry){
            .base = random_address(scene),
            .pages = random_pages(scene),
            .type = types[draw_below(&scene->draw, 4)],
        };
    }
    for (uint32_t i = 0; i < scene->input.pin_count; i++) {
        scene->pins[i] = (struct bootinfo_pin){
            .base = random_address(scene),
            .pages = random_pages(scene),
            .kind = 1 + (uint32_t)draw_below(&scene->draw, 3),
        };
    }
}

static void make_scene(struct map_scene *scene)
{
    const uint32_t count = 1 + (uint32_t)draw_below(&scene->draw, MAP_MODEL_MAX_CLAIMS);
    fake_efi_map_init(&scene->efi, 40 + 8 * draw_below(&scene->draw, 4));
    const bool efi = draw_below(&scene->draw, 2) == 0;
    for (uint32_t i = 0; i < count; i++) {
        if (efi) {
            random_descriptor(scene);
        } else {
            random_e820(scene, i);
        }
    }
    scene->input = efi ? fake_efi_input(&scene->efi) : fake_e820_input(scene->e820, count);
    random_overlays(scene);
    if (draw_below(&scene->draw, 3) == 0) {
        scene->input.mem_limit_bytes = random_address(scene);
    }
    if (draw_below(&scene->draw, 3) == 0) {
        scene->input.phys_bits = 32 + (uint32_t)draw_below(&scene->draw, 21);
    }
}

void map_scene_from_seed(struct map_scene *scene, uint64_t seed)
{
    *scene = (struct map_scene){ .draw = { .random = seed } };
    make_scene(scene);
}

void map_scene_from_bytes(struct map_scene *scene, const uint8_t *bytes, size_t size_bytes)
{
    *scene = (struct map_scene){ .draw = { .bytes = bytes, .left_bytes = size_bytes } };
    make_scene(scene);
}

/* Fisher and Yates, on whole descriptors. */
static void shuffle(uint8_t *items, uint64_t count, uint64_t item_bytes, uint64_t *random)
{
    uint8_t kept[128];
    for (uint64_t i = count; i > 1; i--) {
        const uint64_t j = fake_random_below(random, i);
        memcpy(kept, items + (i - 1) * item_bytes, item_bytes);
        memcpy(items + (i - 1) * item_bytes, items + j * item_bytes, item_bytes);
        memcpy(items + j * item_bytes, kept, item_bytes);
    }
}

void map_scene_shuffle(struct map_scene *scene, uint64_t *random)
{
    if (scene->input.efi != NULL) {
        shuffle(scene->efi.bytes, efi_map_count(&scene->efi.map), scene->efi.map.descriptor_size,
                random);
    } else {
        shuffle((uint8_t *)scene->e820, scene->input.e820_count, sizeof(scene->e820[0]), random);
    }
}

void map_scene_free(struct map_scene *scene)
{
    fake_efi_map_free(&scene->efi);
}
