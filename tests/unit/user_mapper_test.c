/* SPDX-License-Identifier: GPL-2.0-only
 *
 * User address spaces (S86, S37): the kernel half is shared, the lower half is its own, and the end
 * gives every frame back, going to the initial table first where it must.
 */
#include "mm/user_mapper.h"

#include <stddef.h>

#include "mm/kernel_mapper.h"
#include "mm_arch.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

static const struct paging_features features = { .nx = true, .pages_1g = true, .phys_bits = 40 };
static struct fake_frames frames;
static struct page_mapper kernel;

static enum kstatus map(struct page_mapper *mapper, uint64_t virt, page_flags_t flags)
{
    struct page_flush flush;
    const enum kstatus status =
        page_mapper_map_phys(mapper, virt_addr(virt), phys_addr(SIZE_1G), flags, &flush);
    if (status == K_OK) {
        page_flush_ignore(&flush);
    }
    return status;
}

static void set_up(struct ktest *t)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, SIZE_1M, 64);
    KTEST_STATUS(t, page_mapper_create(&kernel, &frames.allocator, &features), K_OK);
    KTEST_STATUS(t, map(&kernel, PHYS_OFFSET, page_flags_new()), K_OK);
    KTEST_STATUS(t, map(&kernel, SIZE_4K, page_flags_new()), K_OK); /* low remap */
    KTEST_STATUS(t, page_mapper_make_second_level(&kernel, virt_addr(MMIO_POOL_START), SIZE_1T),
                 K_OK);
    kernel_mapper_reset();
    kernel_mapper_init(kernel.root, &frames.allocator, &features);
    arch_set_initial_page_table(kernel.root);
}

static page_flags_t user_rw(void)
{
    return page_flags_set_user(page_flags_set_write(page_flags_new(), true), true);
}

static void user_mapper_copies_the_kernel_half_only(struct ktest *t)
{
    set_up(t);
    struct user_mapper user;
    KTEST_STATUS(t, setup_new_usermapper(&user), K_OK);
    const struct page_table own = page_mapper_table(&user.mapper);
    const struct page_table kernels = page_mapper_table(&kernel);
    for (unsigned i = 0; i < PAGE_ENTRY_COUNT; i++) {
        const uint64_t expected = i < KERNEL_PML4_FIRST ? 0 : page_table_entry(&kernels, i).value;
        KTEST_EQ(t, page_table_entry(&own, i).value, expected);
    }
    user_mapper_destroy(&user);
}

static void user_mapper_sees_later_kernel_mappings(struct ktest *t)
{
    set_up(t);
    struct user_mapper user;
    KTEST_STATUS(t, setup_new_usermapper(&user), K_OK);
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, map(kernel_mapper_as_mut(&guard), MMIO_POOL_END - SIZE_4K, page_flags_mmio()),
                 K_OK);
    kernel_mapper_unlock(&guard);
    struct page_translation found = { 0 };
    KTEST_STATUS(t, page_mapper_translate(&user.mapper, virt_addr(MMIO_POOL_END - SIZE_4K), &found),
                 K_OK);
    KTEST_EQ(t, found.phys.value, SIZE_1G);
    user_mapper_destroy(&user);
}

static void user_mapper_without_a_frame_is_refused(struct ktest *t)
{
    set_up(t);
    struct user_mapper user;
    const uint32_t out = frames.out;
    fake_frames_fail(&frames, 1, 0);
    KTEST_STATUS(t, setup_new_usermapper(&user), K_ENOMEM);
    KTEST_EQ(t, frames.out, out);
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard); /* the lock was given back */
    KTEST_FALSE(t, guard.read_only);
    kernel_mapper_unlock(&guard);
}

static void user_mapper_setup_works_under_a_held_lock(struct ktest *t)
{
    set_up(t);
    struct kernel_mapper_guard guard;
    struct user_mapper user;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, setup_new_usermapper(&user), K_OK);
    kernel_mapper_unlock(&guard);
    user_mapper_destroy(&user);
}

static void user_mapper_destroy_frees_all_it_owns_and_no_more(struct ktest *t)
{
    set_up(t);
    const uint32_t out = frames.out;
    const struct table_print before = table_print(kernel.root);
    const uint64_t pending = page_flush_outstanding();
    struct user_mapper user;
    KTEST_STATUS(t, setup_new_usermapper(&user), K_OK);
    KTEST_STATUS(t, map(&user.mapper, SIZE_4K, user_rw()), K_OK);
    KTEST_STATUS(t, map(&user.mapper, USER_STACK_START, user_rw()), K_OK);
    KTEST_STATUS(t, map(&user.mapper, UINT64_C(0x7ffffffff000), user_rw()), K_OK);
    KTEST_EQ(t, frames.out, out + 1 + 3 + 3 + 3);
    user_mapper_destroy(&user);
    KTEST_EQ(t, frames.out, out);
    KTEST_EQ(t, frames.bad_frees, 0);
    KTEST_TRUE(t, table_print_equal(before, table_print(kernel.root)));
    KTEST_EQ(t, page_flush_outstanding(), pending);
}

static void user_mapper_destroy_of_the_current_one_switches_first(struct ktest *t)
{
    set_up(t);
    struct user_mapper user;
    KTEST_STATUS(t, setup_new_usermapper(&user), K_OK);
    page_mapper_make_current(&user.mapper);
    KTEST_TRUE(t, page_mapper_is_current(&user.mapper));
    user_mapper_destroy(&user);
    KTEST_EQ(t, fake_cpu.cr3, kernel.root.value);
    KTEST_EQ(t, fake_cpu.cr3_writes, 2);
}

static void user_mapper_destroy_of_another_leaves_cr3_alone(struct ktest *t)
{
    set_up(t);
    struct user_mapper user;
    KTEST_STATUS(t, setup_new_usermapper(&user), K_OK);
    page_mapper_make_current(&kernel);
    user_mapper_destroy(&user);
    KTEST_EQ(t, fake_cpu.cr3, kernel.root.value);
    KTEST_EQ(t, fake_cpu.cr3_writes, 1);
}

static void ask_for_table(void *context)
{
    *(phys_addr_t *)context = arch_initial_page_table();
}

static void initial_page_table_is_what_was_set(struct ktest *t)
{
    phys_addr_t found = { 0 };
    arch_set_initial_page_table(phys_addr(0));
    KTEST_TRUE(t, fake_panic_catch(ask_for_table, &found) != NULL);
    arch_set_initial_page_table(phys_addr(0x7000));
    KTEST_EQ(t, arch_initial_page_table().value, 0x7000);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(user_mapper_copies_the_kernel_half_only),
    KTEST_CASE(user_mapper_sees_later_kernel_mappings),
    KTEST_CASE(user_mapper_without_a_frame_is_refused),
    KTEST_CASE(user_mapper_setup_works_under_a_held_lock),
    KTEST_CASE(user_mapper_destroy_frees_all_it_owns_and_no_more),
    KTEST_CASE(user_mapper_destroy_of_the_current_one_switches_first),
    KTEST_CASE(user_mapper_destroy_of_another_leaves_cr3_alone),
    KTEST_CASE(initial_page_table_is_what_was_set),
};
KTEST_SUITE(mm_user_mapper, "mm.user_mapper", cases);
