/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What a benchmark harness calls an allocator by, so that several allocators can run under the same
 * workloads. pa.c implements it over this kernel's buddy; the harness brings the four names below.
 */
#ifndef TESTS_BENCH_PA_H
#define TESTS_BENCH_PA_H

#include <stddef.h>
#include <stdint.h>

/** RAM: [base, base + size) in bytes; what is not whole pages is left out. */
typedef struct {
    uint64_t base;
    uint64_t size;
} region_t;

#define PA_FAIL UINT64_MAX

/* ---- the harness's ---- */

extern __thread int my_cpu; /* the calling thread's CPU number */
extern char *arena;         /* where physical address 0 is, or NULL: pa_init() makes its own */
void *vmap(size_t n);       /* n bytes of zeroes, backed when they are touched */
void vunmap(void *p, size_t n);

/* ---- the allocator's ---- */

const char *pa_name(void);

/** Largest order, log2 frames. */
int pa_max_order(void);

/** Whether pa_init() wants `arena`. */
int pa_needs_arena(void);

/** Starts over with @p n regions and @p ncpu CPUs. @return 0, or -1 */
int pa_init(const region_t *r, int n, int ncpu);

void pa_fini(void);

/** @return physical address, or PA_FAIL */
uint64_t pa_alloc(int order);

/** @return 0, or -1 for a bad free, which changed nothing */
int pa_free(uint64_t paddr, int order);

/** Free frames, without the metadata that was set aside. */
uint64_t pa_free_pages(void);

/** Bytes set aside for metadata. */
size_t pa_meta(void);

#endif
