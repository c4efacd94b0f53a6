/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The memory bring-up in the seed's order (S30-S42), and what is known after it. mm_init.c owns the
 * one struct mm_state; it is filled once and only read afterwards, but for the two late steps
 * below. Kernel and host: the replay tool runs the very same file over recorded maps.
 */
#ifndef MM_MM_INIT_H
#define MM_MM_INIT_H

#include <stdbool.h>

#include "shared/bootinfo.h"

#include "mm/buddy_allocator.h"
#include "mm/kernel_tables.h"
#include "mm/memory_map.h"
#include "mm/page_entry.h"
#include "mm/phys_memory_area.h"

/** What boot code tells mm_init(). */
struct mm_boot {
    struct bootinfo *bootinfo; /* checked, writable; not used any more once mm_init() returns */
    struct kernel_layout layout;
    bool cpu_has_nx;
    bool cpu_has_pages_1g;
    bool cpu_has_pge;
    uint8_t phys_bits;
};

/** Facts about the bring-up. */
struct mm_state {
    struct paging_features features;
    struct kernel_layout layout;
    struct phys_memory_areas areas;
    uint32_t multiboot2_entries; /* entries of type 1 seen */
    uint64_t dropped_bytes;      /* for want of an area slot or of metadata */
    phys_addr_t bootinfo;        /* the kernel's own copy */
    uint64_t bootinfo_bytes;
    phys_addr_t bump_start;
    page_frame_count_t bump_used;   /* for anything but page tables */
    page_frame_count_t page_tables; /* made at bring-up and still in use */
    phys_addr_t root;               /* INITIAL_CR3 */
    uint64_t allocator_ticks;       /* what the page-frame allocator's bring-up took */
    uint64_t allocator_touched;     /* bytes of its metadata that were written by then */
    bool low_is_mapped;             /* until mm_unmap_low() */
};

/** The sums of design.md section 6. */
struct mm_books {
    struct memory_accounting classes;
    uint64_t usable_frames;
    uint64_t areas_frames; /* sum of the area table; equals usable_frames */
    uint64_t bump_used_frames;
    uint64_t page_table_frames;
    uint64_t metadata_frames;
    uint64_t free_frames;
    uint64_t allocated_frames;
    bool classes_balance; /* all classes = firmware RAM */
    bool frames_balance;  /* the frames above = usable = areas */
};

/**
 * Takes over the machine's memory: areas, bump allocator, page tables, buddy, CR3, MMIO pool (S31).
 * A second call panics "mm_init() can only be called once" (S30).
 * @param why  receives a constant text on error: what was short
 * @return K_OK; K_ENOMEM where the machine has too little memory, K_ERANGE for a map that no direct
 *         map can hold
 * Context: on the loader's tables, interrupts off, one CPU.
 */
MUST_CHECK enum kstatus mm_init(const struct mm_boot *boot, const char **why);

/** Forgets the bring-up, so that the next test can do it again. Host tests only; the kernel mapper,
 *  the MMIO pool and the frame allocator have resets of their own. */
void mm_init_reset(void);

/** Unmaps the low 32 MiB (S87) and gives the tables it needed to the allocator. */
MUST_CHECK enum kstatus mm_unmap_low(void);

/** Turns the loader's memory into usable areas (S33). Nothing runs on it any more. What no area or
 *  no metadata can be had for is taken out of the direct map and dropped, with a warning. */
void mm_reclaim_loader_memory(void);

/** What mm_init() found and made. Context: after it. */
const struct mm_state *mm_state(void);

/** The kernel's copy of the bootinfo. Context: after mm_init(). Not to be stored. */
struct bootinfo *mm_bootinfo(void);

/** The memory map inside that copy. Context: after mm_init(). Not to be stored. */
struct memory_map mm_memory_map(void);

/** Adds up both equalities of design.md section 6. Context: after mm_init(). */
void mm_read_books(struct mm_books *books);

/** Logs the books, as errors where they do not balance. @return whether they do */
bool mm_check_books(void);

#endif
