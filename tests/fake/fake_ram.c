/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_ram.h. The arena is reserved once (MAP_NORESERVE) and dropped with MADV_DONTNEED.
 */
#include "tests/fake/fake_ram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>
#include <sys/mman.h>

#define ARENA_BYTES (UINT64_C(64) << 40)

struct range {
    uint64_t base;
    uint64_t end;
};

static char *arena;
static struct range *ranges; /* sorted by base, disjoint, neighbours joined */
static size_t range_count;
static size_t range_capacity;

static void need_arena(void)
{
    if (arena != NULL) {
        return;
    }
    void *const memory = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("fake_ram: mmap");
        abort();
    }
    arena = memory;
}

void fake_ram_reset(void)
{
    need_arena();
    for (size_t i = 0; i < range_count; i++) {
        (void)madvise(arena + ranges[i].base, ranges[i].end - ranges[i].base, MADV_DONTNEED);
    }
    range_count = 0;
}

/* First range that ends at or behind `address`. */
static size_t find(uint64_t address)
{
    size_t low = 0;
    size_t high = range_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ranges[middle].end < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void fake_ram_add(uint64_t base, uint64_t size_bytes)
{
    need_arena();
    const uint64_t end = base + size_bytes;
    if ((base | size_bytes) % PAGE_SIZE != 0 || end < base || end > ARENA_BYTES) {
        fprintf(stderr, "fake_ram: bad range %#llx + %#llx\n", (unsigned long long)base,
                (unsigned long long)size_bytes);
        abort();
    }
    struct range merged = { base, end };
    const size_t first = find(base);
    size_t last = first;
    while (last < range_count && ranges[last].base <= end) {
        merged.base = ranges[last].base < merged.base ? ranges[last].base : merged.base;
        merged.end = ranges[last].end > merged.end ? ranges[last].end : merged.end;
        last++;
    }
    if (range_count + 1 > range_capacity) {
        range_capacity = range_capacity == 0 ? 64 : range_capacity * 2;
        ranges = realloc(ranges, range_capacity * sizeof(*ranges));
        if (ranges == NULL) {
            abort();
        }
    }
    memmove(ranges + first + 1, ranges + last, (range_count - last) * sizeof(*ranges));
    ranges[first] = merged;
    range_count = range_count - (last - first) + 1;
}

bool fake_ram_contains(uint64_t base, uint64_t size_bytes)
{
    const uint64_t end = base + size_bytes;
    const size_t index = find(base + 1);
    return end >= base && index < range_count && ranges[index].base <= base &&
           end <= ranges[index].end;
}

void fake_ram_fill(uint64_t base, uint64_t size_bytes, uint8_t junk)
{
    memset(physmap_ptr(phys_addr(base), size_bytes), junk, size_bytes);
}

void *physmap_ptr(phys_addr_t phys, uint64_t size_bytes)
{
    if (physmap_stand_in != NULL) {
        return stand_in_memory_ptr(physmap_stand_in, phys, size_bytes);
    }
    if (!fake_ram_contains(phys.value, size_bytes)) {
        fprintf(stderr, "fake_ram: access outside RAM: %#llx + %#llx\n",
                (unsigned long long)phys.value, (unsigned long long)size_bytes);
        abort();
    }
    return arena + phys.value;
}
