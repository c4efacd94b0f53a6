/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Page tables as a test sees them: every leaf in ascending order, and the fingerprint of a whole
 * tree, for tests that say "as before" (every table's frame and all its 512 words take part).
 */
#ifndef TABLE_PRINT_H
#define TABLE_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/addr.h"

/** One leaf: the address it maps, its raw word and its level (1..3). */
typedef void (*table_leaf_visitor)(void *context, uint64_t virt, uint64_t word, unsigned level);

struct table_print {
    uint64_t hash;
    uint64_t tables;
    uint64_t leaves;
};

/** The fingerprint of the tree under @p root; calls @p visit, which may be NULL, for each leaf. */
struct table_print table_walk(phys_addr_t root, table_leaf_visitor visit, void *context);

/** table_walk() for the fingerprint alone. */
struct table_print table_print(phys_addr_t root);

/** Whether both trees are the same to the bit. */
bool table_print_equal(struct table_print a, struct table_print b);

#endif
