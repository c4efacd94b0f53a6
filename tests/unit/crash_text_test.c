/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Words for exceptions: every error-code bit that has a meaning, and numbers that no CPU gives.
 */
#include "arch/x86_64/crash_text.h"

#include <string.h>

#include "arch/x86_64/trap.h"
#include "lib/compiler.h"
#include "tests/ktest.h"

struct example {
    struct crash_cause cause;
    const char *words;
};

static void expect_words(struct ktest *t, const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[160] = "untouched";
        const size_t length = crash_describe(&examples[i].cause, text, sizeof(text));
        KTEST_STRING(t, text, examples[i].words);
        KTEST_EQ(t, length, strlen(examples[i].words));
    }
}

static void crash_page_fault_says_access_and_obstacle(struct ktest *t)
{
    static const struct example examples[] = {
        { { 14, 0x00, 0, false }, "read of a page that is not mapped, supervisor" },
        { { 14, 0x02, 0, false }, "write to a page that is not mapped, supervisor" },
        { { 14, 0x03, 0, false }, "write to a read-only page, supervisor" },
        { { 14, 0x01, 0, false }, "read of a page that forbids it, supervisor" },
        { { 14, 0x01, 0, true }, "read of a user page (SMEP, SMAP), supervisor" },
        { { 14, 0x03, 0, true }, "write to a user page (SMEP, SMAP), supervisor" },
        { { 14, 0x11, 0, true }, "instruction fetch from a user page (SMEP, SMAP), supervisor" },
        { { 14, 0x10, 0, false }, "instruction fetch from a page that is not mapped, supervisor" },
        { { 14, 0x11, 0, false }, "instruction fetch from a no-execute page, supervisor" },
        { { 14, 0x04, 0, false }, "read of a page that is not mapped, user" },
        { { 14, 0x07, 0, true }, "write to a read-only page, user" },
        { { 14, 0x08, 0, false }, "read of a page whose entry has a reserved bit set, supervisor" },
        { { 14, 0x0b, 0, false },
          "write to a page whose entry has a reserved bit set, supervisor" },
        { { 14, 0x25, 0, true }, "read of a page that its protection key forbids, user" },
        { { 14, 0x43, 0, false }, "write to a read-only page, supervisor, shadow stack" },
        { { 14, 0x8005, 0, false }, "read of a page that forbids it, user, SGX" },
    };
    expect_words(t, examples, ARRAY_COUNT(examples));
}

static void crash_selectors_are_told(struct ktest *t)
{
    static const struct example examples[] = {
        { { 13, 0, 0, false },
          "no selector: an address that is not canonical, or a value or instruction that is not "
          "allowed" },
        { { 13, 0x28, 0, false }, "selector 0x28 of the GDT" },
        { { 10, 0x18, 0, false }, "selector 0x18 of the GDT" },
        { { 11, 0x2c, 0, false }, "selector 0x28 of the LDT" },
        { { 12, 0x29, 0, false }, "selector 0x28 of the GDT, by an outside event" },
        { { 12, 0, 0, false }, "no selector" },
        { { 13, 1, 0, false }, "no selector, by an outside event" },
        { { 13, 0x102, 0, false }, "vector 32 of the IDT" },
        { { 11, 0x7ff | 2, 0, false }, "vector 255 of the IDT, by an outside event" },
        { { 13, UINT64_MAX, 0, false }, "vector 8191 of the IDT, by an outside event" },
    };
    expect_words(t, examples, ARRAY_COUNT(examples));
}

static void crash_others_are_told(struct ktest *t)
{
    static const struct example examples[] = {
        { { 1, 0, 0xffff0ff0, false }, "by INT1" },
        { { 1, 0, 0x4000, false }, "single step" },
        { { 1, 0, 0x4009, false }, "breakpoint 0, breakpoint 3, single step" },
        { { 1, 0, 0xe006, false },
          "breakpoint 1, breakpoint 2, access to a debug register, single step, task switch" },
        { { 21, 1, 0, false }, "near return" },
        { { 21, 3, 0, false }, "no ENDBRANCH" },
        { { 21, 0x8005, 0, false }, "SETSSBSY" },
        { { 21, 6, 0, false }, "cause not known" },
        { { 21, 0, 0, false }, "cause not known" },
        { { 6, 0, 0, false }, "" },
        { { 17, 0, 0, false }, "" },
        { { 255, 7, 0, false }, "" },
        { { UINT64_MAX, UINT64_MAX, UINT64_MAX, true }, "" },
    };
    expect_words(t, examples, ARRAY_COUNT(examples));
}

static void crash_words_are_cut_not_overrun(struct ktest *t)
{
    for (uint64_t vector = 0; vector < TRAP_VECTOR_COUNT; vector++) {
        char text[8];
        const struct crash_cause cause = { vector, 0x17, 0xe00f, false };
        (void)crash_describe(&cause, text, sizeof(text)); /* under the sanitizers */
        KTEST_TRUE(t, memchr(text, 0, sizeof(text)) != NULL);
    }
}

static void crash_names_have_mnemonics(struct ktest *t)
{
    KTEST_STRING(t, crash_name(0), "divide error (#DE)");
    KTEST_STRING(t, crash_name(14), "page fault (#PF)");
    KTEST_STRING(t, crash_name(15), "reserved exception");
    KTEST_STRING(t, crash_name(30), "security exception (#SX)");
    KTEST_STRING(t, crash_name(32), "reserved exception");
    KTEST_STRING(t, crash_name(UINT64_MAX), "reserved exception");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(crash_page_fault_says_access_and_obstacle),
    KTEST_CASE(crash_selectors_are_told),
    KTEST_CASE(crash_others_are_told),
    KTEST_CASE(crash_words_are_cut_not_overrun),
    KTEST_CASE(crash_names_have_mnemonics),
};
KTEST_SUITE(crash_text, "crash.text", cases);
