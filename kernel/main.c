/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's boot sequence, top to bottom (design.md section 3; docs/boot.md has the state of the
 * machine at each step).
 */
#include "main.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>

#include "acpi_machine.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/gdb_server.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/jump_page.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/trap.h"
#include "bench/bench.h"
#include "black_box.h"
#include "boot_options.h"
#include "bootinfo.h"
#include "command_line.h"
#include "console.h"
#include "dev/screen.h"
#include "lib/random.h"
#include "lockdown.h"
#include "machine_report.h"
#include "measured_boot.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_audit.h"
#include "mm/mm_init.h"
#include "monitor/memtest_command.h"
#include "monitor/monitor.h"
#include "panic.h"
#include "printk.h"
#include "printk_control.h"
#include "selftest/selftest.h"
#include "stages.h"
#include "verdict.h"

/* Bytes at `block` that can be read, at most what its size field claims: a damaged size must give a
 * message, not a page fault. */
static size_t readable_bytes(const struct bootinfo *block)
{
    const virt_addr_t start = { (uintptr_t)block };
    if (start.value % sizeof(uint64_t) != 0 || trap_probe_read(start).faulted ||
        trap_probe_read(virt_add(start, sizeof(*block) - 1)).faulted) {
        return 0;
    }
    const uint64_t claimed = bits_min(block->total_size, BOOTINFO_MAX_BYTES);
    uint64_t readable = sizeof(*block);
    while (readable < claimed && !trap_probe_read(virt_add(start, readable)).faulted) {
        readable = bits_align_down(readable, PAGE_SIZE) + PAGE_SIZE;
    }
    return readable;
}

static NORETURN void refuse_bootinfo(const struct bootinfo *bootinfo, size_t readable,
                                     const char *why)
{
    char text[160];
    (void)bootinfo_describe_refusal(readable > 0 ? bootinfo : NULL, why, text, sizeof(text));
    console_printf("firstlight: bootinfo refused: %s; loader and kernel do not fit or memory was "
                   "overwritten: boot the BOOTX64.EFI that this kernel came with\n",
                   text);
    power_debug_exit(POWER_VERDICT_PANIC);
    power_halt();
}

static void accept_bootinfo(const struct bootinfo *bootinfo)
{
    const size_t readable = readable_bytes(bootinfo);
    const char *why = "the address is not mapped";
    if (readable == 0 || bootinfo_check(bootinfo, readable, &why) != K_OK) {
        refuse_bootinfo(bootinfo, readable, why);
    }
    printk_plain("firstlight: bootinfo accepted");
    stages_add("loader_entry", bootinfo->tsc_stamp[BOOTINFO_STAMP_LOADER_ENTRY]);
    stages_add("exit_boot_services", bootinfo->tsc_stamp[BOOTINFO_STAMP_EXIT_BOOT_SERVICES]);
}

/* The frame behind a guard's address in the kernel image. */
static phys_addr_t guard_frame(virt_addr_t guard)
{
    phys_addr_t frame = { 0 };
    BUG_ON(!virt_to_phys(guard, &frame));
    return frame;
}

static void list_guards(const struct bootinfo *bootinfo, struct kernel_layout *layout)
{
    layout->guards[layout->guard_count++] = phys_addr(bootinfo->stack_guard);
    for (uint32_t i = 0; i < GDT_IST_COUNT; i++) {
        layout->guards[layout->guard_count++] = guard_frame(gdt_ist_guard(i));
    }
}

/* A step of the boot: for the report's times, and for the next boot where this one stops. */
static void mark(const char *name)
{
    stages_mark(name);
    black_box_note(name);
}

static void init_memory(struct bootinfo *bootinfo)
{
    const struct cpu_features *const cpu = cpu_setup_features();
    struct mm_boot boot = {
        .bootinfo = bootinfo,
        .layout = { .image = kernel_image() },
        .cpu_has_nx = cpu->nx,
        .cpu_has_pages_1g = cpu->pages_1g,
        .cpu_has_pge = cpu->pge,
        .phys_bits = cpu->phys_bits,
    };
    list_guards(bootinfo, &boot.layout);
    mark("mm_init");
    const char *why;
    const enum kstatus status = mm_init(&boot, &why);
    mark("mm_init_done");
    if (status != K_OK) {
        panic("memory bring-up failed: %s (%s)", why, kstatus_name(status));
    }
}

static void start_serial(void)
{
    const enum kstatus status = console_map_serial(&mm_bootinfo()->serial);
    if (status != K_OK) {
        pr_warn("serial port at " PRIphys ": not usable: %s", mm_bootinfo()->serial.base,
                kstatus_name(status));
    }
}

/* Window output was allowed by mm_init(): the framebuffer can be mapped now (S40). Where the words
 * want the serial port only and there is none, the screen is better than nothing. */
static void start_screen(const struct boot_options *options)
{
    if (!options->screen && console_has_serial()) {
        return;
    }
    const enum kstatus status = screen_init(&mm_bootinfo()->framebuffer);
    if (status == K_OK) {
        console_set_serial(options->serial);
    } else if (status == K_ENOENT) {
        pr_info("screen: none");
    } else {
        pr_warn("screen: not usable: %s", kstatus_name(status));
    }
}

/* Typing works on the serial line and on the keyboard at once. Whoever has a keyboard that does
 * nothing looks for the reason in the log: each outcome is a line. */
static void start_keyboard(void)
{
    if (acpi_excludes_keyboard()) {
        pr_info("keyboard: ACPI says that there is no controller");
        return;
    }
    const enum kstatus status = console_init_keyboard(mm_bootinfo()->tsc_hz);
    if (status == K_OK && console_keyboard_answers()) {
        pr_info("keyboard: PS/2");
    } else if (status == K_OK) {
        pr_info("keyboard: PS/2 controller, but no keyboard answers: one that types is used");
    } else if (status == K_ENOENT) {
        pr_info("keyboard: no PS/2 controller");
    } else {
        pr_warn("keyboard: the PS/2 controller does not work: %s", kstatus_name(status));
    }
}

static void check_measured_boot(void)
{
    const struct measured_boot measured = measured_boot_check(mm_bootinfo());
    measured_boot_print(&measured, &mm_bootinfo()->tpm);
}

/* What nobody needs once the kernel runs on its own tables. */
static void release_boot_memory(void)
{
    const enum kstatus status = mm_unmap_low();
    if (status != K_OK) {
        panic("cannot unmap the low 32 MiB: %s", kstatus_name(status));
    }
    mm_reclaim_loader_memory();
}

static void prove_memory(void)
{
    struct page_audit_report audit;
    verdict_note(mm_check_books());
    verdict_note(mm_check_audit(&audit));
    verdict_note(!mm_state()->features.nx || audit.writable_executable == 0);
}

static void run_selftests(const struct boot_options *options)
{
    uint64_t seed = options->seed;
    if (!options->has_seed && random_hardware_seed(cpu_setup_features()->rdrand, &seed) != K_OK) {
        seed = arch_timestamp();
    }
    pr_info("selftest: seed=%" FMTu64, seed);
    (void)selftest_run(options->test_pattern, seed); /* the verdict is kept by selftest */
}

/* The last lines before the prompt: what a person wants to know, after what machines read. */
static void print_summary(void)
{
    struct mm_books books;
    mm_read_books(&books);
    const struct ktest_totals tests = selftest_last();
    console_printf("firstlight: %" FMTu64 " MiB of RAM, %" FMTu64 " MiB free; books %s; "
                   "self-tests: %u passed, %u failed%s\n",
                   books.classes.firmware_ram / SIZE_1M, books.free_frames * PAGE_SIZE / SIZE_1M,
                   books.classes_balance && books.frames_balance ? "balanced" : "NOT BALANCED",
                   tests.passed, tests.failed, monitor_hint());
}

/* Nobody stops the measures of a boot. */
static bool never(void)
{
    return false;
}

void kernel_main(struct bootinfo *bootinfo)
{
    const uint64_t entry_time = arch_timestamp();
    jump_page_unmap(); /* first of all: nothing may use the jump page any more */
    cpu_setup();       /* CR0, CR4, EFER, PAT from constants */
    gdt_init();
    trap_init(); /* from here on a fault is a message on COM1 */
    printk_plain("firstlight: kernel entered");
    accept_bootinfo(bootinfo);
    black_box_open(bootinfo);
    console_open_serial(&bootinfo->serial); /* absent: everything below still works */
    stages_add("kernel_entry", entry_time);
    black_box_note("kernel_entry");

    lockdown_init((bootinfo->flags & BOOTINFO_FLAG_SECURE_BOOT) != 0,
                  command_line_has(bootinfo_command_line(bootinfo), "lockdown"));
    printk_set_clock(bootinfo->tsc_stamp[BOOTINFO_STAMP_LOADER_ENTRY], bootinfo->tsc_hz);
    struct boot_options options;
    boot_options_apply(bootinfo_command_line(bootinfo), bootinfo->tsc_hz, &options);
    pr_info("Firstlight " FIRSTLIGHT_VERSION ", kernel at " PRIphys, bootinfo->kernel_phys);
    gdb_server_start(bootinfo_command_line(bootinfo), bootinfo->kernel_virt);

    init_memory(bootinfo); /* areas, bump, page tables, buddy, CR3, MMIO pool */
    buddy_set_poisoning(locked_frame_allocator_inner(), options.poison);
    start_serial();         /* where its registers are in memory */
    start_screen(&options); /* shows the log so far */
    start_keyboard();
    release_boot_memory(); /* low remap, loader memory */
    prove_memory();        /* books and audit */
    check_measured_boot(); /* the TPM's event log against its PCRs */
    mark("ready");

    printk_set_deferred(false);
    run_selftests(&options);
    prove_memory(); /* again: the tests gave back what they took */
    mark("done");
    verdict_note(machine_report_print());
    black_box_end(BLACK_BOX_AT_PROMPT);
    if (options.memtest) {
        memtest_command("");
    }
    if (options.bench) {
        bench_run(never);
    }
    if (options.exit) {
        power_debug_exit(verdict_now());
        pr_warn("exit: not inside QEMU with isa-debug-exit: staying at the prompt");
    }
    print_summary();
    monitor_run();
}
