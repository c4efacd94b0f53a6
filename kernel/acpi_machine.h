/* SPDX-License-Identifier: GPL-2.0-only
 *
 * This machine's ACPI tables, one after the other, and what is done with them: reset, power-off and
 * a look for keyboards. No AML is run. No state; kernel and host, after mm_init().
 */
#ifndef KERNEL_ACPI_MACHINE_H
#define KERNEL_ACPI_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"

/** A table of the machine. */
struct acpi_table {
    uint64_t phys;
    const uint8_t *bytes; /* NULL where the memory map forbids to read it */
    uint64_t length;      /* bytes; at least 8 (FACS) or ACPI_HEADER_BYTES where there are any */
};

/** @return false to end the visit */
typedef bool acpi_visitor(void *context, const struct acpi_table *table);

/** Calls @p visit for the root table, each that it names, and FACS and DSDT behind the FADT. The
 *  bytes are valid during the call. @return whether that were all: false where @p visit ended it,
 *  or the root table names more than ACPI_TABLES_MAX */
bool acpi_visit_tables(acpi_visitor *visit, void *context);

/** Whether the tables say that there is no PS/2 keyboard to look for: the FADT denies its
 * controller, and no DSDT or SSDT names a keyboard. Firmware gets that flag of the FADT wrong, and
 * Linux asks for it only where no keyboard is listed. What takes more than half a second to search,
 * or has more than ACPI_TABLES_MAX tables, does not say so; there is a line in the log then. */
bool acpi_excludes_keyboard(void);

/** Writes the reset register. @return K_ENOTSUP where the machine has none, K_ETIMEDOUT where it
 *  did nothing within two seconds */
MUST_CHECK enum kstatus acpi_reset(void);

/** Goes to soft-off (S5). @return K_ENOENT without \_S5, K_ENOTSUP without the registers for it,
 *  K_ETIMEDOUT where they did nothing within two seconds. Gives the firmware up to three more to
 *  turn ACPI on. */
MUST_CHECK enum kstatus acpi_power_off(void);

#endif
