/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See page_walk.h. Stateless; kernel, loader and host.
 *
 * Every step starts at the root again: four reads, and nothing to remember between two calls while
 * the tables may change. Where nothing is mapped, a step skips all absent entries of one table.
 */
#include "mm/page_walk.h"

static bool read_entry(const struct page_table *table, unsigned index, page_entry_t *entry)
{
    *entry = page_table_entry(table, index);
    return true;
}

enum kstatus page_walk_path_by(page_walk_reader *read, phys_addr_t root, virt_addr_t virt,
                               struct page_path *path)
{
    path->count = 0;
    if (!virt_is_canonical(virt)) {
        return K_EFAULT;
    }
    struct page_table table = page_table_root(root);
    for (;;) {
        struct page_step *const step = &path->step[path->count];
        *step = (struct page_step){ .table = table, .index = page_table_index(&table, virt) };
        if (!read(&table, step->index, &step->entry)) {
            return K_EIO;
        }
        path->count++;
        if (!page_entry_is_table(step->entry, table.level)) {
            return K_OK;
        }
        table.base = page_table_entry_virt(&table, step->index);
        table.phys = page_entry_table_address(step->entry);
        table.level--;
    }
}

enum kstatus page_walk_path(phys_addr_t root, virt_addr_t virt, struct page_path *path)
{
    return page_walk_path_by(read_entry, root, virt, path);
}

static const struct page_step *last_step(const struct page_path *path)
{
    return &path->step[path->count - 1];
}

enum kstatus page_walk_leaf(const struct page_path *path, struct page_leaf *leaf)
{
    const struct page_step *const last = last_step(path);
    const unsigned level = last->table.level;
    if (!page_entry_is_leaf(last->entry, level)) {
        return K_ENOENT;
    }
    page_flags_t flags = page_entry_flags(last->entry, level);
    /* SDM vol 3A, "Access Rights": every entry must grant, and none may forbid. */
    for (unsigned i = 0; i + 1 < path->count; i++) {
        const uint64_t above = path->step[i].entry.value;
        flags.write = flags.write && (above & X86_PTE_WRITE) != 0;
        flags.user = flags.user && (above & X86_PTE_USER) != 0;
        flags.execute = flags.execute && (above & X86_PTE_NO_EXECUTE) == 0;
    }
    *leaf = (struct page_leaf){
        .virt = page_table_entry_virt(&last->table, last->index),
        .phys = page_entry_leaf_address(last->entry, level),
        .level = level,
        .flags = flags,
    };
    return K_OK;
}

/* The address behind `size_bytes` from [start] on; across the hole between the halves. */
static enum kstatus address_after(virt_addr_t start, uint64_t size_bytes, virt_addr_t *after)
{
    const virt_addr_t end = virt_add(start, size_bytes);
    if (end.value == 0) {
        return K_ENOENT; /* behind the last address of all */
    }
    *after = virt_is_canonical(end) ? end : virt_addr(PHYS_OFFSET);
    return K_OK;
}

enum kstatus page_walk_after(const struct page_leaf *leaf, virt_addr_t *after)
{
    return address_after(leaf->virt, page_level_size(leaf->level), after);
}

/* The first address behind `step`, which leads nowhere, and behind all absent entries after it. */
static enum kstatus skip_absent(const struct page_step *step, virt_addr_t *after)
{
    const struct page_table *const table = &step->table;
    unsigned next = step->index + 1;
    next += page_table_count_absent(table, next, PAGE_ENTRY_COUNT - next);
    if (next < PAGE_ENTRY_COUNT) {
        *after = page_table_entry_virt(table, next);
        return K_OK;
    }
    const virt_addr_t last = page_table_entry_virt(table, PAGE_ENTRY_COUNT - 1);
    return address_after(last, page_level_size(table->level), after);
}

enum kstatus page_walk_next(phys_addr_t root, virt_addr_t from, struct page_leaf *leaf)
{
    for (;;) {
        struct page_path path;
        enum kstatus status = page_walk_path(root, from, &path);
        if (status != K_OK) {
            return status;
        }
        if (page_walk_leaf(&path, leaf) == K_OK) {
            return K_OK;
        }
        status = skip_absent(last_step(&path), &from);
        if (status != K_OK) {
            return status;
        }
    }
}
