/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The report (design.md section 7): well-formed, every key there, the sums of section 6 right in
 * the numbers that a reader gets, and one line whatever the audit finds.
 */
#include "report.h"

#include <string.h>

#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "stages.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/json_read.h"
#include "tests/ktest.h"

#define REPORT_BYTES (1U << 18)

static struct fake_machine machine;
static char text[REPORT_BYTES];
static size_t text_bytes;
static bool log_grew; /* a line was logged while the report was under way */
static size_t log_bytes;

static void put(void *context, const char *part, size_t size_bytes)
{
    (void)context;
    if (text_bytes == 0) {
        log_bytes = strlen(fake_log_text());
    }
    log_grew = log_grew || strlen(fake_log_text()) != log_bytes;
    if (text_bytes + size_bytes < REPORT_BYTES) {
        memcpy(text + text_bytes, part, size_bytes);
        text_bytes += size_bytes;
        text[text_bytes] = '\0';
    }
}

static bool write_report(const struct report_machine *facts_of_machine)
{
    const struct report_facts facts = {
        .version = "1.2.3",
        .cpu_has_nx = true,
        .efer_nxe = true,
        .tsc_hz = 1000,
        .machine = facts_of_machine,
    };
    text_bytes = 0;
    text[0] = '\0';
    log_grew = false;
    return report_write(&facts, put, NULL);
}

static void boot(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    memcpy(machine.header.firmware_vendor, "A \"vendor\"\n", 12);
    machine.header.build_id_size = 2;
    machine.header.build_id[0] = 0xab;
    machine.header.build_id[1] = 0x05;
    machine.header.exit_attempts = 2;
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    mm_reclaim_loader_memory();
}

static const struct report_machine real_machine = { .cpu_vendor = "FakeCpuForXs", .cpus = 3 };

static void report_is_one_valid_line(struct ktest *t)
{
    boot(t);
    KTEST_TRUE(t, write_report(&real_machine));
    KTEST_TRUE(t, json_read_is_valid(text));
    KTEST_TRUE(t, strchr(text, '\n') == NULL);
    KTEST_FALSE(t, log_grew);
}

static void report_has_every_key(struct ktest *t)
{
    static const char *const paths[] = {
        "version",
        "build",
        "firmware.vendor",
        "firmware.revision",
        "firmware.secure_boot",
        "tpm.measured",
        "tpm.replay",
        "cpu.vendor",
        "cpu.nx",
        "cpu.pdpe1gb",
        "cpu.phys_bits",
        "cpu.cpus",
        "cpu.tsc_hz",
        "efi_map.descriptors",
        "efi_map.descriptor_size",
        "efi_map.descriptor_version",
        "efi_map.exit_attempts",
        "efi_map.entries",
        "ledger",
        "pins",
        "mmap",
        "repairs",
        "accounting.firmware_ram",
        "accounting.usable",
        "accounting.kernel",
        "accounting.loader",
        "accounting.low",
        "accounting.acpi",
        "accounting.nvs",
        "accounting.reserved",
        "accounting.bad",
        "accounting.dropped",
        "areas",
        "bump.start",
        "bump.used_frames",
        "page_tables.root",
        "page_tables.frames",
        "page_tables.leaves_4k",
        "page_tables.leaves_2m",
        "page_tables.leaves_1g",
        "page_tables.writable_executable",
        "buddy.total_frames",
        "buddy.free_frames",
        "buddy.metadata_bytes",
        "buddy.free_blocks",
        "nx.cpu",
        "nx.efer_nxe",
        "nx.xd_reserved",
        "stages",
    };
    boot(t);
    KTEST_TRUE(t, write_report(&real_machine));
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        KTEST_STRING(t, json_read_find(text, paths[i]) != NULL ? "there" : paths[i], "there");
    }
    KTEST_EQ(t, json_read_u64(text, "schema"), 1);
    KTEST_EQ(t, json_read_count(text, "buddy.free_blocks"), 19);
}

static void report_says_what_it_was_told(struct ktest *t)
{
    boot(t);
    KTEST_TRUE(t, write_report(&real_machine));
    KTEST_TRUE(t, json_read_is(text, "version", "\"1.2.3\""));
    KTEST_TRUE(t, json_read_is(text, "build", "\"ab05\""));
    KTEST_TRUE(t, json_read_is(text, "firmware.vendor", "\"A \\\"vendor\\\"\\u000a\""));
    KTEST_TRUE(t, json_read_is(text, "firmware.secure_boot", "false"));
    KTEST_TRUE(t, json_read_is(text, "cpu.vendor", "\"FakeCpuForXs\""));
    KTEST_EQ(t, json_read_u64(text, "cpu.cpus"), 3);
    KTEST_EQ(t, json_read_u64(text, "cpu.phys_bits"), 46);
    KTEST_TRUE(t, json_read_is(text, "nx.cpu", "true"));
    KTEST_TRUE(t, json_read_is(text, "nx.xd_reserved", "false"));
    KTEST_EQ(t, json_read_u64(text, "page_tables.root"), mm_state()->root.value);
    KTEST_EQ(t, json_read_u64(text, "efi_map.exit_attempts"), 2);
    KTEST_EQ(t, json_read_u64(text, "efi_map.descriptor_size"), 48);
}

static void report_of_a_replay_leaves_the_machine_out(struct ktest *t)
{
    boot(t);
    KTEST_TRUE(t, write_report(NULL));
    KTEST_TRUE(t, json_read_is_valid(text));
    KTEST_TRUE(t, json_read_find(text, "firmware") == NULL);
    KTEST_TRUE(t, json_read_find(text, "stages") == NULL);
    KTEST_TRUE(t, json_read_find(text, "cpu.vendor") == NULL);
    KTEST_TRUE(t, json_read_find(text, "cpu.cpus") == NULL);
    KTEST_TRUE(t, json_read_find(text, "cpu.nx") != NULL);
    KTEST_TRUE(t, json_read_find(text, "accounting.dropped") != NULL);
}

/* The sum of member `key` over the objects of the array at `path`; of those with `type` where it is
 * not 0. */
static uint64_t sum_of(const char *path, const char *key, uint64_t type)
{
    const char *const array = json_read_find(text, path);
    uint64_t sum = 0;
    const char *element;
    for (uint32_t i = 0; (element = json_read_element(array, i)) != NULL; i++) {
        if (type == 0 || json_read_u64(element, "type") == type) {
            sum += json_read_u64(element, key);
        }
    }
    return sum;
}

static uint64_t free_frames_in_blocks(void)
{
    const char *const blocks = json_read_find(text, "buddy.free_blocks");
    uint64_t frames = 0;
    for (uint32_t order = 0; order < 19; order++) {
        const char *const count = json_read_element(blocks, order);
        frames += count != NULL ? json_read_u64(count, "") << order : 0;
    }
    return frames;
}

static void report_balances_in_its_own_numbers(struct ktest *t)
{
    static const char *const classes[] = {
        "usable", "kernel", "loader", "low", "acpi", "nvs", "reserved", "bad", "dropped",
    };
    boot(t);
    KTEST_TRUE(t, write_report(&real_machine));
    const char *const accounting = json_read_find(text, "accounting");
    uint64_t sum = 0;
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++) {
        sum += json_read_u64(accounting, classes[i]);
    }
    const uint64_t usable = json_read_u64(accounting, "usable");
    KTEST_EQ(t, sum, json_read_u64(accounting, "firmware_ram"));
    KTEST_EQ(t, json_read_u64(accounting, "loader"), 0);
    KTEST_EQ(t, json_read_u64(accounting, "acpi"), FAKE_PC_ACPI_PAGES * PAGE_SIZE);
    KTEST_EQ(t, json_read_u64(accounting, "nvs"), FAKE_PC_NVS_PAGES * PAGE_SIZE);
    KTEST_EQ(t, json_read_u64(accounting, "kernel"), FAKE_KERNEL_ALL_PAGES * PAGE_SIZE);
    KTEST_EQ(t, json_read_u64(accounting, "low"), 0xa0000);
    KTEST_EQ(t, json_read_u64(accounting, "reserved"), 0x40000);
    KTEST_EQ(t, sum_of("areas", "size", 0), usable);
    KTEST_EQ(t, sum_of("mmap", "size", MMAP_AVAILABLE), usable);
    KTEST_EQ(t,
             (json_read_u64(text, "bump.used_frames") + json_read_u64(text, "page_tables.frames") +
              json_read_u64(text, "buddy.total_frames")) *
                     PAGE_SIZE +
                 json_read_u64(text, "buddy.metadata_bytes"),
             usable);
    KTEST_EQ(
        t, json_read_u64(text, "buddy.free_frames") + json_read_u64(text, "buddy.allocated_frames"),
        json_read_u64(text, "buddy.total_frames"));
    KTEST_TRUE(t, free_frames_in_blocks() <= json_read_u64(text, "buddy.free_frames"));
    KTEST_EQ(t, json_read_u64(text, "page_tables.writable_executable"), 0);
}

static void report_lists_the_firmwares_map_and_the_ledger(struct ktest *t)
{
    boot(t);
    KTEST_TRUE(t, write_report(&real_machine));
    const uint32_t descriptors = json_read_count(text, "efi_map.entries");
    KTEST_EQ(t, descriptors, json_read_u64(text, "efi_map.descriptors"));
    KTEST_EQ(t, descriptors, 6);
    const char *const second = json_read_element(json_read_find(text, "efi_map.entries"), 1);
    KTEST_EQ(t, json_read_u64(json_read_element(second, 0), ""), EFI_MAP_CONVENTIONAL);
    KTEST_EQ(t, json_read_u64(json_read_element(second, 1), ""), SIZE_1M);
    KTEST_EQ(t, json_read_u64(json_read_element(second, 2), ""), 14 * 256);
    KTEST_EQ(t, json_read_u64(json_read_element(second, 3), ""), EFI_MAP_ATTRIBUTE_WB);
    KTEST_EQ(t, json_read_count(text, "ledger"), 3);
    const char *const stack = json_read_element(json_read_find(text, "ledger"), 1);
    KTEST_EQ(t, json_read_u64(json_read_element(stack, 1), ""), FAKE_STACK_PAGES + 1);
    KTEST_EQ(t, json_read_u64(json_read_element(stack, 2), ""), MMAP_KERNEL);
    KTEST_EQ(t, json_read_u64(json_read_element(stack, 3), ""), BOOTINFO_LIFETIME_KERNEL);
}

static void report_lists_the_stages(struct ktest *t)
{
    boot(t);
    stages_add("of_the_report_test", 77);
    KTEST_TRUE(t, write_report(&real_machine));
    uint32_t count;
    (void)stages_list(&count);
    KTEST_EQ(t, json_read_count(text, "stages"), count);
    const char *const last = json_read_element(json_read_find(text, "stages"), count - 1);
    KTEST_TRUE(t, json_read_is(last, "name", "\"of_the_report_test\""));
    KTEST_EQ(t, json_read_u64(last, "tsc"), 77);
}

static void report_of_dropped_areas_names_the_repair(struct ktest *t)
{
    fake_machine_start(&machine);
    fake_machine_add_small_pc(&machine);
    for (uint32_t i = 0; i < 520; i++) {
        fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, 32 * SIZE_1M + i * 2 * PAGE_SIZE,
                         PAGE_SIZE);
    }
    KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
    KTEST_TRUE(t, write_report(NULL));
    const uint32_t repairs = json_read_count(text, "repairs");
    KTEST_TRUE(t, repairs > 0);
    const char *const last = json_read_element(json_read_find(text, "repairs"), repairs - 1);
    KTEST_TRUE(t, json_read_is(last, "kind", "\"too-many-areas\""));
    KTEST_EQ(t, json_read_u64(last, "size"), 12 * PAGE_SIZE);
    KTEST_EQ(t, json_read_u64(text, "accounting.dropped"), 12 * PAGE_SIZE);
}

/* What the audit has to say about a page that is W and X goes to the log before the first byte. */
static void report_stays_one_line_when_the_audit_complains(struct ktest *t)
{
    boot(t);
    struct kernel_mapper_guard guard;
    struct page_flush flush;
    kernel_mapper_lock(&guard);
    const page_flags_t open = page_flags_set_execute(page_flags_mmio(), true);
    KTEST_STATUS(t,
                 page_mapper_remap(kernel_mapper_as_mut(&guard),
                                   virt_addr(PHYS_OFFSET + FAKE_PC_KERNEL), PAGE_SIZE, open,
                                   &flush),
                 K_OK);
    page_flush_flush(&flush);
    kernel_mapper_unlock(&guard);
    KTEST_TRUE(t, write_report(&real_machine));
    KTEST_TRUE(t, fake_log_contains("audit: "));
    KTEST_FALSE(t, log_grew);
    KTEST_EQ(t, json_read_u64(text, "page_tables.writable_executable"), 1);
    KTEST_TRUE(t, json_read_u64(text, "page_tables.violations") > 0);
}

static void report_without_memory_for_the_audit_is_incomplete(struct ktest *t)
{
    boot(t);
    phys_addr_t frame;
    while (allocate_page_frames(page_frame_count(1), &frame) == K_OK) {}
    KTEST_FALSE(t, write_report(&real_machine));
    KTEST_TRUE(t, json_read_is_valid(text));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(report_is_one_valid_line),
    KTEST_CASE(report_has_every_key),
    KTEST_CASE(report_says_what_it_was_told),
    KTEST_CASE(report_of_a_replay_leaves_the_machine_out),
    KTEST_CASE(report_balances_in_its_own_numbers),
    KTEST_CASE(report_lists_the_firmwares_map_and_the_ledger),
    KTEST_CASE(report_lists_the_stages),
    KTEST_CASE(report_of_dropped_areas_names_the_repair),
    KTEST_CASE(report_stays_one_line_when_the_audit_complains),
    KTEST_CASE(report_without_memory_for_the_audit_is_incomplete),
};
KTEST_SUITE(kernel_report, "kernel.report", cases);
