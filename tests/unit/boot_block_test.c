/* SPDX-License-Identifier: GPL-2.0-only
 *
 * boot_block.c: what it writes is what the kernel's gate (bootinfo_check) accepts, in exactly the
 * room that boot_block_capacity() asks for, and not one byte behind it.
 */
#include "boot_block.h"

#include <stdlib.h>
#include <string.h>

#include "bootinfo.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/ktest.h"

#define MIB UINT64_C(0x100000)

/* A small machine:  [low 640K)  [1M kernel 2M)[free ................ 64M)[runtime 65M) */
struct machine {
    struct fake_efi_map firmware;
    struct bootinfo_ledger_entry ledger;
    struct bootinfo_pin pin;
    struct fake_mmap_run run;
    struct boot_block_parts parts;
    struct bootinfo header;
    uint64_t capacity_bytes;
};

static void machine_init(struct machine *m, struct ktest *t)
{
    fake_efi_map_init(&m->firmware, 48);
    fake_efi_map_add(&m->firmware, EFI_MAP_CONVENTIONAL, 0, 160, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&m->firmware, EFI_MAP_CONVENTIONAL, MIB, 63 * 256, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&m->firmware, EFI_MAP_RUNTIME_DATA, 64 * MIB, 256, EFI_MAP_ATTRIBUTE_WB);
    m->ledger = (struct bootinfo_ledger_entry){ .base = MIB,
                                                .pages = 256,
                                                .type = MMAP_KERNEL,
                                                .lifetime = BOOTINFO_LIFETIME_KERNEL,
                                                .purpose = BOOTINFO_PURPOSE_KERNEL_IMAGE };
    m->pin = (struct bootinfo_pin){ .base = 8 * MIB, .pages = 1, .kind = BOOTINFO_PIN_ACPI };
    struct mmap_build_input input = fake_efi_input(&m->firmware);
    input.ledger = &m->ledger;
    input.ledger_count = 1;
    input.pins = &m->pin;
    input.pin_count = 1;
    fake_mmap_run(&input, &m->run);
    m->parts = (struct boot_block_parts){ .map = &m->run.output,
                                          .efi = &m->firmware.map,
                                          .ledger = &m->ledger,
                                          .ledger_count = 1,
                                          .pins = &m->pin,
                                          .pin_count = 1,
                                          .command_line = "a=1",
                                          .command_line_bytes = 4,
                                          .log = "line\n",
                                          .log_bytes = 6,
                                          .tpm_log = "event",
                                          .tpm_log_bytes = 5 };
    m->header = (struct bootinfo){ .kernel_phys = MIB,
                                   .kernel_virt = PHYS_OFFSET + MIB,
                                   .kernel_size = 128 * 4096,
                                   .stack_base = MIB + 129 * 4096,
                                   .stack_size = 65536,
                                   .stack_guard = MIB + 128 * 4096,
                                   .jump_page = MIB + 200 * 4096,
                                   .page_table_root = MIB + 201 * 4096,
                                   .phys_bits = 40 };
    struct mmap_build_sizes sizes;
    KTEST_STATUS(t, m->run.status, K_OK);
    KTEST_STATUS(t, mmap_build_sizes(3, 2, &sizes), K_OK);
    KTEST_STATUS(t,
                 boot_block_capacity(&sizes, m->firmware.map.size_bytes, 2, 15, &m->capacity_bytes),
                 K_OK);
}

static void machine_free(struct machine *m)
{
    fake_mmap_run_free(&m->run);
    fake_efi_map_free(&m->firmware);
}

static void boot_block_is_what_the_kernel_accepts(struct ktest *t)
{
    struct machine m;
    machine_init(&m, t);
    void *const memory = malloc(m.capacity_bytes);
    memset(memory, 0xa5, m.capacity_bytes);
    KTEST_STATUS(t, boot_block_write(&m.header, &m.parts, memory, m.capacity_bytes), K_OK);
    const char *why = "";
    KTEST_STATUS(t, bootinfo_check(memory, m.capacity_bytes, &why), K_OK);
    KTEST_STRING(t, why, "");
    const struct bootinfo *const info = memory;
    const uint8_t *const bytes = memory;
    KTEST_EQ(t, info->efi_map.count, 3);
    KTEST_EQ(t, info->efi_map.entry_size, 48);
    KTEST_EQ(t, memcmp(bytes + info->efi_map.offset, m.firmware.map.bytes, 3 * 48), 0);
    KTEST_EQ(t, info->ledger.count, 1);
    KTEST_EQ(t, memcmp(bytes + info->ledger.offset, &m.ledger, sizeof(m.ledger)), 0);
    KTEST_EQ(t, memcmp(bytes + info->pins.offset, &m.pin, sizeof(m.pin)), 0);
    KTEST_EQ(t, info->mmap.count, m.run.output.entry_count);
    KTEST_EQ(t, info->reasons.count, m.run.output.entry_count);
    KTEST_EQ(t, info->ram.count, m.run.output.ram_count);
    KTEST_STRING(t, (const char *)bytes + info->command_line.offset, "a=1");
    KTEST_STRING(t, (const char *)bytes + info->loader_log.offset, "line\n");
    KTEST_EQ(t, info->tpm_log.count, 5);
    KTEST_EQ(t, memcmp(bytes + info->tpm_log.offset, "event", 5), 0);
    free(memory);
    machine_free(&m);
}

static void boot_block_does_not_depend_on_old_memory(struct ktest *t)
{
    struct machine m;
    machine_init(&m, t);
    uint8_t *const first = malloc(m.capacity_bytes);
    uint8_t *const second = malloc(m.capacity_bytes);
    memset(first, 0x00, m.capacity_bytes);
    memset(second, 0xff, m.capacity_bytes);
    KTEST_STATUS(t, boot_block_write(&m.header, &m.parts, first, m.capacity_bytes), K_OK);
    KTEST_STATUS(t, boot_block_write(&m.header, &m.parts, second, m.capacity_bytes), K_OK);
    const uint32_t total = ((const struct bootinfo *)(const void *)first)->total_size;
    KTEST_EQ(t, memcmp(first, second, total), 0);
    free(first);
    free(second);
    machine_free(&m);
}

/* Every room that is too small is refused without a byte written behind it (ASan watches). */
static void boot_block_short_memory_is_refused(struct ktest *t)
{
    struct machine m;
    machine_init(&m, t);
    uint8_t *const whole = malloc(m.capacity_bytes);
    KTEST_STATUS(t, boot_block_write(&m.header, &m.parts, whole, m.capacity_bytes), K_OK);
    const uint32_t total = ((const struct bootinfo *)(const void *)whole)->total_size;
    KTEST_TRUE(t, total <= m.capacity_bytes);
    for (uint32_t room = 0; room <= total; room++) {
        uint8_t *const memory = malloc(room == 0 ? 1 : room);
        KTEST_STATUS(t, boot_block_write(&m.header, &m.parts, memory, room),
                     room == total ? K_OK : K_ENOSPC);
        free(memory);
    }
    free(whole);
    machine_free(&m);
}

static void boot_block_capacity_refuses_what_passes_32_bits(struct ktest *t)
{
    const struct mmap_build_sizes sizes = { .entries = 10, .repairs = 10, .ram = 10 };
    const struct mmap_build_sizes huge = { .entries = UINT32_MAX, .repairs = 1, .ram = 1 };
    uint64_t bytes = 7;
    KTEST_STATUS(t, boot_block_capacity(&sizes, UINT64_MAX, 1, 1, &bytes), K_EOVERFLOW);
    KTEST_STATUS(t, boot_block_capacity(&sizes, 1, UINT64_MAX, 1, &bytes), K_EOVERFLOW);
    KTEST_STATUS(t, boot_block_capacity(&sizes, 1, 1, UINT64_MAX, &bytes), K_EOVERFLOW);
    KTEST_STATUS(t, boot_block_capacity(&sizes, UINT32_MAX, 1, 1, &bytes), K_EOVERFLOW);
    KTEST_STATUS(t, boot_block_capacity(&huge, 1, 1, 1, &bytes), K_EOVERFLOW);
    /* A sum that would wrap to something small. */
    const uint64_t wrap = UINT64_MAX - UINT64_C(28) * UINT32_MAX;
    KTEST_STATUS(t, boot_block_capacity(&huge, wrap, 1, 1, &bytes), K_EOVERFLOW);
    KTEST_EQ(t, bytes, 7);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(boot_block_is_what_the_kernel_accepts),
    KTEST_CASE(boot_block_does_not_depend_on_old_memory),
    KTEST_CASE(boot_block_short_memory_is_refused),
    KTEST_CASE(boot_block_capacity_refuses_what_passes_32_bits),
};
KTEST_SUITE(loader_boot_block, "loader.boot_block", cases);
