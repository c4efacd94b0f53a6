/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See page_audit.h. Stateless; loader, kernel and host.
 *
 * One depth-first walk in ascending address order, with an explicit stack of one frame a level:
 *
 *     PML4 [....i4....]  entry i4 is a table: push
 *          PDPT [..i3..]  ...
 *               PD [...]
 *                 PT [leaf leaf leaf]  -> judge_leaf(), pop at the end
 *
 * Effective permission: writable and user need the bit at every level, no-execute needs it at one
 * (SDM vol 3A, "Access Rights"). Leaves of the direct map come in the order of their memory, so a
 * cursor behind the last one tells what is missing in between, in one pass.
 */
#include "mm/page_audit.h"

#include <stddef.h>

#include "mm/page_table.h"

/* What the entries above allow. */
struct rights {
    bool write;
    bool execute;
    bool user;
};

struct level_state {
    struct page_table table;
    unsigned next; /* index to look at */
    struct rights rights;
};

struct walk {
    const struct paging_features *features;
    const struct page_audit_expectation *expectation;
    struct page_audit_report *report;
    uint64_t direct_done; /* memory below it was seen, or reported missing */
    unsigned depth;       /* levels on the stack */
    struct level_state level[PAGE_LEVELS];
};

/* One present entry, as the CPU would use it; a leaf but for the first checks on it. */
struct leaf {
    virt_addr_t virt;
    phys_addr_t phys;
    uint64_t size_bytes;
    unsigned level;
    page_entry_t entry;
    struct rights rights;
};

const char *page_audit_kind_name(enum page_audit_kind kind)
{
    static const char *const names[PAGE_AUDIT_KIND_COUNT] = {
        [PAGE_AUDIT_WRITABLE_EXECUTABLE] = "writable-executable",
        [PAGE_AUDIT_EXECUTABLE] = "executable",
        [PAGE_AUDIT_WRITABLE_ALIAS] = "writable-alias",
        [PAGE_AUDIT_USER] = "user",
        [PAGE_AUDIT_RESERVED_BITS] = "reserved-bits",
        [PAGE_AUDIT_OUTSIDE] = "outside",
        [PAGE_AUDIT_WRONG_FRAME] = "wrong-frame",
        [PAGE_AUDIT_HOLE] = "hole",
        [PAGE_AUDIT_NOT_MAPPED] = "not-mapped",
    };
    return kind < PAGE_AUDIT_KIND_COUNT ? names[kind] : "?";
}

/* ---- lists of frames ---------------------------------------------------------------------------
 */

static uint64_t range_start(const struct phys_frame_range *range)
{
    return range->first.value << PAGE_SHIFT;
}

static uint64_t range_end(const struct phys_frame_range *range)
{
    return (range->first.value + range->count.value) << PAGE_SHIFT;
}

static bool is_sorted(const struct page_audit_ranges *ranges)
{
    uint64_t last_end = 0;
    for (uint32_t i = 0; i < ranges->count; i++) {
        const struct phys_frame_range *const range = &ranges->range[i];
        const bool fits = range->first.value <= ENTRY_ADDRESS_MASK >> PAGE_SHIFT &&
                          range->count.value <= (ENTRY_ADDRESS_MASK >> PAGE_SHIFT) + 1;
        if (!fits || range->count.value == 0 || range_start(range) < last_end) {
            return false;
        }
        last_end = range_end(range);
    }
    return true;
}

/* The first range that ends behind [phys]; `count` where there is none. */
static uint32_t find_range(const struct page_audit_ranges *ranges, uint64_t phys)
{
    uint32_t low = 0;
    uint32_t high = ranges->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (range_end(&ranges->range[middle]) <= phys) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Whether some byte of [start, end) is in the list. */
static bool touches(const struct page_audit_ranges *ranges, uint64_t start, uint64_t end)
{
    const uint32_t index = find_range(ranges, start);
    return index < ranges->count && range_start(&ranges->range[index]) < end;
}

/* Whether every byte of [start, end) is in the list, across ranges that touch. */
static bool covers(const struct page_audit_ranges *ranges, uint64_t start, uint64_t end)
{
    uint64_t done = start;
    for (uint32_t i = find_range(ranges, start); done < end && i < ranges->count; i++) {
        if (range_start(&ranges->range[i]) > done) {
            return false;
        }
        done = range_end(&ranges->range[i]);
    }
    return done >= end;
}

/* ---- verdicts ----------------------------------------------------------------------------------
 */

static void violation(const struct walk *walk, enum page_audit_kind kind, virt_addr_t virt,
                      uint64_t phys)
{
    walk->report->violations[kind]++;
    walk->report->violation_count++;
    if (walk->expectation->visit != NULL) {
        walk->expectation->visit(walk->expectation->context, kind, virt, phys_addr(phys));
    }
}

static void blame(const struct walk *walk, enum page_audit_kind kind, const struct leaf *leaf)
{
    violation(walk, kind, leaf->virt, leaf->phys.value);
}

/* Reports [start, end), all of one range of `mapped`, less the holes in it. */
static void report_missing(const struct walk *walk, uint64_t start, uint64_t end)
{
    const struct page_audit_ranges *const holes = &walk->expectation->holes;
    uint32_t i = find_range(holes, start);
    while (start < end) {
        const bool has_hole = i < holes->count && range_start(&holes->range[i]) < end;
        const uint64_t stop = has_hole ? range_start(&holes->range[i]) : end;
        if (start < stop) {
            violation(walk, PAGE_AUDIT_NOT_MAPPED, virt_addr(PHYS_OFFSET + start), start);
        }
        start = has_hole ? range_end(&holes->range[i]) : end;
        i++;
    }
}

/* Moves the cursor of the direct map to [start], reporting what it passes over. */
static void direct_map_up_to(struct walk *walk, uint64_t start)
{
    const struct page_audit_ranges *const mapped = &walk->expectation->mapped;
    for (uint32_t i = find_range(mapped, walk->direct_done);
         i < mapped->count && range_start(&mapped->range[i]) < start; i++) {
        const struct phys_frame_range *const range = &mapped->range[i];
        report_missing(walk, bits_max(range_start(range), walk->direct_done),
                       bits_min(range_end(range), start));
    }
    walk->direct_done = bits_max(walk->direct_done, start);
}

/* ---- leaves ------------------------------------------------------------------------------------
 */

static void count_leaf(const struct walk *walk, const struct leaf *leaf)
{
    struct page_audit_report *const report = walk->report;
    report->leaves_4k += leaf->level == PAGE_LEVEL_4K ? 1 : 0;
    report->leaves_2m += leaf->level == PAGE_LEVEL_2M ? 1 : 0;
    report->leaves_1g += leaf->level == PAGE_LEVEL_1G ? 1 : 0;
    struct page_audit_permission *const permission =
        &report->permission[leaf->rights.write][leaf->rights.execute];
    permission->leaves++;
    permission->size_bytes += leaf->size_bytes;
    report->user_leaves += leaf->rights.user ? 1 : 0;
    report->global_leaves += (leaf->entry.value & X86_PTE_GLOBAL) != 0 ? 1 : 0;
    report->writable_executable += leaf->rights.write && leaf->rights.execute ? 1 : 0;
}

/* W^X, aliases included: what is executable must be listed as read-only, and what is listed so has
 * no writable leaf at any address. The second half holds without NX too. */
static void judge_permission(const struct walk *walk, const struct leaf *leaf)
{
    const uint64_t start = leaf->phys.value;
    const uint64_t end = start + leaf->size_bytes;
    const struct page_audit_ranges *const read_only = &walk->expectation->read_only;
    if (walk->features->nx && leaf->rights.execute) {
        if (leaf->rights.write) {
            blame(walk, PAGE_AUDIT_WRITABLE_EXECUTABLE, leaf);
        }
        if (!covers(read_only, start, end)) {
            blame(walk, PAGE_AUDIT_EXECUTABLE, leaf);
        }
    }
    if (leaf->rights.write && touches(read_only, start, end)) {
        blame(walk, PAGE_AUDIT_WRITABLE_ALIAS, leaf);
    }
    if (touches(&walk->expectation->holes, start, end)) {
        blame(walk, PAGE_AUDIT_HOLE, leaf);
    }
}

/* A leaf that shall map `expected`, which shall be memory that is to be mapped. */
static void judge_memory(const struct walk *walk, const struct leaf *leaf, uint64_t expected)
{
    if (leaf->phys.value != expected) {
        blame(walk, PAGE_AUDIT_WRONG_FRAME, leaf);
    }
    if (!covers(&walk->expectation->mapped, leaf->phys.value,
                leaf->phys.value + leaf->size_bytes)) {
        blame(walk, PAGE_AUDIT_OUTSIDE, leaf);
    }
}

static const struct page_audit_window *find_window(const struct walk *walk, const struct leaf *leaf)
{
    for (uint32_t i = 0; i < walk->expectation->window_count; i++) {
        const struct page_audit_window *const window = &walk->expectation->windows[i];
        const uint64_t offset =
            leaf->virt.value - window->start.value; /* wraps where it is below */
        if (offset < window->size_bytes && leaf->size_bytes <= window->size_bytes - offset) {
            return window;
        }
    }
    return NULL;
}

static void judge_window(const struct walk *walk, const struct leaf *leaf)
{
    const struct page_audit_window *const window = find_window(walk, leaf);
    if (window == NULL) {
        blame(walk, PAGE_AUDIT_OUTSIDE, leaf);
        return;
    }
    switch (window->kind) {
    case PAGE_AUDIT_WINDOW_IDENTITY:
        judge_memory(walk, leaf, leaf->virt.value);
        return;
    case PAGE_AUDIT_WINDOW_DEVICE:
        if (touches(&walk->expectation->mapped, leaf->phys.value,
                    leaf->phys.value + leaf->size_bytes)) {
            blame(walk, PAGE_AUDIT_OUTSIDE, leaf);
        }
        return;
    case PAGE_AUDIT_WINDOW_ANY:
        return;
    }
}

static void judge_leaf(struct walk *walk, const struct leaf *leaf)
{
    count_leaf(walk, leaf);
    judge_permission(walk, leaf);
    if (leaf->virt.value >= PHYS_OFFSET && leaf->virt.value < MMIO_POOL_START) {
        const uint64_t place = leaf->virt.value - PHYS_OFFSET;
        direct_map_up_to(walk, place);
        walk->direct_done = place + leaf->size_bytes;
        judge_memory(walk, leaf, place);
        return;
    }
    judge_window(walk, leaf);
}

/* ---- entries -----------------------------------------------------------------------------------
 */

/* Bits on which the CPU would fault. SDM vol 3A, 4-Level Paging, formats of the entries; bit 7 of
 * a PML4 entry and bits below a huge page's alignment are reserved too. */
static uint64_t reserved_bits(const struct paging_features *features, page_entry_t entry,
                              unsigned level)
{
    uint64_t reserved = ENTRY_ADDRESS_MASK & ~bits_mask(features->phys_bits);
    reserved |= features->nx ? 0 : X86_PTE_NO_EXECUTE;
    reserved |= level == PAGE_LEVEL_ROOT ? X86_PTE_HUGE : 0;
    reserved |= level == PAGE_LEVEL_1G && !features->pages_1g ? X86_PTE_HUGE : 0;
    if (level > PAGE_LEVEL_4K && page_entry_is_leaf(entry, level)) {
        reserved |= (page_level_size(level) - 1) & ~(2 * PAGE_SIZE - 1); /* from bit 13 on */
    }
    return entry.value & reserved;
}

static struct rights combine(const struct walk *walk, struct rights above, page_entry_t entry)
{
    const bool no_execute = walk->features->nx && (entry.value & X86_PTE_NO_EXECUTE) != 0;
    return (struct rights){
        .write = above.write && (entry.value & X86_PTE_WRITE) != 0,
        .execute = above.execute && !no_execute,
        .user = above.user && (entry.value & X86_PTE_USER) != 0,
    };
}

static void push(struct walk *walk, struct page_table table, struct rights rights)
{
    walk->report->table_frames++;
    walk->level[walk->depth] = (struct level_state){ .table = table, .rights = rights };
    walk->depth++;
}

/* Goes down into the table of `entry`, if that is RAM: a stray pointer is reported, not followed.
 */
static void enter_table(struct walk *walk, const struct level_state *state, virt_addr_t virt,
                        page_entry_t entry)
{
    const phys_addr_t table = page_entry_table_address(entry);
    if (!covers(&walk->expectation->mapped, table.value, table.value + PAGE_SIZE)) {
        violation(walk, PAGE_AUDIT_OUTSIDE, virt, table.value);
        return;
    }
    const struct page_table next = {
        .phys = table,
        .base = virt,
        .level = state->table.level - 1,
    };
    push(walk, next, combine(walk, state->rights, entry));
}

static void judge_entry(struct walk *walk, const struct level_state *state, unsigned index,
                        page_entry_t entry)
{
    const unsigned level = state->table.level;
    const virt_addr_t virt = page_table_entry_virt(&state->table, index);
    const bool is_leaf = page_entry_is_leaf(entry, level);
    const struct leaf leaf = {
        .virt = virt,
        .phys = is_leaf ? page_entry_leaf_address(entry, level) : page_entry_table_address(entry),
        .size_bytes = page_level_size(level),
        .level = level,
        .entry = entry,
        .rights = combine(walk, state->rights, entry),
    };
    const bool reserved = reserved_bits(walk->features, entry, level) != 0;
    if (reserved) {
        blame(walk, PAGE_AUDIT_RESERVED_BITS, &leaf);
    }
    if (virt.value >= PHYS_OFFSET && (entry.value & X86_PTE_USER) != 0) {
        blame(walk, PAGE_AUDIT_USER, &leaf);
    }
    if (is_leaf) {
        judge_leaf(walk, &leaf);
    } else if (!reserved) {
        enter_table(walk, state, virt, entry);
    }
}

static void run_walk(struct walk *walk, phys_addr_t root)
{
    const struct rights all = { .write = true, .execute = true, .user = true };
    push(walk, page_table_root(root), all);
    while (walk->depth > 0) {
        struct level_state *const state = &walk->level[walk->depth - 1];
        if (state->next == PAGE_ENTRY_COUNT) {
            walk->depth--;
            continue;
        }
        const unsigned index = state->next++;
        const page_entry_t entry = page_table_entry(&state->table, index);
        if (page_entry_present(entry)) {
            judge_entry(walk, state, index, entry);
        }
    }
    direct_map_up_to(walk, DIRECT_MAP_SIZE);
}

enum kstatus page_audit(phys_addr_t root, const struct paging_features *features,
                        const struct page_audit_expectation *expectation,
                        struct page_audit_report *report)
{
    if (!is_sorted(&expectation->mapped) || !is_sorted(&expectation->holes) ||
        !is_sorted(&expectation->read_only)) {
        return K_EINVAL;
    }
    *report = (struct page_audit_report){ 0 };
    struct walk walk = {
        .features = features,
        .expectation = expectation,
        .report = report,
    };
    run_walk(&walk, root);
    return K_OK;
}
