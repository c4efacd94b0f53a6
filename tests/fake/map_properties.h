/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What holds for every output of mmap_build(), whatever the input: shared by unit, property and
 * fuzz tests. Host only.
 */
#ifndef FAKE_MAP_PROPERTIES_H
#define FAKE_MAP_PROPERTIES_H

#include <stdbool.h>

#include "mmap_build.h"

/** The first property that @p output breaks as a sentence, or NULL: sorted, disjoint, merged, every
 *  entry with a reason that gives its type, whole pages, counts inside the bounds, books that
 *  balance and are those of memory_map_account(), usable memory only where the firmware said so,
 *  repairs that can be told. O(entries * input): for small inputs. */
const char *map_properties_fault(const struct mmap_build_input *input,
                                 const struct mmap_build_output *output);

/** Whether entries, reasons, RAM and books are equal. */
bool map_properties_same_map(const struct mmap_build_output *a, const struct mmap_build_output *b);

/** Whether the repairs are, but for entry numbers and the order of skipped descriptors. Sorts both.
 */
bool map_properties_same_repairs(struct mmap_build_output *a, struct mmap_build_output *b);

/** Whether @p output, read again as an e820 map with a ledger, gives the same types and no repair.
 *  True without a look where e820 input cut kernel or loader memory inside a page: that cannot be
 *  given back as a ledger of whole pages. */
bool map_properties_stable(const struct mmap_build_output *output);

#endif
