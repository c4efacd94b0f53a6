/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The console font as read-only data: Terminus, 8 x 16 pixels, from Debian's console-setup-linux
 * (docs/screen.md has its licence). FONT_FILE is its path, unpacked (Makefile).
 */
    .section .rodata, "a"
    .globl font_blob_start
    .hidden font_blob_start
    .globl font_blob_end
    .hidden font_blob_end
font_blob_start:
    .incbin FONT_FILE
font_blob_end:

    .section .note.GNU-stack, "", @progbits
