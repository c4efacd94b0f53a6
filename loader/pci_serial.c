/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See pci_serial.h. All buses are asked, whatever bridges there are: 8192 reads of a few
 * microseconds where nothing is plugged in. Stateless.
 */
#include "pci_serial.h"

#include "dev/pci_config.h"

#define FUNCTIONS           (256U * 32U * 8U)
#define FUNCTIONS_A_DEVICE  8U
#define REGISTER_ID         0x00U
#define REGISTER_COMMAND    0x04U
#define REGISTER_CLASS      0x08U /* revision, interface, subclass, class */
#define REGISTER_HEADER     0x0cU
#define REGISTER_BAR_0      0x10U
#define REGISTER_BAR_1      0x14U
#define CLASS_SERIAL        0x0700U /* class and subclass */
#define INTERFACE_16950     0x06U   /* 0 to 6: a 16450 and what is compatible with it */
#define HEADER_MANY         0x00800000U
#define HEADER_TYPE_MASK    0x007f0000U
#define COMMAND_IO          0x1U
#define COMMAND_MEMORY      0x2U
#define COMMAND_MASK        0xffffU /* the status above it is cleared by ones */
#define BAR_IS_IO           0x1U
#define BAR_IO_MASK         0xfffcU
#define BAR_MEMORY_64       0x4U
#define BAR_MEMORY_TYPE     0x6U
#define BAR_MEMORY_MASK     0xfffffff0U
#define NOTHING_THERE       0xffffffffU
#define NOTHING_THERE_SHORT 0xffffU

static bool is_serial(uint32_t number)
{
    const uint32_t class = pci_config_read(number, REGISTER_CLASS);
    return class >> 16 == CLASS_SERIAL && ((class >> 8) & 0xffU) <= INTERFACE_16950 &&
           (pci_config_read(number, REGISTER_HEADER) & HEADER_TYPE_MASK) == 0;
}

/* The registers behind the first base address register. */
static bool read_place(uint32_t number, struct serial8250_place *place)
{
    const uint32_t low = pci_config_read(number, REGISTER_BAR_0);
    struct serial8250_place found = { .baud = SERIAL8250_BAUD_MAX,
                                      .stride_bytes = 1,
                                      .width_bytes = 1 };
    if (low == NOTHING_THERE) {
        return false;
    }
    if ((low & BAR_IS_IO) != 0) {
        found.base = low & BAR_IO_MASK;
    } else {
        const bool is_64 = (low & BAR_MEMORY_TYPE) == BAR_MEMORY_64;
        const uint64_t high = is_64 ? pci_config_read(number, REGISTER_BAR_1) : 0;
        found.base = high << 32 | (low & BAR_MEMORY_MASK);
        found.is_mmio = true;
    }
    *place = found;
    return serial8250_place_is_sound(&found); /* no address was given to it: 0 */
}

static void let_it_answer(uint32_t number, bool is_mmio)
{
    const uint32_t wanted = is_mmio ? COMMAND_MEMORY : COMMAND_IO;
    const uint32_t command = pci_config_read(number, REGISTER_COMMAND) & COMMAND_MASK;
    if ((command & wanted) == 0) {
        pci_config_write(number, REGISTER_COMMAND, command | wanted);
    }
}

bool pci_serial_find(uint32_t from, struct pci_serial *found)
{
    uint32_t number = from;
    while (number < FUNCTIONS) {
        const bool is_there =
            (pci_config_read(number, REGISTER_ID) & NOTHING_THERE_SHORT) != NOTHING_THERE_SHORT;
        if (is_there && is_serial(number) && read_place(number, &found->place)) {
            found->number = number;
            let_it_answer(number, found->place.is_mmio);
            return true;
        }
        const bool is_first = number % FUNCTIONS_A_DEVICE == 0;
        const bool has_many =
            is_there && (pci_config_read(number, REGISTER_HEADER) & HEADER_MANY) != 0;
        number += is_first && !has_many ? FUNCTIONS_A_DEVICE : 1;
    }
    return false;
}
