/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/stop_screen: which page tables of the firmware let it draw. What it draws is tested with
 * the whole loader (efi_main_test.c).
 *
 *     TABLES      top level   entry 1  ->  + 1 page
 *       + 1 page  1 GiB       entry 384 -> + 2 pages     the framebuffer is at 896 GiB
 *       + 2       2 MiB       entries 0 and 1: leaves over its 3 MiB
 */
#include "stop_screen.h"

#include <arch/physmap.h>

#include "lib/compiler.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define TABLES      UINT64_C(0x100000)
#define FRAMEBUFFER UINT64_C(0xe000000000)
#define WRITABLE    UINT64_C(3) /* and present */
#define READ_ONLY   UINT64_C(1)
#define LEAF        UINT64_C(0x80)

static uint64_t *table(unsigned page)
{
    return physmap_ptr(phys_addr(TABLES + page * PAGE_SIZE), PAGE_SIZE);
}

static void map_all(void)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_ram_add(TABLES, 3 * PAGE_SIZE);
    table(0)[1] = (TABLES + PAGE_SIZE) | WRITABLE;
    table(1)[384] = (TABLES + 2 * PAGE_SIZE) | WRITABLE;
    table(2)[0] = FRAMEBUFFER | LEAF | WRITABLE;
    table(2)[1] = (FRAMEBUFFER + SIZE_2M) | LEAF | WRITABLE;
    fake_cpu.cr3 = TABLES | 0x18; /* its cache bits are no address */
}

static bool is_mapped(uint64_t base)
{
    const struct bootinfo_framebuffer info = { .base = base,
                                               .size = UINT64_C(4) * 1024 * 768,
                                               .width = 1024,
                                               .height = 768,
                                               .pitch = 1024,
                                               .format = BOOTINFO_PIXEL_BGR };
    struct stop_screen screen = { .is_ready = false };
    return stop_screen_plan(&screen, &info) != 0 && stop_screen_is_mapped(&screen);
}

static void stop_screen_is_mapped_where_every_page_is_at_its_address(struct ktest *t)
{
    map_all();
    KTEST_TRUE(t, is_mapped(FRAMEBUFFER));
    KTEST_TRUE(t, is_mapped(FRAMEBUFFER + SIZE_1M));
    KTEST_TRUE(t, !is_mapped(FRAMEBUFFER + SIZE_1M + 4)); /* one page more than there is */
    KTEST_TRUE(t, !is_mapped(FRAMEBUFFER - PAGE_SIZE));
}

static void stop_screen_is_not_mapped_where_a_page_is_not_so(struct ktest *t)
{
    static const struct {
        unsigned page;
        unsigned index;
        uint64_t entry;
    } rows[] = {
        { 0, 1, 0 },   /* nothing above 512 GiB */
        { 1, 384, 0 }, /* nothing in this GiB */
        { 2, 1, 0 },   /* the end is missing */
        { 2, 1, (FRAMEBUFFER + SIZE_2M) | LEAF | READ_ONLY },
        { 1, 384, (TABLES + 2 * PAGE_SIZE) | READ_ONLY },        /* for all below it */
        { 2, 1, (FRAMEBUFFER + 2 * SIZE_2M) | LEAF | WRITABLE }, /* something else's address */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        map_all();
        table(rows[i].page)[rows[i].index] = rows[i].entry;
        KTEST_TRUE(t, !is_mapped(FRAMEBUFFER));
    }
    map_all();
    KTEST_TRUE(t, !is_mapped(UINT64_C(1) << 47)); /* an address that is no virtual one */
}

static const struct ktest_case cases[] = {
    KTEST_CASE(stop_screen_is_mapped_where_every_page_is_at_its_address),
    KTEST_CASE(stop_screen_is_not_mapped_where_a_page_is_not_so),
};

KTEST_SUITE(stop_screen, "loader.stop_screen", cases);
