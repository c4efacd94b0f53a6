/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `picture`: physical memory as 12 rows of 64 cells, each with the class that
 * most of its bytes have, and the free memory by block size as bars. Colours are SGR sequences
 * (ECMA-48, 8.3.117). Read only; the cell's class is pure. Context: after mm_init().
 */
#ifndef MONITOR_PICTURE_COMMAND_H
#define MONITOR_PICTURE_COMMAND_H

#include <stdint.h>

#include "mm/memory_map.h"

#define PICTURE_COLUMNS 64U
#define PICTURE_ROWS    12U

/** Bytes a cell stands for: whole pages, so that all firmware RAM of @p map is in the picture. */
uint64_t picture_cell_bytes(const struct memory_map *map);

/** The class of [base, base + size_bytes): the letter of the legend; ' ' for nothing. */
char picture_class(const struct memory_map *map, uint64_t base, uint64_t size_bytes);

/** `picture [plain]` */
void picture_command(const char *argument);

#endif
