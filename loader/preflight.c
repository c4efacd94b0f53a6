/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See preflight.h. Stateless.
 */
#include "preflight.h"

#include <arch/cpu.h>

#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "lib/string.h"

#define CR4_LA57 BIT(12)
#define CR4_CET  BIT(23)

#define LEAF_EXTENDED_MAX 0x80000000U
#define LEAF_ENCRYPTION   0x8000001fU
#define LEAF_TDX          0x21U

#define MSR_APIC_BASE    0x1bU
#define MSR_TME_ACTIVATE 0x982U
#define MSR_SYSCFG       0xc0010010U
#define MSR_SEV_STATUS   0xc0010131U

#define APIC_BASE_EXTD     BIT(10)
#define TME_ENABLED        BIT(1)
#define TME_KEY_BITS_SHIFT 32U
#define TME_KEY_BITS_MASK  0xfU
#define SYSCFG_SME         BIT(23)
#define SEV_STATUS_ENABLED BIT(0)
#define ENCRYPTION_SME     BIT(0) /* EAX of the leaf */
#define ENCRYPTION_SEV     BIT(1)
#define ENCRYPTION_C_BIT   0x3fU   /* EBX: number of the address bit */
#define FEATURE_APIC       BIT(9)  /* 1 EDX */
#define FEATURE_X2APIC     BIT(21) /* 1 ECX */
#define FEATURE_TME        BIT(13) /* 7.0 ECX */

/* ---- reading ------------------------------------------------------------------------------------
 */

static void read_x2apic(struct preflight_facts *facts)
{
    const struct x86_cpuid_registers leaf = x86_cpuid(1, 0);
    if ((leaf.edx & FEATURE_APIC) != 0 && (leaf.ecx & FEATURE_X2APIC) != 0) {
        facts->x2apic_active = (x86_rdmsr(MSR_APIC_BASE) & APIC_BASE_EXTD) != 0;
    }
}

/* Not under a hypervisor: it may show the feature and fault on the register. */
static void read_tme(struct preflight_facts *facts, uint32_t last_leaf)
{
    if (facts->cpu.hypervisor || last_leaf < 7 || (x86_cpuid(7, 0).ecx & FEATURE_TME) == 0) {
        return;
    }
    const uint64_t value = x86_rdmsr(MSR_TME_ACTIVATE);
    facts->tme_active = (value & TME_ENABLED) != 0;
    facts->tme_key_bits = (uint8_t)(value >> TME_KEY_BITS_SHIFT & TME_KEY_BITS_MASK);
}

static void read_sme(struct preflight_facts *facts)
{
    if (x86_cpuid(LEAF_EXTENDED_MAX, 0).eax < LEAF_ENCRYPTION) {
        return;
    }
    const struct x86_cpuid_registers leaf = x86_cpuid(LEAF_ENCRYPTION, 0);
    const uint64_t c_bit = BIT(leaf.ebx & ENCRYPTION_C_BIT);
    if (facts->cpu.hypervisor) {
        facts->sev = (leaf.eax & ENCRYPTION_SEV) != 0 &&
                     (x86_rdmsr(MSR_SEV_STATUS) & SEV_STATUS_ENABLED) != 0;
    } else if ((leaf.eax & ENCRYPTION_SME) != 0) {
        facts->sme_enabled = (x86_rdmsr(MSR_SYSCFG) & SYSCFG_SME) != 0;
        facts->sme_in_tables = facts->sme_enabled && (x86_read_cr3() & c_bit) != 0;
    }
}

static void read_tdx(struct preflight_facts *facts, uint32_t last_leaf)
{
    if (!facts->cpu.hypervisor || last_leaf < LEAF_TDX) {
        return;
    }
    const struct x86_cpuid_registers leaf = x86_cpuid(LEAF_TDX, 0);
    const uint32_t name[] = { leaf.ebx, leaf.edx, leaf.ecx };
    facts->tdx = memcmp(name, "IntelTDX    ", sizeof(name)) == 0;
}

void preflight_read(struct preflight_facts *facts)
{
    *facts = (struct preflight_facts){ .watchdog_fault = NULL };
    cpu_features_read(&facts->cpu);
    const uint64_t cr4 = x86_read_cr4();
    const uint32_t last_leaf = x86_cpuid(0, 0).eax;
    facts->la57_active = (cr4 & CR4_LA57) != 0;
    facts->cet_active = (cr4 & CR4_CET) != 0;
    if (!facts->cpu.msr) {
        return;
    }
    read_x2apic(facts);
    read_tme(facts, last_leaf);
    read_sme(facts);
    read_tdx(facts, last_leaf);
}

/* ---- judging ------------------------------------------------------------------------------------
 */

static void say(struct preflight_finding *finding, const char *state)
{
    (void)format_text(finding->state, sizeof(finding->state), "%s", state); /* it fits */
}

static void say_yes_or_no(struct preflight_finding *finding, bool yes)
{
    say(finding, yes ? "yes" : "no");
}

static void warn(struct preflight_finding *finding, const char *advice)
{
    finding->verdict = PREFLIGHT_WARNING;
    finding->advice = advice;
}

static void deny(struct preflight_finding *finding, const char *code, const char *advice)
{
    finding->verdict = PREFLIGHT_REFUSED;
    finding->code = code;
    finding->advice = advice;
}

static void judge_long_mode(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    const struct cpu_features *const cpu = &facts->cpu;
    (void)format_text(finding->state, sizeof(finding->state), "%s, PAE %s, MSRs %s",
                      cpu->long_mode ? "yes" : "no", cpu->pae ? "yes" : "no",
                      cpu->msr ? "yes" : "no");
    if (!cpu->long_mode || !cpu->pae || !cpu->msr) {
        deny(finding, "cpu", "this CPU lacks what a 64-bit kernel needs; use a 64-bit CPU");
    }
}

static void judge_nx(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    say_yes_or_no(finding, facts->cpu.nx);
    if (!facts->cpu.nx) {
        warn(finding, "this CPU has no NX: all memory stays executable");
    }
}

static void judge_pages_1g(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    say(finding, facts->cpu.pages_1g ? "yes" : "no, 2 MiB pages serve");
}

static void judge_phys_bits(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    (void)format_text(finding->state, sizeof(finding->state), "%u bits", facts->cpu.phys_bits);
}

static void judge_la57(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    say(finding, facts->la57_active ? "active" : "off");
    if (facts->la57_active) {
        deny(finding, "la57",
             "the firmware runs on 5-level page tables (CR4.LA57 = 1); switch 5-level paging off "
             "in its set-up");
    }
}

static void judge_cet(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    say(finding, facts->cet_active ? "active, off at the hand-over" : "off");
}

static void judge_x2apic(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    say(finding, facts->x2apic_active ? "active, left so" : "off");
}

static void judge_sme_tme(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    if (facts->tme_active) {
        (void)format_text(finding->state, sizeof(finding->state), "TME on, %u key bits",
                          facts->tme_key_bits);
    } else {
        say(finding, facts->sme_enabled ? "SME on" : "off");
    }
    if (facts->sme_in_tables) {
        deny(finding, "sme",
             "the firmware's page tables are encrypted (SME); switch SMEE off in its set-up, "
             "TSME may stay on");
    }
}

static void judge_encrypted_guest(const struct preflight_facts *facts,
                                  struct preflight_finding *finding)
{
    say(finding, facts->sev ? "SEV" : facts->tdx ? "TDX" : "no");
    if (facts->sev || facts->tdx) {
        deny(finding, "encrypted-guest",
             "this virtual machine's memory is encrypted; start it without SEV or TDX");
    }
}

static void judge_watchdog(const struct preflight_facts *facts, struct preflight_finding *finding)
{
    say(finding, facts->watchdog_fault == NULL ? "off" : facts->watchdog_fault);
    if (facts->watchdog_fault != NULL) {
        warn(finding, "the firmware's watchdog was not switched off: a reset may come within "
                      "minutes");
    }
}

static const struct {
    const char *name;
    void (*judge)(const struct preflight_facts *facts, struct preflight_finding *finding);
} checks[] = {
    { "long mode", judge_long_mode },
    { "NX", judge_nx },
    { "1 GiB pages", judge_pages_1g },
    { "MAXPHYADDR", judge_phys_bits },
    { "LA57", judge_la57 },
    { "CET", judge_cet },
    { "x2APIC", judge_x2apic },
    { "SME/TME", judge_sme_tme },
    { "encrypted guest", judge_encrypted_guest },
    { "watchdog", judge_watchdog },
};
_Static_assert(ARRAY_COUNT(checks) == PREFLIGHT_CHECKS, "the header says how many there are");

void preflight_judge(const struct preflight_facts *facts, size_t number,
                     struct preflight_finding *finding)
{
    *finding = (struct preflight_finding){ .name = checks[number].name, .verdict = PREFLIGHT_OK };
    checks[number].judge(facts, finding);
}

const char *preflight_verdict_name(enum preflight_verdict verdict)
{
    static const char *const names[] = {
        [PREFLIGHT_OK] = "ok", [PREFLIGHT_WARNING] = "warning", [PREFLIGHT_REFUSED] = "refused"
    };
    return names[verdict];
}
