/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/pci_masters over a fake configuration space: which functions are found, which are passed
 * over, which are stopped, and that nothing else is written.
 */
#include "pci_masters.h"

#include <string.h>

#include "lib/compiler.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_io.h"
#include "tests/ktest.h"

#define MASTER 0x4U
#define STATUS 0xffff0000U /* of the command register: cleared by ones */

struct function {
    uint32_t address; /* bus << 8 | device << 3 | function */
    uint32_t id;
    uint32_t command;
    uint32_t class_code;
    uint32_t header;
    bool keeps_mastering; /* whatever is written */
};

static const struct function machine_at_start[] = {
    { 0x0000, 0x29c08086, 0, 0x060000, 0, false },             /* host bridge */
    { 0x0008, 0x11111234, 3, 0x030000, 0, false },             /* display, no master */
    { 0x0010, 0x10d38086, 0x00100407, 0x020000, 0, false },    /* network card */
    { 0x0012, 0x22228086, 7, 0x020000, 0, false },             /* behind one of one function */
    { 0x0018, 0x433114e4, 6, 0x028000, 0, false },             /* another, wireless */
    { 0x0020, 0x24f38086, MASTER, 0x0d1100, 0, false },        /* Bluetooth */
    { 0x0028, 0x10d38086, 6, 0x020000, 0, true },              /* a card that does not stop */
    { 0x0030, 0x10d38086, 3, 0x020000, 0, false },             /* one that is no master */
    { 0x00f8, 0x29188086, 7, 0x060100, 0x800000, false },      /* a bridge, many functions */
    { 0x00fa, 0x29228086, 0x407, 0x010601, 0x800000, false },  /* AHCI */
    { 0xff07, 0x33338086, MASTER, 0x0c0330, 0x800000, false }, /* 7 without function 0 */
    { 0xfff8, 0x44448086, MASTER, 0x0c0330, 0x800000, false }, /* the last device */
    { 0xffff, 0x55558086, MASTER, 0x0c0330, 0x800000, false }, /* and its last function */
};
static struct function machine[ARRAY_COUNT(machine_at_start)];
static uint32_t selected;
static unsigned writes;
static unsigned accesses_with_interrupts;

static struct function *selected_function(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(machine); i++) {
        if (selected >> 31 != 0 && (selected >> 8 & 0xffffU) == machine[i].address) {
            return &machine[i];
        }
    }
    return NULL;
}

/* A handler between address and data would make the data another register's. */
static void note_interrupts(void)
{
    accesses_with_interrupts += fake_cpu_irq_depth() == 0 ? 1 : 0;
}

static uint32_t answer(uint16_t port)
{
    const struct function *const function = selected_function();
    note_interrupts();
    if (port != 0xcfc || function == NULL || (selected & 0xffU) >= 16) {
        return UINT32_MAX;
    }
    const uint32_t registers[] = { function->id, function->command, function->class_code << 8,
                                   function->header };
    return registers[(selected & 0xffU) / 4];
}

static void take(uint16_t port, uint32_t value)
{
    note_interrupts();
    if (port == 0xcf8) {
        selected = value;
        return;
    }
    writes++;
    struct function *const function = selected_function();
    if (port == 0xcfc && function != NULL && (selected & 0xffU) == 4) {
        const uint32_t kept = function->keeps_mastering ? MASTER : 0;
        function->command = (function->command & STATUS & ~value) | (value & ~STATUS) | kept;
    }
}

static void switch_on(void)
{
    memcpy(machine, machine_at_start, sizeof(machine));
    writes = 0;
    accesses_with_interrupts = 0;
    fake_io_reset();
    fake_io_answer_inl(answer);
    fake_io_on_outl(take);
}

struct found {
    struct pci_master masters[16];
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
    switch_on();
    KTEST_EQ(t, pci_masters_stop(note, &found), 4);
    static const uint16_t products[] = { 0x10d3, 0x4331, 0x24f3, 0x10d3, 0x2922, 0x4444, 0x5555 };
    KTEST_EQ(t, found.count, ARRAY_COUNT(products));
    for (size_t i = 0; i < ARRAY_COUNT(products); i++) {
        KTEST_EQ(t, found.masters[i].product, products[i]);
    }
    KTEST_EQ(t, found.masters[1].vendor, 0x14e4);
    KTEST_EQ(t, found.masters[4].bus, 0);
    KTEST_EQ(t, found.masters[4].device, 0x1f);
    KTEST_EQ(t, found.masters[4].function, 2);
    KTEST_EQ(t, found.masters[4].class_code, 0x010601);
    KTEST_EQ(t, found.masters[6].bus, 0xff);
    KTEST_EQ(t, found.masters[6].device, 0x1f);
    KTEST_EQ(t, found.masters[6].function, 7);
}

static void pci_masters_are_asked_with_interrupts_off(struct ktest *t)
{
    struct found found = { .count = 0 };
    switch_on();
    (void)pci_masters_stop(note, &found);
    KTEST_EQ(t, accesses_with_interrupts, 0);
    KTEST_EQ(t, fake_cpu_irq_depth(), 0);
    note_interrupts(); /* and that is seen where they are on */
    KTEST_EQ(t, accesses_with_interrupts, 1);
}

/* Only the master bit of network cards, nothing of the status, nothing of anything else. */
static void pci_masters_that_are_network_cards_are_stopped(struct ktest *t)
{
    struct found found = { .count = 0 };
    switch_on();
    (void)pci_masters_stop(note, &found);
    static const bool stopped[] = { true, true, true, false, false, false, false };
    for (size_t i = 0; i < ARRAY_COUNT(stopped); i++) {
        KTEST_EQ(t, found.masters[i].is_stopped, stopped[i]);
    }
    KTEST_EQ(t, writes, 4);
    for (size_t i = 0; i < ARRAY_COUNT(machine); i++) {
        const uint32_t before = machine_at_start[i].command;
        const bool stops =
            machine[i].address == 0x10 || machine[i].address == 0x18 || machine[i].address == 0x20;
        KTEST_EQ(t, machine[i].command, stops ? before & ~MASTER : before);
    }
    KTEST_EQ(t, pci_masters_stop(note, &found), 4); /* what was stopped is no master any more */
    KTEST_EQ(t, found.count, 7 + 4);
}

static void pci_masters_without_pci_are_none(struct ktest *t)
{
    struct found found = { .count = 0 };
    fake_io_reset();
    KTEST_EQ(t, pci_masters_stop(note, &found), 0);
    KTEST_EQ(t, found.count, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(pci_masters_are_found_in_order_without_bridges),
    KTEST_CASE(pci_masters_are_asked_with_interrupts_off),
    KTEST_CASE(pci_masters_that_are_network_cards_are_stopped),
    KTEST_CASE(pci_masters_without_pci_are_none),
};

KTEST_SUITE(pci_masters, "loader.pci_masters", cases);
