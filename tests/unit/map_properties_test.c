/* SPDX-License-Identifier: GPL-2.0-only
 *
 * tests/fake/map_properties.c: a good output has no fault, and each damage to it is named. What
 * property tests and fuzzers rely on.
 *
 *     input    | low | available          | NVS | runtime |     1 MiB, 4 MiB, 5 MiB, 6 MiB
 *     pins             |   |   |                                 at 2 MiB, one page each, apart
 */
#include "tests/fake/map_properties.h"

#include <string.h>

#include "mm/addr.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/ktest.h"

#define M SIZE_1M
#define P PAGE_SIZE

struct fixture {
    struct fake_efi_map efi;
    struct mmap_build_input input;
    struct fake_mmap_run run;
};

static void fixture_init(struct fixture *f)
{
    static const struct bootinfo_pin pins[] = {
        { .base = 2 * M, .pages = 1, .kind = BOOTINFO_PIN_RESERVED },
        { .base = 2 * M + 4 * P, .pages = 1, .kind = BOOTINFO_PIN_RESERVED },
        { .base = 2 * M + 8 * P, .pages = 1, .kind = BOOTINFO_PIN_RESERVED },
    };
    fake_efi_map_init(&f->efi, 48);
    fake_efi_map_add(&f->efi, EFI_MAP_CONVENTIONAL, 0, 4 * M / P, 0xf);
    fake_efi_map_add(&f->efi, EFI_MAP_ACPI_NVS, 4 * M, M / P, 0xf);
    fake_efi_map_add(&f->efi, EFI_MAP_RUNTIME_DATA, 5 * M, M / P, 0xf);
    f->input = fake_efi_input(&f->efi);
    f->input.pins = pins;
    f->input.pin_count = ARRAY_COUNT(pins);
    fake_mmap_run(&f->input, &f->run);
}

static void fixture_free(struct fixture *f)
{
    fake_mmap_run_free(&f->run);
    fake_efi_map_free(&f->efi);
}

static void expect(struct ktest *t, const struct fixture *f, const char *expected)
{
    const char *const fault = map_properties_fault(&f->input, &f->run.output);
    KTEST_STRING(t, fault == NULL ? "none" : fault, expected);
}

static void map_properties_good_output_has_no_fault(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    expect(t, &f, "none");
    KTEST_TRUE(t, map_properties_stable(&f.run.output));
    fixture_free(&f);
}

/* One field of one entry, changed and put back. */
static void map_properties_damaged_entries_are_named(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    struct multiboot2_mmap_entry *const e = f.run.output.entries;
    const struct multiboot2_mmap_entry low = e[0];
    const struct multiboot2_mmap_entry free_memory = e[1];
    e[1].length = 0;
    expect(t, &f, "an entry is empty or wraps");
    e[1] = free_memory;
    e[1].type = MMAP_RESERVED;
    expect(t, &f, "an entry's reason does not give its type");
    e[1] = free_memory;
    e[1].address += 8;
    expect(t, &f, "usable or low memory is not whole pages");
    e[1] = free_memory;
    e[1].address -= P;
    expect(t, &f, "usable memory below 1 MiB");
    e[1] = free_memory;
    e[0].length += P;
    expect(t, &f, "entries overlap or are not sorted");
    e[0] = low;
    e[1].length -= P;
    expect(t, &f, "the books do not balance, or are not those of the finished map");
    e[1] = free_memory;
    expect(t, &f, "none");
    fixture_free(&f);
}

static void map_properties_split_entry_is_not_merged(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    struct mmap_build_output *const output = &f.run.output;
    memmove(&output->entries[1], &output->entries[0],
            output->entry_count * sizeof(output->entries[0]));
    memmove(&output->reasons[1], &output->reasons[0],
            output->entry_count * sizeof(output->reasons[0]));
    output->entry_count++;
    output->entries[0].length -= P;
    output->entries[1].address += output->entries[0].length;
    output->entries[1].length = P;
    expect(t, &f, "equal neighbours are not merged");
    fixture_free(&f);
}

static void map_properties_memory_that_was_not_given_is_seen(struct ktest *t)
{
    static const uint32_t reserved = EFI_MAP_RESERVED;
    struct fixture f;
    fixture_init(&f);
    memcpy(f.efi.bytes, &reserved, sizeof(reserved)); /* the first descriptor's type */
    expect(t, &f, "usable memory that the firmware did not give");
    fixture_free(&f);
}

static void map_properties_too_many_entries_are_seen(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    KTEST_EQ(t, f.run.output.entry_count, 10);
    f.input.pin_count = 0;
    expect(t, &f, "more entries than boundaries allow");
    fixture_free(&f);
}

static void map_properties_differences_are_seen(struct ktest *t)
{
    struct fixture a;
    struct fixture b;
    fixture_init(&a);
    fixture_init(&b);
    KTEST_TRUE(t, map_properties_same_map(&a.run.output, &b.run.output));
    KTEST_TRUE(t, map_properties_same_repairs(&a.run.output, &b.run.output));
    b.run.output.entries[2].address += P;
    KTEST_FALSE(t, map_properties_same_map(&a.run.output, &b.run.output));
    b.run.output.repairs[0] = (struct mmap_repair){ .kind = MMAP_REPAIR_OVERLAP };
    b.run.output.repair_count = 1;
    KTEST_FALSE(t, map_properties_same_repairs(&a.run.output, &b.run.output));
    b.run.output.entries[1].length += 8;
    KTEST_FALSE(t, map_properties_stable(&b.run.output));
    fixture_free(&a);
    fixture_free(&b);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(map_properties_good_output_has_no_fault),
    KTEST_CASE(map_properties_damaged_entries_are_named),
    KTEST_CASE(map_properties_split_entry_is_not_merged),
    KTEST_CASE(map_properties_memory_that_was_not_given_is_seen),
    KTEST_CASE(map_properties_too_many_entries_are_seen),
    KTEST_CASE(map_properties_differences_are_seen),
};
KTEST_SUITE(fake_map_properties, "fake.map_properties", cases);
