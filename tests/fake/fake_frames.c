/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_frames.h.
 */
#include "tests/fake/fake_frames.h"

#include <stddef.h>
#include <string.h>

#include "tests/fake/fake_ram.h"

#define JUNK 0xa5

static struct fake_frames *fake_of(struct frame_allocator *allocator)
{
    return CONTAINER_OF(allocator, struct fake_frames, allocator);
}

static bool must_fail(const struct fake_frames *fake)
{
    return fake->fail_from != 0 && fake->calls >= fake->fail_from &&
           (fake->fail_count == 0 || fake->calls - fake->fail_from < fake->fail_count);
}

static enum kstatus fake_allocate(struct frame_allocator *allocator, page_frame_count_t count,
                                  phys_addr_t *base)
{
    struct fake_frames *const fake = fake_of(allocator);
    fake->calls++;
    if (count.value != 1) {
        return K_EINVAL;
    }
    if (must_fail(fake) || fake->out == fake->total) {
        return K_ENOMEM;
    }
    while (fake->taken[fake->next]) {
        fake->next = (fake->next + 1) % fake->total;
    }
    fake->taken[fake->next] = true;
    fake->out++;
    *base = phys_addr(fake->base + fake->next * PAGE_SIZE);
    fake_ram_fill(base->value, PAGE_SIZE, JUNK);
    return K_OK;
}

bool fake_frames_is_out(const struct fake_frames *fake, phys_addr_t phys)
{
    const uint64_t index = (phys.value - fake->base) / PAGE_SIZE;
    return phys.value >= fake->base && index < fake->total && fake->taken[index];
}

static enum kstatus fake_free(struct frame_allocator *allocator, phys_addr_t base,
                              page_frame_count_t count)
{
    struct fake_frames *const fake = fake_of(allocator);
    if (fake->no_free) {
        return K_ENOTSUP;
    }
    if (count.value != 1 || base.value % PAGE_SIZE != 0 || !fake_frames_is_out(fake, base)) {
        fake->bad_frees++;
        return K_EINVAL;
    }
    fake_ram_fill(base.value, PAGE_SIZE, JUNK);
    fake->taken[(base.value - fake->base) / PAGE_SIZE] = false;
    fake->out--;
    fake->frees++;
    return K_OK;
}

static struct page_frame_usage fake_usage(struct frame_allocator *allocator)
{
    const struct fake_frames *const fake = fake_of(allocator);
    return (struct page_frame_usage){
        .used = page_frame_count(fake->out),
        .free = page_frame_count(fake->total - fake->out),
        .total = page_frame_count(fake->total),
    };
}

static const struct frame_allocator_ops fake_ops = {
    .allocate = fake_allocate,
    .free = fake_free,
    .usage = fake_usage,
};

static enum kstatus fake_allocate_bulk(struct frame_allocator *allocator, uint32_t count,
                                       phys_addr_t *frames)
{
    struct fake_frames *const fake = fake_of(allocator);
    uint32_t done = 0;
    enum kstatus status = K_OK;
    fake->bulk_calls++;
    while (done < count && status == K_OK) {
        status = fake_allocate(allocator, page_frame_count(1), &frames[done]);
        done += status == K_OK ? 1U : 0U;
    }
    for (; status != K_OK && done > 0; done--) {
        fake->bad_frees += fake_free(allocator, frames[done - 1U], page_frame_count(1)) != K_OK;
    }
    return status;
}

static const struct frame_allocator_ops fake_bulk_ops = {
    .allocate = fake_allocate,
    .free = fake_free,
    .usage = fake_usage,
    .allocate_bulk = fake_allocate_bulk,
};

void fake_frames_offer_bulk(struct fake_frames *fake)
{
    fake->allocator.ops = &fake_bulk_ops;
}

void fake_frames_init(struct fake_frames *fake, uint64_t base, uint32_t total_frames)
{
    memset(fake, 0, sizeof(*fake));
    fake->allocator.ops = &fake_ops;
    fake->base = base;
    fake->total = total_frames < FAKE_FRAMES_MAX ? total_frames : FAKE_FRAMES_MAX;
    fake_ram_add(base, total_frames * PAGE_SIZE);
}

void fake_frames_fail(struct fake_frames *fake, uint32_t call, uint32_t count)
{
    fake->calls = 0;
    fake->fail_from = call;
    fake->fail_count = count;
}
