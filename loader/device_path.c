/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See device_path.h. A node is {type, subtype, 16-bit length, payload}; the length counts the four
 * header bytes. Stateless.
 */
#include "device_path.h"

#define NODE_HEADER_BYTES   4U
#define NODE_HARDWARE       0x01U
#define NODE_HARDWARE_PCI   0x01U
#define NODE_PCI_BYTES      6U
#define NODE_ACPI           0x02U
#define NODE_ACPI_HID       0x01U
#define NODE_ACPI_BYTES     12U
#define NODE_MESSAGING      0x03U
#define NODE_MESSAGING_UART 0x0eU
#define NODE_END            0x7fU
#define NODE_END_ENTIRE     0xffU
/* EISA ids as ACPI compresses them: "PNP" is 0x41d0, the product number the upper half. */
#define EISA_STANDARD_PC_COM UINT32_C(0x050041d0)
#define EISA_16550A_COM      UINT32_C(0x050141d0)

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static bool is_node_of(const struct device_path_uart *uart, const uint8_t *node, size_t node_bytes)
{
    if (uart->is_pci) {
        return node[0] == NODE_HARDWARE && node[1] == NODE_HARDWARE_PCI &&
               node_bytes >= NODE_PCI_BYTES && node[4] == uart->function && node[5] == uart->device;
    }
    if (node[0] != NODE_ACPI || node[1] != NODE_ACPI_HID || node_bytes < NODE_ACPI_BYTES) {
        return false;
    }
    const uint32_t hid = read_u32(node + 4);
    const uint32_t uid = read_u32(node + 8);
    return (hid == EISA_16550A_COM || hid == EISA_STANDARD_PC_COM) && uid == uart->unit;
}

bool device_path_has_uart(const void *bytes, size_t max_bytes, const struct device_path_uart *uart)
{
    const uint8_t *node = bytes;
    bool after_port = false; /* the node before this one is the port's */
    while (max_bytes >= NODE_HEADER_BYTES) {
        const size_t node_bytes = (size_t)node[2] | (size_t)node[3] << 8;
        const bool ends = node[0] == NODE_END && node[1] == NODE_END_ENTIRE;
        if (ends || node_bytes < NODE_HEADER_BYTES || node_bytes > max_bytes) {
            return false;
        }
        if (after_port && node[0] == NODE_MESSAGING && node[1] == NODE_MESSAGING_UART) {
            return true;
        }
        after_port = is_node_of(uart, node, node_bytes);
        node += node_bytes;
        max_bytes -= node_bytes;
    }
    return false;
}
