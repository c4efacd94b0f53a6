/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See gdb_registers.h. Constant tables only; runs in the kernel and on the host.
 */
#include "gdb/gdb_registers.h"

#include "lib/compiler.h"

/* A run of registers of one size and type; a feature begins where `feature` is set. */
struct run {
    const char *feature;
    const char *bits;
    const char *type;
    uint8_t bytes;
    uint8_t count;
    const char *names; /* each NUL-terminated */
};

static const struct run runs[] = {
    { "org.gnu.gdb.i386.core", "64", "int64", 8, 6, "rax\0rbx\0rcx\0rdx\0rsi\0rdi\0" },
    { NULL, "64", "data_ptr", 8, 2, "rbp\0rsp\0" },
    { NULL, "64", "int64", 8, 8, "r8\0r9\0r10\0r11\0r12\0r13\0r14\0r15\0" },
    { NULL, "64", "code_ptr", 8, 1, "rip\0" },
    { NULL, "32", "rflags", 4, 1, "eflags\0" },
    { NULL, "32", "int32", 4, 6, "cs\0ss\0ds\0es\0fs\0gs\0" },
    { NULL, "80", "i387_ext", 10, 8, "st0\0st1\0st2\0st3\0st4\0st5\0st6\0st7\0" },
    { NULL, "32", "int32", 4, 8, "fctrl\0fstat\0ftag\0fiseg\0fioff\0foseg\0fooff\0fop\0" },
    { "org.gnu.gdb.i386.segments", "64", "int64", 8, 2, "fs_base\0gs_base\0" },
    { "org.firstlight.system", "64", "uint64", 8, 5, "cr0\0cr2\0cr3\0cr4\0efer\0" },
};

/* Bits of RFLAGS that a kernel uses (SDM vol 1, "EFLAGS Register"), so that gdb prints names. */
static const struct {
    const char *name;
    const char *bit;
} flags[] = {
    { "CF", "0" },  { "PF", "2" },  { "AF", "4" },  { "ZF", "6" },  { "SF", "7" },
    { "TF", "8" },  { "IF", "9" },  { "DF", "10" }, { "OF", "11" }, { "NT", "14" },
    { "RF", "16" }, { "AC", "18" }, { "ID", "21" },
};

size_t gdb_register_bytes(unsigned number)
{
    size_t run = 0;
    while (number >= runs[run].count) {
        number -= runs[run].count;
        run++;
    }
    return runs[run].bytes;
}

static void put_all(void (*put)(void *context, const char *text), void *context,
                    const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(context, texts[i]);
    }
}

static void describe_flags(void (*put)(void *context, const char *text), void *context)
{
    put(context, "<flags id=\"rflags\" size=\"4\">");
    for (size_t i = 0; i < ARRAY_COUNT(flags); i++) {
        const char *const texts[] = { "<field name=\"", flags[i].name, "\" start=\"", flags[i].bit,
                                      "\" end=\"",      flags[i].bit,  "\"/>" };
        put_all(put, context, texts, ARRAY_COUNT(texts));
    }
    put(context, "</flags>");
}

static const char *behind_nul(const char *text)
{
    while (*text != '\0') {
        text++;
    }
    return text + 1;
}

static void describe_run(const struct run *run, void (*put)(void *context, const char *text),
                         void *context)
{
    const char *name = run->names;
    for (unsigned i = 0; i < run->count; i++, name = behind_nul(name)) {
        const char *const texts[] = { "<reg name=\"", name,      "\" bitsize=\"", run->bits,
                                      "\" type=\"",   run->type, "\"/>" };
        put_all(put, context, texts, ARRAY_COUNT(texts));
    }
}

void gdb_registers_describe(void (*put)(void *context, const char *text), void *context)
{
    put(context, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
                 "<target><architecture>i386:x86-64</architecture>");
    for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
        if (runs[i].feature != NULL) {
            put(context, i == 0 ? "<feature name=\"" : "</feature><feature name=\"");
            put(context, runs[i].feature);
            put(context, "\">");
        }
        if (i == 0) {
            describe_flags(put, context);
        }
        describe_run(&runs[i], put, context);
    }
    put(context, "</feature></target>");
}
