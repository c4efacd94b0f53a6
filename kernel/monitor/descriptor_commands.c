/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See descriptor_commands.h. No state. The tables are read where GDTR and IDTR point, not where
 * the kernel thinks that they are; what cannot be read ends the list.
 */
#include "monitor/descriptor_commands.h"

#include <stdbool.h>
#include <stdint.h>

#include <arch/cpu.h>
#include <arch/safe_access.h>

#include "console.h"
#include "descriptor_text.h"
#include "lib/format.h"
#include "monitor/command.h"
#include "symbols.h"

static bool read_word(uint64_t address, uint64_t *word)
{
    if (arch_safe_load(virt_addr(address), sizeof(*word), word) == K_OK) {
        return true;
    }
    console_printf(PRIvirt " cannot be read\n", address);
    return false;
}

/* Prints the descriptor at @p offset where it is not empty. @return bytes to the next, 0: the end
 */
static uint32_t print_segment(const struct x86_table_register *table, uint32_t offset)
{
    uint64_t low;
    uint64_t high = 0;
    if (!read_word(table->base + offset, &low)) {
        return 0;
    }
    const uint32_t size = x86_segment_is_wide(low) ? 16 : 8;
    if (size == 16 && !read_word(table->base + offset + 8, &high)) {
        return 0;
    }
    char text[128];
    (void)x86_segment_describe(low, high, text, sizeof(text)); /* all fit */
    if (low != 0) {
        console_printf("0x%04x 0x%016" FMTx64 " %s\n", offset, low, text);
    }
    return size;
}

void gdt_command(const char *argument)
{
    (void)argument;
    struct x86_table_register table;
    x86_sgdt(&table);
    console_printf("GDT " PRIvirt " limit 0x%x; TR 0x%x LDTR 0x%x\n", table.base, table.limit,
                   x86_str(), x86_sldt());
    uint32_t size = 8;
    for (uint32_t at = 0; size != 0 && at + 7 <= table.limit && !monitor_interrupted();
         at += size) {
        size = print_segment(&table, at);
    }
}

static void print_gate(uint32_t vector, const struct x86_gate *gate)
{
    struct symbol_place place;
    const char *const kind = gate->type == 14 ? "interrupt" : gate->type == 15 ? "trap" : "?";
    console_printf("%3u %s 0x%02x:" PRIvirt " ring %u ist %u", vector, kind, gate->selector,
                   gate->handler, gate->ring, gate->ist);
    if (symbols_lookup(virt_addr(gate->handler), &place)) {
        console_printf(" %s+0x%" FMTx64, place.function, place.offset);
    }
    console_printf("\n");
}

void idt_command(const char *argument)
{
    (void)argument;
    struct x86_table_register table;
    x86_sidt(&table);
    console_printf("IDT " PRIvirt " limit 0x%x\n", table.base, table.limit);
    for (uint32_t at = 0; at + 15 <= table.limit && !monitor_interrupted(); at += 16) {
        uint64_t low;
        uint64_t high;
        if (!read_word(table.base + at, &low) || !read_word(table.base + at + 8, &high)) {
            return;
        }
        const struct x86_gate gate = x86_gate_decode(low, high);
        if (gate.present) {
            print_gate(at / 16, &gate);
        }
    }
}
