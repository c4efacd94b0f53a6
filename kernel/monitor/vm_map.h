/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's `vm map`: what is mapped, neighbouring leaves of equal rights as one range.
 */
#ifndef MONITOR_VM_MAP_H
#define MONITOR_VM_MAP_H

/** Prints a line a range; Ctrl-C ends the list. Context: after mm_init(). */
void vm_map(const char *argument);

#endif
