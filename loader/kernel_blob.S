/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The stripped kernel ELF as read-only data of the loader. KERNEL_BLOB is its path (Makefile).
 */
    .section .rdata, "dr"
    .balign 16
    .globl kernel_blob_start
kernel_blob_start:
    .incbin KERNEL_BLOB
    .globl kernel_blob_end
kernel_blob_end:
