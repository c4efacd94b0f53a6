/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What handoff.S and kernel_blob.S give the real loader, for the host: some bytes to copy into the
 * jump page, and room for a kernel image that fake_efi.c makes.
 */
    .data
    .balign 16
    .globl handoff_page_start, handoff_page_end, kernel_blob_start, kernel_blob_end
handoff_page_start:
    .fill 64, 1, 0x90
handoff_page_end:
    .balign 16
kernel_blob_start:
    .fill 0x3000, 1, 0
kernel_blob_end:
    .section .note.GNU-stack, "", @progbits
