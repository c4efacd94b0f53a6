/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The MMU model against hand-written entries and the manual's sentences: a fake that other tests
 * trust is tested itself. One path of tables at fixed frames; the entries are raw numbers.
 *
 *     PML4 at 1M -> PDPT at 1M+4K -> PD at 1M+8K -> PT at 1M+12K -> page at 8M
 */
#include "tests/fake/mmu_model.h"

#include <arch/physmap.h>

#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define BASE UINT64_C(0x100000)
#define PAGE UINT64_C(0x800000)
#define VIRT UINT64_C(0x0000123456789abc)
#define P    0x1U
#define W    0x2U
#define U    0x4U
#define PS   0x80U
#define NX   (UINT64_C(1) << 63)

static struct mmu_cpu cpu;

/* The entry on VIRT's way in the table of `level`. */
static void set(unsigned level, uint64_t entry)
{
    const uint64_t index = VIRT >> (12 + 9 * (level - 1)) & 511;
    uint64_t *const words = physmap_ptr(phys_addr(BASE + (UINT64_C(4) - level) * 4096), 4096);
    words[index] = entry;
}

/* All tables allow everything; the leaf has `bits`. */
static void set_up(uint64_t bits)
{
    fake_ram_reset();
    fake_ram_add(BASE, UINT64_C(4) * 4096);
    cpu = (struct mmu_cpu){
        .cr3 = BASE,
        .write_protect = true,
        .nxe = true,
        .pages_1g = true,
        .phys_bits = 40,
    };
    set(4, (BASE + 4096) | P | W | U);
    set(3, (BASE + 8192) | P | W | U);
    set(2, (BASE + 12288) | P | W | U);
    set(1, PAGE | bits);
}

static uint32_t error_of(enum mmu_access access, bool user)
{
    const struct mmu_answer answer = mmu_access(&cpu, VIRT, access, user);
    return answer.faults ? answer.error_code : 0xff;
}

#define FINE 0xffU /* no error code has all these bits */

static void mmu_model_translates_at_every_level(struct ktest *t)
{
    set_up(P | W);
    struct mmu_answer answer = mmu_access(&cpu, VIRT, MMU_READ, false);
    KTEST_EQ(t, answer.phys, PAGE + 0xabc);
    KTEST_EQ(t, answer.level, 1);
    set(2, UINT64_C(0x40000000) | P | PS);
    answer = mmu_access(&cpu, VIRT, MMU_READ, false);
    KTEST_EQ(t, answer.phys, UINT64_C(0x40000000) + (VIRT & 0x1fffff));
    KTEST_EQ(t, answer.level, 2);
    set(3, UINT64_C(0x80000000) | P | PS);
    answer = mmu_access(&cpu, VIRT, MMU_READ, false);
    KTEST_EQ(t, answer.phys, UINT64_C(0x80000000) + (VIRT & 0x3fffffff));
    KTEST_EQ(t, answer.level, 3);
}

static void mmu_model_absent_entry_faults_without_the_present_bit(struct ktest *t)
{
    for (unsigned level = 1; level <= 4; level++) {
        set_up(P | W | U);
        set(level, W | U);
        KTEST_EQ(t, error_of(MMU_READ, false), 0);
        KTEST_EQ(t, error_of(MMU_WRITE, false), 2);
        KTEST_EQ(t, error_of(MMU_WRITE, true), 6);
        KTEST_EQ(t, error_of(MMU_FETCH, true), 0x14);
    }
}

static void mmu_model_supervisor_writes_need_the_bit_only_under_wp(struct ktest *t)
{
    set_up(P);
    KTEST_EQ(t, error_of(MMU_READ, false), FINE);
    KTEST_EQ(t, error_of(MMU_WRITE, false), 3);
    cpu.write_protect = false;
    KTEST_EQ(t, error_of(MMU_WRITE, false), FINE);
    set_up(P | U);
    cpu.write_protect = false;
    KTEST_EQ(t, error_of(MMU_WRITE, true), 7); /* a user's never depend on WP */
}

static void mmu_model_user_needs_the_bit_at_every_level(struct ktest *t)
{
    set_up(P | W | U);
    KTEST_EQ(t, error_of(MMU_READ, true), FINE);
    KTEST_EQ(t, error_of(MMU_WRITE, true), FINE);
    KTEST_EQ(t, error_of(MMU_FETCH, true), FINE);
    set(3, (BASE + 8192) | P | W);
    KTEST_EQ(t, error_of(MMU_READ, true), 5);
    KTEST_EQ(t, error_of(MMU_FETCH, true), 0x15);
}

static void mmu_model_one_level_takes_write_and_execute_away(struct ktest *t)
{
    set_up(P | W);
    KTEST_EQ(t, error_of(MMU_FETCH, false), FINE);
    set(4, (BASE + 4096) | P | W | NX);
    KTEST_EQ(t, error_of(MMU_FETCH, false), 0x11);
    KTEST_EQ(t, error_of(MMU_WRITE, false), FINE);
    set(2, (BASE + 12288) | P);
    KTEST_EQ(t, error_of(MMU_WRITE, false), 3);
}

static void mmu_model_smep_and_smap_keep_the_supervisor_out(struct ktest *t)
{
    set_up(P | W | U);
    KTEST_EQ(t, error_of(MMU_FETCH, false), FINE);
    KTEST_EQ(t, error_of(MMU_READ, false), FINE);
    cpu.smep = true;
    KTEST_EQ(t, error_of(MMU_FETCH, false), 0x11);
    cpu.smap = true;
    KTEST_EQ(t, error_of(MMU_READ, false), 1);
    KTEST_EQ(t, error_of(MMU_WRITE, false), 3);
    KTEST_EQ(t, error_of(MMU_READ, true), FINE);
    cpu.ac = true;
    KTEST_EQ(t, error_of(MMU_READ, false), FINE);
    KTEST_EQ(t, error_of(MMU_FETCH, false), 0x11); /* AC does not lift SMEP */
    set(1, PAGE | P | W);                          /* a supervisor page */
    KTEST_EQ(t, error_of(MMU_FETCH, false), FINE);
}

static void mmu_model_reserved_bits_fault(struct ktest *t)
{
    set_up(P | BIT(40));
    KTEST_EQ(t, error_of(MMU_READ, false), 9);
    cpu.phys_bits = 41;
    KTEST_EQ(t, error_of(MMU_READ, false), FINE);
    set_up(P | NX);
    KTEST_EQ(t, error_of(MMU_READ, false), FINE);
    cpu.nxe = false;
    KTEST_EQ(t, error_of(MMU_READ, false), 9);
    KTEST_EQ(t, error_of(MMU_FETCH, false), 9); /* no NXE, no SMEP: the code has no fetch bit */
    set_up(P);
    set(2, UINT64_C(0x40002000) | P | PS); /* bit 13 of a 2 MiB leaf */
    KTEST_EQ(t, error_of(MMU_READ, false), 9);
    set(2, UINT64_C(0x40001000) | P | PS); /* bit 12 is its PAT bit */
    KTEST_EQ(t, error_of(MMU_READ, false), FINE);
    set(3, UINT64_C(0x40000000) | P | PS);
    KTEST_EQ(t, error_of(MMU_READ, false), FINE);
    cpu.pages_1g = false;
    KTEST_EQ(t, error_of(MMU_READ, false), 9);
    set_up(P);
    set(4, (BASE + 4096) | P | PS);
    KTEST_EQ(t, error_of(MMU_READ, false), 9);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mmu_model_translates_at_every_level),
    KTEST_CASE(mmu_model_absent_entry_faults_without_the_present_bit),
    KTEST_CASE(mmu_model_supervisor_writes_need_the_bit_only_under_wp),
    KTEST_CASE(mmu_model_user_needs_the_bit_at_every_level),
    KTEST_CASE(mmu_model_one_level_takes_write_and_execute_away),
    KTEST_CASE(mmu_model_smep_and_smap_keep_the_supervisor_out),
    KTEST_CASE(mmu_model_reserved_bits_fault),
};
KTEST_SUITE(fake_mmu_model, "fake.mmu_model", cases);
