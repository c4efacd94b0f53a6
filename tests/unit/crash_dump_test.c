/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Dumps of hand-made frames: the exceptions that nothing in ring 0 can raise under an emulator,
 * and stacks, code and page tables that are broken in ways that a running kernel does not survive
 * to tell. The memory is the fake's; everything else of it faults.
 */
#include "arch/x86_64/crash_dump.h"

#include <stdio.h>
#include <string.h>

#include <arch/physmap.h>

#include "arch/x86_64/backtrace.h"
#include "log_tail.h"
#include "printk.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_image.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_log.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/fake_safe_access.h"
#include "tests/ktest.h"

#define STACK UINT64_C(0xffff800000110000)

/* A stack with two frames: rbp of the innermost at word 4, of its caller at word 8. */
static uint64_t stack[16];

static void set_up(void)
{
    static uint8_t code[64];
    fake_log_reset();
    fake_ram_reset();
    fake_cpu_reset();
    fake_safe_access_reset();
    memset(stack, 0, sizeof(stack));
    stack[4] = STACK + 8 * 8;
    stack[5] = FAKE_IMAGE + 0x310;
    stack[8] = 0;
    stack[9] = FAKE_IMAGE + 0x420;
    for (unsigned i = 0; i < sizeof(code); i++) {
        code[i] = (uint8_t)(0x40 + i); /* below 0x80 */
    }
    fake_safe_access_map(STACK, stack, sizeof(stack), true);
    fake_safe_access_map(FAKE_IMAGE + 0x200, code, sizeof(code), false);
}

static struct trap_frame frame_of(uint64_t vector, uint64_t error_code)
{
    return (struct trap_frame){
        .vector = vector,
        .error_code = error_code,
        .rip = FAKE_IMAGE + 0x210,
        .rsp = STACK,
        .rbp = STACK + 4 * 8,
        .cs = 8,
        .ss = 0x10,
    };
}

static void dump(const struct trap_frame *frame)
{
    set_up();
    crash_dump(frame);
}

static void crash_dump_tells_what_nothing_here_can_raise(struct ktest *t)
{
    static const struct {
        uint64_t vector;
        uint64_t error_code;
        const char *line;
    } kinds[] = {
        { 8, 0, "double fault (#DF): vector 8, error code 0x0: no way into" },
        { 9, 0, "reserved exception: vector 9, error code 0x0\n" },
        { 17, 0, "alignment check (#AC): vector 17, error code 0x0\n" },
        { 21, 3, "control protection (#CP): vector 21, error code 0x3: no ENDBRANCH\n" },
        { 29, 0x72, "VMM communication (#VC): vector 29, error code 0x72\n" },
        { 30, 1, "security exception (#SX): vector 30, error code 0x1\n" },
        { 31, 0, "reserved exception: vector 31, error code 0x0\n" },
    };
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct trap_frame frame = frame_of(kinds[i].vector, kinds[i].error_code);
        dump(&frame);
        KTEST_TRUE(t, fake_log_contains(kinds[i].line));
        KTEST_TRUE(t, fake_log_contains("backtrace:\n"
                                        "  #0 0xffff800000400210 fake_2+0x10 fake.c:528\n"
                                        "  #1 0xffff800000400310 fake_3+0x10 fake.c:783\n"
                                        "  #2 0xffff800000400420 fake_4+0x20 fake.c:1055\n"));
    }
}

static void crash_dump_shows_code_and_stack(struct ktest *t)
{
    const struct trap_frame frame = frame_of(6, 0);
    dump(&frame);
    KTEST_TRUE(t, fake_log_contains("code: 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f <50> 51 "));
    KTEST_TRUE(t, fake_log_contains("rsp+0x20: ffff800000110040 ffff800000400310 "));
    KTEST_TRUE(t, fake_log_contains("build bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb image "
                                    "0xffff800000400000\n"));
    KTEST_TRUE(t, fake_log_contains("cs 0008 ss 0010 ds 0010 es 0010 fs 0010 gs 0010\n"));
    KTEST_TRUE(t, fake_log_contains("efer 0x0000000000000d00\n"));
}

static void crash_dump_survives_unreadable_memory(struct ktest *t)
{
    struct trap_frame frame = frame_of(6, 0);
    frame.rip = FAKE_IMAGE + 0x23f; /* the last byte of code that is there */
    frame.rsp = STACK + 8 * 13;     /* three words are left */
    dump(&frame);
    KTEST_TRUE(t, fake_log_contains(" 7e <7f> ?? ??"));
    KTEST_TRUE(t, fake_log_contains("rsp+0x00: 0000000000000000 0000000000000000 0000000000000000 "
                                    "(cannot be read)\n"));
    frame.rip = UINT64_MAX - 1; /* wraps */
    frame.rsp = UINT64_MAX - 7;
    frame.rbp = UINT64_MAX - 7;
    dump(&frame);
    KTEST_TRUE(t, fake_log_contains("code: ?? ?? "));
    KTEST_TRUE(t, fake_log_contains("rsp+0x00: (cannot be read)\n"));
    KTEST_TRUE(t, fake_log_contains("  #0 0xfffffffffffffffe (outside the kernel's code)\n"));
}

static unsigned count_frames(const struct backtrace_start *start)
{
    struct backtrace trace;
    backtrace_collect(start, &trace);
    return trace.count;
}

static void backtrace_ends_at_a_broken_chain(struct ktest *t)
{
    struct backtrace_start start = { .rip = { FAKE_IMAGE + 1 }, .rsp = { STACK } };
    static const uint64_t bad[] = {
        0,
        1,
        STACK + 4 * 8 + 1,
        STACK - 8,
        STACK + 15 * 8,
        UINT64_C(0x0000123456789abc),
        MMIO_POOL_START,
        UINT64_MAX - 7,
    };
    set_up();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start.rbp = virt_addr(bad[i]);
        KTEST_EQ(t, count_frames(&start), 1);
    }
    start.rbp = virt_addr(STACK + 4 * 8);
    KTEST_EQ(t, count_frames(&start), 3);
    stack[4] = STACK + 4 * 8; /* to itself */
    KTEST_EQ(t, count_frames(&start), 2);
    stack[4] = STACK; /* downwards */
    KTEST_EQ(t, count_frames(&start), 2);
}

static void backtrace_is_never_longer_than_its_room(struct ktest *t)
{
    static uint64_t words[4 * BACKTRACE_MAX_FRAMES];
    set_up();
    for (unsigned i = 0; i + 2 < sizeof(words) / sizeof(words[0]); i += 2) {
        words[i] = STACK + SIZE_1M + 8 * (i + 2);
        words[i + 1] = FAKE_IMAGE + i;
    }
    fake_safe_access_map(STACK + SIZE_1M, words, sizeof(words), false);
    const struct backtrace_start start = { .rip = { FAKE_IMAGE }, .rbp = { STACK + SIZE_1M } };
    KTEST_EQ(t, count_frames(&start), BACKTRACE_MAX_FRAMES);
}

/* A call to nowhere: the return address is on top of the stack. */
static void backtrace_finds_who_called_nowhere(struct ktest *t)
{
    struct backtrace trace;
    set_up();
    stack[0] = FAKE_IMAGE + 0x999;
    const struct backtrace_start start = { .rsp = { STACK }, .rbp = { STACK + 4 * 8 } };
    backtrace_collect(&start, &trace);
    KTEST_EQ(t, trace.count, 4);
    KTEST_EQ(t, trace.address[1].value, FAKE_IMAGE + 0x999);
    stack[0] = 0x999; /* no code: not taken for one */
    KTEST_EQ(t, count_frames(&start), 3);
    const struct backtrace_start inside = { .rip = { FAKE_IMAGE },
                                            .rbp = { STACK + 4 * 8 },
                                            .rsp = { STACK } };
    stack[0] = FAKE_IMAGE + 0x999; /* the function's own: it did not jump to nowhere */
    KTEST_EQ(t, count_frames(&inside), 3);
}

/* The top-level table is there, the next one is not memory at all. */
static void crash_dump_walks_as_far_as_tables_can_be_read(struct ktest *t)
{
    const struct trap_frame frame = frame_of(14, 0);
    uint64_t *table = NULL;
    dump(&frame); /* no table at all */
    KTEST_TRUE(t, fake_log_contains("the next table cannot be read\n"));
    set_up();
    fake_ram_add(0x5000, 0x2000);
    fake_cpu.cr3 = 0x5000;
    fake_cpu.cr2 = UINT64_C(0x0000008000000123); /* entry 1 of the top-level table */
    table = physmap_ptr(phys_addr(0x5000), PAGE_SIZE);
    table[1] = UINT64_C(0x000ffffffffff003); /* an address that the direct map cannot have */
    crash_dump(&frame);
    KTEST_TRUE(t, fake_log_contains("  PML4[1] 0x000ffffffffff003\n"
                                    "  the next table cannot be read\n"));
    table[1] = 0x6003;
    fake_log_reset();
    crash_dump(&frame);
    KTEST_TRUE(t, fake_log_contains("  PML4[1] 0x0000000000006003\n"
                                    "  PDPT[0] 0x0000000000000000 not present\n"));
    table = physmap_ptr(phys_addr(0x6000), PAGE_SIZE);
    table[0] = 0x40000085; /* 1 GiB, user, read-only */
    fake_log_reset();
    crash_dump(&frame);
    KTEST_TRUE(t, fake_log_contains("  to 0x0000000040000123 r-x supervisor\n"));
    fake_cpu.cr2 = UINT64_C(0x0001000000000000); /* not canonical: no walk */
    crash_dump(&frame);
}

static void keep_line(const char *line)
{
    printk(LOG_LEVEL_DEBUG, "kept %s.", line);
}

static void log_tail_is_the_last_lines_cut(struct ktest *t)
{
    char wide[201];
    struct fake_log_line lines[] = {
        { LOG_LEVEL_INFO, "one\n" },    { LOG_LEVEL_INFO, "two\n" },
        { LOG_LEVEL_DEBUG, "three\n" }, { LOG_LEVEL_INFO, "\n" },
        { LOG_LEVEL_INFO, "no end" },   { LOG_LEVEL_INFO, wide },
        { LOG_LEVEL_INFO, "seven\n" },  { LOG_LEVEL_INFO, "eight\n" },
    };
    set_up();
    memset(wide, 'w', sizeof(wide));
    wide[199] = '\n';
    wide[200] = '\0';
    fake_log.lines = lines;
    fake_log.line_count = 8;
    log_tail_read(keep_line);
    fake_log.line_count = 0;
    char expected[300];
    (void)snprintf(expected, sizeof(expected),
                   "kept three.\nkept .\nkept no end.\nkept %.127s.\nkept seven.\nkept eight.\n",
                   wide);
    KTEST_STRING(t, fake_log_text(), expected);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(crash_dump_tells_what_nothing_here_can_raise),
    KTEST_CASE(crash_dump_shows_code_and_stack),
    KTEST_CASE(crash_dump_survives_unreadable_memory),
    KTEST_CASE(backtrace_ends_at_a_broken_chain),
    KTEST_CASE(backtrace_is_never_longer_than_its_room),
    KTEST_CASE(backtrace_finds_who_called_nowhere),
    KTEST_CASE(crash_dump_walks_as_far_as_tables_can_be_read),
    KTEST_CASE(log_tail_is_the_last_lines_cut),
};
KTEST_SUITE(crash_dump, "crash.dump", cases);
