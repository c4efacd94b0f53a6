/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See machine_report.h: gathers what report.c cannot know from the memory state alone.
 */
#include "machine_report.h"

#include <stddef.h>

#include "acpi.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/efer.h"
#include "black_box.h"
#include "bootinfo.h"
#include "console.h"
#include "mm/mm_init.h"
#include "report.h"

static void put(void *context, const char *text, size_t size_bytes)
{
    (void)context;
    console_write_serial(text, size_bytes); /* on a screen it would push everything else away */
}

bool machine_report_print(void)
{
    const struct cpu_features *const cpu = cpu_setup_features();
    const struct bootinfo *const info = mm_bootinfo();
    const struct report_machine machine = {
        .cpu_vendor = cpu->vendor,
        .cpus = acpi_count_cpus(info->rsdp_copy, info->rsdp_copy_size),
        .last_boot = black_box_last(),
    };
    const struct report_facts facts = {
        .version = FIRSTLIGHT_VERSION,
        .cpu_has_nx = cpu->nx,
        .efer_nxe = efer_nxe_is_set(),
        .xd_reserved = is_xd_reserved(),
        .tsc_hz = info->tsc_hz,
        .machine = &machine,
    };
    put(NULL, "@report ", 8);
    const bool complete = report_write(&facts, put, NULL);
    put(NULL, "\n", 1);
    return complete;
}
