/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's memory commands on a machine after its bring-up: explain, alloc and free, peek,
 * poke and dump, search, memtest, picture, vm map, progress. Hostile arguments are in
 * tests/fuzz/fuzz_monitor.c.
 */
#include <stdio.h>
#include <string.h>

#include <arch/physmap.h>

#include "shared/multiboot2_mmap.h"

#include "lockdown.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "mm/mmio_pool.h"
#include "monitor/access_commands.h"
#include "monitor/alloc_commands.h"
#include "monitor/command.h"
#include "monitor/efi_names.h"
#include "monitor/explain_command.h"
#include "monitor/memory_commands.h"
#include "monitor/memtest.h"
#include "monitor/memtest_command.h"
#include "monitor/picture_command.h"
#include "monitor/progress.h"
#include "monitor/search_command.h"
#include "monitor/search_pattern.h"
#include "monitor/vm_map.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/fake_safe_access.h"
#include "tests/ktest.h"

static struct fake_machine machine;

typedef void (*command_function)(const char *argument);

/* What @p command prints. */
static const char *answer(command_function command, const char *argument)
{
    fake_console_clear();
    monitor_begin_command();
    command(argument);
    return fake_console.text;
}

static bool answer_has(command_function command, const char *argument, const char *text)
{
    return strstr(answer(command, argument), text) != NULL;
}

static bool boot(struct ktest *t)
{
    fake_safe_access_reset();
    lockdown_init(false, false);
    return KTEST_TRUE(t, fake_machine_boot_small_pc(&machine) == K_OK);
}

/* A frame of the prompt's, by `alloc`. */
static uint64_t take(const char *count)
{
    unsigned long long address = 0;
    (void)sscanf(answer(alloc_command, count), "0x%llx", &address); /* 0 where it is none */
    return address;
}

static uint64_t free_frames(void)
{
    return buddy_usage(locked_frame_allocator_inner()).free.value;
}

/* ---- explain -----------------------------------------------------------------------------------
 */

static void explain_names_reason_firmware_and_loader(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    KTEST_TRUE(t, answer_has(explain_command, "1000", " low: RAM below 1 MiB"));
    KTEST_TRUE(t, answer_has(explain_command, "f00000", " acpi: ACPI tables"));
    KTEST_TRUE(t, answer_has(explain_command, "f00fff", "acpi (9), base 0x0000000000f00000, 16 "));
    KTEST_TRUE(t,
               answer_has(explain_command, "400000", "  loader: kernel image, base 0x00000000004"));
    KTEST_TRUE(t, answer_has(explain_command, "ffff800000400010",
                             "0xffff800000400010 is mapped to 0x0000000000400010\n"));
    KTEST_TRUE(t, answer_has(explain_command, "ffff800000000000", "is not mapped\n"));
    KTEST_TRUE(t, answer_has(explain_command, "a0000", "is in no range of the map"));
    KTEST_TRUE(t, answer_has(explain_command, "p:1400000", "  frame: free\n"));
    KTEST_TRUE(t, answer_has(explain_command, "", "usage: explain\n"));
    KTEST_TRUE(t, answer_has(explain_command, "map", " runtime: "));
}

static void efi_ranges_that_wrap_end_at_the_end(struct ktest *t)
{
    struct efi_range range = { 7, 0x1000, 1, 0 };
    KTEST_EQ(t, efi_range_last(&range), 0x1fff);
    range.pages = UINT64_MAX;
    KTEST_EQ(t, efi_range_last(&range), UINT64_MAX);
    range = (struct efi_range){ 7, UINT64_MAX - 0xfff, 2, 0 };
    KTEST_EQ(t, efi_range_last(&range), UINT64_MAX);
    char text[80];
    efi_attribute_names(UINT64_MAX, text, sizeof(text));
    KTEST_STRING(t, text, "UC WC WT WB UCE WP RP XP NV MORE RO SP CRYPTO RUNTIME");
    efi_attribute_names(UINT64_MAX, text, 8);
    KTEST_STRING(t, text, "UC WC W");
    KTEST_STRING(t, efi_type_name(15), "unaccepted");
    KTEST_STRING(t, efi_type_name(16), "unknown");
}

/* ---- frames ------------------------------------------------------------------------------------
 */

static void alloc_and_free_balance(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    const uint64_t before = free_frames();
    const uint64_t block = take("8");
    char line[64];
    KTEST_EQ(t, free_frames(), before - 8);
    (void)snprintf(line, sizeof(line), "%llx 4", (unsigned long long)block); /* fits */
    KTEST_TRUE(t, answer_has(free_command, line, "refused: "));
    (void)snprintf(line, sizeof(line), "%llx 8", (unsigned long long)block + PAGE_SIZE);
    KTEST_TRUE(t, answer_has(free_command, line, "refused: misaligned"));
    KTEST_EQ(t, free_frames(), before - 8);
    (void)snprintf(line, sizeof(line), "%llx 8", (unsigned long long)block);
    KTEST_STRING(t, answer(free_command, line), "freed\n");
    KTEST_TRUE(t, answer_has(free_command, line, "refused: not allocated"));
    KTEST_EQ(t, free_frames(), before);
    KTEST_STRING(t, answer(alloc_command, ""), "0 blocks\n");
}

static void free_refuses_what_the_kernel_uses(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    phys_addr_t frame;
    KTEST_STATUS(t, buddy_allocate(locked_frame_allocator_inner(), 0, &frame), K_OK);
    char line[64];
    (void)snprintf(line, sizeof(line), "%llx 1", (unsigned long long)frame.value); /* fits */
    KTEST_TRUE(t, answer_has(free_command, line, "refused: the kernel uses it"));
    KTEST_STATUS(t, buddy_free(locked_frame_allocator_inner(), frame, 0), K_OK);
}

/* ---- any address -------------------------------------------------------------------------------
 */

static void peek_and_poke_have_every_width(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    static const char *const values[] = { "5a", "cafe", "deadbeef", "1122334455667788" };
    for (unsigned i = 0; i < 4; i++) {
        char line[64];
        char expected[64];
        (void)snprintf(line, sizeof(line), "p:1400000 %s %u", values[i], 1U << i); /* fits */
        KTEST_STRING(t, answer(poke_command, line), "written\n");
        KTEST_EQ(t, fake_safe_access_log().width_bytes, 1U << i);
        KTEST_EQ(t, fake_safe_access_log().address, PHYS_OFFSET + 0x1400000);
        (void)snprintf(line, sizeof(line), "p:1400000 %u", 1U << i);
        (void)snprintf(expected, sizeof(expected), "p:0x0000000001400000: 0x%s\n", values[i]);
        KTEST_STRING(t, answer(peek_command, line), expected);
    }
    KTEST_TRUE(t, answer_has(poke_command, "p:1400000 100 1", "the value has more than 1 bytes"));
    KTEST_TRUE(t, answer_has(peek_command, "p:1400000 3", "usage: peek"));
    KTEST_TRUE(t, answer_has(peek_command, "1000", "cannot read 0x0000000000001000: not mapped"));
    KTEST_TRUE(t, answer_has(peek_command, "p:fffffffffffff000", "no such physical address"));
    KTEST_TRUE(t, answer_has(dump_command, "p:1400000 20 8", "p:0x0000000001400000: 112233445566"));
    KTEST_TRUE(t, strstr(fake_console.text, "\np:0x0000000001400010: ") != NULL);
    KTEST_TRUE(t, answer_has(dump_command, "0 16", "?? ??"));
    KTEST_TRUE(t, answer_has(dump_command, "ffffffffffffffff 2", "passes the end"));
    KTEST_TRUE(t, answer_has(dump_command, "1 0xffffffffffffffff 8", "passes the end"));
}

static void poke_is_refused_under_lockdown(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    const uint32_t stores = fake_safe_access_log().stores;
    lockdown_init(true, false);
    KTEST_STRING(t, answer(poke_command, "p:1400000 1"), "refused: poke: Secure Boot is on\n");
    KTEST_EQ(t, fake_safe_access_log().stores, stores);
    lockdown_init(false, false);
}

static void peek_of_a_device_maps_it_for_one_access(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    static uint32_t registers[2048]; /* two pages: what the first block of the pool will show */
    registers[0x30 / 4] = 0x50014;
    (void)answer(peek_command, "p:fee00000"); /* the pool takes its first tables, and keeps them */
    const uint64_t frames = free_frames();
    const uint64_t pool_bytes = mmio_pool_free_bytes(mmio_pool());
    fake_safe_access_map(MMIO_POOL_START, registers, sizeof(registers), true);
    KTEST_STRING(t, answer(peek_command, "p:fee00030 4"), "p:0x00000000fee00030: 0x00050014\n");
    KTEST_EQ(t, fake_safe_access_log().address, MMIO_POOL_START + 0x30);
    KTEST_TRUE(t, answer_has(peek_command, "p:fee00ffc 8", ": 0x")); /* across two pages */
    KTEST_EQ(t, free_frames(), frames);
    KTEST_EQ(t, mmio_pool_free_bytes(mmio_pool()), pool_bytes);
    fake_safe_access_reset();
}

/* ---- search ------------------------------------------------------------------------------------
 */

static void search_reads_patterns(struct ktest *t)
{
    struct search_pattern pattern;
    KTEST_STATUS(t, search_parse(" \"a b\"", &pattern), K_OK);
    KTEST_EQ(t, pattern.length, 3);
    KTEST_STATUS(t, search_parse("de AD be Ef00", &pattern), K_OK);
    KTEST_EQ(t, pattern.length, 5);
    KTEST_EQ(t, pattern.bytes[3], 0xef);
    static const char *const bad[] = {
        "", "  ", "\"", "\"\"", "a", "0g", "abc", "\"x", "\xff\xff"
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        KTEST_STATUS(t, search_parse(bad[i], &pattern), K_EINVAL);
    }
    char longest[2 * SEARCH_PATTERN_MAX + 3];
    memset(longest, '0', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    KTEST_STATUS(t, search_parse(longest, &pattern), K_ENOSPC);
    longest[2 * SEARCH_PATTERN_MAX] = '\0';
    KTEST_STATUS(t, search_parse(longest, &pattern), K_OK);
}

static void search_finds_every_match_once(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    /* One inside a page, one across two pages, two that overlap. */
    fake_ram_fill(0x1400000, 3 * PAGE_SIZE, 0);
    memcpy(physmap_ptr(phys_addr(0x1400000 + 100), 5), "XYZZY", 5);
    memcpy(physmap_ptr(phys_addr(0x1401000 - 2), 2), "XY", 2);
    memcpy(physmap_ptr(phys_addr(0x1401000), 3), "ZZY", 3);
    KTEST_STRING(t, answer(search_command, "p:1400000 12K \"XYZZY\""),
                 "p:0x0000000001400064\np:0x0000000001400ffe\n2 matches in 12 KiB\n");
    memcpy(physmap_ptr(phys_addr(0x1402000), 4), "aaaa", 4);
    KTEST_TRUE(t, answer_has(search_command, "ffff800001402000 8 616161", "\n2 matches in 0 KiB"));
    KTEST_STRING(t, answer(search_command, "p:1400064-1400068 \"XYZZY\""), "0 matches in 0 KiB\n");
    KTEST_TRUE(t, answer_has(search_command, "p:1400065 12K \"XYZZY\"", "\n1 matches"));
    KTEST_STRING(t, answer(search_command, "800000000000-800000001000 00"), "0 matches in 0 KiB\n");
    KTEST_TRUE(t, answer_has(search_command, "p:1400000 0xff0000000000 \"XYZZY\"", "\n2 matches"));
}

/* ---- memtest -----------------------------------------------------------------------------------
 */

static void memtest_sees_one_wrong_bit(struct ktest *t)
{
    static uint64_t words[512];
    struct memtest_error error;
    for (unsigned i = 0; i < MEMTEST_PATTERN_COUNT; i++) {
        const enum memtest_pattern pattern = (enum memtest_pattern)i; /* all of them */
        memtest_fill(words, 512, phys_addr(0x12345000), pattern, 99);
        KTEST_EQ(t, memtest_compare(words, 512, phys_addr(0x12345000), pattern, 99, &error), 0);
        words[77] ^= UINT64_C(1) << 40;
        words[78] ^= 1;
        KTEST_EQ(t, memtest_compare(words, 512, phys_addr(0x12345000), pattern, 99, &error), 2);
        KTEST_EQ(t, error.at.value, 0x12345000 + 77 * 8);
        KTEST_EQ(t, error.actual ^ error.expected, UINT64_C(1) << 40);
    }
    /* Memory that is there twice (a stuck address line) shows. */
    memtest_fill(words, 512, phys_addr(0x1000), MEMTEST_ADDRESS, 0);
    KTEST_EQ(t, memtest_compare(words, 512, phys_addr(0x2000), MEMTEST_ADDRESS, 0, &error), 512);
}

static void memtest_leaves_the_books_as_they_were(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    struct mm_books books;
    const uint64_t before = free_frames();
    KTEST_TRUE(t, answer_has(memtest_command, "", "1 passes, then 0 % of one; "));
    KTEST_TRUE(t, strstr(fake_console.text, " 0 errors\n") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "NOT ALL") == NULL);
    KTEST_EQ(t, free_frames(), before);
    mm_read_books(&books);
    KTEST_TRUE(t, books.frames_balance);
    KTEST_STATUS(t, buddy_validate(locked_frame_allocator_inner()), K_OK);
}

static void memtest_stops_at_ctrl_c_and_when_time_is_over(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    const uint64_t before = free_frames();
    fake_console_clear();
    monitor_begin_command();
    fake_console.typed = "\x03";
    memtest_command("");
    KTEST_TRUE(t, strstr(fake_console.text, "0 passes, then 0 % of one") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "(stopped)\n") != NULL);
    KTEST_EQ(t, free_frames(), before);
    fake_cpu.tsc_step = 10000000; /* a hundred reads of the clock a second */
    KTEST_TRUE(t, answer_has(memtest_command, "3", "; 3 s; 0 errors\n"));
    KTEST_TRUE(t, strstr(fake_console.text, "\r0 passes, then 44 % of one; ") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "\rmemtest: ") != NULL);
    fake_cpu.tsc_step = 0;
    KTEST_EQ(t, free_frames(), before);
}

/* ---- picture, vm map, progress -----------------------------------------------------------------
 */

static void picture_shows_what_most_of_a_cell_is(struct ktest *t)
{
    static struct multiboot2_mmap_entry entries[] = {
        { .address = 0, .length = 0x3000, .type = MMAP_LOW },
        { .address = 0x3000, .length = 0x2000, .type = MMAP_AVAILABLE },
        { .address = 0x5000, .length = 0x2000, .type = MMAP_KERNEL },
        { .address = 0x9000, .length = 0x1000, .type = MMAP_RESERVED },
        { .address = 0xa000, .length = 0x1000, .type = MMAP_RESERVED },
    };
    static uint32_t reasons[] = { MMAP_REASON_LOW, MMAP_REASON_AVAILABLE, MMAP_REASON_KERNEL,
                                  MMAP_REASON_DROPPED, MMAP_REASON_MMIO };
    static const struct bootinfo_ram_range ram[] = { { 0, 0xa000 } };
    const struct memory_map map = { entries, reasons, 5, ram, 1 };
    KTEST_EQ(t, picture_cell_bytes(&map), PAGE_SIZE);
    KTEST_EQ(t, picture_class(&map, 0, 0x4000), 'L');
    KTEST_EQ(t, picture_class(&map, 0x3000, 0x4000), 'K'); /* as many: the kernel is first */
    KTEST_EQ(t, picture_class(&map, 0x3000, 0x3000), '.');
    KTEST_EQ(t, picture_class(&map, 0x7000, 0x2000), ' ');
    KTEST_EQ(t, picture_class(&map, 0x9000, 0x1000), 'D');
    KTEST_EQ(t, picture_class(&map, 0xa000, 0x1000), 'r');
}

static void picture_has_rows_of_80_columns(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    KTEST_TRUE(t, answer_has(picture_command, "plain", "\n"));
    size_t length = 0;
    for (const char *c = fake_console.text; *c != '\0'; c++) {
        KTEST_TRUE(t, *c != '\x1b');
        length = *c == '\n' ? 0 : length + 1;
        KTEST_TRUE(t, length <= 80);
    }
    KTEST_TRUE(t, answer_has(picture_command, "", "\x1b[42m."));
    KTEST_TRUE(t, answer_has(picture_command, "x", "usage: picture"));
}

static void vm_map_joins_leaves_of_equal_rights(struct ktest *t)
{
    if (!boot(t)) {
        return;
    }
    KTEST_TRUE(t, answer_has(vm_map, "",
                             "0xffff800000400000-0xffff800000408000 0x0000000000400000 "
                             "        32 KiB r-xs wb kernel image\n"));
    KTEST_TRUE(t, strstr(fake_console.text,
                         "0xffff800001000000-0xffff800001800000 "
                         "0x0000000001000000       8192 KiB rw-s wb direct map\n") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, " 0x0000000000408000         16 KiB r--s wb") != NULL);
}

static void progress_shows_share_and_time_left(struct ktest *t)
{
    struct progress progress;
    fake_console_clear();
    monitor_begin_command();
    fake_cpu.tsc_step = 0;
    progress_start(&progress, "work", 1000, 1000000);
    KTEST_TRUE(t, progress_step(&progress, 10));
    KTEST_STRING(t, fake_console.text, ""); /* too early */
    KTEST_EQ(t, progress_percent(&progress, 379), 37);
    KTEST_EQ(t, progress_percent(&progress, 2000), 100);
    fake_cpu.tsc += UINT64_C(4000000000);
    KTEST_TRUE(t, progress_step(&progress, 250));
    KTEST_STRING(t, fake_console.text,
                 "\rwork:  25 %, 4000 s so far, about 12000 s left; Ctrl-C stops  ");
    fake_console_clear();
    progress_end(&progress);
    KTEST_EQ(t, strlen(fake_console.text), 81); /* wiped */
    progress_start(&progress, "work", 0, 0);
    KTEST_EQ(t, progress_percent(&progress, 5), 0);
    fake_cpu.tsc += UINT64_C(2000000000);
    fake_console_clear();
    fake_console.typed = "\x03";
    KTEST_FALSE(t, progress_step(&progress, UINT64_MAX));
    KTEST_STRING(t, fake_console.text, "\rwork: 2 s so far; Ctrl-C stops  ");
    monitor_begin_command();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(explain_names_reason_firmware_and_loader),
    KTEST_CASE(efi_ranges_that_wrap_end_at_the_end),
    KTEST_CASE(alloc_and_free_balance),
    KTEST_CASE(free_refuses_what_the_kernel_uses),
    KTEST_CASE(peek_and_poke_have_every_width),
    KTEST_CASE(poke_is_refused_under_lockdown),
    KTEST_CASE(peek_of_a_device_maps_it_for_one_access),
    KTEST_CASE(search_reads_patterns),
    KTEST_CASE(search_finds_every_match_once),
    KTEST_CASE(memtest_sees_one_wrong_bit),
    KTEST_CASE(memtest_leaves_the_books_as_they_were),
    KTEST_CASE(memtest_stops_at_ctrl_c_and_when_time_is_over),
    KTEST_CASE(picture_shows_what_most_of_a_cell_is),
    KTEST_CASE(picture_has_rows_of_80_columns),
    KTEST_CASE(vm_map_joins_leaves_of_equal_rights),
    KTEST_CASE(progress_shows_share_and_time_left),
};
KTEST_SUITE(monitor_memory_tools, "monitor.memory_tools", cases);
