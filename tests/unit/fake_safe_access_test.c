/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The fake behind <arch/safe_access.h> behaves as the kernel's: widths, faults, nothing written on
 * failure (kernel/selftest/safe_access_selftest.c has the same questions for the real one).
 */
#include "tests/fake/fake_safe_access.h"

#include <arch/safe_access.h>

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define START UINT64_C(0x400000)

static void fake_safe_access_reaches_buffers(struct ktest *t)
{
    uint8_t bytes[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
    uint64_t value = 77;
    fake_safe_access_reset();
    fake_safe_access_map(START, bytes, sizeof(bytes), true);
    KTEST_STATUS(t, arch_safe_load(virt_addr(START + 1), 2, &value), K_OK);
    KTEST_EQ(t, value, 0x0302);
    KTEST_STATUS(t, arch_safe_load(virt_addr(START + 2), 8, &value), K_OK);
    KTEST_EQ(t, value, UINT64_C(0x0a09080706050403));
    KTEST_STATUS(t, arch_safe_store(virt_addr(START), 1, 0x1ff), K_OK);
    KTEST_EQ(t, bytes[0], 0xff);
    KTEST_EQ(t, bytes[1], 2);
    const struct fake_safe_access_log log = fake_safe_access_log();
    KTEST_EQ(t, log.loads, 2);
    KTEST_EQ(t, log.stores, 1);
    KTEST_EQ(t, log.address, START);
    KTEST_EQ(t, log.width_bytes, 1);
}

static void fake_safe_access_faults_outside(struct ktest *t)
{
    uint8_t bytes[8] = { 0 };
    uint64_t value = 77;
    fake_ram_reset();
    fake_safe_access_reset();
    fake_safe_access_map(START, bytes, sizeof(bytes), false);
    KTEST_STATUS(t, arch_safe_load(virt_addr(START + 1), 8, &value), K_EFAULT);
    KTEST_STATUS(t, arch_safe_load(virt_addr(START - 1), 1, &value), K_EFAULT);
    KTEST_STATUS(t, arch_safe_load(virt_addr(PHYS_OFFSET), 1, &value), K_EFAULT);
    KTEST_STATUS(t, arch_safe_store(virt_addr(START), 1, 1), K_EFAULT); /* read-only */
    KTEST_STATUS(t, arch_safe_load(virt_addr(START), 3, &value), K_EINVAL);
    KTEST_STATUS(t, arch_safe_store(virt_addr(START), 16, 1), K_EINVAL);
    KTEST_EQ(t, value, 77);
    KTEST_EQ(t, bytes[0], 0);
}

static void fake_safe_access_reaches_ram(struct ktest *t)
{
    uint64_t value = 0;
    fake_ram_reset();
    fake_safe_access_reset();
    fake_ram_add(0x5000, 0x1000);
    KTEST_STATUS(t, arch_safe_store(virt_addr(PHYS_OFFSET + 0x5ff8), 8, 0x1234), K_OK);
    KTEST_STATUS(t, arch_safe_load(virt_addr(PHYS_OFFSET + 0x5ff8), 4, &value), K_OK);
    KTEST_EQ(t, value, 0x1234);
    KTEST_STATUS(t, arch_safe_load(virt_addr(PHYS_OFFSET + 0x5ff9), 8, &value), K_EFAULT);
}

static void fake_safe_access_knows_registers(struct ktest *t)
{
    uint64_t value = 0;
    fake_cpu_reset();
    fake_safe_access_reset();
    KTEST_STATUS(t, arch_safe_rdmsr(0xc0000080U, &value), K_OK);
    KTEST_EQ(t, value, fake_cpu.efer);
    KTEST_STATUS(t, arch_safe_rdmsr(0x10, &value), K_EFAULT);
    KTEST_STATUS(t, arch_safe_wrmsr(0x10, 1), K_EFAULT);
    fake_safe_access_add_msr(0x10, 5);
    KTEST_STATUS(t, arch_safe_wrmsr(0x10, 6), K_OK);
    KTEST_STATUS(t, arch_safe_rdmsr(0x10, &value), K_OK);
    KTEST_EQ(t, value, 6);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(fake_safe_access_reaches_buffers),
    KTEST_CASE(fake_safe_access_faults_outside),
    KTEST_CASE(fake_safe_access_reaches_ram),
    KTEST_CASE(fake_safe_access_knows_registers),
};
KTEST_SUITE(fake_safe_access, "fake.safe_access", cases);
