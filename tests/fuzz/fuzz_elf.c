/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for elf_image: any bytes as a kernel file. A plan that is accepted must be safe
 * to load: segments sorted, disjoint, W^X, inside the image, and load succeeds within plan->size.
 */
#include <stdint.h>
#include <stdlib.h>

#include "elf_image.h"
#include "mm/addr.h"

#define RUN_ADDRESS UINT64_C(0xffff800001234000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_segments(const struct elf_image_plan *plan)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_image_segment *const segment = &plan->segments[i];
        require(!(segment->write && segment->execute));
        require(segment->start >= end && segment->start <= segment->end);
        require(segment->start % PAGE_SIZE == 0 && segment->end % PAGE_SIZE == 0);
        require(segment->file_size <= segment->memory_size);
        require(segment->vaddr + segment->memory_size <= segment->end);
        require(segment->end <= plan->size_bytes);
        end = segment->end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct elf_image_plan plan;
    const char *why = NULL;
    if (elf_image_plan(data, size_bytes, &plan, &why) != K_OK) {
        require(why != NULL);
        return 0;
    }
    check_segments(&plan);
    require(plan.entry < plan.size_bytes && plan.size_bytes <= ELF_IMAGE_MAX_BYTES);
    if (plan.size_bytes > SIZE_2M) {
        return 0; /* correct, but slow to fill each time */
    }
    void *const memory = malloc(plan.size_bytes);
    require(memory != NULL);
    require(elf_image_load(data, &plan, memory, RUN_ADDRESS, &why) == K_OK);
    free(memory);
    return 0;
}
