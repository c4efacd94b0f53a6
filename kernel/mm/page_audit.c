/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See page_audit.h. Stateless; loader, kernel and host.
 *
 * One depth-first walk in ascending address order, with an explicit stack of one frame a level:
 *
 *     PML4 [....i4....]  entry i4 is a table: push
 *          PDPT [..i3..]  ...
 *               PD [...]
 *                 PT [run of leaves) [run)  -> judge_run(), pop at the end
 *
 * Most tables hold one thing: leaves that map memory in order, all with the same bits. Such a run
 * is judged like one large leaf, by the very same rules. Where a rule finds fault with it, its
 * leaves are judged again one by one, so a report always names single leaves. A run is clean only
 * if each of its leaves is: every rule asks whether all, or whether none, of the bytes are in some
 * list.
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

/* Present entries of one table, as the CPU would use them: one leaf, or a run of `count` leaves
 * that differ in nothing but their place. An entry that points at a table is one of count 1. */
struct leaf_run {
    virt_addr_t virt;
    phys_addr_t phys;
    uint64_t size_bytes; /* of all */
    unsigned count;
    unsigned level;
    page_entry_t entry; /* the first */
    struct rights rights;
};

/* A set of enum page_audit_kind: bit 1 << kind. */
typedef uint32_t findings_t;

static findings_t found_if(bool wrong, enum page_audit_kind kind)
{
    return wrong ? UINT32_C(1) << kind : 0;
}

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

static void blame(const struct walk *walk, findings_t findings, const struct leaf_run *leaf)
{
    for (; findings != 0; findings &= findings - 1) {
        /* A bit of the set is a kind. */
        const enum page_audit_kind kind = (enum page_audit_kind)bits_lowest(findings);
        violation(walk, kind, leaf->virt, leaf->phys.value);
    }
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

static void count_run(const struct walk *walk, const struct leaf_run *run)
{
    struct page_audit_report *const report = walk->report;
    const uint64_t count = run->count;
    report->leaves_4k += run->level == PAGE_LEVEL_4K ? count : 0;
    report->leaves_2m += run->level == PAGE_LEVEL_2M ? count : 0;
    report->leaves_1g += run->level == PAGE_LEVEL_1G ? count : 0;
    struct page_audit_permission *const permission =
        &report->permission[run->rights.write][run->rights.execute];
    permission->leaves += count;
    permission->size_bytes += run->size_bytes;
    report->user_leaves += run->rights.user ? count : 0;
    report->global_leaves += (run->entry.value & X86_PTE_GLOBAL) != 0 ? count : 0;
    report->writable_executable += run->rights.write && run->rights.execute ? count : 0;
}

/* W^X, aliases included: what is executable must be listed as read-only, and what is listed so has
 * no writable leaf at any address. The second half holds without NX too. */
static findings_t judge_permission(const struct walk *walk, const struct leaf_run *run)
{
    const uint64_t start = run->phys.value;
    const uint64_t end = start + run->size_bytes;
    const struct page_audit_ranges *const read_only = &walk->expectation->read_only;
    const bool checked_execute = walk->features->nx && run->rights.execute;
    findings_t findings = 0;
    findings |= found_if(checked_execute && run->rights.write, PAGE_AUDIT_WRITABLE_EXECUTABLE);
    findings |= found_if(checked_execute && !covers(read_only, start, end), PAGE_AUDIT_EXECUTABLE);
    findings |=
        found_if(run->rights.write && touches(read_only, start, end), PAGE_AUDIT_WRITABLE_ALIAS);
    findings |= found_if(touches(&walk->expectation->holes, start, end), PAGE_AUDIT_HOLE);
    return findings;
}

/* Leaves that shall map `expected`, which shall be memory that is to be mapped. */
static findings_t judge_memory(const struct walk *walk, const struct leaf_run *run,
                               uint64_t expected)
{
    const uint64_t start = run->phys.value;
    return found_if(start != expected, PAGE_AUDIT_WRONG_FRAME) |
           found_if(!covers(&walk->expectation->mapped, start, start + run->size_bytes),
                    PAGE_AUDIT_OUTSIDE);
}

static const struct page_audit_window *find_window(const struct walk *walk,
                                                   const struct leaf_run *run)
{
    for (uint32_t i = 0; i < walk->expectation->window_count; i++) {
        const struct page_audit_window *const window = &walk->expectation->windows[i];
        const uint64_t offset = run->virt.value - window->start.value; /* wraps where below */
        if (offset < window->size_bytes && run->size_bytes <= window->size_bytes - offset) {
            return window;
        }
    }
    return NULL;
}

static findings_t judge_window(const struct walk *walk, const struct leaf_run *run)
{
    const struct page_audit_window *const window = find_window(walk, run);
    if (window == NULL) {
        return found_if(true, PAGE_AUDIT_OUTSIDE);
    }
    switch (window->kind) {
    case PAGE_AUDIT_WINDOW_IDENTITY:
        return judge_memory(walk, run, run->virt.value);
    case PAGE_AUDIT_WINDOW_DEVICE:
        return found_if(
            touches(&walk->expectation->mapped, run->phys.value, run->phys.value + run->size_bytes),
            PAGE_AUDIT_OUTSIDE);
    case PAGE_AUDIT_WINDOW_ANY:
        return 0;
    }
    return 0;
}

static bool is_in_direct_map(virt_addr_t virt)
{
    return virt.value >= PHYS_OFFSET && virt.value < MMIO_POOL_START;
}

/* What is wrong with the memory that the leaves map, and with where. */
static findings_t judge_place(const struct walk *walk, const struct leaf_run *run)
{
    return is_in_direct_map(run->virt) ? judge_memory(walk, run, run->virt.value - PHYS_OFFSET)
                                       : judge_window(walk, run);
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

/* What is wrong with the entries as such. Where the last address of a run is too high, so is the
 * end of it. */
static findings_t judge_format(const struct walk *walk, const struct leaf_run *run)
{
    const bool too_high =
        run->phys.value + run->size_bytes > bits_mask(walk->features->phys_bits) + 1;
    const bool reserved =
        reserved_bits(walk->features, run->entry, run->level) != 0 || (run->count > 1 && too_high);
    const bool user = run->virt.value >= PHYS_OFFSET && (run->entry.value & X86_PTE_USER) != 0;
    return found_if(reserved, PAGE_AUDIT_RESERVED_BITS) | found_if(user, PAGE_AUDIT_USER);
}

static findings_t judge_leaves(const struct walk *walk, const struct leaf_run *run)
{
    return judge_format(walk, run) | judge_permission(walk, run) | judge_place(walk, run);
}

/* The run's leaf number `i` alone. */
static struct leaf_run leaf_of_run(const struct leaf_run *run, unsigned i)
{
    struct leaf_run leaf = *run;
    leaf.count = 1;
    leaf.size_bytes = page_level_size(run->level);
    leaf.virt = virt_add(run->virt, i * leaf.size_bytes);
    leaf.entry.value += i * leaf.size_bytes;
    leaf.phys = page_entry_leaf_address(leaf.entry, leaf.level);
    return leaf;
}

static void judge_run(struct walk *walk, const struct leaf_run *run)
{
    count_run(walk, run);
    if (is_in_direct_map(run->virt)) {
        direct_map_up_to(walk, run->virt.value - PHYS_OFFSET);
        walk->direct_done += run->size_bytes;
    }
    if (judge_leaves(walk, run) == 0) {
        return;
    }
    for (unsigned i = 0; i < run->count; i++) {
        const struct leaf_run leaf = leaf_of_run(run, i);
        blame(walk, judge_leaves(walk, &leaf), &leaf);
    }
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
static void enter_table(struct walk *walk, const struct leaf_run *entry)
{
    const findings_t wrong = judge_format(walk, entry);
    blame(walk, wrong, entry);
    if ((wrong & found_if(true, PAGE_AUDIT_RESERVED_BITS)) != 0) {
        return;
    }
    const uint64_t table = entry->phys.value;
    if (!covers(&walk->expectation->mapped, table, table + PAGE_SIZE)) {
        violation(walk, PAGE_AUDIT_OUTSIDE, entry->virt, table);
        return;
    }
    const struct page_table next = {
        .phys = entry->phys,
        .base = entry->virt,
        .level = entry->level - 1,
    };
    push(walk, next, entry->rights);
}

/* How many entries from `index` on are leaves like the first, each one page further in memory. The
 * CPU's own marks, accessed and dirty, make no difference. */
static unsigned count_alike(const struct page_table *table, unsigned index, page_entry_t first)
{
    const uint64_t marks = X86_PTE_ACCESSED | X86_PTE_DIRTY;
    const uint64_t stride = page_level_size(table->level);
    const volatile uint64_t *const word = page_table_words(table);
    uint64_t expected = first.value & ~marks;
    unsigned end = index;
    do {
        end++;
        expected += stride;
    } while (end < PAGE_ENTRY_COUNT && (word[end] & ~marks) == expected);
    return end - index;
}

/* Judges the present entry `index` of the table of `state` and those that continue it; returns how
 * many. */
static unsigned judge_entries(struct walk *walk, const struct level_state *state, unsigned index)
{
    const struct page_table *const table = &state->table;
    const page_entry_t entry = page_table_entry(table, index);
    const bool is_leaf = page_entry_is_leaf(entry, table->level);
    struct leaf_run run = {
        .virt = page_table_entry_virt(table, index),
        .phys = is_leaf ? page_entry_leaf_address(entry, table->level)
                        : page_entry_table_address(entry),
        .count = is_leaf ? count_alike(table, index, entry) : 1,
        .level = table->level,
        .entry = entry,
        .rights = combine(walk, state->rights, entry),
    };
    run.size_bytes = run.count * page_level_size(table->level);
    if (is_leaf) {
        judge_run(walk, &run);
    } else {
        enter_table(walk, &run);
    }
    return run.count;
}

static void run_walk(struct walk *walk, phys_addr_t root)
{
    const struct rights all = { .write = true, .execute = true, .user = true };
    push(walk, page_table_root(root), all);
    while (walk->depth > 0) {
        struct level_state *const state = &walk->level[walk->depth - 1];
        const unsigned left = PAGE_ENTRY_COUNT - state->next;
        const unsigned absent = page_table_count_absent(&state->table, state->next, left);
        if (absent == left) {
            walk->depth--;
            continue;
        }
        const unsigned index = state->next + absent;
        state->next = index + judge_entries(walk, state, index);
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
