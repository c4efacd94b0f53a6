/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for mmap_build(). The first byte chooses how the rest is read:
 *
 *     even  choices of a scene (tests/fake/map_scene.h): few ranges that meet; the output must be
 *           that of the reference model
 *     odd   struct preamble, then raw EFI descriptors or e820 entries of any content
 *
 * Either way: books balance and are those of the finished map, entries sorted, disjoint, aligned,
 * with a reason each, inside the stated bounds; usable memory only where the firmware gave some;
 * the same whatever the order of the input; stable when read again.
 */
#include <string.h>

#include "mm/addr.h"
#include "tests/fake/map_properties.h"
#include "tests/fake/map_scene.h"
#include "tests/fuzz/fuzz.h"

#define MAX_OVERLAYS 8U

/* The fixed part of a raw input. */
struct preamble {
    uint8_t is_e820;
    uint8_t stride_words;
    uint8_t phys_bits;
    uint8_t ledger_count;
    uint8_t pin_count;
    uint8_t padding[3];
    uint64_t mem_limit_bytes;
    struct bootinfo_ledger_entry ledger[MAX_OVERLAYS];
    struct bootinfo_pin pins[MAX_OVERLAYS];
};

static void check(const struct mmap_build_input *input, struct fake_mmap_run *run)
{
    fake_mmap_run(input, run);
    fuzz_check(run->status == K_OK, "mmap_build() takes every map that can be walked");
    const char *const fault = map_properties_fault(input, &run->output);
    fuzz_check(fault == NULL, fault);
    fuzz_check(map_properties_stable(&run->output), "read again it gives the same");
}

static void compare(struct fake_mmap_run *first, struct fake_mmap_run *second)
{
    fuzz_check(map_properties_same_map(&first->output, &second->output),
               "the order of the input changes nothing");
    fuzz_check(map_properties_same_repairs(&first->output, &second->output),
               "the order of the input does not change repairs");
    fake_mmap_run_free(first);
    fake_mmap_run_free(second);
}

static void run_scene(const uint8_t *data, size_t size_bytes)
{
    struct map_scene scene;
    map_scene_from_bytes(&scene, data, size_bytes);
    struct fake_mmap_run first;
    struct fake_mmap_run second;
    check(&scene.input, &first);
    fuzz_check(map_model_agrees(&scene.input, &first.output), "the model agrees");
    uint64_t random = size_bytes;
    map_scene_shuffle(&scene, &random);
    fake_mmap_run(&scene.input, &second);
    compare(&first, &second);
    map_scene_free(&scene);
}

/* Last item first. */
static void *reversed(const uint8_t *items, size_t count, size_t item_bytes)
{
    uint8_t *const copy = fuzz_copy(items, count * item_bytes);
    for (size_t i = 0; i < count; i++) {
        memcpy(copy + i * item_bytes, items + (count - 1 - i) * item_bytes, item_bytes);
    }
    return copy;
}

static void run_efi(struct mmap_build_input *input, const uint8_t *data, size_t size_bytes,
                    uint64_t stride)
{
    const size_t count = size_bytes / stride;
    uint8_t *const backwards = reversed(data, count, stride);
    struct efi_map map = {
        .bytes = data,
        .size_bytes = count * stride,
        .descriptor_size = stride,
        .descriptor_version = 1,
    };
    input->efi = &map;
    struct fake_mmap_run first;
    struct fake_mmap_run second;
    check(input, &first);
    map.bytes = backwards;
    fake_mmap_run(input, &second);
    compare(&first, &second);
    input->efi = NULL; /* it ends here */
    free(backwards);
}

static void run_e820(struct mmap_build_input *input, const uint8_t *data, size_t size_bytes)
{
    const size_t item_bytes = sizeof(struct mmap_build_e820_entry);
    const size_t count = size_bytes / item_bytes;
    struct mmap_build_e820_entry *const entries = fuzz_copy(data, count * item_bytes);
    struct mmap_build_e820_entry *const backwards = reversed(data, count, item_bytes);
    input->e820 = entries;
    input->e820_count = (uint32_t)count; /* libFuzzer's inputs are small */
    struct fake_mmap_run first;
    struct fake_mmap_run second;
    check(input, &first);
    input->e820 = backwards;
    fake_mmap_run(input, &second);
    compare(&first, &second);
    free(entries);
    free(backwards);
}

static void run_raw(const uint8_t *data, size_t size_bytes)
{
    struct preamble preamble;
    const uint64_t stride = 40U + 8U * (size_bytes > 1 ? data[1] % 4U : 0);
    if (size_bytes < sizeof(preamble) + stride) {
        return;
    }
    memcpy(&preamble, data, sizeof(preamble));
    struct mmap_build_input input = {
        .ledger = preamble.ledger,
        .ledger_count = preamble.ledger_count % (MAX_OVERLAYS + 1),
        .pins = preamble.pins,
        .pin_count = preamble.pin_count % (MAX_OVERLAYS + 1),
        .phys_bits = 32U + preamble.phys_bits % 21U,
        .mem_limit_bytes = preamble.mem_limit_bytes,
    };
    data += sizeof(preamble);
    size_bytes -= sizeof(preamble);
    if (preamble.is_e820 % 2 != 0) {
        run_e820(&input, data, size_bytes);
    } else {
        run_efi(&input, data, size_bytes, stride);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    if (size_bytes > 1 && data[0] % 2 == 0) {
        run_scene(data + 1, size_bytes - 1);
    } else if (size_bytes > 1) {
        run_raw(data + 1, size_bytes - 1);
    }
    return 0;
}
