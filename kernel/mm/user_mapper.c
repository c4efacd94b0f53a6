/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See user_mapper.h. No state of its own. Kernel and host.
 */
#include "mm/user_mapper.h"

#include <arch/mmu.h>

#include "mm/kernel_mapper.h"
#include "mm_arch.h"
#include "panic.h"

#define LOWER_HALF_BYTES (PAGE_ADDRESS_SIZE / 2)

static void copy_kernel_half(const struct page_mapper *to, const struct page_mapper *from)
{
    const struct page_table target = page_mapper_table(to);
    const struct page_table source = page_mapper_table(from);
    for (unsigned i = KERNEL_PML4_FIRST; i < PAGE_ENTRY_COUNT; i++) {
        page_table_set_entry(&target, i, page_table_entry(&source, i));
    }
}

enum kstatus setup_new_usermapper(struct user_mapper *user)
{
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard); /* reading is enough: a nested lock will do */
    const struct page_mapper *const kernel = kernel_mapper_as_ref(&guard);
    const enum kstatus status = page_mapper_create(&user->mapper, kernel->frames, kernel->features);
    if (status == K_OK) {
        user->mapper.top_level_fixed = true;
        copy_kernel_half(&user->mapper, kernel);
    }
    kernel_mapper_unlock(&guard);
    return status;
}

void user_mapper_destroy(struct user_mapper *user)
{
    if (page_mapper_is_current(&user->mapper)) {
        arch_set_table_root(arch_initial_page_table());
    }
    struct page_flush flush;
    const enum kstatus status =
        page_mapper_unmap_range(&user->mapper, virt_addr(0), LOWER_HALF_BYTES, true, &flush);
    BUG_ON(status != K_OK); /* whole top-level entries: nothing to split, so no frame needed */
    page_flush_add_frame(&flush, user->mapper.root, false);
    page_flush_inactive(&flush);
    user->mapper = (struct page_mapper){ 0 };
}
