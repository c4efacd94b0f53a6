/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The instructions that may fault on purpose (probe.S), and how the trap handler finds where to go
 * on: by the faulting instruction's own address, so that loads, stores and MSR accesses have no
 * state and nest in any way. A called address faults anywhere: that one notes where it came from.
 */
#ifndef ARCH_X86_64_PROBE_H
#define ARCH_X86_64_PROBE_H

#include <stdint.h>

/* Result of the functions below: 0, or the exception that the one access met. */
#define X86_PROBE_FAULTED             UINT64_C(0x100)
#define X86_PROBE_FAULT(vector, code) (X86_PROBE_FAULTED | (vector) | ((code) << 32))
#define X86_PROBE_VECTOR(fault)       ((fault)&0xff)
#define X86_PROBE_ERROR_CODE(fault)   ((fault) >> 32)

uint64_t x86_safe_load_1(uint64_t address, uint64_t *value);
uint64_t x86_safe_load_2(uint64_t address, uint64_t *value);
uint64_t x86_safe_load_4(uint64_t address, uint64_t *value);
uint64_t x86_safe_load_8(uint64_t address, uint64_t *value);
uint64_t x86_safe_store_1(uint64_t address, uint64_t value);
uint64_t x86_safe_store_2(uint64_t address, uint64_t value);
uint64_t x86_safe_store_4(uint64_t address, uint64_t value);
uint64_t x86_safe_store_8(uint64_t address, uint64_t value);
uint64_t x86_safe_rdmsr(uint32_t msr, uint64_t *value);
uint64_t x86_safe_wrmsr(uint32_t msr, uint64_t value);

/** One entry of the table of those instructions: offsets from x86_fixups. */
struct x86_fixup {
    int32_t fault;  /* the instruction */
    int32_t resume; /* where to go on, with the fault in RAX */
};

extern const struct x86_fixup x86_fixups[] __attribute__((visibility("hidden")));
extern const struct x86_fixup x86_fixups_end[] __attribute__((visibility("hidden")));

/** Filled by x86_probe_execute(), used by the trap handler. probe.S knows the offsets. */
struct x86_probe {
    uint64_t resume_rip;
    uint64_t resume_rsp;
};

void x86_probe_execute(struct x86_probe *probe, uint64_t address);

#endif
