/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The whole loader, from efi_main() to the jump, under scripted firmware. Each case says what the
 * firmware is like and how the loader must end; every case also requires that no call was made that
 * UEFI forbids and that a return to the firmware leaves nothing behind (fake_efi.h).
 */
#include <string.h>

#include "black_box_record.h"
#include "cpu_features.h"
#include "efi_map.h"
#include "lib/compiler.h"
#include "mm/addr.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"

#define WB UINT64_C(0xf)

static struct fake_efi_result result;

static bool printed(const char *text)
{
    return strstr(result.console, text) != NULL || strstr(result.serial, text) != NULL;
}

/* Runs @p script and checks the end; @p text must be on a console where it is not NULL. */
static void expect(struct ktest *t, const struct fake_efi_script *script, enum fake_efi_end end,
                   const char *text)
{
    fake_efi_run(script, &result);
    KTEST_EQ(t, result.end, end);
    KTEST_STRING(t, result.violation, "");
    KTEST_TRUE(t, end != FAKE_EFI_ENTERED_KERNEL || result.bootinfo_is_good);
    if (end == FAKE_EFI_RETURNED) {
        KTEST_TRUE(t, printed("returned to firmware: "));
    }
    if (text != NULL && !printed(text)) {
        KTEST_STRING(t, result.console, text); /* shows what was printed instead */
    }
}

static void enters(struct ktest *t, const struct fake_efi_script *script, const char *text)
{
    expect(t, script, FAKE_EFI_ENTERED_KERNEL, text);
}

static void returns(struct ktest *t, const struct fake_efi_script *script, const char *text)
{
    expect(t, script, FAKE_EFI_RETURNED, text);
}

static void resets(struct ktest *t, const struct fake_efi_script *script, const char *text)
{
    expect(t, script, FAKE_EFI_RESET, text);
}

/* ---- sound firmware -----------------------------------------------------------------------------
 */

static void loader_sound_firmware_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .no_uart = false };
    enters(t, &script, "left boot services: 1 attempts");
    KTEST_TRUE(t, printed("plan: "));
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 1);
    KTEST_EQ(t, result.calls[FAKE_EFI_SET_WATCHDOG_TIMER], 1);
    KTEST_EQ(t, result.live_pool, 0);
    KTEST_EQ(t, result.live_files, 0);
    KTEST_TRUE(t, result.info.rsdp != 0);
}

static void loader_dry_run_returns_and_leaves_nothing(struct ktest *t)
{
    static const CHAR16 options[] = L"dryrun";
    const struct fake_efi_script script = { .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    returns(t, &script, "returned to firmware: dry-run-ok");
    KTEST_TRUE(t, printed(" pages, kernel image, mmap type 0x1000\n"));
    KTEST_TRUE(t, printed(" pages, hand-over tables, mmap type 0x1001\n"));
    KTEST_EQ(t, result.status, EFI_SUCCESS);
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 0);
}

/* ---- memory map ---------------------------------------------------------------------------------
 */

static void loader_strides_larger_than_a_descriptor_enter_the_kernel(struct ktest *t)
{
    static const uint64_t strides[] = { 40, 48, 56, 64, 4096 };
    for (size_t i = 0; i < ARRAY_COUNT(strides); i++) {
        const struct fake_efi_script script = { .stride = strides[i] };
        enters(t, &script, NULL);
        KTEST_EQ(t, result.info.efi_map.entry_size, strides[i]);
    }
}

static void loader_impossible_stride_is_refused_before_the_exit(struct ktest *t)
{
    static const uint64_t strides[] = { 8, 32, 44, 52 };
    for (size_t i = 0; i < ARRAY_COUNT(strides); i++) {
        const struct fake_efi_script script = { .stride = strides[i] };
        returns(t, &script, "returned to firmware: bad-memory-map");
    }
}

static void loader_unset_stride_is_refused(struct ktest *t)
{
    const struct fake_efi_script script = { .unset_stride = true };
    returns(t, &script, "returned to firmware: bad-memory-map");
}

static void loader_unsorted_map_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .reverse = true };
    enters(t, &script, NULL);
}

static void loader_map_wanting_room_before_merging_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .premerge = 300 };
    enters(t, &script, NULL);
}

static void loader_map_growing_with_each_call_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .grow_each_map = 3 };
    enters(t, &script, NULL);
}

static void loader_map_growing_thirty_each_call_names_the_map(struct ktest *t)
{
    const struct fake_efi_script script = { .grow_each_map = 30 };
    returns(t, &script, "grows with every look at it");
    KTEST_TRUE(t, printed("returned to firmware: bad-memory-map"));
}

static void loader_map_that_cannot_be_read_is_refused_as_such(struct ktest *t)
{
    const struct fake_efi_script script = { .faults = { { FAKE_EFI_GET_MEMORY_MAP, 1,
                                                          FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR } } };
    returns(t, &script, "returned to firmware: bad-memory-map");
}

static void loader_malformed_descriptors_are_repaired(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = {
        { EFI_MAP_CONVENTIONAL, 0, 0, WB },
        { EFI_MAP_CONVENTIONAL, UINT64_C(0xfffffffffffff000), 2, WB },
        { EFI_MAP_RESERVED, SIZE_4G, UINT64_MAX, WB },
        { EFI_MAP_CONVENTIONAL, UINT64_C(1) << 60, 16, WB },
        { EFI_MAP_CONVENTIONAL, 0x8000800, 4, WB },
        { EFI_MAP_RESERVED, 0x8010123, 1, WB },
        { 0x70000001, UINT64_C(0x3f00000000), 16, WB },
    };
    const struct fake_efi_script script = { .overlay = overlay,
                                            .overlay_count = ARRAY_COUNT(overlay) };
    enters(t, &script, "repair: ");
}

static void loader_overlaps_go_to_the_less_usable(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = {
        { EFI_MAP_RESERVED, 0x8000000, 64, WB },
        { EFI_MAP_UNUSABLE, 0x8010000, 16, WB },
        { EFI_MAP_ACPI_NVS, 0x8038000, 24, WB },
        { EFI_MAP_CONVENTIONAL, 0x4000000, 256, WB }, /* a duplicate */
    };
    const struct fake_efi_script script = { .overlay = overlay,
                                            .overlay_count = ARRAY_COUNT(overlay) };
    enters(t, &script, NULL);
    KTEST_EQ(t, result.bad_bytes, 16 * PAGE_SIZE);
}

/*     conventional   |--------------------------------------   1 MiB ...
 *     reserved       |-------------|                           where the kernel would go
 */
static void loader_reserved_memory_that_is_free_as_well_is_left_alone(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = {
        { EFI_MAP_RESERVED, 0x100000, 0x600, WB },
    };
    const struct fake_efi_script script = { .overlay = overlay,
                                            .overlay_count = ARRAY_COUNT(overlay) };
    enters(t, &script, NULL);
    KTEST_TRUE(t, result.info.kernel_phys >= 0x700000);
}

static void loader_map_of_all_reserved_memory_is_refused(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = {
        { EFI_MAP_RESERVED, 0, 0x10000, WB },
    };
    const struct fake_efi_script script = { .overlay = overlay,
                                            .overlay_count = ARRAY_COUNT(overlay) };
    returns(t, &script, "returned to firmware: no-memory");
    KTEST_EQ(t, result.calls[FAKE_EFI_ALLOCATE_PAGES], 0);
}

static void loader_overrun_buffer_is_refused_before_the_exit(struct ktest *t)
{
    const struct fake_efi_script script = { .overrun = true };
    returns(t, &script, "past the end of its buffer");
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 0);
}

static void loader_map_larger_than_its_buffer_is_refused(struct ktest *t)
{
    const struct fake_efi_script script = { .lie = true };
    returns(t, &script, "claims more bytes than the buffer holds");
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 0);
}

/* ---- exit ---------------------------------------------------------------------------------------
 */

static void loader_stale_keys_up_to_seven_times_enter_the_kernel(struct ktest *t)
{
    for (uint32_t refusals = 1; refusals <= 7; refusals++) {
        const struct fake_efi_script script = { .refuse = refusals };
        enters(t, &script, NULL);
        KTEST_EQ(t, result.info.exit_attempts, refusals + 1);
    }
}

static void loader_exit_refused_for_ever_prints_keys_and_resets(struct ktest *t)
{
    for (uint32_t refusals = 8; refusals <= 9; refusals++) {
        const struct fake_efi_script script = { .refuse = refusals };
        resets(t, &script, "stopped: ExitBootServices refused every key");
        KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 8);
        KTEST_TRUE(t, printed("exit attempt 1: map key 0x"));
        KTEST_TRUE(t, printed("exit attempt 8: map key 0x"));
        KTEST_TRUE(t, result.stopped_ms >= 30000 && result.stopped_ms < 31000);
    }
}

static void loader_stopped_resets_at_a_byte_on_the_serial_line(struct ktest *t)
{
    const struct fake_efi_script script = { .refuse = 8, .serial_byte_after_stop = true };
    resets(t, &script, "or at a byte on the serial line");
    KTEST_TRUE(t, result.interrupts_off); /* the firmware's timer must not read that byte */
    KTEST_TRUE(t, result.stopped_ms < 1000);
}

static void loader_stopped_without_serial_port_resets(struct ktest *t)
{
    const struct fake_efi_script script = { .refuse = 8, .no_uart = true };
    resets(t, &script, NULL);
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 8);
}

static void loader_reset_that_returns_halts(struct ktest *t)
{
    const struct fake_efi_script script = { .refuse = 8,
                                            .serial_byte_after_stop = true,
                                            .reset_returns = true };
    expect(t, &script, FAKE_EFI_HALTED, NULL);
}

/* ---- the stop screen ----------------------------------------------------------------------------
 */

/* What the serial line carried, wrapped at the screen's 128 columns, ends the screen's text. */
static void check_screen_shows_the_serial_line(struct ktest *t)
{
    static char wrapped[FAKE_EFI_TEXT_BYTES];
    size_t length = 0;
    size_t column = 0;
    for (const char *text = result.serial; *text != '\0' && length < sizeof(wrapped) - 2; text++) {
        if (column == 128 && *text != '\n') {
            wrapped[length++] = '\n';
            column = 0;
        }
        while (*text == '\n' && length > 0 && wrapped[length - 1] == ' ') {
            length--; /* nobody sees blanks at the end of a line */
        }
        wrapped[length++] = *text;
        column = *text == '\n' ? 0 : column + 1;
    }
    wrapped[length] = '\0';
    KTEST_TRUE(t, result.screen_is_touched && length > 100);
    if (strncmp(result.screen, wrapped, length) != 0) {
        KTEST_STRING(t, result.screen, wrapped); /* shows both */
    }
}

static void loader_refused_exit_shows_everything_on_the_screen(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = {
        { EFI_MAP_RUNTIME_DATA, 0xe000800, 1, WB | EFI_MAP_ATTRIBUTE_RUNTIME },
    };
    static const enum fake_efi_screen screens[] = { FAKE_EFI_SCREEN_RGB, FAKE_EFI_SCREEN_BGR };
    for (size_t i = 0; i < ARRAY_COUNT(screens); i++) {
        const struct fake_efi_script script = { .overlay = overlay,
                                                .overlay_count = ARRAY_COUNT(overlay),
                                                .screen = screens[i],
                                                .refuse = FAKE_EFI_FOR_EVER,
                                                .serial_byte_after_stop = true };
        resets(t, &script, "stopped: ");
        check_screen_shows_the_serial_line(t);
        KTEST_TRUE(t, strstr(result.screen, "\nfirstlight: exit attempt 1: map key 0x") != NULL);
        KTEST_TRUE(t, strstr(result.screen, "\nfirstlight: exit attempt 8: map key 0x") != NULL);
        KTEST_TRUE(t, strstr(result.screen, "is not aligned: EDK2 refuses the exit") != NULL);
        KTEST_TRUE(t, strstr(result.screen, "\nfirstlight: reset in 30 seconds") != NULL);
    }
}

static void loader_refused_exit_without_serial_port_shows_it_on_the_screen(struct ktest *t)
{
    const struct fake_efi_script script = { .refuse = 8,
                                            .no_uart = true,
                                            .screen = FAKE_EFI_SCREEN_BGR };
    resets(t, &script, NULL);
    KTEST_TRUE(t, strstr(result.screen, "stopped: ExitBootServices refused every key") != NULL);
}

static void loader_refused_exit_without_framebuffer_shows_it_on_the_serial_line(struct ktest *t)
{
    static const enum fake_efi_screen screens[] = { FAKE_EFI_SCREEN_NONE, FAKE_EFI_SCREEN_BLT_ONLY,
                                                    FAKE_EFI_SCREEN_MASKS_24 };
    for (size_t i = 0; i < ARRAY_COUNT(screens); i++) {
        const struct fake_efi_script script = { .refuse = 8,
                                                .screen = screens[i],
                                                .serial_byte_after_stop = true };
        resets(t, &script, "stopped: ExitBootServices refused every key");
        KTEST_TRUE(t, !result.screen_is_touched);
    }
}

static void loader_screen_that_the_firmware_does_not_map_is_left_alone(struct ktest *t)
{
    const struct fake_efi_script script = { .refuse = 8,
                                            .screen = FAKE_EFI_SCREEN_UNMAPPED,
                                            .serial_byte_after_stop = true };
    resets(t, &script, "warning: the firmware does not map the screen's memory");
    KTEST_TRUE(t, printed("stopped: ExitBootServices refused every key"));
    KTEST_TRUE(t, !result.screen_is_touched);
}

/* Each allocation of pages reads the map into pool memory first. Behind the one for the screen come
 * the preview of the map, the page tables, the plan's map and its room, and `noreport` no more. */
static void loader_without_memory_for_the_stop_screen_goes_on(struct ktest *t)
{
    static const CHAR16 words[] = L"noreport";
    const struct fake_efi_script sound = { .screen = FAKE_EFI_SCREEN_BGR,
                                           .load_options = words,
                                           .load_options_bytes = sizeof(words) };
    enters(t, &sound, NULL);
    KTEST_TRUE(t, !result.screen_is_touched); /* a boot that works leaves the screen alone */
    const uint32_t calls = result.calls[FAKE_EFI_ALLOCATE_POOL];
    const struct fake_efi_script script = {
        .screen = FAKE_EFI_SCREEN_BGR,
        .load_options = words,
        .load_options_bytes = sizeof(words),
        .refuse = 8,
        .serial_byte_after_stop = true,
        .faults = { { FAKE_EFI_ALLOCATE_POOL, calls - 4, 1, EFI_OUT_OF_RESOURCES } },
    };
    resets(t, &script, "no memory for errors on the screen");
    KTEST_TRUE(t, printed("stopped: ExitBootServices refused every key"));
    KTEST_TRUE(t, !result.screen_is_touched);
}

static void loader_stop_behind_the_exit_shows_on_the_screen(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BGR,
                                            .refuse = 1,
                                            .grow_each_exit = 400,
                                            .serial_byte_after_stop = true };
    resets(t, &script, "GetMemoryMap wants a larger buffer");
    KTEST_TRUE(t, strstr(result.screen, "stopped: GetMemoryMap wants a larger buffer") != NULL);
}

static void loader_exit_with_a_wrong_error_resets(struct ktest *t)
{
    const struct fake_efi_script script = {
        .faults = { { FAKE_EFI_EXIT_BOOT_SERVICES, 1, 1, EFI_DEVICE_ERROR } },
        .serial_byte_after_stop = true,
    };
    resets(t, &script, "failed with an error that it must not return");
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 1);
}

static void loader_map_failing_after_a_refused_exit_resets(struct ktest *t)
{
    const struct fake_efi_script script = { .refuse = 1,
                                            .grow_each_exit = 400,
                                            .serial_byte_after_stop = true };
    resets(t, &script, "GetMemoryMap wants a larger buffer");
}

static void loader_map_growing_with_each_exit_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .refuse = 3, .grow_each_exit = 20 };
    enters(t, &script, NULL);
}

static void loader_misaligned_runtime_region_is_named_at_the_stop(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = {
        { EFI_MAP_RUNTIME_DATA, 0xe000800, 1, WB | EFI_MAP_ATTRIBUTE_RUNTIME },
    };
    const struct fake_efi_script script = { .overlay = overlay,
                                            .overlay_count = ARRAY_COUNT(overlay),
                                            .refuse = FAKE_EFI_FOR_EVER,
                                            .serial_byte_after_stop = true };
    resets(t, &script, "is not aligned: EDK2 refuses the exit");
}

static void loader_key_of_zero_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .key_is_zero = true };
    enters(t, &script, NULL);
}

/* ---- memory -------------------------------------------------------------------------------------
 */

static void loader_memory_above_4g_only_enters_the_kernel(struct ktest *t)
{
    static const struct fake_efi_range ranges[] = {
        { EFI_MAP_CONVENTIONAL, 0, 0xa0, WB },
        { EFI_MAP_BOOT_SERVICES_DATA, 0x100000, 0x10000, WB },
        { EFI_MAP_CONVENTIONAL, SIZE_4G, 0x40000, WB },
    };
    const struct fake_efi_script script = { .ranges = ranges, .range_count = ARRAY_COUNT(ranges) };
    enters(t, &script, NULL);
    KTEST_TRUE(t, result.info.kernel_phys >= SIZE_4G);
}

static void loader_no_run_of_2m_enters_the_kernel(struct ktest *t)
{
    static struct fake_efi_range ranges[64];
    for (uint32_t i = 0; i < ARRAY_COUNT(ranges); i++) {
        const uint64_t start = SIZE_1M + i * SIZE_2M;
        ranges[i] = i % 2 == 0 ? (struct fake_efi_range){ EFI_MAP_CONVENTIONAL, start, 0x180, WB }
                               : (struct fake_efi_range){ EFI_MAP_RUNTIME_DATA, start, 0x200, WB };
    }
    const struct fake_efi_script script = { .ranges = ranges, .range_count = ARRAY_COUNT(ranges) };
    enters(t, &script, NULL);
}

static void loader_only_low_memory_is_refused(struct ktest *t)
{
    static const struct fake_efi_range ranges[] = {
        { EFI_MAP_CONVENTIONAL, 0, 0xa0, WB },
        { EFI_MAP_BOOT_SERVICES_DATA, 0x100000, 0x1000, WB },
    };
    const struct fake_efi_script script = { .ranges = ranges, .range_count = ARRAY_COUNT(ranges) };
    returns(t, &script, "returned to firmware: no-memory");
    KTEST_EQ(t, result.status, EFI_OUT_OF_RESOURCES);
}

/* Tried out with what the kernel will find: its place, its guard, its CPU. */
static void loader_plan_is_for_the_kernel_that_is_entered(struct ktest *t)
{
    static const struct fake_cpuid more[2] = { { .leaf = 1, .edx = 1U << 13 } }; /* PGE */
    const struct fake_efi_script script = { .cpuid = more };
    enters(t, &script, NULL);
    const struct kernel_layout *const planned = &result.planned;
    KTEST_EQ(t, planned->image.code_start.value, result.info.kernel_virt);
    KTEST_TRUE(t, planned->image.code_end.value > planned->image.code_start.value);
    KTEST_EQ(t, planned->image.start_brk.value, result.info.kernel_virt + result.info.kernel_size);
    KTEST_EQ(t, planned->guard_count, 1);
    KTEST_EQ(t, planned->guards[0].value, result.info.stack_guard);
    struct cpu_features usual;
    fake_cpu_reset();
    cpu_features_read(&usual);
    KTEST_EQ(t, result.planned_features.nx, usual.nx);
    KTEST_EQ(t, result.planned_features.pages_1g, usual.pages_1g);
    KTEST_TRUE(t, result.planned_features.global && !usual.pge);
    KTEST_EQ(t, result.planned_features.phys_bits, result.info.phys_bits);
}

static void loader_bring_up_that_cannot_work_is_refused_before_the_exit(struct ktest *t)
{
    const struct fake_efi_script memory = { .breaks = FAKE_EFI_BREAK_PLAN_MEMORY };
    returns(t, &memory, "do not suffice for the kernel's bring-up");
    KTEST_TRUE(t, printed("returned to firmware: no-memory"));
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 0);
    const struct fake_efi_script books = { .breaks = FAKE_EFI_BREAK_PLAN_BOOKS };
    returns(t, &books, "the books of the kernel's bring-up do not balance");
    KTEST_TRUE(t, printed("returned to firmware: books"));
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 0);
    const struct fake_efi_script tables = { .breaks = FAKE_EFI_BREAK_PLAN_TABLES };
    returns(t, &tables, "page tables: not-mapped at 0xffff8");
    KTEST_TRUE(t, printed("the kernel's page tables break a rule (1 violations)"));
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 0);
    KTEST_EQ(t, result.live_pages, 0);
    /* The finding came in the middle of the trial, and is in the black box all the same. */
    size_t size_bytes;
    const char *const kept = black_box_text(result.black_box, &size_bytes);
    KTEST_TRUE(t, black_box_is_whole(result.black_box));
    KTEST_TRUE(t, memmem(kept, size_bytes, "not-mapped at", 13) != NULL);
}

/* The trial of tables and page-frame allocator is for the user's good: where it has no room the
 * boot goes on. Its room is the last thing that the loader allocates. */
static void loader_no_room_for_the_trial_is_a_warning(struct ktest *t)
{
    const struct fake_efi_script sound = { .no_uart = false };
    enters(t, &sound, " for metadata, ");
    const struct fake_efi_script script = {
        .faults = { { FAKE_EFI_ALLOCATE_PAGES, result.calls[FAKE_EFI_ALLOCATE_PAGES],
                      FAKE_EFI_FOR_EVER, EFI_OUT_OF_RESOURCES } },
    };
    enters(t, &script, "the kernel's page tables and page-frame allocator are not tried out");
    KTEST_TRUE(t, printed(" 0 for metadata, ") && !printed(" 0 for page tables, "));
}

/* Nor is a map that cannot be read for it. The trial reads it twice, and without a report nobody
 * does later. */
static void loader_no_map_for_the_trial_is_a_warning(struct ktest *t)
{
    static const CHAR16 noreport[] = u"noreport";
    const struct fake_efi_script sound = { .load_options = noreport,
                                           .load_options_bytes = sizeof(noreport) };
    enters(t, &sound, " for metadata, ");
    struct fake_efi_script script = sound;
    script.faults[0] =
        (struct fake_efi_fault){ FAKE_EFI_ALLOCATE_POOL, result.calls[FAKE_EFI_ALLOCATE_POOL] - 1,
                                 FAKE_EFI_FOR_EVER, EFI_OUT_OF_RESOURCES };
    enters(t, &script, "warning: the memory map cannot be read again (ENOMEM)");
    KTEST_TRUE(t, printed("page-frame allocator are not tried out"));
}

/* Somewhere deep, interrupts off, with physmap_ptr() redirected: all is given back. */
static void loader_broken_invariant_goes_back_to_the_firmware(struct ktest *t)
{
    const struct fake_efi_script script = { .breaks = FAKE_EFI_BREAK_PLAN_PANIC };
    returns(t, &script, "refused: the plan is broken: 7 (tests/fake/efi/fake_efi_break.c:");
    KTEST_TRUE(t, printed("returned to firmware: internal"));
    KTEST_EQ(t, result.exits_by_call, 1);
    KTEST_EQ(t, result.status, EFI_LOAD_ERROR);
    KTEST_EQ(t, result.calls[FAKE_EFI_EXIT_BOOT_SERVICES], 0);
    const struct fake_efi_script stubborn = { .breaks = FAKE_EFI_BREAK_PLAN_PANIC,
                                              .exit_returns = true };
    resets(t, &stubborn, "stopped: the plan is broken: 7");
    KTEST_EQ(t, result.exits_by_call, 1);
}

static void loader_special_purpose_memory_only_is_refused(struct ktest *t)
{
    static const struct fake_efi_range ranges[] = {
        { EFI_MAP_CONVENTIONAL, SIZE_1M, 0x10000, WB | EFI_MAP_ATTRIBUTE_SP },
    };
    const struct fake_efi_script script = { .ranges = ranges, .range_count = ARRAY_COUNT(ranges) };
    returns(t, &script, "returned to firmware: no-memory");
}

/* Success, and yet not the place that was asked for: given back, and counted as refused. */
static void loader_pages_at_another_place_are_not_used(struct ktest *t)
{
    for (uint32_t times = 1; times <= 3; times++) {
        const struct fake_efi_script some = { .pages_at_zero = times };
        enters(t, &some, NULL);
        KTEST_EQ(t, result.calls[FAKE_EFI_FREE_PAGES], times + 1); /* and the plan's room */
    }
    const struct fake_efi_script all = { .pages_at_zero = FAKE_EFI_FOR_EVER };
    returns(t, &all, "returned to firmware: no-memory");
}

static void loader_refused_addresses_are_passed_over(struct ktest *t)
{
    const struct fake_efi_script script = { .pages_refused_low = true };
    enters(t, &script, NULL);
    KTEST_TRUE(t, result.info.kernel_phys >= 0x1000000);
}

/* 64 GiB that the map calls free and that the firmware gives none of: the tries are bounded. */
static void loader_firmware_that_gives_nothing_is_refused_soon(struct ktest *t)
{
    static const struct fake_efi_range ranges[] = {
        { EFI_MAP_CONVENTIONAL, SIZE_1M, UINT64_C(1) << 24, WB },
    };
    const struct fake_efi_script script = {
        .ranges = ranges,
        .range_count = ARRAY_COUNT(ranges),
        .faults = { { FAKE_EFI_ALLOCATE_PAGES, 1, FAKE_EFI_FOR_EVER, EFI_OUT_OF_RESOURCES } },
    };
    returns(t, &script, "returned to firmware: no-memory");
    KTEST_TRUE(t, result.calls[FAKE_EFI_ALLOCATE_PAGES] < 5000);
}

static void loader_pool_of_null_is_survived(struct ktest *t)
{
    const struct fake_efi_script script = { .pool_gives_null = true };
    fake_efi_run(&script, &result);
    KTEST_TRUE(t, result.end == FAKE_EFI_RETURNED || result.end == FAKE_EFI_ENTERED_KERNEL);
    KTEST_STRING(t, result.violation, "");
}

static void loader_mem_limit_keeps_allocations_below(struct ktest *t)
{
    static const CHAR16 options[] = L"mem=16M";
    const struct fake_efi_script script = { .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    enters(t, &script, NULL);
    KTEST_TRUE(t, result.info.kernel_phys < 16 * SIZE_1M);
    KTEST_TRUE(t, result.usable_bytes < 16 * SIZE_1M);
}

/* ---- consoles, screen, tables -------------------------------------------------------------------
 */

static void loader_without_conout_prints_on_the_serial_line(struct ktest *t)
{
    const struct fake_efi_script script = { .no_conout = true, .no_conin = true };
    enters(t, &script, "left boot services");
    KTEST_EQ(t, result.calls[FAKE_EFI_OUTPUT_STRING], 0);
}

static void loader_without_any_console_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .no_conout = true, .no_uart = true };
    enters(t, &script, NULL);
}

static void loader_conout_on_com1_prints_each_line_once(struct ktest *t)
{
    const struct fake_efi_script script = { .conout_is_com1 = true };
    enters(t, &script, NULL);
    KTEST_TRUE(t, strstr(result.console, "leaving boot services") != NULL);
    KTEST_TRUE(t, strstr(result.serial, "leaving boot services") == NULL);
    KTEST_TRUE(t, strstr(result.serial, "left boot services") != NULL);
}

static void loader_conout_that_sends_on_com1_prints_each_line_once(struct ktest *t)
{
    const struct fake_efi_script script = { .conout_sends = true };
    enters(t, &script, NULL);
    const char *const first = strstr(result.serial, "leaving boot services");
    KTEST_TRUE(t, first != NULL);
    KTEST_TRUE(t, first != NULL && strstr(first + 1, "leaving boot services") == NULL);
    KTEST_TRUE(t, strstr(result.serial, "left boot services") != NULL);
}

/* From the first line that fails on the port is ours; what follows is not twice on it. */
static void loader_conout_on_com1_that_fails_leaves_the_port_to_the_loader(struct ktest *t)
{
    const struct fake_efi_script fails = {
        .conout_is_com1 = true,
        .faults = { { FAKE_EFI_OUTPUT_STRING, 1, FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR } },
    };
    enters(t, &fails, NULL);
    KTEST_STRING(t, result.console, "");
    KTEST_TRUE(t, strstr(result.serial, ", UEFI loader\n") != NULL);
    KTEST_TRUE(t, strstr(result.serial, "leaving boot services") != NULL);
    const struct fake_efi_script no_port = { .conout_is_com1 = true,
                                             .no_uart = true,
                                             .faults = { fails.faults[0] } };
    enters(t, &no_port, NULL);
}

/* Apple's firmware starts with a picture, and swallows text until it is asked for text. */
static void loader_console_in_graphics_mode_is_switched_to_text(struct ktest *t)
{
    static const enum fake_efi_console_control kinds[] = { FAKE_EFI_CONSOLE_CONTROL_TEXT,
                                                           FAKE_EFI_CONSOLE_CONTROL_GRAPHICS };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct fake_efi_script script = { .console_control = kinds[i],
                                                .screen = FAKE_EFI_SCREEN_BGR };
        enters(t, &script, "screen: 1024x768"); /* described behind the switch */
        KTEST_TRUE(t, strncmp(result.console, "firstlight: Firstlight ", 23) == 0);
    }
}

static void loader_console_that_stays_in_graphics_mode_is_no_obstacle(struct ktest *t)
{
    static const struct {
        enum fake_efi_console_control kind;
        bool is_silent;
    } rows[] = { { FAKE_EFI_CONSOLE_CONTROL_STUCK, true },
                 { FAKE_EFI_CONSOLE_CONTROL_SILENT, true },
                 { FAKE_EFI_CONSOLE_CONTROL_NULL, false } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct fake_efi_script script = { .console_control = rows[i].kind };
        enters(t, &script, NULL);
        KTEST_EQ(t, result.console[0] == '\0', rows[i].is_silent);
        KTEST_TRUE(t, strstr(result.serial, "leaving boot services") != NULL);
    }
}

static void loader_screens_that_cannot_be_drawn_on_are_none_and_say_why(struct ktest *t)
{
    static const struct {
        enum fake_efi_screen screen;
        const char *line;
    } rows[] = {
        { FAKE_EFI_SCREEN_NONE, "screen: none: no graphics output" },
        { FAKE_EFI_SCREEN_NO_MODE, "screen: none: no graphics output" },
        { FAKE_EFI_SCREEN_NULL_INTERFACE, "screen: none: no graphics output" },
        { FAKE_EFI_SCREEN_BLT_ONLY, "screen: none: only the firmware can draw on it" },
        { FAKE_EFI_SCREEN_UNKNOWN_FORMAT, "screen: none: only the firmware can draw on it" },
        { FAKE_EFI_SCREEN_NO_COLUMNS, "screen: none: a mode without pixels" },
        { FAKE_EFI_SCREEN_NO_LINES, "screen: none: a mode without pixels" },
        { FAKE_EFI_SCREEN_SHORT_PITCH, "screen: none: lines longer than their distance" },
        { FAKE_EFI_SCREEN_AT_ZERO, "screen: none: an address that this CPU does not have" },
        { FAKE_EFI_SCREEN_TOO_HIGH, "screen: none: an address that this CPU does not have" },
        { FAKE_EFI_SCREEN_WRAPS, "screen: none: an address that this CPU does not have" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct fake_efi_script script = { .screen = rows[i].screen };
        enters(t, &script, rows[i].line);
        KTEST_EQ(t, result.info.framebuffer.format, BOOTINFO_PIXEL_NONE);
        KTEST_EQ(t, result.info.framebuffer.base, 0);
    }
}

/* What lies behind the mode's pixels is RAM as any other. */
static void loader_screen_that_claims_all_memory_gets_its_pixels_only(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = { { EFI_MAP_CONVENTIONAL, SIZE_4G, 0x40000,
                                                       WB } };
    struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BGR,
                                      .overlay = overlay,
                                      .overlay_count = ARRAY_COUNT(overlay) };
    enters(t, &script, NULL);
    const uint64_t usable_bytes = result.usable_bytes;
    KTEST_TRUE(t, usable_bytes >= SIZE_1G);
    script.screen = FAKE_EFI_SCREEN_HUGE;
    enters(t, &script, "screen: 1024x768");
    KTEST_EQ(t, result.usable_bytes, usable_bytes);
    KTEST_EQ(t, result.info.framebuffer.size, UINT64_C(1024) * 768 * 4);
}

/* Firmware that forgot the pixels between two lines; and what else may lie there. */
static void loader_screen_smaller_than_its_mode_is_one_where_no_ram_is(struct ktest *t)
{
    static const struct {
        uint32_t type;
        uint64_t start;
        const char *line;
    } rows[] = {
        { EFI_MAP_RESERVED, 0x80000000, "screen: 1024x768" },
        { EFI_MAP_MMIO, 0x80000000, "screen: 1024x768" },
        { EFI_MAP_CONVENTIONAL, 0x7ffff000, "screen: 1024x768" }, /* before it */
        { EFI_MAP_CONVENTIONAL, 0x80300000, "screen: 1024x768" }, /* behind it */
        { EFI_MAP_CONVENTIONAL, 0x802ff000, "screen: none: a framebuffer smaller than its mode" },
        { EFI_MAP_RUNTIME_DATA, 0x80000000, "screen: none: a framebuffer smaller than its mode" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct fake_efi_range overlay[] = { { rows[i].type, rows[i].start, 1, WB } };
        const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_TOO_SMALL,
                                                .overlay = overlay,
                                                .overlay_count = ARRAY_COUNT(overlay) };
        enters(t, &script, rows[i].line);
        const bool is_screen = result.info.framebuffer.format != BOOTINFO_PIXEL_NONE;
        KTEST_EQ(t, result.info.framebuffer.size, is_screen ? UINT64_C(1024) * 768 * 4 : 0);
        KTEST_EQ(t, result.live_pool, 0);
    }
}

static void loader_screen_of_the_right_size_may_lie_in_ram(struct ktest *t)
{
    static const struct fake_efi_range overlay[] = { { EFI_MAP_CONVENTIONAL, 0x80000000, 0x300,
                                                       WB } };
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BGR,
                                            .overlay = overlay,
                                            .overlay_count = ARRAY_COUNT(overlay) };
    enters(t, &script, "screen: 1024x768");
}

static void loader_screen_smaller_than_its_mode_is_none_without_a_map(struct ktest *t)
{
    const struct fake_efi_script script = {
        .screen = FAKE_EFI_SCREEN_TOO_SMALL,
        /* For ACPI's root; then for the console's handle, twice: by itself, and as one of all. */
        .faults = { { FAKE_EFI_GET_MEMORY_MAP, 1, 3, EFI_DEVICE_ERROR } },
    };
    enters(t, &script, "screen: none: a framebuffer smaller than its mode");
}

static void loader_screens_with_framebuffer_are_described(struct ktest *t)
{
    static const struct {
        enum fake_efi_screen screen;
        uint32_t format;
        const char *line;
    } rows[] = {
        { FAKE_EFI_SCREEN_RGB, BOOTINFO_PIXEL_RGB, ", RGB" },
        { FAKE_EFI_SCREEN_BGR, BOOTINFO_PIXEL_BGR, ", BGR" },
        { FAKE_EFI_SCREEN_MASKS_24, BOOTINFO_PIXEL_MASKS, ", masks ff0000 ff00 ff" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct fake_efi_script script = { .screen = rows[i].screen };
        enters(t, &script, "screen: 1024x768, 1024 pixels a line, at 0x0000000080000000");
        KTEST_TRUE(t, printed(rows[i].line));
        KTEST_EQ(t, result.info.framebuffer.format, rows[i].format);
    }
}

static void loader_without_tables_and_vendor_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .no_config_tables = true, .no_vendor = true };
    enters(t, &script, NULL);
    KTEST_EQ(t, result.info.rsdp, 0);
}

static void loader_broken_root_pointer_is_not_used(struct ktest *t)
{
    const struct fake_efi_script script = { .bad_rsdp = true };
    enters(t, &script, "the ACPI root pointer is broken");
    KTEST_EQ(t, result.info.rsdp, 0);
}

static void loader_rsdt_serves_where_the_xsdt_cannot(struct ktest *t)
{
    const struct fake_efi_script script = { .bad_xsdt_address = true };
    enters(t, &script, "warning: ACPI's XSDT cannot be used: the RSDT serves");
    KTEST_EQ(t, result.info.rsdp_copy_size, 20);
}

static void loader_memory_attribute_protocol_is_used_before_the_exit(struct ktest *t)
{
    const struct fake_efi_script script = { .has_memory_attributes = true };
    enters(t, &script, NULL);
}

static void loader_five_level_paging_is_refused(struct ktest *t)
{
    const struct fake_efi_script script = { .la57 = true };
    returns(t, &script, "returned to firmware: la57");
    KTEST_EQ(t, result.status, EFI_UNSUPPORTED);
}

static void loader_cpu_without_nx_enters_the_kernel_with_a_warning(struct ktest *t)
{
    const struct fake_efi_script script = { .has_nx_cleared = true };
    enters(t, &script, "this CPU has no NX");
}

/* ---- options, files -----------------------------------------------------------------------------
 */

static void loader_unterminated_options_are_read_to_their_end(struct ktest *t)
{
    static const CHAR16 options[] = { 'd', 'r', 'y', 'r', 'u', 'n', '!', '!' };
    const struct fake_efi_script script = { .load_options = options,
                                            .load_options_bytes = 6 * sizeof(CHAR16) };
    returns(t, &script, "dry-run-ok");
}

static void loader_odd_or_missing_options_are_survived(struct ktest *t)
{
    static const CHAR16 options[] = L"\xfeff"
                                    L"mem=64M";
    const struct fake_efi_script odd = { .load_options = options,
                                         .load_options_bytes = sizeof(options) - 1 };
    enters(t, &odd, "command line: mem=64M");
    const struct fake_efi_script null = { .load_options = NULL, .load_options_bytes = 64 };
    enters(t, &null, NULL);
    const struct fake_efi_script none = { .no_loaded_image = true };
    enters(t, &none, NULL);
}

static void loader_options_file_is_joined_with_load_options(struct ktest *t)
{
    static const char text[] = "\xef\xbb\xbf# words\r\nmem=64M\r\n";
    static const CHAR16 options[] = L"BOOTX64.EFI dryrun";
    const struct fake_efi_script script = {
        .files = { { .path = "\\firstlight\\cmdline.txt",
                     .bytes = text,
                     .size_bytes = sizeof(text) - 1,
                     .bytes_each_read = 3 } },
        .load_options = options,
        .load_options_bytes = sizeof(options),
    };
    returns(t, &script, "command line: mem=64M dryrun");
}

static void loader_options_file_that_cannot_be_read_is_ignored(struct ktest *t)
{
    static const char text[] = "dryrun";
    static const struct fake_efi_file files[] = {
        { .bytes = text, .size_bytes = 6, .claimed_bytes = 7 },     /* shorter than it said */
        { .bytes = text, .size_bytes = 6, .claimed_bytes = 65537 }, /* over the limit */
        { .bytes = text, .size_bytes = 6, .reads_too_much = true }, /* more than asked for */
        { .bytes = text, .size_bytes = 6, .is_directory = true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        struct fake_efi_script script = { .files = { files[i] } };
        script.files[0].path = "\\firstlight\\cmdline.txt";
        enters(t, &script, "is ignored");
    }
}

static void loader_without_volume_enters_the_kernel(struct ktest *t)
{
    const struct fake_efi_script script = { .no_volume = true };
    enters(t, &script, NULL);
}

static void loader_kernel_that_is_missing_is_refused(struct ktest *t)
{
    static const CHAR16 options[] = L"kernel=\\none.elf";
    const struct fake_efi_script script = { .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    returns(t, &script, "returned to firmware: kernel-not-found");
    KTEST_EQ(t, result.status, EFI_LOAD_ERROR); /* at EFI_NOT_FOUND shim starts us once more */
}

static void loader_kernel_that_is_no_elf_is_refused(struct ktest *t)
{
    static const CHAR16 options[] = L"kernel=/Bad.elf";
    const struct fake_efi_script script = {
        .files = { { .path = "\\bad.elf", .bytes = "no ELF", .size_bytes = 6 } },
        .load_options = options,
        .load_options_bytes = sizeof(options),
    };
    returns(t, &script, "returned to firmware: kernel-not-elf");
}

static void loader_kernel_file_under_secure_boot_is_refused(struct ktest *t)
{
    static const CHAR16 options[] = L"kernel=\\bad.elf";
    const struct fake_efi_script script = { .secure_boot = true,
                                            .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    returns(t, &script, "returned to firmware: secure-boot");
    KTEST_EQ(t, result.status, EFI_LOAD_ERROR); /* at EFI_SECURITY_VIOLATION shim offers keys */
    KTEST_EQ(t, result.calls[FAKE_EFI_FILE_READ], 0);
}

/* ---- every service at every call ----------------------------------------------------------------
 */

static bool is_good_end(void)
{
    switch (result.end) {
    case FAKE_EFI_ENTERED_KERNEL:
        return result.bootinfo_is_good;
    case FAKE_EFI_RETURNED:
        return printed("returned to firmware: ") || result.calls[FAKE_EFI_OUTPUT_STRING] == 0;
    case FAKE_EFI_RESET:
        return result.calls[FAKE_EFI_EXIT_BOOT_SERVICES] > 0 && printed("stopped: ");
    case FAKE_EFI_CRASHED:
    case FAKE_EFI_HALTED:
        break;
    }
    return false;
}

/* Fails call 1, 2, 3 ... of @p service until a run makes fewer calls than that. */
static void fail_each_call(struct ktest *t, enum fake_efi_service service, uint32_t times)
{
    static const char text[] = "loglevel=3";
    struct fake_efi_script script = {
        .files = { { .path = "\\firstlight\\cmdline.txt", .bytes = text, .size_bytes = 10 } },
        .serial_byte_after_stop = true,
        .screen = FAKE_EFI_SCREEN_BGR,
    };
    uint32_t call = 0;
    do {
        call++;
        script.faults[0] = (struct fake_efi_fault){ service, call, times, EFI_OUT_OF_RESOURCES };
        fake_efi_run(&script, &result);
        KTEST_STRING(t, result.violation, "");
        KTEST_TRUE(t, is_good_end());
    } while (result.faults_fired > 0 && t->failures == 0);
    KTEST_TRUE(t, t->failures == 0 || call == 0); /* the number of the call that did it */
}

static void loader_any_service_failing_once_ends_well(struct ktest *t)
{
    for (int service = 0; service < FAKE_EFI_SERVICE_COUNT; service++) {
        if (service != FAKE_EFI_FREE_POOL && service != FAKE_EFI_OUTPUT_STRING) {
            fail_each_call(t, (enum fake_efi_service)service, 1);
        }
    }
}

static void loader_any_memory_service_failing_for_good_ends_well(struct ktest *t)
{
    fail_each_call(t, FAKE_EFI_ALLOCATE_PAGES, FAKE_EFI_FOR_EVER);
    fail_each_call(t, FAKE_EFI_ALLOCATE_POOL, FAKE_EFI_FOR_EVER);
    fail_each_call(t, FAKE_EFI_GET_MEMORY_MAP, FAKE_EFI_FOR_EVER);
}

static void loader_console_that_fails_is_no_obstacle(struct ktest *t)
{
    const struct fake_efi_script script = {
        .faults = { { FAKE_EFI_OUTPUT_STRING, 1, FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR },
                    { FAKE_EFI_SET_WATCHDOG_TIMER, 1, FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR },
                    { FAKE_EFI_STALL, 1, FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR } },
    };
    enters(t, &script, "left boot services");
    KTEST_TRUE(t, printed("preflight: watchdog: device error: warning"));
    KTEST_EQ(t, result.info.tsc_hz, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(loader_sound_firmware_enters_the_kernel),
    KTEST_CASE(loader_dry_run_returns_and_leaves_nothing),
    KTEST_CASE(loader_strides_larger_than_a_descriptor_enter_the_kernel),
    KTEST_CASE(loader_impossible_stride_is_refused_before_the_exit),
    KTEST_CASE(loader_unset_stride_is_refused),
    KTEST_CASE(loader_unsorted_map_enters_the_kernel),
    KTEST_CASE(loader_map_wanting_room_before_merging_enters_the_kernel),
    KTEST_CASE(loader_map_growing_with_each_call_enters_the_kernel),
    KTEST_CASE(loader_map_growing_thirty_each_call_names_the_map),
    KTEST_CASE(loader_map_that_cannot_be_read_is_refused_as_such),
    KTEST_CASE(loader_malformed_descriptors_are_repaired),
    KTEST_CASE(loader_overlaps_go_to_the_less_usable),
    KTEST_CASE(loader_reserved_memory_that_is_free_as_well_is_left_alone),
    KTEST_CASE(loader_map_of_all_reserved_memory_is_refused),
    KTEST_CASE(loader_overrun_buffer_is_refused_before_the_exit),
    KTEST_CASE(loader_map_larger_than_its_buffer_is_refused),
    KTEST_CASE(loader_stale_keys_up_to_seven_times_enter_the_kernel),
    KTEST_CASE(loader_exit_refused_for_ever_prints_keys_and_resets),
    KTEST_CASE(loader_stopped_resets_at_a_byte_on_the_serial_line),
    KTEST_CASE(loader_stopped_without_serial_port_resets),
    KTEST_CASE(loader_reset_that_returns_halts),
    KTEST_CASE(loader_refused_exit_shows_everything_on_the_screen),
    KTEST_CASE(loader_refused_exit_without_serial_port_shows_it_on_the_screen),
    KTEST_CASE(loader_refused_exit_without_framebuffer_shows_it_on_the_serial_line),
    KTEST_CASE(loader_screen_that_the_firmware_does_not_map_is_left_alone),
    KTEST_CASE(loader_without_memory_for_the_stop_screen_goes_on),
    KTEST_CASE(loader_stop_behind_the_exit_shows_on_the_screen),
    KTEST_CASE(loader_exit_with_a_wrong_error_resets),
    KTEST_CASE(loader_map_failing_after_a_refused_exit_resets),
    KTEST_CASE(loader_map_growing_with_each_exit_enters_the_kernel),
    KTEST_CASE(loader_misaligned_runtime_region_is_named_at_the_stop),
    KTEST_CASE(loader_key_of_zero_enters_the_kernel),
    KTEST_CASE(loader_memory_above_4g_only_enters_the_kernel),
    KTEST_CASE(loader_no_run_of_2m_enters_the_kernel),
    KTEST_CASE(loader_only_low_memory_is_refused),
    KTEST_CASE(loader_plan_is_for_the_kernel_that_is_entered),
    KTEST_CASE(loader_bring_up_that_cannot_work_is_refused_before_the_exit),
    KTEST_CASE(loader_no_room_for_the_trial_is_a_warning),
    KTEST_CASE(loader_no_map_for_the_trial_is_a_warning),
    KTEST_CASE(loader_broken_invariant_goes_back_to_the_firmware),
    KTEST_CASE(loader_special_purpose_memory_only_is_refused),
    KTEST_CASE(loader_pages_at_another_place_are_not_used),
    KTEST_CASE(loader_refused_addresses_are_passed_over),
    KTEST_CASE(loader_firmware_that_gives_nothing_is_refused_soon),
    KTEST_CASE(loader_pool_of_null_is_survived),
    KTEST_CASE(loader_mem_limit_keeps_allocations_below),
    KTEST_CASE(loader_without_conout_prints_on_the_serial_line),
    KTEST_CASE(loader_without_any_console_enters_the_kernel),
    KTEST_CASE(loader_conout_on_com1_prints_each_line_once),
    KTEST_CASE(loader_conout_that_sends_on_com1_prints_each_line_once),
    KTEST_CASE(loader_conout_on_com1_that_fails_leaves_the_port_to_the_loader),
    KTEST_CASE(loader_console_in_graphics_mode_is_switched_to_text),
    KTEST_CASE(loader_console_that_stays_in_graphics_mode_is_no_obstacle),
    KTEST_CASE(loader_screens_that_cannot_be_drawn_on_are_none_and_say_why),
    KTEST_CASE(loader_screen_that_claims_all_memory_gets_its_pixels_only),
    KTEST_CASE(loader_screen_smaller_than_its_mode_is_one_where_no_ram_is),
    KTEST_CASE(loader_screen_of_the_right_size_may_lie_in_ram),
    KTEST_CASE(loader_screen_smaller_than_its_mode_is_none_without_a_map),
    KTEST_CASE(loader_screens_with_framebuffer_are_described),
    KTEST_CASE(loader_without_tables_and_vendor_enters_the_kernel),
    KTEST_CASE(loader_broken_root_pointer_is_not_used),
    KTEST_CASE(loader_rsdt_serves_where_the_xsdt_cannot),
    KTEST_CASE(loader_memory_attribute_protocol_is_used_before_the_exit),
    KTEST_CASE(loader_five_level_paging_is_refused),
    KTEST_CASE(loader_cpu_without_nx_enters_the_kernel_with_a_warning),
    KTEST_CASE(loader_unterminated_options_are_read_to_their_end),
    KTEST_CASE(loader_odd_or_missing_options_are_survived),
    KTEST_CASE(loader_options_file_is_joined_with_load_options),
    KTEST_CASE(loader_options_file_that_cannot_be_read_is_ignored),
    KTEST_CASE(loader_without_volume_enters_the_kernel),
    KTEST_CASE(loader_kernel_that_is_missing_is_refused),
    KTEST_CASE(loader_kernel_that_is_no_elf_is_refused),
    KTEST_CASE(loader_kernel_file_under_secure_boot_is_refused),
    KTEST_CASE(loader_any_service_failing_once_ends_well),
    KTEST_CASE(loader_any_memory_service_failing_for_good_ends_well),
    KTEST_CASE(loader_console_that_fails_is_no_obstacle),
};

KTEST_SUITE(efi_main, "loader.efi_main", cases);
