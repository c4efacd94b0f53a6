/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The relocations of a kernel image, as a part of elf_image.c: check them for a plan, apply them to
 * the image in memory. One kind, R_X86_64_RELATIVE, in both forms that a linker writes: RELA (24
 * bytes each) and RELR (a bit each). Pure; loader and host. For elf_image.c only.
 */
#ifndef LOADER_ELF_RELOCATE_H
#define LOADER_ELF_RELOCATE_H

#include <stdbool.h>
#include <stdint.h>

#include "elf_image.h"

/** A table as the dynamic section names it; all zero where there is none. */
struct elf_relocation_table {
    uint64_t address; /* virtual, as linked */
    uint64_t size_bytes;
    uint64_t entry_bytes;
};

struct elf_relocation_tables {
    struct elf_relocation_table rela;
    struct elf_relocation_table relr;
};

/** Whether [offset, offset + size) lies in [0, limit). */
static inline bool elf_image_range_fits(uint64_t offset, uint64_t size_bytes, uint64_t limit)
{
    return offset <= limit && size_bytes <= limit - offset;
}

/** The segment whose bytes from the file hold all of [vaddr, vaddr + size), or NULL. */
const struct elf_image_segment *elf_image_file_segment(const struct elf_image_plan *plan,
                                                       uint64_t vaddr, uint64_t size_bytes);

/**
 * Finds @p tables in the file, checks every relocation and notes both tables in @p plan.
 * @param file  the bytes of the file, as large as the plan's segments need
 * @return NULL, or the sentence that names the fault
 */
const char *elf_relocate_plan(const uint8_t *file, const struct elf_relocation_tables *tables,
                              struct elf_image_plan *plan);

/**
 * Applies the plan's relocations to the copied segments at @p memory, for an image that runs at
 * @p run_address. Each is checked again on the way.
 * @return NULL, or the sentence that names the fault
 */
const char *elf_relocate_apply(const uint8_t *file, const struct elf_image_plan *plan,
                               uint8_t *memory, uint64_t run_address);

#endif
