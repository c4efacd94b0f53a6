/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See pci_masters.h. All 256 buses are looked at, 8,192 reads: bridges need not be understood, and
 * machines with several root bridges need no table. Stateless.
 */
#include "pci_masters.h"

#include "dev/pci_config.h"
#include "lib/bits.h"

#define REGISTER_ID      0x00U
#define REGISTER_COMMAND 0x04U
#define REGISTER_CLASS   0x08U
#define REGISTER_HEADER  0x0cU
#define NO_DEVICE        0xffffU
#define COMMAND_MASK     0xffffU /* the status above it is cleared by ones */
#define COMMAND_MASTER   BIT(2)
#define HEADER_MANY      BIT(23) /* of the register: bit 7 of the header type */
#define CLASS_NETWORK    0x02U
#define CLASS_BRIDGE     0x06U
#define CLASS_WIRELESS   0x0dU
#define BUSES            256U
#define DEVICES          32U
#define FUNCTIONS        8U

static bool masters_the_bus(uint32_t address)
{
    return (pci_config_read(address, REGISTER_COMMAND) & COMMAND_MASTER) != 0;
}

/* Fills @p master where the function at @p address is one that counts. */
static bool is_master(uint32_t address, struct pci_master *master)
{
    const uint32_t id = pci_config_read(address, REGISTER_ID);
    if ((id & NO_DEVICE) == NO_DEVICE || !masters_the_bus(address)) {
        return false;
    }
    *master = (struct pci_master){
        .bus = (uint8_t)(address >> 8),
        .device = (uint8_t)(address >> 3 & (DEVICES - 1)),
        .function = (uint8_t)(address & (FUNCTIONS - 1)),
        .vendor = (uint16_t)(id & 0xffffU),
        .product = (uint16_t)(id >> 16),
        .class_code = pci_config_read(address, REGISTER_CLASS) >> 8,
    };
    return master->class_code >> 16 != CLASS_BRIDGE;
}

static bool is_network(const struct pci_master *master)
{
    const uint32_t class = master->class_code >> 16;
    return class == CLASS_NETWORK || class == CLASS_WIRELESS;
}

/* @return whether it stopped */
static bool stop(uint32_t address)
{
    const uint32_t command = pci_config_read(address, REGISTER_COMMAND) & COMMAND_MASK;
    pci_config_write(address, REGISTER_COMMAND, command & ~(uint32_t)COMMAND_MASTER);
    return !masters_the_bus(address);
}

/* How many functions of the device at @p address are worth a look. */
static uint32_t functions_of(uint32_t address)
{
    if ((pci_config_read(address, REGISTER_ID) & NO_DEVICE) == NO_DEVICE) {
        return 0;
    }
    return (pci_config_read(address, REGISTER_HEADER) & HEADER_MANY) != 0 ? FUNCTIONS : 1;
}

/* @return how many of the functions of the device at @p first still master the bus */
static uint32_t stop_device(uint32_t first,
                            void (*found)(void *context, const struct pci_master *master),
                            void *context)
{
    uint32_t count = 0;
    const uint32_t functions = functions_of(first);
    for (uint32_t i = 0; i < functions; i++) {
        struct pci_master master;
        if (is_master(first + i, &master)) {
            master.is_stopped = is_network(&master) && stop(first + i);
            found(context, &master);
            count += master.is_stopped ? 0 : 1;
        }
    }
    return count;
}

uint32_t pci_masters_stop(void (*found)(void *context, const struct pci_master *master),
                          void *context)
{
    uint32_t count = 0;
    for (uint32_t device = 0; device < BUSES * DEVICES; device++) {
        count += stop_device(device * FUNCTIONS, found, context);
    }
    return count;
}
