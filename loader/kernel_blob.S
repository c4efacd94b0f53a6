/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The stripped kernel ELF as read-only data of the loader. KERNEL_BLOB is its path. The console font
 * inside it serves the loader as well: it begins at the byte FONT_OFFSET and has FONT_BYTES bytes
 * (Makefile).
 */
    .section .rdata, "dr"
    .balign 16
    .globl kernel_blob_start
kernel_blob_start:
    .incbin KERNEL_BLOB
    .globl kernel_blob_end
kernel_blob_end:
    .globl font_blob_start
    .set font_blob_start, kernel_blob_start + FONT_OFFSET
    .globl font_blob_end
    .set font_blob_end, font_blob_start + FONT_BYTES
