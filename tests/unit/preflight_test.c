/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/preflight: one fake CPU for each verdict, and that no register is read whose existence
 * CPUID does not vouch for (the fake CPU ends the test at one).
 */
#include "preflight.h"

#include <string.h>

#include "lib/compiler.h"
#include "tests/fake/fake_cpu.h"
#include "tests/ktest.h"

#define X2APIC   (UINT32_C(1) << 21)
#define APIC     (UINT32_C(1) << 9)
#define TME      (UINT32_C(1) << 13)
#define CR4_LA57 (UINT64_C(1) << 12)
#define CR4_CET  (UINT64_C(1) << 23)

/* The finding called @p name. */
static struct preflight_finding find(const struct preflight_facts *facts, const char *name)
{
    struct preflight_finding finding = { .name = NULL };
    for (size_t i = 0; i < PREFLIGHT_CHECKS; i++) {
        preflight_judge(facts, i, &finding);
        if (strcmp(finding.name, name) == 0) {
            break;
        }
    }
    return finding;
}

static void expect(struct ktest *t, const struct preflight_facts *facts, const char *name,
                   const char *state, enum preflight_verdict verdict)
{
    const struct preflight_finding finding = find(facts, name);
    KTEST_STRING(t, finding.name, name);
    KTEST_STRING(t, finding.state, state);
    KTEST_EQ(t, finding.verdict, verdict);
    KTEST_EQ(t, finding.code != NULL, verdict == PREFLIGHT_REFUSED);
    KTEST_EQ(t, finding.advice != NULL, verdict != PREFLIGHT_OK);
}

/* Reads the fake CPU as the case has set it up and checks one finding. */
static void reads(struct ktest *t, const char *name, const char *state,
                  enum preflight_verdict verdict)
{
    struct preflight_facts facts;
    preflight_read(&facts);
    expect(t, &facts, name, state, verdict);
}

static void preflight_sound_cpu_is_ok_in_every_line(struct ktest *t)
{
    fake_cpu_reset();
    struct preflight_facts facts;
    preflight_read(&facts);
    for (size_t i = 0; i < PREFLIGHT_CHECKS; i++) {
        struct preflight_finding finding;
        preflight_judge(&facts, i, &finding);
        KTEST_EQ(t, finding.verdict, PREFLIGHT_OK);
    }
    expect(t, &facts, "long mode", "yes, PAE yes, MSRs yes", PREFLIGHT_OK);
    expect(t, &facts, "NX", "yes", PREFLIGHT_OK);
    expect(t, &facts, "1 GiB pages", "yes", PREFLIGHT_OK);
    expect(t, &facts, "MAXPHYADDR", "46 bits", PREFLIGHT_OK);
    expect(t, &facts, "LA57", "off", PREFLIGHT_OK);
    expect(t, &facts, "CET", "off", PREFLIGHT_OK);
    expect(t, &facts, "x2APIC", "off", PREFLIGHT_OK);
    expect(t, &facts, "SME/TME", "off", PREFLIGHT_OK);
    expect(t, &facts, "encrypted guest", "no", PREFLIGHT_OK);
    expect(t, &facts, "watchdog", "off", PREFLIGHT_OK);
}

static void preflight_cpu_without_long_mode_is_refused(struct ktest *t)
{
    fake_cpu_reset();
    fake_cpu.has_long_mode = false;
    reads(t, "long mode", "no, PAE yes, MSRs yes", PREFLIGHT_REFUSED);
}

static void preflight_cpu_without_nx_or_1g_pages_is_served(struct ktest *t)
{
    fake_cpu_reset();
    fake_cpu.has_nx = false;
    fake_cpu.has_pages_1g = false;
    fake_cpu.phys_bits = 39;
    reads(t, "NX", "no", PREFLIGHT_WARNING);
    reads(t, "1 GiB pages", "no, 2 MiB pages serve", PREFLIGHT_OK);
    reads(t, "MAXPHYADDR", "39 bits", PREFLIGHT_OK);
}

static void preflight_la57_is_refused_and_cet_is_not(struct ktest *t)
{
    fake_cpu_reset();
    fake_cpu.cr4 |= CR4_LA57 | CR4_CET;
    reads(t, "LA57", "active", PREFLIGHT_REFUSED);
    reads(t, "CET", "active, off at the hand-over", PREFLIGHT_OK);
}

static void preflight_x2apic_is_left_as_it_is(struct ktest *t)
{
    static const struct fake_cpuid leaf = { .leaf = 1, .ecx = X2APIC, .edx = APIC };
    static const struct fake_msr on = { 0x1b, 0xfee00d00 };
    static const struct fake_msr off = { 0x1b, 0xfee00900 };
    fake_cpu_reset();
    fake_cpu.cpuid = &leaf;
    fake_cpu.cpuid_count = 1;
    fake_cpu.msr_count = 1;
    fake_cpu.msrs = &on;
    reads(t, "x2APIC", "active, left so", PREFLIGHT_OK);
    fake_cpu.msrs = &off;
    reads(t, "x2APIC", "off", PREFLIGHT_OK);
}

static void preflight_tme_is_shown_with_its_keys(struct ktest *t)
{
    static const struct fake_cpuid leaf = { .leaf = 7, .ecx = TME };
    static const struct fake_msr on = { 0x982, UINT64_C(6) << 32 | 3 };
    fake_cpu_reset();
    fake_cpu.cpuid = &leaf;
    fake_cpu.cpuid_count = 1;
    fake_cpu.msrs = &on;
    fake_cpu.msr_count = 1;
    reads(t, "SME/TME", "TME on, 6 key bits", PREFLIGHT_OK);
    fake_cpu.hypervisor = true; /* the register may not be there: it is not read */
    fake_cpu.msr_count = 0;
    reads(t, "SME/TME", "off", PREFLIGHT_OK);
}

static void preflight_sme_is_refused_in_the_firmwares_tables_only(struct ktest *t)
{
    static const struct fake_cpuid leaves[] = { { .leaf = 0x80000000, .eax = 0x1f },
                                                { .leaf = 0x8000001f, .eax = 1, .ebx = 0x16f } };
    static const struct fake_msr on = { 0xc0010010, UINT64_C(1) << 23 };
    static const struct fake_msr off = { 0xc0010010, 0 };
    fake_cpu_reset();
    fake_cpu.cpuid = leaves;
    fake_cpu.cpuid_count = ARRAY_COUNT(leaves);
    fake_cpu.msr_count = 1;
    fake_cpu.msrs = &on;
    fake_cpu.cr3 = 0x1000;
    reads(t, "SME/TME", "SME on", PREFLIGHT_OK);
    fake_cpu.cr3 |= UINT64_C(1) << 47;
    reads(t, "SME/TME", "SME on", PREFLIGHT_REFUSED);
    fake_cpu.msrs = &off; /* then it is a bit like any other */
    reads(t, "SME/TME", "off", PREFLIGHT_OK);
}

static void preflight_encrypted_guests_are_refused(struct ktest *t)
{
    static const struct fake_cpuid sev[] = { { .leaf = 0x80000000, .eax = 0x1f },
                                             { .leaf = 0x8000001f, .eax = 2, .ebx = 51 } };
    static const struct fake_msr on = { 0xc0010131, 1 };
    static const struct fake_msr off = { 0xc0010131, 0 };
    static const struct fake_cpuid tdx[] = {
        { .leaf = 0, .eax = 0x27 },
        { .leaf = 0x21, .ebx = 0x65746e49, .edx = 0x5844546c, .ecx = 0x20202020 }
    };
    fake_cpu_reset();
    fake_cpu.hypervisor = true;
    fake_cpu.cpuid = sev;
    fake_cpu.cpuid_count = ARRAY_COUNT(sev);
    fake_cpu.msr_count = 1;
    fake_cpu.msrs = &on;
    reads(t, "encrypted guest", "SEV", PREFLIGHT_REFUSED);
    fake_cpu.msrs = &off;
    reads(t, "encrypted guest", "no", PREFLIGHT_OK);
    fake_cpu.cpuid = tdx;
    reads(t, "encrypted guest", "TDX", PREFLIGHT_REFUSED);
    fake_cpu.hypervisor = false; /* another maker's leaf of that number */
    reads(t, "encrypted guest", "no", PREFLIGHT_OK);
}

static void preflight_watchdog_that_stays_on_is_a_warning(struct ktest *t)
{
    const struct preflight_facts facts = { .watchdog_fault = "device error" };
    expect(t, &facts, "watchdog", "device error", PREFLIGHT_WARNING);
}

static void preflight_verdicts_have_names(struct ktest *t)
{
    KTEST_STRING(t, preflight_verdict_name(PREFLIGHT_OK), "ok");
    KTEST_STRING(t, preflight_verdict_name(PREFLIGHT_WARNING), "warning");
    KTEST_STRING(t, preflight_verdict_name(PREFLIGHT_REFUSED), "refused");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(preflight_sound_cpu_is_ok_in_every_line),
    KTEST_CASE(preflight_cpu_without_long_mode_is_refused),
    KTEST_CASE(preflight_cpu_without_nx_or_1g_pages_is_served),
    KTEST_CASE(preflight_la57_is_refused_and_cet_is_not),
    KTEST_CASE(preflight_x2apic_is_left_as_it_is),
    KTEST_CASE(preflight_tme_is_shown_with_its_keys),
    KTEST_CASE(preflight_sme_is_refused_in_the_firmwares_tables_only),
    KTEST_CASE(preflight_encrypted_guests_are_refused),
    KTEST_CASE(preflight_watchdog_that_stays_on_is_a_warning),
    KTEST_CASE(preflight_verdicts_have_names),
};

KTEST_SUITE(preflight, "loader.preflight", cases);
