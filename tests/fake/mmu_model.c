/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See mmu_model.h. No state.
 */
#include "tests/fake/mmu_model.h"

#include <arch/physmap.h>

/* What the four tables say together. */
struct walk {
    unsigned level; /* of the table being read; where it ends: of the leaf */
    uint64_t entry;
    bool all_write;
    bool all_user;
    bool any_no_execute;
};

static bool bit(uint64_t word, unsigned number)
{
    return (word >> number & 1) != 0;
}

static unsigned shift_of(unsigned level)
{
    return 12 + 9 * (level - 1);
}

static bool is_leaf(const struct walk *walk)
{
    return walk->level == 1 || ((walk->level == 2 || walk->level == 3) && bit(walk->entry, 7));
}

/* Bits that must be 0 in this entry on this CPU. */
static bool reserved_bit_set(const struct mmu_cpu *cpu, const struct walk *walk)
{
    const uint64_t entry = walk->entry;
    for (unsigned i = cpu->phys_bits; i < 52; i++) {
        if (bit(entry, i)) {
            return true;
        }
    }
    if (bit(entry, 63) && !cpu->nxe) {
        return true;
    }
    if (bit(entry, 7) && (walk->level == 4 || (walk->level == 3 && !cpu->pages_1g))) {
        return true;
    }
    for (unsigned i = 13; is_leaf(walk) && i < shift_of(walk->level); i++) {
        if (bit(entry, i)) {
            return true;
        }
    }
    return false;
}

/* Whether the rights allow the access. */
static bool is_allowed(const struct mmu_cpu *cpu, const struct walk *walk, enum mmu_access access,
                       bool user)
{
    const bool may_execute = !cpu->nxe || !walk->any_no_execute;
    if (user) {
        const bool right = access == MMU_READ || (access == MMU_WRITE && walk->all_write) ||
                           (access == MMU_FETCH && may_execute);
        return walk->all_user && right;
    }
    if (access == MMU_FETCH) {
        return may_execute && !(walk->all_user && cpu->smep);
    }
    if (walk->all_user && cpu->smap && !cpu->ac) {
        return false;
    }
    return access == MMU_READ || walk->all_write || !cpu->write_protect;
}

static struct mmu_answer fault(const struct mmu_cpu *cpu, enum mmu_access access, bool user,
                               uint32_t why)
{
    uint32_t code = why;
    code |= access == MMU_WRITE ? MMU_ERROR_WRITE : 0;
    code |= user ? MMU_ERROR_USER : 0;
    code |= access == MMU_FETCH && (cpu->nxe || cpu->smep) ? MMU_ERROR_FETCH : 0;
    return (struct mmu_answer){ .faults = true, .error_code = code };
}

struct mmu_answer mmu_access(const struct mmu_cpu *cpu, uint64_t virt, enum mmu_access access,
                             bool user)
{
    struct walk walk = { .level = 4, .all_write = true, .all_user = true };
    uint64_t table = cpu->cr3 & UINT64_C(0x000ffffffffff000);
    for (;;) {
        const uint64_t index = virt >> shift_of(walk.level) & 511;
        const uint64_t *const words = physmap_ptr(phys_addr(table), 4096);
        walk.entry = words[index];
        if (!bit(walk.entry, 0)) {
            return fault(cpu, access, user, 0);
        }
        if (reserved_bit_set(cpu, &walk)) {
            return fault(cpu, access, user, MMU_ERROR_PRESENT | MMU_ERROR_RESERVED);
        }
        walk.all_write = walk.all_write && bit(walk.entry, 1);
        walk.all_user = walk.all_user && bit(walk.entry, 2);
        walk.any_no_execute = walk.any_no_execute || bit(walk.entry, 63);
        if (is_leaf(&walk)) {
            break;
        }
        table = walk.entry & UINT64_C(0x000ffffffffff000);
        walk.level--;
    }
    if (!is_allowed(cpu, &walk, access, user)) {
        return fault(cpu, access, user, MMU_ERROR_PRESENT);
    }
    const uint64_t offset_mask = (UINT64_C(1) << shift_of(walk.level)) - 1;
    return (struct mmu_answer){
        .phys = (walk.entry & UINT64_C(0x000ffffffffff000) & ~offset_mask) | (virt & offset_mask),
        .level = walk.level,
    };
}
