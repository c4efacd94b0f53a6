/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Walks a whole tree of page tables and judges every leaf of it: W^X with aliases, reserved bits,
 * user bits, and that exactly the memory that shall be mapped is mapped. Reads only what stands in
 * the tables, not what the mapper meant. Pure over its parameters; no allocation, no limit on the
 * number of tables. Loader (before the exit), kernel (after each switch) and host.
 *
 * Two sources, one verdict: the tables, and the caller's lists of frames.
 *
 *     virtual                                   rule for a leaf there
 *     [PHYS_OFFSET, MMIO_POOL_START)            maps virt - PHYS_OFFSET, inside `mapped`
 *     a window of kind IDENTITY                 maps virt itself, inside `mapped`
 *     a window of kind DEVICE                   outside `mapped`
 *     a window of kind ANY                      anything
 *     elsewhere                                 none
 */
#ifndef MM_PAGE_AUDIT_H
#define MM_PAGE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "mm/addr.h"
#include "mm/page_entry.h"

enum page_audit_kind {
    PAGE_AUDIT_WRITABLE_EXECUTABLE, /* leaf is W and X (rule dropped where the CPU has no NX) */
    PAGE_AUDIT_EXECUTABLE,          /* X frame not in `read_only`: not W^X-checked (likewise) */
    PAGE_AUDIT_WRITABLE_ALIAS,      /* writable leaf onto a frame of `read_only` */
    PAGE_AUDIT_USER,                /* user bit in the kernel half */
    PAGE_AUDIT_RESERVED_BITS,       /* the CPU would fault on this entry */
    PAGE_AUDIT_OUTSIDE,             /* leaf where none may be, or onto memory not to be mapped */
    PAGE_AUDIT_WRONG_FRAME,         /* leaf of the direct map or an identity window elsewhere */
    PAGE_AUDIT_HOLE,                /* a frame of `holes` is mapped */
    PAGE_AUDIT_NOT_MAPPED,          /* a run of `mapped` is missing from the direct map */
    PAGE_AUDIT_KIND_COUNT,
};

enum page_audit_window_kind {
    PAGE_AUDIT_WINDOW_IDENTITY, /* low remap, jump page */
    PAGE_AUDIT_WINDOW_DEVICE,   /* MMIO pool */
    PAGE_AUDIT_WINDOW_ANY,      /* user half of a process */
};

/** Half-open [start, start + size_bytes). */
struct page_audit_window {
    virt_addr_t start;
    uint64_t size_bytes;
    enum page_audit_window_kind kind;
};

struct page_audit_ranges {
    const struct phys_frame_range *range; /* sorted, disjoint, none empty; neighbours may touch */
    uint32_t count;
};

/** One violation: @p virt and @p phys of the leaf (the address in the entry; for NOT_MAPPED of the
 *  first missing frame). */
typedef void (*page_audit_visitor)(void *context, enum page_audit_kind kind, virt_addr_t virt,
                                   phys_addr_t phys);

struct page_audit_expectation {
    struct page_audit_ranges mapped;    /* what the direct map holds, but for the holes */
    struct page_audit_ranges holes;     /* frames that no leaf maps: page 0, guard frames */
    struct page_audit_ranges read_only; /* text, rodata, jump page: no writable leaf anywhere */
    const struct page_audit_window *windows;
    uint32_t window_count;
    page_audit_visitor visit; /* may be NULL */
    void *context;
};

/** Leaves and bytes of one permission. */
struct page_audit_permission {
    uint64_t leaves;
    uint64_t size_bytes;
};

struct page_audit_report {
    uint64_t table_frames; /* the root included */
    uint64_t leaves_4k;
    uint64_t leaves_2m;
    uint64_t leaves_1g;
    /* By effective permission, parents' bits included: [write][execute]. */
    struct page_audit_permission permission[2][2];
    uint64_t user_leaves;
    uint64_t global_leaves;
    uint64_t writable_executable; /* also where there is no NX: every writable leaf */
    uint64_t violations[PAGE_AUDIT_KIND_COUNT];
    uint64_t violation_count; /* sum of the above */
};

/** Name of @p kind in logs, e.g. "writable-alias". */
const char *page_audit_kind_name(enum page_audit_kind kind);

/**
 * Audits the tables under @p root.
 * @param report  what was found, violations counted by kind; all zero but for a clean audit's
 *        figures where everything is as it shall be
 * @return K_OK where the walk was done (the verdict is report->violation_count); K_EINVAL for lists
 *         that are not sorted and disjoint
 * @context the tables do not change meanwhile; every table frame must be RAM: one that does not
 *          lie in `mapped` is reported (OUTSIDE) and not followed
 */
MUST_CHECK enum kstatus page_audit(phys_addr_t root, const struct paging_features *features,
                                   const struct page_audit_expectation *expectation,
                                   struct page_audit_report *report);

#endif
