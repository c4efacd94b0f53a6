/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The three instructions that may fault on purpose (probe.S). Each notes where to go on before it
 * touches the address; the trap handler takes it from there.
 */
#ifndef ARCH_X86_64_PROBE_H
#define ARCH_X86_64_PROBE_H

#include <stdint.h>

/** Filled by a probe, used by the trap handler. probe.S knows the offsets. */
struct x86_probe {
    uint64_t resume_rip;
    uint64_t resume_rsp;
};

void x86_probe_read(struct x86_probe *probe, uint64_t address);
void x86_probe_write(struct x86_probe *probe, uint64_t address, uint8_t value);
void x86_probe_execute(struct x86_probe *probe, uint64_t address);

#endif
