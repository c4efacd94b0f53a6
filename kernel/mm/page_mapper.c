/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See page_mapper.h. The state is the caller's struct; loader, kernel and host.
 *
 * Every change runs in three passes, so that it happens wholly or not at all:
 *
 *   plan     walk the range, read only: refuse what cannot be done, count the tables it takes
 *   reserve  take that many frames; if there are not enough, give them back: nothing happened
 *   write    walk again with the same steps; nothing can fail any more
 *
 * Nothing recurses. Each step starts at the root, goes down to where the tree ends for the current
 * address, and then handles the longest run of entries in that one table:
 *
 *   range      [....|===============|===============|==.......)
 *   leaves      4 KiB      2 MiB           2 MiB      4 KiB
 *   steps      1 run       \_ one run of the level-2 table _/  ...
 *
 * A leaf size fits where both addresses are aligned to it and that much is left. A larger leaf can
 * only become possible where a new table begins, so it is chosen once a run. An empty table that
 * stands where a larger leaf would fit is kept and filled.
 *
 * Table frames hold no links but while they are outside of the tree (spares, freed ones).
 */
#include "mm/page_mapper.h"

#include <stddef.h>

#include <arch/mmu.h>
#include <arch/physmap.h>

#include "printk.h"

/* Where a walk ended: an entry, its value, and the table it stands in. */
struct slot {
    struct page_table table;
    unsigned index;
    page_entry_t entry;
};

/* Leaves of one size to write into one table. */
struct map_step {
    struct slot slot;   /* where the existing tree ends */
    unsigned level;     /* of the leaves, <= slot.table.level */
    unsigned count;     /* leaves */
    page_entry_t first; /* of them */
};

/* Counts tables to make. Addresses only grow within a plan, so it is enough to remember the last
 * planned table of each level. */
struct table_plan {
    uint64_t count;
    uint64_t base[PAGE_LEVELS]; /* by level - 1; 1 (no table begins there): none yet */
};

/* Neighbouring entries of one table, none of which points at a table. */
struct page_run {
    struct slot slot; /* the first */
    unsigned count;
    uint64_t size_bytes; /* of the range that they cover */
};

/* ---- walking ------------------------------------------------------------------------------- */

/* First address that the table of `level` on the way to [virt] covers. */
static virt_addr_t table_base(virt_addr_t virt, unsigned level)
{
    return level == PAGE_LEVEL_ROOT
               ? virt_addr(0)
               : virt_addr(bits_align_down(virt.value, page_level_size(level + 1)));
}

/* Follows table entries for [virt] down to `stop_level`, or to the first entry that is none. */
static struct slot slot_find(const struct page_mapper *mapper, virt_addr_t virt,
                             unsigned stop_level)
{
    struct page_table table = page_table_root(mapper->root);
    unsigned index = page_table_index(&table, virt);
    page_entry_t entry = page_table_entry(&table, index);
    while (table.level > stop_level && page_entry_is_table(entry, table.level)) {
        table.phys = page_entry_table_address(entry);
        table.level--;
        index = page_table_index(&table, virt);
        entry = page_table_entry(&table, index);
    }
    table.base = table_base(virt, table.level);
    return (struct slot){ .table = table, .index = index, .entry = entry };
}

static bool slot_is_leaf(const struct slot *slot)
{
    return page_entry_is_leaf(slot->entry, slot->table.level);
}

static bool in_kernel_half(virt_addr_t virt)
{
    return virt.value >= PHYS_OFFSET;
}

/* S82. The last byte must be of the same half as the first; a range may end at 2^64. */
static enum kstatus check_range(virt_addr_t virt, uint64_t size_bytes)
{
    if (!bits_is_aligned(virt.value | size_bytes, PAGE_SIZE)) {
        pr_err("page_mapper: unaligned range " PRIvirt " + 0x%" FMTx64, virt.value, size_bytes);
        return K_EINVAL;
    }
    uint64_t last;
    if (__builtin_add_overflow(virt.value, size_bytes == 0 ? 0 : size_bytes - 1, &last)) {
        return K_EFAULT;
    }
    /* Where bits 47..63 are those of the first byte, the half is the same and canonical too. */
    const bool one_half = ((virt.value ^ last) & PHYS_OFFSET) == 0;
    return one_half && virt_is_canonical(virt) ? K_OK : K_EFAULT;
}

static void open_token(const struct page_mapper *mapper, struct page_flush *flush, virt_addr_t virt,
                       uint64_t size_bytes)
{
    page_flush_open(flush, virt, size_bytes, mapper->frames, mapper->boot_tables);
}

#define RESERVE_BATCH 32U /* frames asked for at once */

/* ---- frames for tables ----------------------------------------------------------------------- */

static volatile uint64_t *spare_link(phys_addr_t frame)
{
    return physmap_ptr(frame, sizeof(uint64_t));
}

static void push_spare(struct page_mapper *mapper, phys_addr_t frame)
{
    *spare_link(frame) = mapper->spare_head.value;
    mapper->spare_head = frame;
    mapper->spare_frames++;
}

static phys_addr_t pop_spare(struct page_mapper *mapper)
{
    const phys_addr_t frame = mapper->spare_head;
    mapper->spare_head = phys_addr(*spare_link(frame));
    mapper->spare_frames--;
    return frame;
}

/* Gives spares back until `keep` are left, or the allocator takes no more (S52). */
static void release_spares(struct page_mapper *mapper, uint64_t keep)
{
    while (mapper->spare_frames > keep) {
        const phys_addr_t frame = pop_spare(mapper);
        if (frame_allocator_free_one(mapper->frames, frame) != K_OK) {
            push_spare(mapper, frame);
            return;
        }
    }
}

static enum kstatus reserve_frames(struct page_mapper *mapper, uint64_t count)
{
    const uint64_t before = mapper->spare_frames;
    while (mapper->spare_frames < count) {
        phys_addr_t frames[RESERVE_BATCH];
        const uint32_t most = (uint32_t)bits_min(count - mapper->spare_frames, RESERVE_BATCH);
        uint32_t taken;
        const enum kstatus status =
            frame_allocator_allocate_some(mapper->frames, most, frames, &taken);
        if (status != K_OK) {
            release_spares(mapper, before);
            return status;
        }
        for (uint32_t i = 0; i < taken; i++) {
            push_spare(mapper, frames[i]);
        }
    }
    return K_OK;
}

static void plan_init(struct table_plan *plan)
{
    *plan = (struct table_plan){ .base = { 1, 1, 1, 1 } };
}

/* Counts the tables of levels `bottom`..`top` that cover [virt], each once. */
static void plan_tables(struct table_plan *plan, virt_addr_t virt, unsigned top, unsigned bottom)
{
    for (unsigned level = top; level >= bottom; level--) {
        const uint64_t base = bits_align_down(virt.value, page_level_size(level + 1));
        if (plan->base[level - 1] != base) {
            plan->base[level - 1] = base;
            plan->count++;
        }
    }
}

/* A reserved frame as the table below entry `index` of `parent`; its entries are not defined, and
 * it is not hooked in yet. */
static struct page_table take_table(struct page_mapper *mapper, const struct page_table *parent,
                                    unsigned index)
{
    mapper->table_frames++;
    return (struct page_table){
        .phys = pop_spare(mapper),
        .base = page_table_entry_virt(parent, index),
        .level = parent->level - 1,
    };
}

/* Hooks the complete table `child` into entry `index` of `parent`. */
static void hook_table(const struct page_mapper *mapper, const struct page_table *parent,
                       unsigned index, const struct page_table *child, bool user)
{
    page_entry_t entry = page_entry_make_table(child->phys, user);
    entry.value |= mapper->makes_boot_tables ? X86_PTE_BOOT_TABLE : 0;
    page_table_set_entry(parent, index, entry);
}

/* A new empty table below entry `index` of `parent`. */
static struct page_table make_table(struct page_mapper *mapper, const struct page_table *parent,
                                    unsigned index, bool user)
{
    const struct page_table child = take_table(mapper, parent, index);
    page_table_clear(&child);
    hook_table(mapper, parent, index, &child, user);
    return child;
}

/* ---- life ------------------------------------------------------------------------------------ */

void page_mapper_open(struct page_mapper *mapper, phys_addr_t root, struct frame_allocator *frames,
                      const struct paging_features *features)
{
    *mapper = (struct page_mapper){ .frames = frames, .features = features, .root = root };
}

enum kstatus page_mapper_create(struct page_mapper *mapper, struct frame_allocator *frames,
                                const struct paging_features *features)
{
    phys_addr_t root;
    const enum kstatus status = frame_allocator_allocate_one(frames, &root);
    if (status != K_OK) {
        return status;
    }
    page_mapper_open(mapper, root, frames, features);
    mapper->table_frames = 1;
    const struct page_table table = page_mapper_table(mapper);
    page_table_clear(&table);
    return K_OK;
}

bool page_mapper_is_current(const struct page_mapper *mapper)
{
    return arch_table_root().value == mapper->root.value;
}

void page_mapper_make_current(const struct page_mapper *mapper)
{
    arch_set_table_root(mapper->root);
}

struct page_table page_mapper_table(const struct page_mapper *mapper)
{
    return page_table_root(mapper->root);
}

/* ---- map ---------------------------------------------------------------------------------------
 */

static enum kstatus check_mapping(const struct page_mapper *mapper,
                                  const struct page_mapping *request)
{
    const enum kstatus status = check_range(request->virt, request->size_bytes);
    if (status != K_OK) {
        return status;
    }
    if (!bits_is_aligned(request->phys.value, PAGE_SIZE)) {
        pr_err("page_mapper: unaligned physical address " PRIphys, request->phys.value);
        return K_EINVAL;
    }
    if (request->flags.user && in_kernel_half(request->virt)) {
        return K_EINVAL;
    }
    uint64_t end;
    if (__builtin_add_overflow(request->phys.value, request->size_bytes, &end) ||
        end > bits_mask(mapper->features->phys_bits) + 1) {
        return K_ERANGE;
    }
    return K_OK;
}

/* The largest level up to `max` whose pages fit: `address_bits` is virt | phys. */
static unsigned choose_level(uint64_t address_bits, uint64_t left_bytes, unsigned max)
{
    unsigned level = max;
    while (level > PAGE_LEVEL_4K && (!bits_is_aligned(address_bits, page_level_size(level)) ||
                                     left_bytes < page_level_size(level))) {
        level--;
    }
    return level;
}

static unsigned max_leaf_level(const struct page_mapper *mapper, const struct page_mapping *request)
{
    const unsigned cpu = page_level_max_leaf(mapper->features);
    const unsigned wanted = request->max_leaf_level;
    return wanted == 0 || wanted > cpu ? cpu : wanted;
}

/* What to write for the part of the request from `done_bytes` on. */
static enum kstatus next_step(const struct page_mapper *mapper, const struct page_mapping *request,
                              uint64_t done_bytes, struct map_step *step)
{
    const virt_addr_t virt = virt_add(request->virt, done_bytes);
    const phys_addr_t phys = phys_add(request->phys, done_bytes);
    const uint64_t left_bytes = request->size_bytes - done_bytes;
    step->slot = slot_find(mapper, virt, PAGE_LEVEL_4K);
    if (page_entry_present(step->slot.entry)) {
        return K_EEXIST;
    }
    const struct page_table *const table = &step->slot.table;
    const unsigned wanted = max_leaf_level(mapper, request);
    const unsigned level = choose_level(virt.value | phys.value, left_bytes,
                                        table->level < wanted ? table->level : wanted);
    const struct page_table leaf_table = { .level = level };
    const unsigned index = page_table_index(&leaf_table, virt);
    const uint64_t fitting = left_bytes / page_level_size(level);
    unsigned count = PAGE_ENTRY_COUNT - index;
    count = fitting < count ? (unsigned)fitting : count; /* fits: it is the smaller one */
    if (table->level == level && count > 1) {            /* the first is absent: seen above */
        count = page_table_count_absent(table, index, count);
    }
    step->level = level;
    step->count = count;
    return page_entry_make(mapper->features, phys, request->flags, level, &step->first);
}

/* Counts the tables that the request takes. `first` receives its first step: still true when the
 * writing starts, and for a single page all there is to do. */
static enum kstatus plan_mapping(const struct page_mapper *mapper,
                                 const struct page_mapping *request, struct map_step *first,
                                 uint64_t *count_tables)
{
    struct table_plan plan;
    plan_init(&plan);
    uint64_t done_bytes = 0;
    while (done_bytes < request->size_bytes) {
        const virt_addr_t virt = virt_add(request->virt, done_bytes);
        struct map_step step;
        const enum kstatus status = next_step(mapper, request, done_bytes, &step);
        if (status != K_OK) {
            return status;
        }
        const unsigned top = step.slot.table.level;
        if (top == PAGE_LEVEL_ROOT && mapper->top_level_fixed && in_kernel_half(virt)) {
            return K_EFAULT;
        }
        plan_tables(&plan, virt, top - 1, step.level);
        if (done_bytes == 0) {
            *first = step;
        }
        done_bytes += step.count * page_level_size(step.level);
    }
    *count_tables = plan.count;
    return K_OK;
}

/* A user page needs the user bit in every entry on the way; the leaves still decide. */
static void allow_user(const struct page_mapper *mapper, virt_addr_t virt)
{
    for (unsigned level = PAGE_LEVEL_ROOT; level > PAGE_LEVEL_4K; level--) {
        const struct slot slot = slot_find(mapper, virt, level);
        if (slot.table.level != level || !page_entry_is_table(slot.entry, level)) {
            return;
        }
        const page_entry_t open = { slot.entry.value | X86_PTE_USER };
        page_table_set_entry(&slot.table, slot.index, open);
    }
}

static void write_step(struct page_mapper *mapper, const struct map_step *step, virt_addr_t virt,
                       bool user)
{
    if (user) {
        allow_user(mapper, virt);
    }
    struct page_table table = step->slot.table;
    while (table.level > step->level) {
        table = make_table(mapper, &table, page_table_index(&table, virt), user);
    }
    page_table_fill(&table, page_table_index(&table, virt), step->count, step->first,
                    page_level_size(step->level));
}

/* `step` is the plan's first, and afterwards the last. */
static enum kstatus write_mapping(struct page_mapper *mapper, const struct page_mapping *request,
                                  struct map_step *step)
{
    uint64_t done_bytes = 0;
    for (;;) {
        write_step(mapper, step, virt_add(request->virt, done_bytes), request->flags.user);
        done_bytes += step->count * page_level_size(step->level);
        if (done_bytes >= request->size_bytes) {
            return K_OK;
        }
        const enum kstatus status = next_step(mapper, request, done_bytes, step);
        if (status != K_OK) {
            return status; /* not reached: the plan took the very same steps */
        }
    }
}

enum kstatus page_mapper_map_range(struct page_mapper *mapper, const struct page_mapping *request,
                                   struct page_flush *flush)
{
    enum kstatus status = check_mapping(mapper, request);
    if (status != K_OK) {
        return status;
    }
    struct map_step step;
    uint64_t count_tables;
    status = plan_mapping(mapper, request, &step, &count_tables);
    if (status != K_OK) {
        return status;
    }
    status = count_tables > 0 ? reserve_frames(mapper, count_tables) : K_OK;
    if (status == K_OK && request->size_bytes > 0) {
        status = write_mapping(mapper, request, &step);
    }
    if (status == K_OK) {
        open_token(mapper, flush, request->virt, request->size_bytes);
    }
    return status;
}

enum kstatus page_mapper_map_phys(struct page_mapper *mapper, virt_addr_t virt, phys_addr_t phys,
                                  page_flags_t flags, struct page_flush *flush)
{
    const struct page_mapping request = {
        .virt = virt,
        .phys = phys,
        .size_bytes = PAGE_SIZE,
        .flags = flags,
    };
    return page_mapper_map_range(mapper, &request, flush);
}

enum kstatus page_mapper_map(struct page_mapper *mapper, virt_addr_t virt, page_flags_t flags,
                             struct page_flush *flush)
{
    phys_addr_t frame;
    enum kstatus status = reserve_frames(mapper, 1);
    if (status != K_OK) {
        return status;
    }
    frame = pop_spare(mapper);
    status = page_mapper_map_phys(mapper, virt, frame, flags, flush);
    if (status != K_OK) {
        const uint64_t keep = mapper->spare_frames;
        push_spare(mapper, frame);
        release_spares(mapper, keep);
    }
    return status;
}

enum kstatus page_mapper_map_linearly(struct page_mapper *mapper, phys_addr_t phys,
                                      page_flags_t flags, struct page_flush *flush)
{
    virt_addr_t virt;
    if (phys.value >= DIRECT_MAP_SIZE || !phys_to_virt(phys, &virt)) {
        return K_ERANGE;
    }
    return page_mapper_map_phys(mapper, virt, phys, flags, flush);
}

enum kstatus page_mapper_make_second_level(struct page_mapper *mapper, virt_addr_t virt,
                                           uint64_t size_bytes)
{
    enum kstatus status = check_range(virt, size_bytes);
    if (status != K_OK || size_bytes == 0) {
        return status;
    }
    const struct page_table root = page_mapper_table(mapper);
    const unsigned first = page_table_index(&root, virt);
    const unsigned last = page_table_index(&root, virt_add(virt, size_bytes - 1));
    uint64_t missing = 0;
    for (unsigned i = first; i <= last; i++) {
        missing += page_table_entry_mapped(&root, i) ? 0 : 1;
    }
    status = reserve_frames(mapper, missing);
    for (unsigned i = first; status == K_OK && i <= last; i++) {
        if (!page_table_entry_mapped(&root, i)) {
            (void)make_table(mapper, &root, i, false); /* it is hooked in; nothing more to do */
        }
    }
    return status;
}

/* ---- look up -----------------------------------------------------------------------------------
 */

enum kstatus page_mapper_translate(const struct page_mapper *mapper, virt_addr_t virt,
                                   struct page_translation *translation)
{
    if (!virt_is_canonical(virt)) {
        return K_EFAULT;
    }
    const struct slot slot = slot_find(mapper, virt, PAGE_LEVEL_4K);
    if (!slot_is_leaf(&slot)) {
        return K_ENOENT;
    }
    const unsigned level = slot.table.level;
    const phys_addr_t page = page_entry_leaf_address(slot.entry, level);
    *translation = (struct page_translation){
        .phys = phys_add(page, virt.value & (page_level_size(level) - 1)),
        .flags = page_entry_flags(slot.entry, level),
        .leaf_level = level,
    };
    return K_OK;
}

static bool is_table_at(const struct page_table *table, unsigned index)
{
    return page_entry_is_table(page_table_entry(table, index), table->level);
}

/* The run of entries that holds [virt], no longer than `left_bytes`. */
static struct page_run run_at(const struct page_mapper *mapper, virt_addr_t virt,
                              uint64_t left_bytes)
{
    struct page_run run = { .slot = slot_find(mapper, virt, PAGE_LEVEL_4K), .count = 1 };
    const struct page_table *const table = &run.slot.table;
    const uint64_t size = page_level_size(table->level);
    const uint64_t into = virt.value & (size - 1);
    const uint64_t wanted = (into + left_bytes - 1) / size + 1;
    const unsigned room = PAGE_ENTRY_COUNT - run.slot.index;
    const unsigned limit = wanted < room ? (unsigned)wanted : room; /* fits: the smaller one */
    while (run.count < limit && !is_table_at(table, run.slot.index + run.count)) {
        run.count++;
    }
    run.size_bytes = bits_min(left_bytes, run.count * size - into);
    return run;
}

static bool run_is_mapped(const struct page_run *run)
{
    for (unsigned i = 0; i < run->count; i++) {
        if (!page_table_entry_mapped(&run->slot.table, run->slot.index + i)) {
            return false;
        }
    }
    return true;
}

static bool is_all_mapped(const struct page_mapper *mapper, virt_addr_t virt, uint64_t size_bytes)
{
    uint64_t done_bytes = 0;
    while (done_bytes < size_bytes) {
        const struct page_run run =
            run_at(mapper, virt_add(virt, done_bytes), size_bytes - done_bytes);
        if (!run_is_mapped(&run)) {
            return false;
        }
        done_bytes += run.size_bytes;
    }
    return true;
}

/* ---- split -------------------------------------------------------------------------------------
 */

/* The level of leaves that a boundary at [virt] asks for, at most `level`. */
static unsigned boundary_level(virt_addr_t virt, unsigned level)
{
    return choose_level(virt.value, UINT64_MAX, level);
}

static void plan_split(const struct page_mapper *mapper, virt_addr_t virt, struct table_plan *plan)
{
    const struct slot slot = slot_find(mapper, virt, PAGE_LEVEL_4K);
    if (slot_is_leaf(&slot)) {
        plan_tables(plan, virt, slot.table.level - 1, boundary_level(virt, slot.table.level));
    }
}

/* Splits the leaf that holds [virt] until a leaf begins there. The new table is complete before it
 * takes the leaf's place, and says the same: no other CPU sees anything change. */
static void split_at(struct page_mapper *mapper, virt_addr_t virt)
{
    struct slot slot = slot_find(mapper, virt, PAGE_LEVEL_4K);
    while (slot_is_leaf(&slot) && boundary_level(virt, slot.table.level) < slot.table.level) {
        const unsigned level = slot.table.level;
        const struct page_table child = take_table(mapper, &slot.table, slot.index);
        page_table_fill(&child, 0, PAGE_ENTRY_COUNT, page_entry_split(slot.entry, level),
                        page_level_size(level - 1));
        hook_table(mapper, &slot.table, slot.index, &child,
                   page_entry_flags(slot.entry, level).user);
        slot = slot_find(mapper, virt, PAGE_LEVEL_4K);
    }
}

/* Whether a range lies in what one page table covers, and that table exists: then neither end is
 * inside of a larger leaf. */
static bool is_in_one_page_table(const struct page_mapper *mapper, virt_addr_t virt,
                                 uint64_t size_bytes)
{
    const uint64_t into_table = virt.value & (SIZE_2M - 1);
    return size_bytes <= SIZE_2M - into_table &&
           slot_find(mapper, virt, PAGE_LEVEL_4K).table.level == PAGE_LEVEL_4K;
}

/* Makes leaves begin at both ends of a range. Both ends may lie in one leaf. */
static enum kstatus split_edges(struct page_mapper *mapper, virt_addr_t virt, uint64_t size_bytes)
{
    if (is_in_one_page_table(mapper, virt, size_bytes)) {
        return K_OK;
    }
    const virt_addr_t end = virt_add(virt, size_bytes); /* 2^64 is 0: aligned, never split */
    struct table_plan plan;
    plan_init(&plan);
    plan_split(mapper, virt, &plan);
    plan_split(mapper, end, &plan);
    const enum kstatus status = reserve_frames(mapper, plan.count);
    if (status == K_OK) {
        split_at(mapper, virt);
        split_at(mapper, end);
    }
    return status;
}

/* ---- remap -------------------------------------------------------------------------------------
 */

static enum kstatus remap_run(const struct page_mapper *mapper, const struct page_run *run,
                              page_flags_t flags)
{
    const unsigned level = run->slot.table.level;
    for (unsigned i = 0; i < run->count; i++) {
        const unsigned index = run->slot.index + i;
        page_entry_t entry = page_table_entry(&run->slot.table, index);
        const enum kstatus status = page_entry_make(
            mapper->features, page_entry_leaf_address(entry, level), flags, level, &entry);
        if (status != K_OK) {
            return status; /* not reached: the leaf was made under the same rules */
        }
        page_table_set_entry(&run->slot.table, index, entry);
    }
    return K_OK;
}

static enum kstatus remap_leaves(const struct page_mapper *mapper, virt_addr_t virt,
                                 uint64_t size_bytes, page_flags_t flags)
{
    uint64_t done_bytes = 0;
    while (done_bytes < size_bytes) {
        const virt_addr_t at = virt_add(virt, done_bytes);
        if (flags.user) {
            allow_user(mapper, at);
        }
        const struct page_run run = run_at(mapper, at, size_bytes - done_bytes);
        const enum kstatus status = remap_run(mapper, &run, flags);
        if (status != K_OK) {
            return status;
        }
        done_bytes += run.size_bytes;
    }
    return K_OK;
}

enum kstatus page_mapper_remap(struct page_mapper *mapper, virt_addr_t virt, uint64_t size_bytes,
                               page_flags_t flags, struct page_flush *flush)
{
    enum kstatus status = check_range(virt, size_bytes);
    if (status != K_OK) {
        return status;
    }
    if (flags.user && in_kernel_half(virt)) {
        return K_EINVAL;
    }
    if (!is_all_mapped(mapper, virt, size_bytes)) {
        return K_ENOENT;
    }
    status = split_edges(mapper, virt, size_bytes);
    if (status == K_OK) {
        status = remap_leaves(mapper, virt, size_bytes, flags);
    }
    if (status == K_OK) {
        open_token(mapper, flush, virt, size_bytes);
    }
    return status;
}

/* ---- unmap -------------------------------------------------------------------------------------
 */

static void clear_run(const struct page_run *run)
{
    for (unsigned i = 0; i < run->count; i++) {
        const unsigned index = run->slot.index + i;
        if (page_table_entry_mapped(&run->slot.table, index)) {
            page_table_set_entry(&run->slot.table, index, (page_entry_t){ 0 });
        }
    }
}

/* The top-level table never; nor the second-level tables that all address spaces share (S86). */
static bool may_free(const struct page_table *table)
{
    const unsigned shared_from =
        in_kernel_half(table->base) ? PAGE_LEVEL_ROOT - 1 : PAGE_LEVEL_ROOT;
    return table->level < shared_from;
}

/* Unhooks `table` and then its parents as far up as they are empty. */
static void prune(struct page_mapper *mapper, struct page_table table, struct page_flush *flush)
{
    while (may_free(&table) && page_table_is_empty(&table)) {
        const struct slot parent = slot_find(mapper, table.base, table.level + 1);
        const bool boot_table = (parent.entry.value & X86_PTE_BOOT_TABLE) != 0;
        if (boot_table && mapper->boot_tables == NULL) {
            return;
        }
        page_table_set_entry(&parent.table, parent.index, (page_entry_t){ 0 });
        page_flush_add_frame(flush, table.phys, boot_table);
        mapper->table_frames--;
        table = parent.table;
    }
}

enum kstatus page_mapper_unmap_range(struct page_mapper *mapper, virt_addr_t virt,
                                     uint64_t size_bytes, bool free_parents,
                                     struct page_flush *flush)
{
    enum kstatus status = check_range(virt, size_bytes);
    if (status != K_OK) {
        return status;
    }
    status = split_edges(mapper, virt, size_bytes);
    if (status != K_OK) {
        return status;
    }
    open_token(mapper, flush, virt, size_bytes);
    uint64_t done_bytes = 0;
    while (done_bytes < size_bytes) {
        const struct page_run run =
            run_at(mapper, virt_add(virt, done_bytes), size_bytes - done_bytes);
        clear_run(&run);
        if (free_parents) {
            prune(mapper, run.slot.table, flush);
        }
        done_bytes += run.size_bytes;
    }
    return K_OK;
}

enum kstatus page_mapper_unmap_phys(struct page_mapper *mapper, virt_addr_t virt, bool free_parents,
                                    struct page_flush *flush)
{
    const enum kstatus status = check_range(virt, PAGE_SIZE);
    if (status != K_OK) {
        return status;
    }
    const struct slot slot = slot_find(mapper, virt, PAGE_LEVEL_4K);
    if (!slot_is_leaf(&slot)) {
        return K_ENOENT;
    }
    if (slot.table.level > PAGE_LEVEL_4K) {
        return page_mapper_unmap_range(mapper, virt, PAGE_SIZE, free_parents, flush); /* splits */
    }
    open_token(mapper, flush, virt, PAGE_SIZE);
    page_table_set_entry(&slot.table, slot.index, (page_entry_t){ 0 });
    if (free_parents) {
        prune(mapper, slot.table, flush);
    }
    return K_OK;
}

enum kstatus page_mapper_unmap(struct page_mapper *mapper, virt_addr_t virt,
                               struct page_flush *flush)
{
    struct page_translation was = { 0 };
    enum kstatus status = page_mapper_translate(mapper, virt, &was);
    if (status != K_OK) {
        return status;
    }
    status = page_mapper_unmap_phys(mapper, virt, false, flush);
    if (status == K_OK) {
        page_flush_add_frame(flush, was.phys, false);
    }
    return status;
}
