/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for elf_image: any bytes as a kernel file. A plan that is accepted must be safe
 * to load: segments sorted, disjoint, W^X, inside the image, and load succeeds within plan->size.
 */

#include "elf_image.h"
#include "mm/addr.h"
#include "tests/fuzz/fuzz.h"

#define RUN_ADDRESS UINT64_C(0xffff800001234000)

static void check_segments(const struct elf_image_plan *plan)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_image_segment *const segment = &plan->segments[i];
        FUZZ_REQUIRE(!(segment->write && segment->execute));
        FUZZ_REQUIRE(segment->start >= end && segment->start <= segment->end);
        FUZZ_REQUIRE(segment->start % PAGE_SIZE == 0 && segment->end % PAGE_SIZE == 0);
        FUZZ_REQUIRE(segment->file_size <= segment->memory_size);
        FUZZ_REQUIRE(segment->vaddr + segment->memory_size <= segment->end);
        FUZZ_REQUIRE(segment->end <= plan->size_bytes);
        end = segment->end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct elf_image_plan plan;
    const char *why = NULL;
    if (elf_image_plan(data, size_bytes, &plan, &why) != K_OK) {
        FUZZ_REQUIRE(why != NULL);
        return 0;
    }
    check_segments(&plan);
    FUZZ_REQUIRE(plan.entry < plan.size_bytes && plan.size_bytes <= ELF_IMAGE_MAX_BYTES);
    if (plan.size_bytes > SIZE_2M) {
        return 0; /* correct, but slow to fill each time */
    }
    void *const memory = malloc(plan.size_bytes);
    FUZZ_REQUIRE(memory != NULL);
    FUZZ_REQUIRE(elf_image_load(data, &plan, memory, RUN_ADDRESS, &why) == K_OK);
    free(memory);
    return 0;
}
