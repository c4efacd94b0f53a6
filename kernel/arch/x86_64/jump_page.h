/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the kernel does first with the loader's tables.
 */
#ifndef ARCH_X86_64_JUMP_PAGE_H
#define ARCH_X86_64_JUMP_PAGE_H

/** Unmaps the lower half of the loader's tables: the identity page of the jump, and with it page
 *  zero of every kind of stray pointer. Context: on the hand-over tables, IF = 0. */
void jump_page_unmap(void);

#endif
