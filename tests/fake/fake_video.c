/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_video.h. The pages are without access. SIGSEGV counts, opens them and sets the trap
 * flag, so that the CPU runs the one instruction and raises SIGTRAP, which closes them again.
 */
#include "tests/fake/fake_video.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "lib/bits.h"

/* SDM vol 3A, "Page-Fault Exceptions": the W/R flag of the error code. */
#define FAULT_IS_WRITE BIT(1)
#define TRAP_FLAG      BIT(8) /* in EFLAGS */
#define PAGE_BYTES     4096U

static struct fake_video *watched;
static struct sigaction old_fault;
static struct sigaction old_step;

static void on_fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *const machine = context;
    const uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)watched->pixels;
    if (offset >= watched->size_bytes) {
        (void)sigaction(number, &old_fault, NULL); /* not ours: faults again, to whoever it is */
        return;
    }
    const bool is_write = ((uint64_t)machine->uc_mcontext.gregs[REG_ERR] & FAULT_IS_WRITE) != 0;
    watched->writes += is_write ? 1 : 0;
    watched->reads += is_write ? 0 : 1;
    (void)mprotect((void *)(uintptr_t)watched->pixels, watched->size_bytes, PROT_READ | PROT_WRITE);
    machine->uc_mcontext.gregs[REG_EFL] |= (greg_t)TRAP_FLAG;
}

static void on_step(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ucontext_t *const machine = context;
    (void)mprotect((void *)(uintptr_t)watched->pixels, watched->size_bytes, PROT_NONE);
    machine->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

bool fake_video_open(struct fake_video *video, size_t size_bytes, uint32_t fill)
{
    size_bytes = bits_align_up(size_bytes, PAGE_BYTES);
    void *const memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    *video = (struct fake_video){ .pixels = memory, .size_bytes = size_bytes };
    for (size_t i = 0; i < size_bytes / sizeof(uint32_t); i++) {
        video->pixels[i] = fill;
    }
    watched = video;
    struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
    return sigaction(SIGSEGV, &fault, &old_fault) == 0 &&
           sigaction(SIGTRAP, &step, &old_step) == 0 &&
           mprotect(memory, size_bytes, PROT_NONE) == 0;
}

void fake_video_stop(struct fake_video *video)
{
    (void)sigaction(SIGSEGV, &old_fault, NULL);
    (void)sigaction(SIGTRAP, &old_step, NULL);
    (void)mprotect((void *)(uintptr_t)video->pixels, video->size_bytes, PROT_READ | PROT_WRITE);
}

void fake_video_close(struct fake_video *video)
{
    fake_video_stop(video);
    (void)munmap((void *)(uintptr_t)video->pixels, video->size_bytes);
    watched = NULL;
}
