/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Routines of segment_load.S and probe.S, which need more than one instruction.
 */
#ifndef ARCH_X86_64_SEGMENT_LOAD_H
#define ARCH_X86_64_SEGMENT_LOAD_H

#include <stdint.h>

/** Reloads CS with @p code and DS, ES, SS, FS, GS with @p data (selectors). */
void x86_load_segments(uint16_t code, uint16_t data);

#endif
