/* SPDX-License-Identifier: GPL-2.0-only
 *
 * kernel/bootinfo: a small good block, and every way to make it bad. Faults behind the CRC are made
 * with a CRC that is right again, so that the check meant is the one that speaks.
 */
#include "bootinfo.h"

#include <string.h>

#include "shared/mmap_names.h"

#include "tests/ktest.h"

#define BLOCK_BYTES 2048U
#define MMAP_COUNT  5U

/* A block under construction: tables are appended behind the header. */
struct fixture {
    union {
        struct bootinfo info;
        uint8_t bytes[BLOCK_BYTES];
    } block;
    const char *why;
};

static void append(struct fixture *f, struct bootinfo_table *table, const void *data,
                   uint32_t count, uint32_t entry_size)
{
    *table = (struct bootinfo_table){ f->block.info.total_size, count, entry_size, 0 };
    memcpy(f->block.bytes + f->block.info.total_size, data, (size_t)count * entry_size);
    f->block.info.total_size += (count * entry_size + 7U) & ~7U;
}

static void append_map(struct fixture *f)
{
    static const uint64_t bounds[MMAP_COUNT + 1] = { 0,        0x100000, 0x200000,
                                                     0x300000, 0x7f0000, 0x800000 };
    static const uint32_t reasons[MMAP_COUNT] = { MMAP_REASON_LOW, MMAP_REASON_AVAILABLE,
                                                  MMAP_REASON_KERNEL, MMAP_REASON_AVAILABLE,
                                                  MMAP_REASON_RUNTIME };
    struct multiboot2_mmap_entry entries[MMAP_COUNT];
    for (uint32_t i = 0; i < MMAP_COUNT; i++) {
        entries[i] = (struct multiboot2_mmap_entry){
            bounds[i],
            bounds[i + 1] - bounds[i],
            mmap_reason_type(reasons[i]),
            0,
        };
    }
    const struct bootinfo_ram_range ram[2] = { { 0, 0xa0000 }, { 0x100000, 0x700000 } };
    struct bootinfo *const info = &f->block.info;
    append(f, &info->mmap, entries, MMAP_COUNT, sizeof(entries[0]));
    append(f, &info->reasons, reasons, MMAP_COUNT, sizeof(reasons[0]));
    append(f, &info->ram, ram, 2, sizeof(ram[0]));
}

static void seal(struct fixture *f)
{
    f->block.info.crc32c = bootinfo_crc(&f->block.info);
}

static void make_good(struct fixture *f)
{
    static const uint8_t descriptors[2 * 48] = { 7 };
    memset(f, 0, sizeof(*f));
    f->why = "untouched";
    struct bootinfo *const info = &f->block.info;
    info->magic = BOOTINFO_MAGIC;
    info->version_major = BOOTINFO_VERSION_MAJOR;
    info->version_minor = BOOTINFO_VERSION_MINOR;
    info->header_size = sizeof(*info);
    info->total_size = sizeof(*info);
    info->kernel_phys = 0x200000;
    info->kernel_virt = PHYS_OFFSET + 0x200000;
    info->kernel_size = 0x80000;
    info->stack_base = 0x281000;
    info->stack_size = 0x10000;
    info->stack_guard = 0x280000;
    info->jump_page = 0x3000;
    info->page_table_root = 0x4000;
    append_map(f);
    const struct mmap_repair repair = { .kind = MMAP_REPAIR_OVERLAP };
    const struct bootinfo_ledger_entry ledger = {
        0x200000, 0x80, MMAP_KERNEL, BOOTINFO_LIFETIME_KERNEL, BOOTINFO_PURPOSE_KERNEL_IMAGE, 0
    };
    const struct bootinfo_pin pin = { 0x7f0000, 1, BOOTINFO_PIN_RESERVED, 0 };
    append(f, &info->repairs, &repair, 1, sizeof(repair));
    append(f, &info->ledger, &ledger, 1, sizeof(ledger));
    append(f, &info->pins, &pin, 1, sizeof(pin));
    append(f, &info->efi_map, descriptors, 2, 48);
    append(f, &info->command_line, "test=mm.* exit", 15, 1);
    append(f, &info->loader_log, "hello\n", 7, 1);
    append(f, &info->tpm_log, "events", 6, 1);
    seal(f);
}

static enum kstatus check(struct fixture *f, size_t available_bytes)
{
    return bootinfo_check(&f->block, available_bytes, &f->why);
}

static struct multiboot2_mmap_entry *entry(struct fixture *f, uint32_t index)
{
    return &bootinfo_memory_map(&f->block.info).entries[index];
}

/* The block, spoilt and sealed again, is refused with exactly this text. */
static void expect_fault(struct ktest *t, struct fixture *f, const char *why)
{
    seal(f);
    KTEST_STATUS(t, check(f, BLOCK_BYTES), K_EPROTO);
    KTEST_STRING(t, f->why, why);
    make_good(f);
}

static void bootinfo_good_block_is_accepted(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    KTEST_STATUS(t, check(&f, f.block.info.total_size), K_OK);
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_OK);
    KTEST_STATUS(t, check(&f, 0), K_OK);
    KTEST_STRING(t, f.why, "untouched");
}

static void bootinfo_tables_are_found(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    struct bootinfo *const info = &f.block.info;
    KTEST_EQ(t, bootinfo_mmap(info)[1].address, 0x100000);
    KTEST_EQ(t, bootinfo_reasons(info)[4], MMAP_REASON_RUNTIME);
    KTEST_EQ(t, bootinfo_repairs(info)[0].kind, MMAP_REPAIR_OVERLAP);
    KTEST_EQ(t, bootinfo_ram(info)[1].size, 0x700000);
    KTEST_EQ(t, bootinfo_ledger(info)[0].pages, 0x80);
    KTEST_EQ(t, bootinfo_pins(info)[0].base, 0x7f0000);
    KTEST_EQ(t, *(const uint8_t *)bootinfo_efi_descriptor(info, 0), 7);
    KTEST_TRUE(t, (const uint8_t *)bootinfo_efi_descriptor(info, 1) ==
                      (const uint8_t *)bootinfo_efi_descriptor(info, 0) + 48);
    KTEST_STRING(t, bootinfo_command_line(info), "test=mm.* exit");
    KTEST_STRING(t, bootinfo_loader_log(info), "hello\n");
    size_t log_bytes = 0;
    KTEST_TRUE(t, memcmp(bootinfo_tpm_log(info, &log_bytes), "events", 6) == 0);
    KTEST_EQ(t, log_bytes, 6);
    info->tpm_log.count = 0;
    KTEST_TRUE(t, bootinfo_tpm_log(info, &log_bytes) == NULL);
    KTEST_EQ(t, log_bytes, 0);
    info->command_line.count = 0;
    info->loader_log.count = 0;
    KTEST_STRING(t, bootinfo_command_line(info), "");
    KTEST_STRING(t, bootinfo_loader_log(info), "");
}

static void bootinfo_memory_map_is_the_one_in_the_block(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    struct memory_map map = bootinfo_memory_map(&f.block.info);
    KTEST_EQ(t, map.count, MMAP_COUNT);
    KTEST_EQ(t, map.ram_count, 2);
    struct memory_accounting books;
    memory_map_account(&map, &books);
    KTEST_EQ(t, books.usable, 0x100000 + 0x4f0000);
    KTEST_EQ(t, books.low, 0xa0000);
    KTEST_TRUE(t, memory_accounting_balances(&books));
    memory_map_set(&map, 1, MMAP_REASON_LOADER);
    KTEST_EQ(t, bootinfo_mmap(&f.block.info)[1].type, MMAP_LOADER);
}

static void bootinfo_every_flipped_bit_is_refused(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    const uint32_t size = f.block.info.total_size;
    for (uint32_t bit = 0; bit < size * 8; bit++) {
        f.block.bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        /* Both with the exact bound and with room behind the block. */
        const bool refused = check(&f, size) != K_OK && check(&f, BLOCK_BYTES) != K_OK;
        f.block.bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (!refused) {
            KTEST_EQ(t, bit, UINT32_MAX); /* shows which */
        }
    }
    KTEST_STATUS(t, check(&f, size), K_OK);
}

static void bootinfo_other_versions_are_refused_by_name(struct ktest *t)
{
    struct fixture f;
    char text[160];
    make_good(&f);
    f.block.info.version_major = 2;
    f.block.info.version_minor = 7;
    seal(&f);
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_ENOTSUP);
    (void)bootinfo_describe_refusal(&f.block, f.why, text, sizeof(text));
    KTEST_STRING(t, text,
                 "newer major version (block is version 2.7, this kernel reads "
                 "1.2)");
    f.block.info.version_major = 0;
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_ENOTSUP);
    KTEST_STRING(t, f.why, "older major version");
}

/* A newer minor version has fields behind the header that this kernel does not know. */
static void bootinfo_newer_minor_version_is_accepted(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    struct bootinfo *const info = &f.block.info;
    memmove(f.block.bytes + sizeof(*info) + 64, f.block.bytes + sizeof(*info),
            info->total_size - sizeof(*info));
    info->version_minor = 9;
    info->header_size += 64;
    info->total_size += 64;
    struct bootinfo_table *const tables[] = {
        &info->mmap, &info->reasons, &info->repairs,      &info->ram,        &info->ledger,
        &info->pins, &info->efi_map, &info->command_line, &info->loader_log, &info->tpm_log,
    };
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
        tables[i]->offset += 64;
    }
    seal(&f);
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_OK);
}

static void bootinfo_no_block_is_refused(struct ktest *t)
{
    struct fixture f;
    char text[80];
    make_good(&f);
    KTEST_STATUS(t, bootinfo_check(NULL, 0, &f.why), K_EINVAL);
    (void)bootinfo_describe_refusal(NULL, f.why, text, sizeof(text));
    KTEST_STRING(t, text, "no block at an aligned address");
    KTEST_STATUS(t, bootinfo_check(f.block.bytes + 4, 0, &f.why), K_EINVAL);
    KTEST_STATUS(t, check(&f, 511), K_EPROTO);
    KTEST_STRING(t, f.why, "shorter than its header");
    f.block.info.magic++;
    expect_fault(t, &f, "magic");
}

static void bootinfo_bad_sizes_are_refused(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    struct bootinfo *const info = &f.block.info;
    info->header_size = 504;
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_EPROTO);
    KTEST_STRING(t, f.why, "header size");
    info->header_size = 516;
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_EPROTO);
    KTEST_STRING(t, f.why, "header size");
    make_good(&f);
    info->total_size = 511;
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_EPROTO);
    KTEST_STRING(t, f.why, "total size");
    info->total_size = BOOTINFO_MAX_BYTES + 8;
    KTEST_STATUS(t, check(&f, 0), K_EPROTO);
    KTEST_STRING(t, f.why, "total size");
    info->total_size = BLOCK_BYTES + 1;
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_EPROTO);
    KTEST_STRING(t, f.why, "total size passes the memory it lies in");
    make_good(&f);
    info->crc32c ^= 1;
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_EPROTO);
    KTEST_STRING(t, f.why, "CRC-32C");
}

static void bootinfo_bad_tables_are_refused(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    struct bootinfo *const info = &f.block.info;
    info->mmap.entry_size = 32;
    expect_fault(t, &f, "table mmap: bad offset, count or size");
    info->pins.offset += 4; /* unaligned */
    expect_fault(t, &f, "table pins: bad offset, count or size");
    info->ledger.offset = 504; /* inside the header */
    expect_fault(t, &f, "table ledger: bad offset, count or size");
    info->tpm_log.count += 3; /* one byte past the end of the block */
    expect_fault(t, &f, "table tpm_log: bad offset, count or size");
    info->loader_log.offset = BLOCK_BYTES;
    expect_fault(t, &f, "table loader_log: bad offset, count or size");
    info->ram.offset = 0xfffffff8; /* far away */
    expect_fault(t, &f, "table ram: bad offset, count or size");
    info->repairs.count = 0x08000001; /* times 32: 32 in 32 bits */
    expect_fault(t, &f, "table repairs: bad offset, count or size");
    info->efi_map.entry_size = 32; /* below a descriptor */
    expect_fault(t, &f, "table efi_map: bad offset, count or size");
    info->efi_map.entry_size = 44; /* no multiple of 8 */
    expect_fault(t, &f, "table efi_map: bad offset, count or size");
    info->mmap.count = 0;
    expect_fault(t, &f, "table mmap: empty");
    info->reasons.count--;
    expect_fault(t, &f, "table reasons: not one for each mmap entry");
    info->pins = (struct bootinfo_table){ .offset = BLOCK_BYTES }; /* absent, yet not inside */
    expect_fault(t, &f, "table pins: bad offset, count or size");
    info->pins = (struct bootinfo_table){ 0 };
    info->efi_map = (struct bootinfo_table){ 0 };
    seal(&f);
    KTEST_STATUS(t, check(&f, BLOCK_BYTES), K_OK);
}

static void bootinfo_unterminated_texts_are_refused(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    struct bootinfo *const info = &f.block.info;
    info->command_line.count--;
    expect_fault(t, &f, "command line: no NUL at its end");
    info->loader_log.count--;
    expect_fault(t, &f, "loader log: no NUL at its end");
    memset(info->firmware_vendor, 'x', sizeof(info->firmware_vendor));
    expect_fault(t, &f, "firmware vendor: no NUL at its end");
}

static void bootinfo_bad_mmap_is_refused(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    entry(&f, 2)->length = 0;
    expect_fault(t, &f, "mmap: an entry is empty or wraps");
    entry(&f, 4)->length = UINT64_MAX - 0x7effff; /* ends at 2^64 */
    expect_fault(t, &f, "mmap: an entry is empty or wraps");
    entry(&f, 1)->length += 0x1000; /* into the next one */
    expect_fault(t, &f, "mmap: entries overlap or are not sorted");
    entry(&f, 3)->type = MMAP_RESERVED;
    expect_fault(t, &f, "mmap: an entry's reason is unknown or does not give its type");
    bootinfo_memory_map(&f.block.info).reasons[4] = MMAP_REASON_COUNT;
    expect_fault(t, &f, "mmap: an entry's reason is unknown or does not give its type");
    entry(&f, 3)->length -= 1;
    expect_fault(t, &f, "mmap: available memory that is not whole pages above 1 MiB");
    entry(&f, 3)->address += 8;
    entry(&f, 3)->length -= 8;
    expect_fault(t, &f, "mmap: available memory that is not whole pages above 1 MiB");
    entry(&f, 0)->length = 0xff000;
    entry(&f, 1)->address = 0xff000;
    expect_fault(t, &f, "mmap: available memory that is not whole pages above 1 MiB");
}

static void bootinfo_bad_ranges_are_refused(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    /* The tests own the block: writing through the const accessors' targets is all right. */
    uint8_t *const bytes = f.block.bytes;
    const struct bootinfo *const info = &f.block.info;
    struct bootinfo_ram_range ram = { 0x100000, 0 };
    memcpy(bytes + info->ram.offset + sizeof(ram), &ram, sizeof(ram));
    expect_fault(t, &f, "ram: a range is empty or wraps");
    ram = (struct bootinfo_ram_range){ 0x9ffff, 0x1000 };
    memcpy(bytes + info->ram.offset + sizeof(ram), &ram, sizeof(ram));
    expect_fault(t, &f, "ram: ranges overlap or are not sorted");
    ram = (struct bootinfo_ram_range){ 0x100000, UINT64_MAX };
    memcpy(bytes + info->ram.offset + sizeof(ram), &ram, sizeof(ram));
    expect_fault(t, &f, "ram: a range is empty or wraps");
    struct bootinfo_ledger_entry ledger = { 0x1001, 1, MMAP_KERNEL, 1, 1, 0 };
    memcpy(bytes + info->ledger.offset, &ledger, sizeof(ledger));
    expect_fault(t, &f, "ledger: an entry is unaligned or wraps");
    ledger = (struct bootinfo_ledger_entry){ 0x1000, BIT(52) + 1, MMAP_KERNEL, 1, 1, 0 };
    memcpy(bytes + info->ledger.offset, &ledger, sizeof(ledger)); /* 4 KiB in 64 bits */
    expect_fault(t, &f, "ledger: an entry is unaligned or wraps");
    ledger = (struct bootinfo_ledger_entry){ 0x1000, 1, MMAP_KERNEL, 4, 1, 0 };
    memcpy(bytes + info->ledger.offset, &ledger, sizeof(ledger));
    expect_fault(t, &f, "ledger: unknown lifetime");
    struct bootinfo_pin pin = { 0x1800, 1, BOOTINFO_PIN_ACPI, 0 };
    memcpy(bytes + info->pins.offset, &pin, sizeof(pin));
    expect_fault(t, &f, "pins: an entry is unaligned or wraps");
    pin = (struct bootinfo_pin){ UINT64_MAX - 0xfff, 1, BOOTINFO_PIN_ACPI, 0 };
    memcpy(bytes + info->pins.offset, &pin, sizeof(pin));
    expect_fault(t, &f, "pins: an entry is unaligned or wraps");
}

static void bootinfo_bad_addresses_are_refused(struct ktest *t)
{
    struct fixture f;
    make_good(&f);
    struct bootinfo *const info = &f.block.info;
    info->kernel_size++;
    expect_fault(t, &f, "kernel image: unaligned or wraps");
    info->kernel_virt += PAGE_SIZE;
    expect_fault(t, &f, "kernel image: not at its place in the direct map");
    info->stack_base += 16;
    expect_fault(t, &f, "boot stack: unaligned or wraps");
    info->stack_guard -= PAGE_SIZE;
    expect_fault(t, &f, "boot stack: its guard is not the frame below");
    info->page_table_root |= 8;
    expect_fault(t, &f, "jump page or page tables: unaligned");
    info->build_id_size = 21;
    expect_fault(t, &f, "build id or RSDP copy: larger than its field");
    info->rsdp_copy_size = 37;
    expect_fault(t, &f, "build id or RSDP copy: larger than its field");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(bootinfo_good_block_is_accepted),
    KTEST_CASE(bootinfo_tables_are_found),
    KTEST_CASE(bootinfo_memory_map_is_the_one_in_the_block),
    KTEST_CASE(bootinfo_every_flipped_bit_is_refused),
    KTEST_CASE(bootinfo_other_versions_are_refused_by_name),
    KTEST_CASE(bootinfo_newer_minor_version_is_accepted),
    KTEST_CASE(bootinfo_no_block_is_refused),
    KTEST_CASE(bootinfo_bad_sizes_are_refused),
    KTEST_CASE(bootinfo_bad_tables_are_refused),
    KTEST_CASE(bootinfo_unterminated_texts_are_refused),
    KTEST_CASE(bootinfo_bad_mmap_is_refused),
    KTEST_CASE(bootinfo_bad_ranges_are_refused),
    KTEST_CASE(bootinfo_bad_addresses_are_refused),
};
KTEST_SUITE(bootinfo, "bootinfo", cases);
