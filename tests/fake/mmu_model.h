/* SPDX-License-Identifier: GPL-2.0-only
 *
 * An x86-64 MMU for host tests: walks real table bytes in fake RAM and says what the CPU would do
 * with one access. Written from the manual and from it alone: shares no constant and no function
 * with the kernel's own page tables, so that both can be wrong only in different ways. No TLB.
 *
 * SDM vol 3A, "4-Level Paging", "Determination of Access Rights", "Page-Fault Exceptions".
 */
#ifndef MMU_MODEL_H
#define MMU_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum mmu_access {
    MMU_READ,
    MMU_WRITE,
    MMU_FETCH,
};

struct mmu_cpu {
    uint64_t cr3;
    bool write_protect; /* CR0.WP */
    bool nxe;           /* EFER.NXE */
    bool smep;          /* CR4.SMEP */
    bool smap;          /* CR4.SMAP */
    bool ac;            /* EFLAGS.AC: a supervisor may touch user pages under SMAP */
    bool pages_1g;      /* CPUID 8000_0001h EDX.26 */
    uint8_t phys_bits;  /* MAXPHYADDR */
};

#define MMU_ERROR_PRESENT  0x01U
#define MMU_ERROR_WRITE    0x02U
#define MMU_ERROR_USER     0x04U
#define MMU_ERROR_RESERVED 0x08U
#define MMU_ERROR_FETCH    0x10U

struct mmu_answer {
    bool faults;
    uint32_t error_code; /* of the page fault, else 0 */
    uint64_t phys;       /* of the byte, where it does not fault, else 0 */
    unsigned level;      /* of the leaf: 1 4 KiB, 2 2 MiB, 3 1 GiB; 0 where there is none */
};

/** One access to the canonical address @p virt, from ring 3 where @p user. */
struct mmu_answer mmu_access(const struct mmu_cpu *cpu, uint64_t virt, enum mmu_access access,
                             bool user);

#endif
