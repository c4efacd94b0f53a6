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
enum kstatus __real_kernel_tables_build(struct page_mapper *mapper, const struct memory_map *map,
                                        const struct kernel_layout *layout);
enum kstatus __wrap_kernel_tables_build(struct page_mapper *mapper, const struct memory_map *map,
                                        const struct kernel_layout *layout);
enum kstatus __real_bringup_plan_finish(struct bringup_plan *plan);
enum kstatus __wrap_bringup_plan_finish(struct bringup_plan *plan);

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

/* As if the kernel left a page of its code out: there are tables, and the audit finds it. */
static enum kstatus build_without_image(struct page_mapper *mapper, const struct memory_map *map,
                                        const struct kernel_layout *layout)
{
    struct kernel_layout wrong = *layout;
    wrong.guards[wrong.guard_count++].value = layout->image.code_start.value - PHYS_OFFSET;
    wrong.image.code_start.value += PAGE_SIZE;
    return __real_kernel_tables_build(mapper, map, &wrong);
}

enum kstatus __wrap_kernel_tables_build(struct page_mapper *mapper, const struct memory_map *map,
                                        const struct kernel_layout *layout)
{
    phys_addr_t lost;
    fake_efi.planned = *layout;
    fake_efi.planned_features = *mapper->features;
    if (breaks(FAKE_EFI_BREAK_PLAN_BUILD)) {
        return K_EEXIST;
    }
    if (breaks(FAKE_EFI_BREAK_PLAN_TABLES)) {
        return build_without_image(mapper, map, layout);
    }
    const enum kstatus status = __real_kernel_tables_build(mapper, map, layout);
    return status == K_OK && breaks(FAKE_EFI_BREAK_PLAN_BOOKS)
               ? frame_allocator_allocate_one(mapper->frames, &lost)
               : status;
}

enum kstatus __wrap_bringup_plan_finish(struct bringup_plan *plan)
{
    const enum kstatus status = __real_bringup_plan_finish(plan);
    if (breaks(FAKE_EFI_BREAK_PLAN_PANIC)) {
        fake_efi.interrupts_off = true;
        stand_in_memory_use(&plan->stand_in);
        panic("the plan is broken: %u", 7U);
    }
    return breaks(FAKE_EFI_BREAK_PLAN_MEMORY) ? K_ENOMEM : status;
}
