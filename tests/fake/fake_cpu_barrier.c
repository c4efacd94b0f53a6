/* SPDX-License-Identifier: GPL-2.0-only
 *
 * arch_barrier_all_cpus() for the host, where CPUs are threads: membarrier(2).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <arch/cpu_barrier.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static void membarrier(int command)
{
    if (syscall(SYS_membarrier, command, 0, 0) != 0) {
        perror("fake_cpu_barrier: membarrier");
        abort();
    }
}

void arch_barrier_all_cpus(void)
{
    static atomic_bool is_registered;
    if (!atomic_load(&is_registered)) {
        membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        atomic_store(&is_registered, true);
    }
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}
