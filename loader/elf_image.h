/* SPDX-License-Identifier: GPL-2.0-only
 *
 * ELF64 bytes -> a checked load plan -> the relocated image in memory. The kernel is a static PIE
 * linked at 0 with R_X86_64_RELATIVE relocations only (System V ABI, AMD64 supplement 1.0), as
 * RELA or RELR.
 * Hostile input: every offset, size and count is checked with overflow-safe arithmetic before a
 * byte is copied. Pure; loader and host.
 */
#ifndef LOADER_ELF_IMAGE_H
#define LOADER_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "kstatus.h"
#include "mm/kernel_image.h"

#define ELF_IMAGE_MAX_SEGMENTS 8U
/** An image that wants more memory than this is no kernel of ours. */
#define ELF_IMAGE_MAX_BYTES (UINT64_C(64) << 20)

/** One PT_LOAD, page-aligned for mapping: [start, end) are image offsets. The plan's segments are
 *  sorted by address and [start, end) are disjoint; a page that two segments of equal permission
 *  share belongs to the first of them, so that [start, end) may be empty. */
struct elf_image_segment {
    uint64_t start;       /* bytes from the image's base, page-aligned down */
    uint64_t end;         /* bytes, page-aligned up */
    uint64_t file_offset; /* bytes */
    uint64_t file_size;   /* bytes copied to vaddr */
    uint64_t vaddr;       /* bytes from the image's base, as linked */
    uint64_t memory_size; /* bytes used from vaddr on, >= file_size; the rest is zero */
    bool write;
    bool execute;
};

struct elf_image_plan {
    struct elf_image_segment segments[ELF_IMAGE_MAX_SEGMENTS];
    uint32_t segment_count;
    uint64_t size_bytes;  /* of the image in memory, multiple of 4 KiB */
    uint64_t entry;       /* bytes from the base */
    uint64_t rela_offset; /* file offset of the relocations, 0 where there are none */
    uint64_t rela_count;
    uint64_t relr_offset; /* the same for those that are a bit each: a run of 64-bit words */
    uint64_t relr_count;
    uint8_t build_id[BOOTINFO_BUILD_ID_BYTES];
    uint32_t build_id_size;
};

/**
 * Checks @p file and makes the plan. Refused: anything but a little-endian ELF64 ET_DYN for x86-64,
 * PT_INTERP, PT_TLS, DT_NEEDED, segments that are W+X, overlap, share a page with another
 * permission, want more than page alignment or pass ELF_IMAGE_MAX_BYTES, an entry point outside of
 * file-backed code, and relocations other than R_X86_64_RELATIVE or into the text. (Read-only data
 * may hold relocated pointers: it is written before it is mapped read-only.)
 * @param plan written on success only
 * @param why  receives a constant text naming the fault, on error only, e.g. "segments overlap"
 * @return K_OK; K_ENOEXEC for anything that is not a kernel image we can load
 */
MUST_CHECK enum kstatus elf_image_plan(const void *file, size_t file_bytes,
                                       struct elf_image_plan *plan, const char **why);

/** The bounds of an image that runs at @p run_address, as the kernel knows them of its linker
 * script (kernel.lds): code is what may be executed, rodata what follows and may only be read, data
 * all behind that. */
struct kernel_image elf_image_bounds(const struct elf_image_plan *plan, uint64_t run_address);

/**
 * Copies segments to @p memory (plan->size_bytes long, any content), zeroes the rest and applies
 * the relocations for an image that will run at @p run_address (virtual).
 * @return K_OK; K_ENOEXEC with @p why for a relocation that is not allowed (checked before by
 *         elf_image_plan(): a plan that was made succeeds here)
 */
MUST_CHECK enum kstatus elf_image_load(const void *file, const struct elf_image_plan *plan,
                                       void *memory, uint64_t run_address, const char **why);

#endif
