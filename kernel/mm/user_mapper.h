/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Page tables of one address space (S86): a top-level table of its own whose kernel half is a copy
 * of the kernel's. The second-level tables behind that half are shared and made at bring-up, so a
 * later kernel mapping shows in every address space. Kernel after bring-up, and host.
 *
 *     entry  0 .......... 255 | 256 ............ 511
 *            its own          | the kernel's, shared from the second level on
 */
#ifndef MM_USER_MAPPER_H
#define MM_USER_MAPPER_H

#include "kstatus.h"
#include "mm/page_mapper.h"

/** Owned by whoever set it up; the mapper in it is used with that owner's lock. */
struct user_mapper {
    struct page_mapper mapper;
};

/** Makes a user address space with an empty lower half. @return K_OK; K_ENOMEM
 *  @context after kernel_mapper_init() */
MUST_CHECK enum kstatus setup_new_usermapper(struct user_mapper *user);

/**
 * Ends @p user: where it is the current one, this CPU first goes back to the initial page table;
 * then its top-level table and all tables of its lower half are freed. The frames mapped in it are
 * not: whoever put them there unmaps or keeps them.
 * @context no other CPU runs on these tables
 */
void user_mapper_destroy(struct user_mapper *user);

#endif
