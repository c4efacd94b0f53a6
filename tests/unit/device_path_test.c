/* SPDX-License-Identifier: GPL-2.0-only
 *
 * device_path.c: which paths lead to COM1. The paths are bytes as firmware has them.
 */
#include "device_path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ktest.h"

static const struct device_path_uart com1 = { .unit = 0 };

static bool has_com1(const void *bytes, size_t max_bytes)
{
    return device_path_has_uart(bytes, max_bytes, &com1);
}

#define PCI_ROOT 0x02, 0x01, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0
#define PCI_LPC  0x01, 0x01, 6, 0, 0, 0x1f
#define COM(uid) 0x02, 0x01, 12, 0, 0xd0, 0x41, 0x01, 0x05, (uid), 0, 0, 0
#define OLD_COM  0x02, 0x01, 12, 0, 0xd0, 0x41, 0x00, 0x05, 0, 0, 0, 0
#define UART     0x03, 0x0e, 19, 0, 0, 0, 0, 0, 0, 0xc2, 1, 0, 0, 0, 0, 0, 8, 1, 1
#define TERMINAL 0x03, 0x0a, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define NEXT     0x7f, 0x01, 4, 0
#define END      0x7f, 0xff, 4, 0

/* Asks about a heap copy of exact size, so that ASan sees a byte read too far. */
static bool ask(const uint8_t *path, size_t size_bytes)
{
    uint8_t *const copy = malloc(size_bytes);
    memcpy(copy, path, size_bytes);
    const bool result = has_com1(copy, size_bytes);
    free(copy);
    return result;
}

static void device_path_com1_is_found(struct ktest *t)
{
    static const uint8_t ovmf[] = { PCI_ROOT, PCI_LPC, COM(0), UART, TERMINAL, END };
    static const uint8_t standard[] = { OLD_COM, UART, END };
    KTEST_TRUE(t, ask(ovmf, sizeof(ovmf)));
    KTEST_TRUE(t, ask(standard, sizeof(standard)));
}

static void device_path_second_instance_is_seen(struct ktest *t)
{
    static const uint8_t path[] = { PCI_ROOT, PCI_LPC, NEXT, COM(0), UART, TERMINAL, END };
    KTEST_TRUE(t, ask(path, sizeof(path)));
}

static void device_path_other_ports_are_not_com1(struct ktest *t)
{
    static const uint8_t com2[] = { PCI_ROOT, PCI_LPC, COM(1), UART, TERMINAL, END };
    static const uint8_t screen[] = { PCI_ROOT, PCI_LPC, END };
    static const uint8_t pci_serial[] = { PCI_ROOT, PCI_LPC, UART, TERMINAL, END };
    static const uint8_t no_uart[] = { COM(0), END };
    KTEST_FALSE(t, ask(com2, sizeof(com2)));
    KTEST_FALSE(t, ask(screen, sizeof(screen)));
    KTEST_FALSE(t, ask(pci_serial, sizeof(pci_serial)));
    KTEST_FALSE(t, ask(no_uart, sizeof(no_uart)));
}

static void device_path_uart_of_another_instance_does_not_count(struct ktest *t)
{
    static const uint8_t across[] = { COM(0), NEXT, UART, END };
    static const uint8_t behind_end[] = { END, COM(0), UART, END };
    KTEST_FALSE(t, ask(across, sizeof(across)));
    KTEST_FALSE(t, ask(behind_end, sizeof(behind_end)));
}

static void device_path_broken_nodes_end_the_walk(struct ktest *t)
{
    static const uint8_t zero_length[] = { 0x01, 0x01, 0, 0, COM(0), UART, END };
    static const uint8_t too_long[] = { 0x01, 0x01, 0xff, 0xff, COM(0), UART, END };
    static const uint8_t short_acpi[] = { 0x02, 0x01, 4, 0, UART, END };
    static const uint8_t whole[] = { COM(0), UART, END };
    KTEST_FALSE(t, ask(zero_length, sizeof(zero_length)));
    KTEST_FALSE(t, ask(too_long, sizeof(too_long)));
    KTEST_FALSE(t, ask(short_acpi, sizeof(short_acpi)));
    for (size_t cut = 0; cut < sizeof(whole); cut++) {
        KTEST_EQ(t, ask(whole, cut), cut >= sizeof(whole) - 4);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(device_path_com1_is_found),
    KTEST_CASE(device_path_second_instance_is_seen),
    KTEST_CASE(device_path_other_ports_are_not_com1),
    KTEST_CASE(device_path_uart_of_another_instance_does_not_count),
    KTEST_CASE(device_path_broken_nodes_end_the_walk),
};
KTEST_SUITE(loader_device_path, "loader.device_path", cases);
