/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the seed does to map memory (S35), for comparison: one 4 KiB entry after the other, each
 * found by a walk from the top-level table.
 */
#ifndef BENCH_SEED_WALK_H
#define BENCH_SEED_WALK_H

#include "kstatus.h"
#include "mm/page_mapper.h"

/** Maps [virt, virt + size_bytes) to physical 0 and up, RW and no-exec, page by page. Tables come
 *  from @p mapper's allocator and are found again by destroying its address space.
 *  @return K_OK, K_ENOMEM */
MUST_CHECK enum kstatus seed_walk_map(struct page_mapper *mapper, virt_addr_t virt,
                                      uint64_t size_bytes);

#endif
