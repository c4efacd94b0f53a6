/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See crash_dump.h. What a person needs most stands last, where a screen still shows it. No state;
 * kernel and host.
 */
#include "crash_dump.h"

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/safe_access.h>

#include "crash_text.h"
#include "image.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "log_tail.h"
#include "mm/page_walk.h"
#include "msr.h"
#include "printk.h"

#define CODE_BYTES        32U
#define CODE_BYTES_BEFORE 12U
#define STACK_WORDS       16U
#define WORDS_A_LINE      4U
#define WORD_BYTES        8U

static void print_log_line(const char *line)
{
    pr_emerg("  | %s", line);
}

void crash_dump_head(void)
{
    char id[2 * IMAGE_BUILD_ID_BYTES + 1];
    image_build_id_text(id);
    log_tail_read(print_log_line); /* before our own lines push it out */
    pr_emerg("Firstlight " FIRSTLIGHT_VERSION " build %s image " PRIvirt, id,
             kernel_image().code_start.value);
}

/* ---- page walk ---------------------------------------------------------------------------------
 */

static bool read_entry(const struct page_table *table, unsigned index, page_entry_t *entry)
{
    virt_addr_t virt;
    return phys_to_virt(table->phys, &virt) &&
           arch_safe_load(virt_add(virt, index * (uint64_t)WORD_BYTES), WORD_BYTES,
                          &entry->value) == K_OK;
}

static void print_steps(const struct page_path *path)
{
    static const char *const tables[] = { "?", "PT", "PD", "PDPT", "PML4" };
    for (unsigned i = 0; i < path->count; i++) {
        const struct page_step *const step = &path->step[i];
        pr_emerg("  %s[%u] " PRIphys "%s", tables[step->table.level], step->index,
                 step->entry.value, page_entry_present(step->entry) ? "" : " not present");
    }
}

/* The walk to a page fault's address. @return whether a leaf for user mode is there */
static bool print_walk(virt_addr_t virt, bool prints)
{
    struct page_path path;
    struct page_leaf leaf;
    const enum kstatus status = page_walk_path_by(read_entry, arch_table_root(), virt, &path);
    const bool is_mapped = status == K_OK && page_walk_leaf(&path, &leaf) == K_OK;
    if (prints) {
        print_steps(&path);
        if (status == K_EIO) {
            pr_emerg("  the next table cannot be read");
        } else if (is_mapped) {
            pr_emerg("  to " PRIphys " r%c%c %s", leaf.phys.value + (virt.value - leaf.virt.value),
                     leaf.flags.write ? 'w' : '-', leaf.flags.execute ? 'x' : '-',
                     leaf.flags.user ? "user" : "supervisor");
        }
    }
    return is_mapped && leaf.flags.user;
}

/* ---- cause and registers -----------------------------------------------------------------------
 */

/* What the banks of the machine-check architecture hold (SDM vol 3B, "Machine-Check MSRs"). */
static void print_machine_check(void)
{
    uint64_t capabilities = 0;
    uint64_t status = 0;
    if (arch_safe_rdmsr(X86_MSR_MCG_CAP, &capabilities) != K_OK ||
        arch_safe_rdmsr(X86_MSR_MCG_STATUS, &status) != K_OK) {
        return;
    }
    pr_emerg("machine check: global status 0x%" FMTx64, status);
    for (uint32_t bank = 0; bank < (capabilities & 0xff); bank++) {
        if (arch_safe_rdmsr(X86_MSR_MC0_STATUS + 4 * bank, &status) == K_OK &&
            (status & BIT(63)) != 0) { /* valid */
            pr_emerg("machine check: bank %u status 0x%" FMTx64, bank, status);
        }
    }
}

static void print_cause(const struct trap_frame *f)
{
    const virt_addr_t address = virt_addr(x86_read_cr2());
    const bool is_page_fault = f->vector == TRAP_PAGE_FAULT;
    const struct crash_cause cause = {
        .vector = f->vector,
        .error_code = f->error_code,
        .dr6 = f->vector == TRAP_DEBUG ? x86_read_dr6() : 0,
        .leaf_is_user = is_page_fault && print_walk(address, false),
    };
    char words[128]; /* cut text is still a text */
    (void)crash_describe(&cause, words, sizeof(words));
    pr_emerg("%s: vector %" FMTu64 ", error code 0x%" FMTx64 "%s%s", crash_name(f->vector),
             f->vector, f->error_code, words[0] != '\0' ? ": " : "", words);
    if (is_page_fault) {
        pr_emerg("address " PRIvirt ", CR3 " PRIphys ":", address.value, x86_read_cr3());
        (void)print_walk(address, true); /* only its lines are wanted */
    }
    if (f->vector == TRAP_MACHINE_CHECK) {
        print_machine_check();
    }
}

static void print_registers(const struct trap_frame *f)
{
    pr_emerg("rip " PRIvirt " rsp " PRIvirt " rflags " PRIvirt, f->rip, f->rsp, f->rflags);
    pr_emerg("rax " PRIvirt " rbx " PRIvirt " rcx " PRIvirt, f->rax, f->rbx, f->rcx);
    pr_emerg("rdx " PRIvirt " rsi " PRIvirt " rdi " PRIvirt, f->rdx, f->rsi, f->rdi);
    pr_emerg("rbp " PRIvirt " r8  " PRIvirt " r9  " PRIvirt, f->rbp, f->r8, f->r9);
    pr_emerg("r10 " PRIvirt " r11 " PRIvirt " r12 " PRIvirt, f->r10, f->r11, f->r12);
    pr_emerg("r13 " PRIvirt " r14 " PRIvirt " r15 " PRIvirt, f->r13, f->r14, f->r15);
    pr_emerg("cs %04x ss %04x ds %04x es %04x fs %04x gs %04x", (unsigned)f->cs & 0xffff,
             (unsigned)f->ss & 0xffff, x86_read_ds(), x86_read_es(), x86_read_fs(), x86_read_gs());
    uint64_t efer = 0;
    kstatus_ignore(arch_safe_rdmsr(X86_MSR_EFER, &efer)); /* every x86-64 CPU has it */
    pr_emerg("cr0 " PRIvirt " cr2 " PRIvirt " cr3 " PRIvirt, x86_read_cr0(), x86_read_cr2(),
             x86_read_cr3());
    pr_emerg("cr4 " PRIvirt " efer " PRIvirt, x86_read_cr4(), efer);
}

/* ---- memory ------------------------------------------------------------------------------------
 */

/* Bytes around RIP; the one at RIP in brackets, one that cannot be read as "??". */
static void print_code(virt_addr_t rip)
{
    char text[4 * CODE_BYTES];
    size_t length = 0;
    for (unsigned i = 0; i < CODE_BYTES; i++) {
        const virt_addr_t at = virt_addr(rip.value + i - CODE_BYTES_BEFORE);
        const bool is_rip = i == CODE_BYTES_BEFORE;
        uint64_t byte;
        const bool is_readable = arch_safe_load(at, 1, &byte) == K_OK;
        char digits[3] = "??";
        if (is_readable) {
            (void)format_text(digits, sizeof(digits), "%02x", (unsigned)byte); /* one byte */
        }
        length +=
            format_text(text + length, sizeof(text) - length, is_rip ? " <%s>" : " %s", digits);
    }
    pr_emerg("code:%s", text);
}

/* One line, from @p offset_bytes above RSP. @return whether all of it could be read */
static bool print_stack_line(virt_addr_t rsp, unsigned offset_bytes)
{
    char text[96] = "";
    size_t length = 0;
    bool is_readable = true;
    for (unsigned i = 0; i < WORDS_A_LINE && is_readable; i++) {
        uint64_t word;
        const virt_addr_t at = virt_add(rsp, offset_bytes + i * (uint64_t)WORD_BYTES);
        is_readable = arch_safe_load(at, WORD_BYTES, &word) == K_OK;
        if (is_readable) {
            length += format_text(text + length, sizeof(text) - length, " %016" FMTx64, word);
        }
    }
    pr_emerg("rsp+0x%02x:%s%s", offset_bytes, text, is_readable ? "" : " (cannot be read)");
    return is_readable;
}

static void print_stack(virt_addr_t rsp)
{
    unsigned i = 0;
    while (i < STACK_WORDS && print_stack_line(rsp, i * WORD_BYTES)) {
        i += WORDS_A_LINE;
    }
}

/* ---- the dump ----------------------------------------------------------------------------------
 */

void crash_dump_backtrace(const struct backtrace_start *start)
{
    struct backtrace trace;
    backtrace_collect(start, &trace);
    pr_emerg("backtrace:");
    backtrace_print(&trace);
}

void crash_dump(const struct trap_frame *frame)
{
    crash_dump_head();
    print_cause(frame);
    print_registers(frame);
    print_code(virt_addr(frame->rip));
    print_stack(virt_addr(frame->rsp));
    const struct backtrace_start start = {
        .rip = virt_addr(frame->rip),
        .rsp = virt_addr(frame->rsp),
        .rbp = virt_addr(frame->rbp),
        .rip_is_return = frame->vector == TRAP_BREAKPOINT || frame->vector == TRAP_OVERFLOW,
    };
    crash_dump_backtrace(&start);
}
