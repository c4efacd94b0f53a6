/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/elf_image.c: one good image, and every bad one that a table of edits makes of it.
 *
 *     file     0x0000  ELF header, program headers
 *              0x1000  text   R X  -> 0x0000..0x0200
 *              0x2000  rodata R    -> 0x1000..0x1300, with note, dynamic section, relocations
 *              0x3000  data   R W  -> 0x2000..0x2100, zeros to 0x4100
 *     image    0x0000..0x5000
 */
#include "elf_image.h"

#include <stdlib.h>
#include <string.h>

#include "mm/addr.h"
#include "tests/ktest.h"

#define FILE_BYTES  0x3100U
#define IMAGE_BYTES 0x5000U
#define RUN_ADDRESS UINT64_C(0xffff800001234000)

/* Program headers, in file order. */
enum {
    TEXT,
    RODATA,
    DATA,
    DYNAMIC,
    NOTE,
    STACK,
    HEADER_COUNT
};

/* File offsets of fields (gABI). */
#define PH(index, field) (64U + 56U * (uint32_t)(index) + (field))
#define PH_TYPE          0U
#define PH_FLAGS         4U
#define PH_OFFSET        8U
#define PH_VADDR         16U
#define PH_FILESZ        32U
#define PH_MEMSZ         40U
#define PH_ALIGN         48U
#define NOTE_AT          0x2040U
#define DYN(index)       (0x2100U + 16U * (index))
#define RELA(index)      (0x2200U + 24U * (index))

static void put(uint8_t *file, uint32_t at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        file[at + i] = (uint8_t)(value >> (8 * i));
    }
}

struct header_row {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
};

static void put_program_headers(uint8_t *file)
{
    static const struct header_row rows[HEADER_COUNT] = {
        [TEXT] = { 1, 5, 0x1000, 0, 0x200, 0x200, 0x1000 },
        [RODATA] = { 1, 4, 0x2000, 0x1000, 0x300, 0x300, 0x1000 },
        [DATA] = { 1, 6, 0x3000, 0x2000, 0x100, 0x2100, 0x1000 },
        [DYNAMIC] = { 2, 4, 0x2100, 0x1100, 0x80, 0x80, 8 },
        [NOTE] = { 4, 4, NOTE_AT, 0x1040, 0x24, 0x24, 4 },
        [STACK] = { 0x6474e551, 6, 0, 0, 0, 0, 0 },
    };
    for (uint32_t i = 0; i < HEADER_COUNT; i++) {
        put(file, PH(i, PH_TYPE), rows[i].type, 4);
        put(file, PH(i, PH_FLAGS), rows[i].flags, 4);
        put(file, PH(i, PH_OFFSET), rows[i].offset, 8);
        put(file, PH(i, PH_VADDR), rows[i].vaddr, 8);
        put(file, PH(i, PH_FILESZ), rows[i].file_size, 8);
        put(file, PH(i, PH_MEMSZ), rows[i].memory_size, 8);
        put(file, PH(i, PH_ALIGN), rows[i].alignment, 8);
    }
}

static void put_header(uint8_t *file)
{
    memcpy(file,
           "\x7f"
           "ELF\x02\x01\x01",
           7);
    put(file, 16, 3, 2);            /* ET_DYN */
    put(file, 18, 62, 2);           /* EM_X86_64 */
    put(file, 20, 1, 4);            /* version */
    put(file, 24, 0x100, 8);        /* entry */
    put(file, 32, 64, 8);           /* program headers */
    put(file, 52, 64, 2);           /* header size */
    put(file, 54, 56, 2);           /* program header size */
    put(file, 56, HEADER_COUNT, 2); /* program header count */
}

static void put_dynamic(uint8_t *file)
{
    static const uint64_t dynamic[][2] = {
        { 7, 0x1200 }, { 8, 3 * 24 }, { 9, 24 }, { 0x6ffffff9, 3 }, { 30, 0 }, { 0, 0 },
    };
    static const uint64_t relocations[][3] = {
        { 0x2010, 8, 0x1000 }, /* data -> rodata */
        { 0x1280, 8, 0x10 },   /* a pointer among the constants -> text */
        { 0x40f8, 8, 0x5000 }, /* last word of bss -> end of the image */
    };
    for (uint32_t i = 0; i < ARRAY_COUNT(dynamic); i++) {
        put(file, DYN(i), dynamic[i][0], 8);
        put(file, DYN(i) + 8, dynamic[i][1], 8);
    }
    for (uint32_t i = 0; i < ARRAY_COUNT(relocations); i++) {
        put(file, RELA(i), relocations[i][0], 8);
        put(file, RELA(i) + 8, relocations[i][1], 8);
        put(file, RELA(i) + 16, relocations[i][2], 8);
    }
}

static void put_note(uint8_t *file)
{
    put(file, NOTE_AT, 4, 4);
    put(file, NOTE_AT + 4, 20, 4);
    put(file, NOTE_AT + 8, 3, 4);
    memcpy(file + NOTE_AT + 12, "GNU", 4);
    for (uint32_t i = 0; i < 20; i++) {
        file[NOTE_AT + 16 + i] = (uint8_t)(0xa0 + i);
    }
}

/* A good image in memory of exactly its size, so that ASan sees a byte too far. To be freed. */
static uint8_t *good_image(void)
{
    uint8_t *const file = malloc(FILE_BYTES);
    if (file == NULL) {
        abort();
    }
    memset(file, 0, FILE_BYTES);
    memset(file + 0x1000, 0x90, 0x200);
    memset(file + 0x3000, 0xdd, 0x100);
    put_header(file);
    put_program_headers(file);
    put_dynamic(file);
    put_note(file);
    return file;
}

static uint64_t word_at(const uint8_t *memory, uint64_t offset)
{
    uint64_t word;
    memcpy(&word, memory + offset, sizeof(word));
    return word;
}

static void elf_image_plan_describes_a_good_image(struct ktest *t)
{
    uint8_t *const file = good_image();
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    KTEST_EQ(t, plan.segment_count, 3);
    KTEST_EQ(t, plan.size_bytes, IMAGE_BYTES);
    KTEST_EQ(t, plan.entry, 0x100);
    KTEST_EQ(t, plan.rela_offset, 0x2200);
    KTEST_EQ(t, plan.rela_count, 3);
    KTEST_EQ(t, plan.build_id_size, 20);
    KTEST_EQ(t, plan.build_id[19], 0xb3);
    const struct elf_image_segment *const data = &plan.segments[2];
    KTEST_EQ(t, data->start, 0x2000);
    KTEST_EQ(t, data->end, 0x5000);
    KTEST_EQ(t, data->file_offset, 0x3000);
    KTEST_EQ(t, data->file_size, 0x100);
    KTEST_EQ(t, data->memory_size, 0x2100);
    KTEST_TRUE(t, data->write && !data->execute);
    KTEST_TRUE(t, plan.segments[0].execute && !plan.segments[0].write);
    KTEST_TRUE(t, !plan.segments[1].execute && !plan.segments[1].write);
    free(file);
}

static void expect_bounds(struct ktest *t, const struct elf_image_plan *plan, uint64_t code_start,
                          uint64_t code_end, uint64_t rodata_end)
{
    const struct kernel_image image = elf_image_bounds(plan, RUN_ADDRESS);
    KTEST_EQ(t, image.code_start.value, RUN_ADDRESS + code_start);
    KTEST_EQ(t, image.code_end.value, RUN_ADDRESS + code_end);
    KTEST_EQ(t, image.rodata_end.value, RUN_ADDRESS + rodata_end);
    KTEST_EQ(t, image.data_end.value, RUN_ADDRESS + plan->size_bytes);
    KTEST_EQ(t, image.start_brk.value, RUN_ADDRESS + plan->size_bytes);
}

static void elf_image_bounds_are_those_of_the_linker_script(struct ktest *t)
{
    uint8_t *const file = good_image();
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    expect_bounds(t, &plan, 0, 0x1000, 0x2000);
    free(file);
    /* Data first, code in two pieces, nothing that is only read. */
    const struct elf_image_plan other = {
        .segments = { { .start = 0, .end = 0x1000, .write = true },
                      { .start = 0x1000, .end = 0x2000, .execute = true },
                      { .start = 0x2000, .end = 0x4000, .execute = true },
                      { .start = 0x4000, .end = 0x5000, .write = true } },
        .segment_count = 4,
        .size_bytes = 0x6000,
    };
    expect_bounds(t, &other, 0x1000, 0x4000, 0x4000);
    const struct elf_image_plan none = { .segment_count = 0 };
    expect_bounds(t, &none, 0, 0, 0);
}

static void elf_image_load_copies_zeroes_and_relocates(struct ktest *t)
{
    uint8_t *const file = good_image();
    uint8_t *const memory = malloc(IMAGE_BYTES);
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    memset(memory, 0xee, IMAGE_BYTES);
    KTEST_STATUS(t, elf_image_load(file, &plan, memory, RUN_ADDRESS, &why), K_OK);
    KTEST_EQ(t, memory[0], 0x90);
    KTEST_EQ(t, memory[0x1ff], 0x90);
    KTEST_EQ(t, memory[0x200], 0);
    KTEST_EQ(t, memory[0x1300], 0);
    KTEST_EQ(t, memory[0x20ff], 0xdd);
    KTEST_EQ(t, memory[0x2100], 0);
    KTEST_EQ(t, memory[0x4fff], 0);
    KTEST_EQ(t, word_at(memory, 0x2010), RUN_ADDRESS + 0x1000);
    KTEST_EQ(t, word_at(memory, 0x1280), RUN_ADDRESS + 0x10);
    KTEST_EQ(t, word_at(memory, 0x40f8), RUN_ADDRESS + 0x5000);
    KTEST_EQ(t, word_at(memory, 0x2018), UINT64_C(0xdddddddddddddddd));
    KTEST_STATUS(t, elf_image_load(file, &plan, memory, UINT64_MAX - 0x4000, &why), K_ENOEXEC);
    KTEST_STRING(t, why, "the image does not fit at its run address");
    free(file);
    free(memory);
}

/* The same image with a RELR table at the end of rodata: data's words 0 and 2, bss's first and
 * 63rd word behind word 0, and a second run that meets a word of the RELA table. */
static uint8_t *relr_image(void)
{
    static const uint64_t table[] = { 0x2000, UINT64_C(1) << 63 | 1 << 2 | 1, 0x2010, 0x2100 };
    static const uint64_t dynamic[][2] = { { 36, 0x1250 }, { 35, sizeof(table) }, { 37, 8 } };
    uint8_t *const file = good_image();
    for (uint32_t i = 0; i < ARRAY_COUNT(dynamic); i++) {
        put(file, DYN(3 + i), dynamic[i][0], 8);
        put(file, DYN(3 + i) + 8, dynamic[i][1], 8);
    }
    for (uint32_t i = 0; i < ARRAY_COUNT(table); i++) {
        put(file, 0x2250 + 8 * i, table[i], 8);
    }
    put(file, 0x3000, 0x1100, 8);
    put(file, 0x3010, 0x20, 8);
    return file;
}

static void elf_image_load_relocates_words_in_place(struct ktest *t)
{
    uint8_t *const file = relr_image();
    uint8_t *const memory = malloc(IMAGE_BYTES);
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    KTEST_EQ(t, plan.relr_offset, 0x2250);
    KTEST_EQ(t, plan.relr_count, 4);
    KTEST_STATUS(t, elf_image_load(file, &plan, memory, RUN_ADDRESS, &why), K_OK);
    KTEST_EQ(t, word_at(memory, 0x2000), RUN_ADDRESS + 0x1100);
    KTEST_EQ(t, word_at(memory, 0x2008), UINT64_C(0xdddddddddddddddd)); /* no bit for it */
    KTEST_EQ(t, word_at(memory, 0x2010), RUN_ADDRESS + 0x20); /* of the file, not what RELA wrote */
    KTEST_EQ(t, word_at(memory, 0x2018), UINT64_C(0xdddddddddddddddd));
    KTEST_EQ(t, word_at(memory, 0x2100), RUN_ADDRESS);
    KTEST_EQ(t, word_at(memory, 0x21f8), RUN_ADDRESS); /* the 63rd word behind 0x2000 */
    KTEST_EQ(t, word_at(memory, 0x2200), 0);
    KTEST_EQ(t, word_at(memory, 0x1280), RUN_ADDRESS + 0x10); /* RELA works beside it */
    free(memory);
    free(file);
}

/* The plan was made, then the file changed: load looks again before it writes. */
static void elf_image_load_checks_relocations_again(struct ktest *t)
{
    uint8_t *const file = good_image();
    uint8_t *const memory = malloc(IMAGE_BYTES);
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    put(file, RELA(2), IMAGE_BYTES, 8);
    KTEST_STATUS(t, elf_image_load(file, &plan, memory, RUN_ADDRESS, &why), K_ENOEXEC);
    KTEST_STRING(t, why, "a relocation's target is outside of the segments");
    free(file);
    free(memory);
}

/* ---- the table of edits -----------------------------------------------------------------------
 */

struct patch {
    uint32_t at;
    uint32_t bytes; /* 0: no patch */
    uint64_t value;
};

struct edit {
    const char *name;
    struct patch patches[3];
    const char *why; /* NULL: the image stays good */
};

#define LAST_PAGE UINT64_C(0xfffffffffffff000)

static const struct edit edits[] = {
    { "nothing", { { 0 } }, NULL },
    /* ELF header */
    { "magic", { { 0, 1, 0x7e } }, "not an ELF file" },
    { "32-bit class", { { 4, 1, 1 } }, "not a 64-bit ELF file" },
    { "class 0", { { 4, 1, 0 } }, "not a 64-bit ELF file" },
    { "big-endian", { { 5, 1, 2 } }, "not a little-endian ELF file" },
    { "identity version", { { 6, 1, 0 } }, "unknown ELF version" },
    { "version", { { 20, 4, 2 } }, "unknown ELF version" },
    { "i386", { { 18, 2, 3 } }, "not an x86-64 image" },
    { "aarch64", { { 18, 2, 183 } }, "not an x86-64 image" },
    { "ET_EXEC", { { 16, 2, 2 } }, "not a position-independent executable" },
    { "ET_REL", { { 16, 2, 1 } }, "not a position-independent executable" },
    { "program header size 0", { { 54, 2, 0 } }, "unknown size of a program header" },
    { "program header size 64", { { 54, 2, 64 } }, "unknown size of a program header" },
    { "no program headers", { { 56, 2, 0 } }, "no program headers, or too many" },
    { "65 program headers", { { 56, 2, 65 } }, "no program headers, or too many" },
    { "PN_XNUM", { { 56, 2, 0xffff } }, "no program headers, or too many" },
    { "program headers past the end",
      { { 32, 8, FILE_BYTES } },
      "program headers outside of the file" },
    { "program headers wrap",
      { { 32, 8, UINT64_MAX - 63 } },
      "program headers outside of the file" },
    { "last program header cut",
      { { 32, 8, FILE_BYTES - 6 * 56 + 1 } },
      "program headers outside of the file" },
    /* Segments */
    { "interpreter", { { PH(STACK, PH_TYPE), 4, 3 } }, "image wants a dynamic linker" },
    { "thread-local storage", { { PH(STACK, PH_TYPE), 4, 7 } }, "image has thread-local storage" },
    { "no load segment",
      { { PH(TEXT, PH_TYPE), 4, 0 }, { PH(RODATA, PH_TYPE), 4, 0 }, { PH(DATA, PH_TYPE), 4, 0 } },
      "no load segment" },
    { "offset past the end",
      { { PH(DATA, PH_OFFSET), 8, FILE_BYTES } },
      "segment outside of the file" },
    { "offset wraps",
      { { PH(DATA, PH_OFFSET), 8, UINT64_MAX - 0xff } },
      "segment outside of the file" },
    { "one byte past the end",
      { { PH(DATA, PH_FILESZ), 8, 0x101 } },
      "segment outside of the file" },
    { "file size huge", { { PH(DATA, PH_FILESZ), 8, UINT64_MAX } }, "segment outside of the file" },
    { "file size above memory size",
      { { PH(DATA, PH_MEMSZ), 8, 0xff } },
      "segment larger in the file than in memory" },
    { "file size without memory",
      { { PH(DATA, PH_MEMSZ), 8, 0 } },
      "segment larger in the file than in memory" },
    { "memory size huge",
      { { PH(DATA, PH_MEMSZ), 8, UINT64_MAX } },
      "segment outside of the first 64 MiB" },
    { "memory size 64 MiB",
      { { PH(DATA, PH_MEMSZ), 8, ELF_IMAGE_MAX_BYTES } },
      "segment outside of the first 64 MiB" },
    { "address wraps",
      { { PH(DATA, PH_VADDR), 8, LAST_PAGE } },
      "segment outside of the first 64 MiB" },
    { "higher-half address",
      { { PH(TEXT, PH_VADDR), 8, 0xffffffff80000000 } },
      "segment outside of the first 64 MiB" },
    { "text writable", { { PH(TEXT, PH_FLAGS), 4, 7 } }, "segment both writable and executable" },
    { "data executable", { { PH(DATA, PH_FLAGS), 4, 7 } }, "segment both writable and executable" },
    { "alignment 2 MiB",
      { { PH(DATA, PH_ALIGN), 8, 0x200000 } },
      "segment alignment above a page, or no power of two" },
    { "alignment 48",
      { { PH(DATA, PH_ALIGN), 8, 48 } },
      "segment alignment above a page, or no power of two" },
    { "alignment 0", { { PH(DATA, PH_ALIGN), 8, 0 } }, NULL },
    { "same address twice", { { PH(DATA, PH_VADDR), 8, 0x1000 } }, "load segments overlap" },
    { "last byte overlaps", { { PH(TEXT, PH_MEMSZ), 8, 0x1001 } }, "load segments overlap" },
    { "bss over the rodata",
      { { PH(DATA, PH_VADDR), 8, 0 },
        { PH(TEXT, PH_VADDR), 8, 0x4000 },
        { PH(DATA, PH_MEMSZ), 8, 0x1800 } },
      "load segments overlap" },
    { "rodata and data share a page",
      { { PH(RODATA, PH_VADDR), 8, 0x1f00 }, { PH(DATA, PH_VADDR), 8, 0x2200 } },
      "load segments of different permissions share a page" },
    { "text and rodata share a page",
      { { PH(TEXT, PH_MEMSZ), 8, 0x1001 }, { PH(RODATA, PH_VADDR), 8, 0x1008 } },
      "load segments of different permissions share a page" },
    { "entry past the code",
      { { 24, 8, 0x200 } },
      "entry point outside of the executable segment" },
    { "entry in data", { { 24, 8, 0x2000 } }, "entry point outside of the executable segment" },
    { "entry in rodata", { { 24, 8, 0x1000 } }, "entry point outside of the executable segment" },
    { "entry in nothing",
      { { 24, 8, UINT64_MAX } },
      "entry point outside of the executable segment" },
    { "entry in code that is not in the file",
      { { PH(TEXT, PH_FILESZ), 8, 0x100 } },
      "entry point outside of the executable segment" },
    { "no executable segment",
      { { PH(TEXT, PH_FLAGS), 4, 4 } },
      "entry point outside of the executable segment" },
    { "two more segments",
      { { PH(NOTE, PH_TYPE), 4, 1 }, { PH(NOTE, PH_VADDR), 8, 0x6000 } },
      NULL },
    /* Dynamic section */
    { "no dynamic section", { { PH(DYNAMIC, PH_TYPE), 4, 0 } }, NULL },
    { "two dynamic sections",
      { { PH(STACK, PH_TYPE), 4, 2 },
        { PH(STACK, PH_FILESZ), 8, 16 },
        { PH(STACK, PH_OFFSET), 8, 0x2150 } },
      "two dynamic sections" },
    { "dynamic section past the end",
      { { PH(DYNAMIC, PH_OFFSET), 8, FILE_BYTES - 0x7f } },
      "dynamic section outside of the file" },
    { "dynamic section wraps",
      { { PH(DYNAMIC, PH_FILESZ), 8, UINT64_MAX } },
      "dynamic section outside of the file" },
    { "dynamic section without end",
      { { PH(DYNAMIC, PH_FILESZ), 8, 5 * 16 } },
      "dynamic section without an end" },
    { "DT_NEEDED", { { DYN(3), 8, 1 } }, "image needs a shared library" },
    { "DT_REL", { { DYN(3), 8, 17 } }, "relocations in another form than RELA and RELR" },
    { "DT_JMPREL", { { DYN(3), 8, 23 } }, "image has a procedure linkage table" },
    { "DT_TEXTREL", { { DYN(3), 8, 22 } }, "relocations in the text" },
    { "DF_TEXTREL", { { DYN(4) + 8, 8, 4 } }, "relocations in the text" },
    { "unknown dynamic tag", { { DYN(3), 8, 0x6ffffef5 } }, NULL },
    { "DT_RELAENT 16", { { DYN(2) + 8, 8, 16 } }, "unknown size of a relocation" },
    { "no DT_RELAENT", { { DYN(2), 8, 0x6ffffff9 } }, "unknown size of a relocation" },
    { "DT_RELASZ no multiple", { { DYN(1) + 8, 8, 71 } }, "unknown size of a relocation" },
    { "DT_RELASZ 0", { { DYN(1) + 8, 8, 0 } }, NULL },
    { "DT_RELASZ huge",
      { { DYN(1) + 8, 8, UINT64_MAX / 24 * 24 } },
      "relocations outside of the segments" },
    { "DT_RELA in nothing",
      { { DYN(0) + 8, 8, 0x100000 } },
      "relocations outside of the segments" },
    { "DT_RELA in bss", { { DYN(0) + 8, 8, 0x3000 } }, "relocations outside of the segments" },
    { "DT_RELA passes its segment",
      { { DYN(0) + 8, 8, 0x1300 - 71 } },
      "relocations outside of the segments" },
    /* Relocations */
    { "R_X86_64_64", { { RELA(1) + 8, 8, 1 } }, "a relocation is not R_X86_64_RELATIVE" },
    { "R_X86_64_NONE", { { RELA(1) + 8, 8, 0 } }, "a relocation is not R_X86_64_RELATIVE" },
    { "relative with a symbol",
      { { RELA(1) + 12, 4, 1 } },
      "a relocation is not R_X86_64_RELATIVE" },
    { "target in the text", { { RELA(1), 8, 0x80 } }, "a relocation's target is in the text" },
    { "target's end past bss",
      { { RELA(2), 8, 0x40f9 } },
      "a relocation's target is outside of the segments" },
    { "target between segments",
      { { RELA(1), 8, 0x800 } },
      "a relocation's target is outside of the segments" },
    { "target wraps",
      { { RELA(1), 8, UINT64_MAX - 3 } },
      "a relocation's target is outside of the segments" },
    { "addend past the image",
      { { RELA(0) + 16, 8, IMAGE_BYTES + 1 } },
      "a relocation points outside of the image" },
    { "addend negative",
      { { RELA(0) + 16, 8, UINT64_MAX } },
      "a relocation points outside of the image" },
    /* Notes */
    { "no note", { { PH(NOTE, PH_TYPE), 4, 0 } }, NULL },
    { "notes past the end",
      { { PH(NOTE, PH_OFFSET), 8, FILE_BYTES } },
      "notes outside of the file" },
    { "note name too long",
      { { NOTE_AT, 4, 0xffffffff } },
      "a note passes the end of its section" },
    { "note descriptor too long",
      { { NOTE_AT + 4, 4, 21 } },
      "a note passes the end of its section" },
    { "note header cut", { { PH(NOTE, PH_FILESZ), 8, 11 } }, NULL },
};

/* Applies @p edit to a good image and compares what the plan says; a good one must load, too. */
static bool edit_gives(struct ktest *t, const struct edit *edit)
{
    uint8_t *const file = good_image();
    for (size_t i = 0; i < ARRAY_COUNT(edit->patches); i++) {
        put(file, edit->patches[i].at, edit->patches[i].value, edit->patches[i].bytes);
    }
    struct elf_image_plan plan;
    const char *why = NULL;
    const enum kstatus status = elf_image_plan(file, FILE_BYTES, &plan, &why);
    bool good = KTEST_STATUS(t, status, edit->why == NULL ? K_OK : K_ENOEXEC);
    good &= KTEST_STRING(t, why == NULL ? "" : why, edit->why == NULL ? "" : edit->why);
    if (status == K_OK) {
        uint8_t *const memory = malloc(plan.size_bytes);
        good &= KTEST_STATUS(t, elf_image_load(file, &plan, memory, RUN_ADDRESS, &why), K_OK);
        free(memory);
    }
    free(file);
    return good;
}

static void elf_image_plan_names_every_fault(struct ktest *t)
{
    for (size_t i = 0; i < ARRAY_COUNT(edits); i++) {
        if (!edit_gives(t, &edits[i])) {
            ktest_output("    # edit \"%s\"\n", edits[i].name);
        }
    }
}

/* Every shorter file is refused, for there is a segment that ends with the file. */
static void elf_image_plan_refuses_every_truncation(struct ktest *t)
{
    uint8_t *const file = good_image();
    for (uint32_t bytes = 0; bytes < FILE_BYTES; bytes += bytes < 0x200 ? 1 : 61) {
        uint8_t *const cut = malloc(bytes + 1);
        memcpy(cut, file, bytes);
        struct elf_image_plan plan;
        const char *why = NULL;
        uint8_t *const exact = realloc(cut, bytes > 0 ? bytes : 1);
        KTEST_STATUS(t, elf_image_plan(exact, bytes, &plan, &why), K_ENOEXEC);
        KTEST_TRUE(t, why != NULL);
        free(exact);
    }
    free(file);
}

/* Data first in the file's table: the plan is sorted all the same. */
static void elf_image_plan_sorts_segments(struct ktest *t)
{
    uint8_t *const file = good_image();
    uint8_t kept[56];
    memcpy(kept, file + PH(TEXT, 0), 56);
    memcpy(file + PH(TEXT, 0), file + PH(DATA, 0), 56);
    memcpy(file + PH(DATA, 0), kept, 56);
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    KTEST_EQ(t, plan.segments[0].start, 0);
    KTEST_EQ(t, plan.segments[1].start, 0x1000);
    KTEST_EQ(t, plan.segments[2].start, 0x2000);
    free(file);
}

/* Rodata ends and more read-only bytes begin in page 1: the page is the first one's.
 *
 *     0x1000       0x1300  0x1400  0x1500
 *     | rodata     |       | note  |        pages: [0x1000, 0x2000) and none                  */
static void elf_image_plan_shared_page_belongs_to_the_first(struct ktest *t)
{
    uint8_t *const file = good_image();
    put(file, PH(NOTE, PH_TYPE), 1, 4);
    put(file, PH(NOTE, PH_VADDR), 0x1400, 8);
    put(file, PH(NOTE, PH_MEMSZ), 0x100, 8);
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    KTEST_EQ(t, plan.segment_count, 4);
    KTEST_EQ(t, plan.segments[1].end, 0x2000);
    KTEST_EQ(t, plan.segments[2].start, 0x2000);
    KTEST_EQ(t, plan.segments[2].end, 0x2000);
    KTEST_EQ(t, plan.segments[2].vaddr, 0x1400);
    free(file);
}

static void elf_image_plan_refuses_nine_segments(struct ktest *t)
{
    uint8_t *const file = good_image();
    put(file, 56, HEADER_COUNT + 6, 2);
    for (uint32_t i = 0; i < 6; i++) {
        put(file, PH(HEADER_COUNT + i, PH_TYPE), 1, 4);
        put(file, PH(HEADER_COUNT + i, PH_FLAGS), 4, 4);
        put(file, PH(HEADER_COUNT + i, PH_VADDR), 0x10000 + 0x1000 * i, 8);
        put(file, PH(HEADER_COUNT + i, PH_MEMSZ), i < 5 ? 1 : 0, 8);
    }
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    KTEST_EQ(t, plan.segment_count, ELF_IMAGE_MAX_SEGMENTS);
    put(file, PH(HEADER_COUNT + 5, PH_MEMSZ), 1, 8);
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_ENOEXEC);
    KTEST_STRING(t, why, "too many load segments");
    free(file);
}

/* Other notes, and a build id that bootinfo has no room for, are passed over. */
static void elf_image_plan_other_notes_are_no_build_id(struct ktest *t)
{
    static const struct patch patches[] = {
        { NOTE_AT + 8, 4, 1 },    /* another type */
        { NOTE_AT + 12, 1, 'X' }, /* another name */
        { NOTE_AT, 4, 3 },        /* name without its NUL */
    };
    for (size_t i = 0; i < ARRAY_COUNT(patches); i++) {
        uint8_t *const file = good_image();
        put(file, patches[i].at, patches[i].value, patches[i].bytes);
        struct elf_image_plan plan;
        const char *why = NULL;
        KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
        KTEST_EQ(t, plan.build_id_size, 0);
        free(file);
    }
    uint8_t *const file = good_image();
    put(file, NOTE_AT + 4, 21, 4);
    put(file, PH(NOTE, PH_FILESZ), 0x28, 8);
    struct elf_image_plan plan;
    const char *why = NULL;
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_OK);
    KTEST_EQ(t, plan.build_id_size, 0);
    free(file);
}

/* The plan is written on success only. */
static void elf_image_plan_failure_leaves_the_plan(struct ktest *t)
{
    uint8_t *const file = good_image();
    struct elf_image_plan plan;
    struct elf_image_plan before;
    memset(&plan, 0x5a, sizeof(plan));
    memcpy(&before, &plan, sizeof(plan));
    const char *why = NULL;
    put(file, RELA(2), IMAGE_BYTES, 8);
    KTEST_STATUS(t, elf_image_plan(file, FILE_BYTES, &plan, &why), K_ENOEXEC);
    KTEST_EQ(t, memcmp(&plan, &before, sizeof(plan)), 0);
    free(file);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(elf_image_plan_describes_a_good_image),
    KTEST_CASE(elf_image_bounds_are_those_of_the_linker_script),
    KTEST_CASE(elf_image_load_copies_zeroes_and_relocates),
    KTEST_CASE(elf_image_load_relocates_words_in_place),
    KTEST_CASE(elf_image_load_checks_relocations_again),
    KTEST_CASE(elf_image_plan_names_every_fault),
    KTEST_CASE(elf_image_plan_refuses_every_truncation),
    KTEST_CASE(elf_image_plan_sorts_segments),
    KTEST_CASE(elf_image_plan_shared_page_belongs_to_the_first),
    KTEST_CASE(elf_image_plan_refuses_nine_segments),
    KTEST_CASE(elf_image_plan_other_notes_are_no_build_id),
    KTEST_CASE(elf_image_plan_failure_leaves_the_plan),
};
KTEST_SUITE(loader_elf_image, "loader.elf_image", cases);
