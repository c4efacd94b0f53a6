/* SPDX-License-Identifier: GPL-2.0-only
 *
 * NX detection on the fake CPU (S20, S21): the four combinations of "CPUID says NX" and "NXE is
 * set", and a CPU that says NX but does not take the bit.
 */
#include "efer.h"

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/ktest.h"

#define EFER_LONG_MODE UINT64_C(0x500)
#define EFER_WITH_NXE  UINT64_C(0xd00)

static void detect(bool cpuid_says_nx, bool cpu_takes_nxe, uint64_t efer)
{
    fake_cpu_reset();
    fake_log_reset();
    fake_cpu.has_nx = cpu_takes_nxe;
    fake_cpu.efer = efer;
    init_xd_rsvd(cpuid_says_nx);
}

static void efer_nxe_already_set_stays(struct ktest *t)
{
    detect(true, true, EFER_WITH_NXE);
    KTEST_FALSE(t, is_xd_reserved());
    KTEST_TRUE(t, efer_nxe_is_set());
    KTEST_EQ(t, fake_cpu.efer, EFER_WITH_NXE);
    KTEST_STRING(t, fake_log_text(), "");
}

/* The seed takes this for a CPU without NX. */
static void efer_nxe_clear_on_a_cpu_with_nx_is_set(struct ktest *t)
{
    detect(true, true, EFER_LONG_MODE);
    KTEST_FALSE(t, is_xd_reserved());
    KTEST_TRUE(t, efer_nxe_is_set());
    KTEST_EQ(t, fake_cpu.efer, EFER_WITH_NXE); /* and no other bit */
    KTEST_TRUE(t, fake_log_contains("NO_EXECUTE_ENABLE is clear"));
}

static void efer_without_nx_is_reserved_and_not_written(struct ktest *t)
{
    detect(false, true, EFER_LONG_MODE); /* this one would take the bit: it must not be tried */
    KTEST_TRUE(t, is_xd_reserved());
    KTEST_EQ(t, fake_cpu.efer, EFER_LONG_MODE);
    KTEST_TRUE(t, fake_log_contains("XD is reserved"));
}

static void efer_nxe_that_does_not_stick_is_reserved(struct ktest *t)
{
    detect(true, false, EFER_LONG_MODE);
    KTEST_TRUE(t, is_xd_reserved());
    KTEST_FALSE(t, efer_nxe_is_set());
}

static void efer_detection_forgets_the_last_one(struct ktest *t)
{
    detect(false, false, EFER_LONG_MODE);
    KTEST_TRUE(t, is_xd_reserved());
    detect(true, true, EFER_WITH_NXE);
    KTEST_FALSE(t, is_xd_reserved());
}

static const struct ktest_case cases[] = {
    KTEST_CASE(efer_nxe_already_set_stays),
    KTEST_CASE(efer_nxe_clear_on_a_cpu_with_nx_is_set),
    KTEST_CASE(efer_without_nx_is_reserved_and_not_written),
    KTEST_CASE(efer_nxe_that_does_not_stick_is_reserved),
    KTEST_CASE(efer_detection_forgets_the_last_one),
};
KTEST_SUITE(arch_efer, "arch.efer", cases);
