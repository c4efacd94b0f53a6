/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Faults inside the loader (enum fake_efi_break): the linker leads calls between its units through
 * here (--wrap, loader.mk), so that refusals which no firmware can bring about can be forced.
 */
#include "boot.h"
#include "boot_block.h"
#include "panic.h"
#include "tests/fake/efi/fake_efi_internal.h"

/* What the linker calls the two sides. */
enum kstatus __real_boot_describe_machine(struct boot *boot);
enum kstatus __wrap_boot_describe_machine(struct boot *boot);
enum kstatus __real_mmap_build(const struct mmap_build_input *input, void *scratch,
                               size_t scratch_bytes, struct mmap_build_output *output);
enum kstatus __wrap_mmap_build(const struct mmap_build_input *input, void *scratch,
                               size_t scratch_bytes, struct mmap_build_output *output);
bool __real_mmap_build_balances(const struct mmap_build_output *output);
bool __wrap_mmap_build_balances(const struct mmap_build_output *output);
enum kstatus __real_handover_audit(const struct handover *handover, page_audit_visitor visit,
                                   void *context, struct page_audit_report *report);
enum kstatus __wrap_handover_audit(const struct handover *handover, page_audit_visitor visit,
                                   void *context, struct page_audit_report *report);
enum kstatus __real_handover_extend(struct handover *handover, const struct memory_map *map,
                                    uint64_t *extended_bytes);
enum kstatus __wrap_handover_extend(struct handover *handover, const struct memory_map *map,
                                    uint64_t *extended_bytes);
enum kstatus __real_boot_block_write(const struct bootinfo *header,
                                     const struct boot_block_parts *parts, void *memory,
                                     uint64_t capacity_bytes);
enum kstatus __wrap_boot_block_write(const struct bootinfo *header,
                                     const struct boot_block_parts *parts, void *memory,
                                     uint64_t capacity_bytes);

enum kstatus __real_bringup_plan_finish(struct bringup_plan *plan, void *room);
enum kstatus __wrap_bringup_plan_finish(struct bringup_plan *plan, void *room);

static bool breaks(enum fake_efi_break what)
{
    return fake_efi_state.script.breaks == what;
}

enum kstatus __wrap_boot_describe_machine(struct boot *boot)
{
    return breaks(FAKE_EFI_BREAK_STEP) ? K_EIO : __real_boot_describe_machine(boot);
}

enum kstatus __wrap_mmap_build(const struct mmap_build_input *input, void *scratch,
                               size_t scratch_bytes, struct mmap_build_output *output)
{
    if (breaks(FAKE_EFI_BREAK_LAST_MAP) && fake_efi_state.phase == FAKE_EFI_PHASE_EXITED) {
        return K_ENOSPC;
    }
    return __real_mmap_build(input, scratch, scratch_bytes, output);
}

bool __wrap_mmap_build_balances(const struct mmap_build_output *output)
{
    return !breaks(FAKE_EFI_BREAK_BOOKS) && __real_mmap_build_balances(output);
}

enum kstatus __wrap_handover_audit(const struct handover *handover, page_audit_visitor visit,
                                   void *context, struct page_audit_report *report)
{
    const enum kstatus status = __real_handover_audit(handover, visit, context, report);
    report->violation_count += breaks(FAKE_EFI_BREAK_TABLES) ? 1 : 0;
    return status;
}

enum kstatus __wrap_handover_extend(struct handover *handover, const struct memory_map *map,
                                    uint64_t *extended_bytes)
{
    return breaks(FAKE_EFI_BREAK_EXTENSION) ? K_ENOMEM
                                            : __real_handover_extend(handover, map, extended_bytes);
}

enum kstatus __wrap_boot_block_write(const struct bootinfo *header,
                                     const struct boot_block_parts *parts, void *memory,
                                     uint64_t capacity_bytes)
{
    return breaks(FAKE_EFI_BREAK_BLOCK)
               ? K_ENOSPC
               : __real_boot_block_write(header, parts, memory, capacity_bytes);
}

enum kstatus __wrap_bringup_plan_finish(struct bringup_plan *plan, void *room)
{
    const enum kstatus status = __real_bringup_plan_finish(plan, room);
    if (breaks(FAKE_EFI_BREAK_PLAN_PANIC)) {
        fake_efi.interrupts_off = true;
        stand_in_memory_use(&plan->stand_in);
        panic("the plan is broken: %u", 7U);
    }
    if (breaks(FAKE_EFI_BREAK_PLAN_MEMORY)) {
        return K_ENOMEM;
    }
    return breaks(FAKE_EFI_BREAK_PLAN_BOOKS) ? K_EPROTO : status;
}
