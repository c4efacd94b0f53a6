/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam for the whole loader: the fake CPU of tests/fake, and the
 * instructions that only the loader's end needs (tests/fake/efi/fake_efi.c).
 */
#ifndef FAKE_EFI_ARCH_CPU_H
#define FAKE_EFI_ARCH_CPU_H

#include_next <arch/cpu.h>

void x86_cli(void);
void x86_sti(void);
void x86_hlt(void);

#endif
