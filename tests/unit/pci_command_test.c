/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's `pci` over made-up configuration space: identities, base addresses of all kinds, a
 * bridge, functions behind the first, and that no register is written.
 */
#include "monitor/pci_command.h"

#include <string.h>

#include "monitor/command.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_io.h"
#include "tests/ktest.h"

struct function {
    uint32_t address; /* bus << 8 | device << 3 | function */
    uint32_t registers[16];
};

static const struct function functions[] = {
    { 0x0000, { 0x29c08086, 0, 0x06000000 } },
    /* an echo: its first function says that it is the only one */
    { 0x0001, { 0x29c08086, 0, 0x06000000 } },
    /* two functions: memory of 32 bits, of 64, ports, and one that is not set */
    { 0x0010,
      { 0x11111234, 0x00000004, 0x03000002, 0x00800000, 0xfd000008, 0x0000000c, 0x00012345,
        0xfebd0000, 0x0000c001, 0x00000000 } },
    { 0x0012, { 0xabcd1234, 0x00000003, 0x12345600 } },
    /* no function 0, so no device */
    { 0x0019, { 0x00011af4, 0, 0x02000000 } },
    /* a bridge, and what is behind it; a bridge's registers 0x18 on are no addresses */
    { 0x0020,
      { 0x000c1b36, 0x00000004, 0x06040000, 0x00010000, 0xfebd1000, 0, 0x00050201, 0xffffffff,
        0xffffffff, 0xffffffff } },
    { 0x0200, { 0x10d38086, 0, 0x02000000, 0, 0x00000000, 0x00000000, 0x0000c041 } },
    { 0xfff8, { 0x1af41af4, 0, 0x01080200 } },
};

static uint32_t answer(uint16_t port)
{
    uint16_t address_port;
    uint32_t address;
    fake_io_last_outl(&address_port, &address);
    if (port != 0xcfc || address_port != 0xcf8 || (address & 0x80000003) != 0x80000000) {
        return 0xdeadbeef;
    }
    for (size_t i = 0; i < ARRAY_COUNT(functions); i++) {
        if (functions[i].address == ((address >> 8) & 0xffff) && (address & 0xff) < 64) {
            return functions[i].registers[(address & 0xff) / 4];
        }
    }
    return UINT32_MAX;
}

static void pci_lists_what_is_there(struct ktest *t)
{
    fake_io_reset();
    fake_io_answer_inl(answer);
    fake_console_clear();
    monitor_begin_command();
    pci_command("");
    KTEST_STRING(t, fake_console.text,
                 "00:00.0 8086:29c0 060000 host bridge\n"
                 "00:02.0 1234:1111 030000 VGA (bus master)\n"
                 "        bar 0: memory 0xfd000000 32-bit prefetchable\n"
                 "        bar 1: memory 0x1234500000000 64-bit prefetchable\n"
                 "        bar 3: memory 0xfebd0000 32-bit\n"
                 "        bar 4: ports 0xc000\n"
                 "00:02.2 1234:abcd 123456 \n"
                 "00:04.0 1b36:000c 060400 PCI bridge (bus master)\n"
                 "        bridge to buses 02 to 05\n"
                 "        bar 0: memory 0xfebd1000 32-bit\n"
                 "02:00.0 8086:10d3 020000 Ethernet\n"
                 "        bar 2: ports 0xc040\n"
                 "ff:1f.0 1af4:1af4 010802 NVMe\n");
}

static void pci_without_any_is_silent_and_stops_at_ctrl_c(struct ktest *t)
{
    fake_io_reset(); /* ports answer all ones */
    fake_console_clear();
    monitor_begin_command();
    pci_command("");
    KTEST_STRING(t, fake_console.text, "");
    fake_io_answer_inl(answer);
    fake_console.typed = "\x03";
    pci_command("");
    KTEST_STRING(t, fake_console.text, "");
    monitor_begin_command();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(pci_lists_what_is_there),
    KTEST_CASE(pci_without_any_is_silent_and_stops_at_ctrl_c),
};
KTEST_SUITE(monitor_pci, "monitor.pci", cases);
