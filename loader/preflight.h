/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Before anything is taken: what CPU and firmware are in the state of, one finding each with a
 * verdict. Reading (CPUID, CR3, CR4, a few MSRs, each only where CPUID says that it exists) is
 * apart from judging, which is pure. Nothing is changed here. Loader and host.
 */
#ifndef LOADER_PREFLIGHT_H
#define LOADER_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu_features.h"

/** What the machine says of itself. */
struct preflight_facts {
    struct cpu_features cpu;
    bool la57_active;           /* CR4.LA57 */
    bool cet_active;            /* CR4.CET */
    bool x2apic_active;         /* IA32_APIC_BASE.EXTD */
    bool tme_active;            /* IA32_TME_ACTIVATE: all memory, by the memory controller */
    uint8_t tme_key_bits;       /* address bits that name keys */
    bool sme_enabled;           /* SYSCFG.MemEncryptionModEn: pages with the C bit */
    bool sme_in_tables;         /* the firmware's own CR3 has the C bit */
    bool sev;                   /* an encrypted guest of AMD's kind */
    bool tdx;                   /* or of Intel's */
    const char *watchdog_fault; /* name of the status with which it was not switched off; NULL */
};

enum preflight_verdict {
    PREFLIGHT_OK,
    PREFLIGHT_WARNING,
    PREFLIGHT_REFUSED,
};

/** One line: "preflight: NAME: STATE, VERDICT". */
struct preflight_finding {
    const char *name;
    char state[48];
    enum preflight_verdict verdict;
    const char *code;   /* where refused: an anchor of docs/errors.md */
    const char *advice; /* why, and what to do; NULL where there is nothing to say */
};

enum {
    PREFLIGHT_CHECKS = 10
};

/**
 * Fills all of @p facts but watchdog_fault.
 * @spec SDM vol 4, IA32_APIC_BASE, IA32_TME_ACTIVATE; SDM vol 3A, "Control Registers"; APM vol 2,
 *       "Secure Memory Encryption", "Secure Encrypted Virtualization"; TDX Module, "CPUID 21h"
 */
void preflight_read(struct preflight_facts *facts);

/** Judges @p facts as check @p number, 0..PREFLIGHT_CHECKS - 1, in the order of the lines. */
void preflight_judge(const struct preflight_facts *facts, size_t number,
                     struct preflight_finding *finding);

/** "ok", "warning", "refused". */
const char *preflight_verdict_name(enum preflight_verdict verdict);

#endif
