/* SPDX-License-Identifier: GPL-2.0-only
 *
 * `regions GIB COUNT`: what adding one ragged region costs, in nanoseconds, where the memory of its
 * metadata was touched before: starts the allocator of libmm.a over and over on the same arena.
 * Host program, links with libmm.a as a benchmark harness does.
 */
#include <stdio.h>
#include <stdlib.h>

#include <sys/mman.h>
#include <time.h>

#include "tests/bench/pa.h"

#define ROUNDS      9
#define PAGE        UINT64_C(4096)
#define GIB         (UINT64_C(1) << 30)
#define GAP_MAX     UINT64_C(1600) /* pages */
#define REGIONS_MAX 1024

__thread int my_cpu;
char *arena;

void *vmap(size_t n)
{
    void *const memory =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("regions: mmap");
        exit(1);
    }
    return memory;
}

void vunmap(void *p, size_t n)
{
    (void)munmap(p, n);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Regions of about `bytes` each, up to 2 MiB less, with gaps. @return where the last one ends */
static uint64_t make_regions(region_t *regions, int count, uint64_t bytes)
{
    uint64_t random = 1;
    uint64_t base = 0;
    for (int i = 0; i < count; i++) {
        regions[i] = (region_t){ base, bytes - next_random(&random) % 512 * PAGE };
        base += bytes + (1 + next_random(&random) % GAP_MAX) * PAGE;
    }
    return base;
}

static double now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    static region_t regions[REGIONS_MAX];
    const int count = argc == 3 ? atoi(argv[2]) : 0;
    if (count < 1 || count > REGIONS_MAX) {
        fprintf(stderr, "usage: regions GIB COUNT\n");
        return 2;
    }
    const uint64_t bytes = (uint64_t)atoi(argv[1]) * GIB / (uint64_t)count / PAGE * PAGE;
    arena = vmap(make_regions(regions, count, bytes));
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = now_ns();
        if (pa_init(regions, count, 2) != 0) {
            fprintf(stderr, "regions: pa_init failed\n");
            return 1;
        }
        const double taken = now_ns() - start;
        pa_fini();
        best = round == 1 || (round > 1 && taken < best) ? taken : best; /* round 0 touches */
    }
    printf("%.1f\n", best / count);
    return 0;
}
