/* SPDX-License-Identifier: GPL-2.0-only
 *
 * BOOTX64.EFI as data of HOSTILE.EFI. LOADER_BLOB is its path (hostile.mk).
 */
    .section .data, "dw"
    .balign 16
    .globl loader_blob_start
loader_blob_start:
    .incbin LOADER_BLOB
    .globl loader_blob_end
loader_blob_end:
