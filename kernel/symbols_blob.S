/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The symbol table as a section of its own (kernel.lds puts it behind everything that it tells
 * about): empty in the first link, SYMBOLS_FILE in the second.
 */
    .section .symbols, "a"
    .globl symbols_start, symbols_end
    .hidden symbols_start, symbols_end
symbols_start:
#ifdef SYMBOLS_FILE
    .incbin SYMBOLS_FILE
#endif
symbols_end:
