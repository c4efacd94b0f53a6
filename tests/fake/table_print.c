/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See table_print.h. Reads the tables by their format alone, with none of the kernel's functions.
 */
#include "tests/fake/table_print.h"

#include <stddef.h>

#include <arch/physmap.h>

static uint64_t mix(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
}

/* The address that the indices on the way down to `level` stand for. */
static uint64_t address_of(const unsigned *index, unsigned level)
{
    uint64_t virt = 0;
    for (unsigned i = level; i <= 4; i++) {
        virt |= (uint64_t)index[i] << (12 + 9 * (i - 1));
    }
    return (virt & (UINT64_C(1) << 47)) != 0 ? virt | UINT64_C(0xffff000000000000) : virt;
}

struct table_print table_walk(phys_addr_t root, table_leaf_visitor visit, void *context)
{
    struct table_print print = { .tables = 1 };
    uint64_t table[5] = { [4] = root.value };
    unsigned index[5] = { 0 };
    unsigned level = 4;
    for (;;) {
        if (index[level] == 512) {
            if (level == 4) {
                return print;
            }
            level++;
            index[level]++;
            continue;
        }
        const uint64_t *const words = physmap_ptr(phys_addr(table[level]), PAGE_SIZE);
        const uint64_t word = words[index[level]];
        if (word != 0) {
            print.hash = mix(mix(mix(print.hash, word), index[level]), table[level]);
        }
        if ((word & 1) != 0 && level > 1 && (word & 0x80) == 0) {
            level--;
            table[level] = word & UINT64_C(0x000ffffffffff000);
            index[level] = 0;
            print.tables++;
            continue;
        }
        if ((word & 1) != 0) {
            print.leaves++;
            if (visit != NULL) {
                visit(context, address_of(index, level), word, level);
            }
        }
        index[level]++;
    }
}

struct table_print table_print(phys_addr_t root)
{
    return table_walk(root, NULL, NULL);
}

bool table_print_equal(struct table_print a, struct table_print b)
{
    return a.hash == b.hash && a.tables == b.tables && a.leaves == b.leaves;
}
