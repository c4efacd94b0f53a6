/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/pci_masters over a fake configuration space: which functions are found, which are passed
 * over, that nothing is written but addresses.
 */
#include "pci_masters.h"

#include "lib/compiler.h"
#include "tests/fake/fake_io.h"
#include "tests/ktest.h"

#define MASTER 0x4U

struct function {
    uint32_t address; /* bus << 8 | device << 3 | function */
    uint32_t id;
    uint32_t command;
    uint32_t class_code;
    uint32_t header;
};

static const struct function machine[] = {
    { 0x0000, 0x29c08086, 0, 0x060000, 0 },             /* host bridge */
    { 0x0008, 0x11111234, 3, 0x030000, 0 },             /* display, no master */
    { 0x0010, 0x10d38086, 7, 0x020000, 0 },             /* network card */
    { 0x0012, 0x22228086, 7, 0x020000, 0 },             /* behind one that has one function only */
    { 0x00f8, 0x29188086, 7, 0x060100, 0x800000 },      /* a bridge that masters, many functions */
    { 0x00fa, 0x29228086, 0x407, 0x010601, 0x800000 },  /* AHCI */
    { 0xff07, 0x33338086, MASTER, 0x0c0330, 0x800000 }, /* function 7 without function 0 */
    { 0xfff8, 0x44448086, MASTER, 0x0c0330, 0x800000 }, /* the last device */
    { 0xffff, 0x55558086, MASTER, 0x0c0330, 0x800000 }, /* and its last function */
};

static uint32_t answer(uint16_t port)
{
    uint16_t address_port;
    uint32_t address;
    fake_io_last_outl(&address_port, &address);
    if (port != 0xcfc || address_port != 0xcf8 || address >> 31 == 0) {
        return UINT32_MAX;
    }
    for (size_t i = 0; i < ARRAY_COUNT(machine); i++) {
        const struct function *const function = &machine[i];
        const uint32_t registers[] = { function->id, function->command, function->class_code << 8,
                                       function->header };
        if ((address >> 8 & 0xffffU) == function->address && (address & 0xffU) < 16) {
            return registers[(address & 0xffU) / 4];
        }
    }
    return UINT32_MAX;
}

struct found {
    struct pci_master masters[8];
    uint32_t count;
};

static void note(void *context, const struct pci_master *master)
{
    struct found *const found = context;
    if (found->count < ARRAY_COUNT(found->masters)) {
        found->masters[found->count] = *master;
    }
    found->count++;
}

static void pci_masters_are_found_in_order_without_bridges(struct ktest *t)
{
    struct found found = { .count = 0 };
    fake_io_reset();
    fake_io_answer_inl(answer);
    KTEST_EQ(t, pci_masters_list(note, &found), 4);
    KTEST_EQ(t, found.count, 4);
    static const uint16_t products[] = { 0x10d3, 0x2922, 0x4444, 0x5555 };
    for (size_t i = 0; i < ARRAY_COUNT(products); i++) {
        KTEST_EQ(t, found.masters[i].vendor, 0x8086);
        KTEST_EQ(t, found.masters[i].product, products[i]);
    }
    KTEST_EQ(t, found.masters[1].bus, 0);
    KTEST_EQ(t, found.masters[1].device, 0x1f);
    KTEST_EQ(t, found.masters[1].function, 2);
    KTEST_EQ(t, found.masters[1].class_code, 0x010601);
    KTEST_EQ(t, found.masters[3].bus, 0xff);
    KTEST_EQ(t, found.masters[3].device, 0x1f);
    KTEST_EQ(t, found.masters[3].function, 7);
}

static void pci_masters_without_pci_are_none(struct ktest *t)
{
    struct found found = { .count = 0 };
    fake_io_reset();
    KTEST_EQ(t, pci_masters_list(note, &found), 0);
    KTEST_EQ(t, found.count, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(pci_masters_are_found_in_order_without_bridges),
    KTEST_CASE(pci_masters_without_pci_are_none),
};

KTEST_SUITE(pci_masters, "loader.pci_masters", cases);
