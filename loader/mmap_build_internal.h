/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the files of the memory-map builder share (mmap_build.c has the picture, the invariants and
 * the proof of the bounds). One struct mmap_builder lives for one call of mmap_build(); its arrays
 * are the caller's scratch memory and outputs. No one else includes this.
 *
 *     mmap_build.c        arguments, room, the three steps
 *     mmap_sources.c  1   descriptors, ledger, pins, limits -> sources, skips what cannot be
 *     mmap_sources.c  2   sources -> two sorted lists of boundaries
 *     mmap_sweep.c    3   boundaries -> segments, each judged from the sources that are open
 *     mmap_emit.c         segments -> entries, repairs, RAM ranges, books
 */
#ifndef LOADER_MMAP_BUILD_INTERNAL_H
#define LOADER_MMAP_BUILD_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "mmap_build.h"

/* What a source says. The reasons come first, so that their order is the priority. */
enum mmap_source_bit {
    SOURCE_RAM_ONLY = MMAP_REASON_COUNT, /* counts in the RAM union, gives no reason */
    SOURCE_PIN_RESERVED,
    SOURCE_PIN_FRAMEBUFFER,
    SOURCE_PIN_ACPI,
    SOURCE_ABOVE_LIMIT,       /* at and above mem= */
    SOURCE_BEYOND_DIRECT_MAP, /* at and above DIRECT_MAP_SIZE */
    SOURCE_RAM,               /* the RAM union; no source of its own */
    SOURCE_BIT_COUNT,
};
_Static_assert(SOURCE_BIT_COUNT <= 32, "mmap_builder.active is a uint32_t");

/* Physical addresses end here: MAXPHYADDR is at most 52 (SDM vol 3A, 4.1.4). */
#define PHYSICAL_END (UINT64_C(1) << 52)

struct mmap_source {
    uint64_t start; /* bytes; start < end <= PHYSICAL_END */
    uint64_t end;
    uint32_t entry; /* descriptor number, or MMAP_REPAIR_NO_ENTRY */
    uint8_t bit;    /* enum mmap_reason or enum mmap_source_bit */
    bool ram;
    bool firmware; /* a descriptor, whose overlaps are reported */
};

/* One end of a source, for sorting. */
struct mmap_boundary {
    uint64_t position;
    uint32_t source;
};

/* A stretch of one reason that may still grow. */
struct mmap_run {
    uint64_t start;
    uint64_t end; /* == start: no run yet */
    uint32_t reason;
};

struct mmap_builder {
    const struct mmap_build_input *input;
    struct mmap_build_output *output;
    uint64_t address_limit; /* 2^phys_bits */
    struct mmap_source *sources;
    struct mmap_boundary *starts;
    struct mmap_boundary *ends;
    struct mmap_boundary *spare; /* for sorting */
    uint32_t source_count;
    uint32_t active; /* bits of which at least one source is open */
    uint32_t open[SOURCE_BIT_COUNT];
    struct mmap_run run;
    uint64_t reach; /* furthest end of the firmware sources opened so far */
    uint32_t reach_entry;
    uint32_t overlaps_from; /* first repair that waits for this boundary's verdict */
};

/* Steps, in order. */

/** Fills sources from everything that the input holds; repairs for what is skipped or unaligned. */
void mmap_sources_collect(struct mmap_builder *builder);

/** Fills starts and ends, sorted by address. */
void mmap_sources_sort(struct mmap_builder *builder);

/** Goes over the boundaries and writes all outputs. */
void mmap_sweep(struct mmap_builder *builder);

/* Output; there is always room ("Room" in mmap_build.c). */

void mmap_emit_repair(struct mmap_builder *builder, const struct mmap_repair *repair);

/** RAM at [start, end) that is dropped for @p kind; joins the repair before it where that says the
 *  same. */
void mmap_emit_dropped_repair(struct mmap_builder *builder, uint32_t kind, uint64_t start,
                              uint64_t end);

/** Adds RAM at [start, end) to the union and to the class of @p reason. */
void mmap_emit_ram(struct mmap_build_output *output, uint64_t start, uint64_t end, uint32_t reason);

/** Appends [start, end) to the run, or writes the run and begins the next one. */
void mmap_emit_run(struct mmap_builder *builder, uint64_t start, uint64_t end, uint32_t reason);

/** Writes the run that is left. */
void mmap_emit_finish(struct mmap_builder *builder);

#endif
