/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The running kernel finds its own functions and lines, wherever it was loaded.
 */
#include "arch/x86_64/image.h"
#include "arch/x86_64/trap.h"
#include "symbols.h"
#include "tests/ktest.h"

static void symbols_know_a_function_by_address_and_by_name(struct ktest *t)
{
    const virt_addr_t start = virt_addr((uintptr_t)trap_dispatch);
    struct symbol_place place = { .line = 0 };
    virt_addr_t found = { 0 };
    KTEST_TRUE(t, symbols_lookup(virt_add(start, 1), &place));
    KTEST_STRING(t, place.function, "trap_dispatch");
    KTEST_EQ(t, place.offset, 1);
    KTEST_STRING(t, place.file, "kernel/arch/x86_64/trap.c");
    KTEST_TRUE(t, place.line > 0);
    KTEST_TRUE(t, symbols_find("trap_dispatch", &found));
    KTEST_EQ(t, found.value, start.value);
}

static void symbols_know_nothing_outside_the_code(struct ktest *t)
{
    const struct kernel_image image = kernel_image();
    struct symbol_place place;
    virt_addr_t found;
    KTEST_TRUE(t, symbols_lookup(image.code_start, &place));
    KTEST_FALSE(t, symbols_lookup(virt_addr(image.code_start.value - 1), &place));
    KTEST_FALSE(t, symbols_lookup(image.code_end, &place));
    KTEST_FALSE(t, symbols_lookup(virt_addr(0), &place));
    KTEST_FALSE(t, symbols_find("no_such_function", &found));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(symbols_know_a_function_by_address_and_by_name),
    KTEST_CASE(symbols_know_nothing_outside_the_code),
};
KTEST_SUITE(kernel_symbols, "kernel.symbols", cases);
