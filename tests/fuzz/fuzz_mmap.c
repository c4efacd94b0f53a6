/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for mmap_build(): the input's first bytes choose stride, address bits, limit and
 * overlays, the rest are raw EFI descriptors (or e820 entries). Aborts where an output invariant of
 * mmap_build.c does not hold.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mmap_names.h"

#include "mm/addr.h"
#include "mm/memory_map.h"
#include "tests/fake/fake_efi_map.h"

#define MAX_OVERLAYS 8U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

/* The fixed part of an input. */
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

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_entries(const struct mmap_build_output *output)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const e = &output->entries[i];
        require(e->length > 0 && e->address >= end && e->address + e->length > e->address);
        require(i == 0 || e->address > end || output->reasons[i] != output->reasons[i - 1]);
        require(e->type == mmap_reason_type(output->reasons[i]));
        if (e->type == MMAP_AVAILABLE || e->type == MMAP_LOW) {
            require(e->address % PAGE_SIZE == 0 && e->length % PAGE_SIZE == 0);
        }
        require(e->type != MMAP_AVAILABLE || e->address >= LOW_MEMORY_END);
        end = e->address + e->length;
        require(!memory_map_type_is_mapped(e->type) || end <= DIRECT_MAP_SIZE);
    }
}

static void check_books(const struct mmap_build_output *output)
{
    const struct memory_map map = { output->entries, output->reasons, output->entry_count,
                                    output->ram, output->ram_count };
    struct memory_accounting recounted;
    memory_map_account(&map, &recounted);
    require(memory_accounting_balances(&recounted));
    require(memcmp(&recounted, &output->accounting, sizeof(recounted)) == 0);
}

static void check_repairs(const struct mmap_build_output *output)
{
    for (uint32_t i = 0; i < output->repair_count; i++) {
        char text[160];
        require(output->repairs[i].kind < MMAP_REPAIR_COUNT);
        require(output->repairs[i].reason < MMAP_REASON_COUNT);
        require(mmap_build_describe_repair(&output->repairs[i], text, sizeof(text)) < sizeof(text));
    }
}

static void run(struct mmap_build_input *input, const struct preamble *preamble)
{
    input->ledger = preamble->ledger;
    input->ledger_count = preamble->ledger_count % (MAX_OVERLAYS + 1);
    input->pins = preamble->pins;
    input->pin_count = preamble->pin_count % (MAX_OVERLAYS + 1);
    input->phys_bits = 32U + preamble->phys_bits % 21U;
    input->mem_limit_bytes = preamble->mem_limit_bytes;
    struct fake_mmap_run made;
    fake_mmap_run(input, &made);
    require(made.status == K_OK);
    check_entries(&made.output);
    check_books(&made.output);
    check_repairs(&made.output);
    fake_mmap_run_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct preamble preamble;
    if (size_bytes <= sizeof(preamble)) {
        return 0;
    }
    memcpy(&preamble, data, sizeof(preamble));
    const uint8_t *const rest = data + sizeof(preamble);
    const size_t rest_bytes = size_bytes - sizeof(preamble);
    if (preamble.is_e820 % 2 != 0) {
        const size_t count = rest_bytes / sizeof(struct mmap_build_e820_entry);
        struct mmap_build_e820_entry *const entries = calloc(count + 1, sizeof(*entries));
        require(entries != NULL);
        memcpy(entries, rest, count * sizeof(*entries));
        struct mmap_build_input input = fake_e820_input(entries, (uint32_t)count);
        run(&input, &preamble);
        free(entries);
        return 0;
    }
    struct fake_efi_map efi = { 0 };
    efi.map.descriptor_size = 40U + 8U * (preamble.stride_words % 4U);
    efi.map.size_bytes = rest_bytes / efi.map.descriptor_size * efi.map.descriptor_size;
    efi.map.bytes = rest;
    struct mmap_build_input input = fake_efi_input(&efi);
    if (efi.map.size_bytes > 0) {
        run(&input, &preamble);
    }
    return 0;
}
