/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Build tool: the compact symbol table (kernel/symbol_table.h) of a kernel.
 *
 *   make_symbols KERNEL.elf OUT    writes the table for the code of KERNEL.elf
 *   make_symbols --lookup KERNEL.elf
 *                                  looks up what the table inside KERNEL.elf says: for each line
 *                                  of stdin, an offset as 0x12 or a function's name, one line
 *                                  "function+0x12 file:line" or the offset, or "-"
 *
 * The kernel is linked twice: first without the table, which is made from that, then with it. It
 * lies behind all code, so nothing that it tells moves; the Makefile makes it again from the
 * result and compares. The same input gives the same bytes.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <elf.h>

#include "symbol_table.h"
#include "tools/dwarf_lines.h"
#include "tools/range_encoder.h"

struct function {
    uint64_t start;
    const char *name;
    unsigned rank; /* of several at one address the highest stays */
};

struct kernel {
    struct byte_range file;
    const Elf64_Shdr *sections;
    size_t section_count;
    const char *section_names;
    struct function *functions; /* by address */
    size_t function_count;
    struct line_rows lines; /* by address */
};

struct file_names {
    const char **names;
    uint32_t count;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "make_symbols: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t count, size_t size_bytes)
{
    void *const memory = calloc(count + 1, size_bytes); /* never of size 0 */
    if (memory == NULL) {
        fail("memory", "none left");
    }
    return memory;
}

/* ---- the ELF file ------------------------------------------------------------------------------
 */

static struct byte_range read_whole(const char *path)
{
    FILE *const file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fail(path, "cannot be opened");
    }
    const long size = ftell(file);
    if (size < 0) {
        fail(path, "cannot be read");
    }
    const size_t size_bytes = (size_t)size;
    uint8_t *const bytes = allocate(size_bytes, 1);
    rewind(file);
    if (fread(bytes, 1, size_bytes, file) != size_bytes) {
        fail(path, "cannot be read");
    }
    (void)fclose(file); /* was only read */
    return (struct byte_range){ bytes, size_bytes };
}

static struct byte_range part(const struct kernel *kernel, uint64_t offset, uint64_t size_bytes)
{
    if (offset > kernel->file.size_bytes || size_bytes > kernel->file.size_bytes - offset) {
        fail("the ELF file", "is cut short");
    }
    return (struct byte_range){ kernel->file.bytes + offset, size_bytes };
}

static const Elf64_Shdr *find_section(const struct kernel *kernel, const char *name)
{
    for (size_t i = 0; i < kernel->section_count; i++) {
        if (strcmp(kernel->section_names + kernel->sections[i].sh_name, name) == 0) {
            return &kernel->sections[i];
        }
    }
    fail(name, "no such section");
}

static struct byte_range section_bytes(const struct kernel *kernel, const Elf64_Shdr *section)
{
    return part(kernel, section->sh_offset, section->sh_size);
}

static void open_kernel(const char *path, struct kernel *kernel)
{
    *kernel = (struct kernel){ .file = read_whole(path) };
    Elf64_Ehdr header;
    memcpy(&header, part(kernel, 0, sizeof(header)).bytes, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_shstrndx >= header.e_shnum) {
        fail(path, "is no ELF64 file with sections");
    }
    kernel->section_count = header.e_shnum;
    Elf64_Shdr *const sections = allocate(header.e_shnum, sizeof(*sections));
    memcpy(sections, part(kernel, header.e_shoff, header.e_shnum * sizeof(*sections)).bytes,
           header.e_shnum * sizeof(*sections));
    kernel->sections = sections;
    kernel->section_names = (const char *)section_bytes(kernel, &sections[header.e_shstrndx]).bytes;
}

/* ---- functions ---------------------------------------------------------------------------------
 */

/* A typed symbol before a bare label, a global before a local one. */
static unsigned rank_of(const Elf64_Sym *symbol)
{
    return (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ? 2U : 0U) +
           (ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL ? 1U : 0U);
}

static int compare_functions(const void *a, const void *b)
{
    const struct function *const left = a;
    const struct function *const right = b;
    if (left->start != right->start) {
        return left->start < right->start ? -1 : 1;
    }
    if (left->rank != right->rank) {
        return left->rank > right->rank ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

static bool is_code_symbol(const Elf64_Sym *symbol, const struct kernel *kernel,
                           const Elf64_Shdr *text)
{
    const unsigned type = ELF64_ST_TYPE(symbol->st_info);
    return (type == STT_FUNC || type == STT_NOTYPE) &&
           symbol->st_shndx == (size_t)(text - kernel->sections) && /* text is one of them */
           symbol->st_value < text->sh_addr + text->sh_size;
}

static void read_functions(struct kernel *kernel)
{
    const Elf64_Shdr *const text = find_section(kernel, ".text");
    const struct byte_range symbols = section_bytes(kernel, find_section(kernel, ".symtab"));
    const struct byte_range names = section_bytes(kernel, find_section(kernel, ".strtab"));
    const size_t symbol_count = symbols.size_bytes / sizeof(Elf64_Sym);
    kernel->functions = allocate(symbol_count, sizeof(*kernel->functions));
    size_t count = 0;
    for (size_t i = 1; i < symbol_count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, symbols.bytes + i * sizeof(symbol), sizeof(symbol));
        if (is_code_symbol(&symbol, kernel, text)) {
            kernel->functions[count++] = (struct function){
                .start = symbol.st_value,
                .name = (const char *)names.bytes + symbol.st_name,
                .rank = rank_of(&symbol),
            };
        }
    }
    qsort(kernel->functions, count, sizeof(*kernel->functions), compare_functions);
    for (size_t i = 0; i < count; i++) {
        const size_t kept = kernel->function_count;
        if (kept == 0 || kernel->functions[kept - 1].start != kernel->functions[i].start) {
            kernel->functions[kernel->function_count++] = kernel->functions[i];
        }
    }
}

/* ---- lines -------------------------------------------------------------------------------------
 */

/* By address; of one address the one that counts comes first: the last in the line table, and the
 * end of other code last of all. */
static int compare_rows(const void *a, const void *b)
{
    const struct line_row *const left = a;
    const struct line_row *const right = b;
    if (left->address != right->address) {
        return left->address < right->address ? -1 : 1;
    }
    if ((left->file == NULL) != (right->file == NULL)) {
        return left->file != NULL ? -1 : 1;
    }
    return left->order < right->order ? 1 : -1;
}

static void sort_rows(struct line_rows *all)
{
    for (size_t i = 0; i < all->count; i++) {
        all->rows[i].order = i;
    }
    qsort(all->rows, all->count, sizeof(*all->rows), compare_rows);
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (kept == 0 || all->rows[kept - 1].address != all->rows[i].address) {
            all->rows[kept++] = all->rows[i];
        }
    }
    all->count = kept;
}

/* Appends a row that tells something new. */
static void keep_row(struct line_rows *kept, const struct line_row *row, uint64_t address)
{
    if (kept->count > 0) {
        const struct line_row *const last = &kept->rows[kept->count - 1];
        if (last->line == row->line && strcmp(last->file, row->file) == 0) {
            return;
        }
    }
    kept->rows[kept->count] = *row;
    kept->rows[kept->count++].address = address;
}

/* Rows of one function, from `next` on. The compiler's own instructions (line 0) count to the line
 * before them; at the function's start, to the first line behind. @return the first row of the
 * next function. */
static size_t keep_function(const struct line_rows *all, size_t next, uint64_t start, uint64_t end,
                            struct line_rows *kept)
{
    static const struct line_row none = { .file = "" };
    const bool begins_here = next < all->count && all->rows[next].address == start;
    const bool goes_on = !begins_here && next > 0 && all->rows[next - 1].line != 0;
    bool has_line = goes_on;
    for (; next < all->count && all->rows[next].address < end; next++) {
        const struct line_row *const row = &all->rows[next];
        if (row->line != 0) {
            keep_row(kept, row, has_line ? row->address : start);
            has_line = true;
        }
    }
    if (!has_line) {
        keep_row(kept, &none, start);
    }
    return next;
}

static void read_lines(struct kernel *kernel)
{
    struct line_rows all = { 0 };
    dwarf_read_lines(section_bytes(kernel, find_section(kernel, ".debug_line")),
                     section_bytes(kernel, find_section(kernel, ".debug_line_str")), &all);
    sort_rows(&all);
    struct line_rows *const kept = &kernel->lines;
    *kept = (struct line_rows){ .rows = allocate(all.count + kernel->function_count,
                                                 sizeof(*kept->rows)) };
    size_t next = 0;
    for (size_t i = 0; i < kernel->function_count; i++) {
        const struct function *const f = &kernel->functions[i];
        const bool is_last = i + 1 == kernel->function_count;
        next = keep_function(&all, next, f->start, is_last ? UINT64_MAX : f[1].start, kept);
    }
    free(all.rows);
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static void encode_name(struct range_encoder *encoder, union symbol_models *models,
                        const char *name)
{
    static const char alphabet[] = SYMBOL_ALPHABET;
    const size_t length = strlen(name);
    if (length >= SYMBOL_NAME_BYTES) {
        fail(name, "is longer than SYMBOL_NAME_BYTES");
    }
    unsigned before = 0;
    for (size_t i = 0; i <= length; i++) {
        const char *const found = memchr(alphabet, name[i], SYMBOL_CODES);
        if (found == NULL) {
            fail(name, "has a character that is not in SYMBOL_ALPHABET");
        }
        const unsigned code = (unsigned)(found - alphabet); /* below SYMBOL_CODES */
        range_encode_tree(encoder, models->name.code[before], SYMBOL_CODE_BITS, code);
        before = code;
    }
}

static struct range_encoder start_stream(union symbol_models *models)
{
    range_models_reset((uint16_t *)(void *)models, sizeof(*models) / 2);
    return (struct range_encoder){ .range = UINT32_MAX };
}

static uint32_t number_of(const struct file_names *files, const char *name)
{
    for (uint32_t i = 0; i < files->count; i++) {
        if (strcmp(files->names[i], name) == 0) {
            return i;
        }
    }
    return files->count;
}

static struct file_names list_files(const struct kernel *kernel)
{
    struct file_names files = { .names = allocate(kernel->lines.count, sizeof(char *)) };
    for (size_t i = 0; i < kernel->lines.count; i++) {
        const char *const name = kernel->lines.rows[i].file;
        if (number_of(&files, name) == files.count) {
            files.names[files.count++] = name;
        }
    }
    return files;
}

static struct range_encoder encode_files(const struct file_names *files)
{
    static union symbol_models models;
    struct range_encoder encoder = start_stream(&models);
    for (uint32_t i = 0; i < files->count; i++) {
        encode_name(&encoder, &models, files->names[i]);
    }
    range_encoder_end(&encoder);
    return encoder;
}

static struct range_encoder encode_functions(const struct kernel *kernel)
{
    static union symbol_models models;
    struct range_encoder encoder = start_stream(&models);
    uint64_t before = 0;
    for (size_t i = 0; i < kernel->function_count; i++) {
        const struct function *const f = &kernel->functions[i];
        range_encode_number(&encoder, models.name.distance, (uint32_t)(f->start - before));
        encode_name(&encoder, &models, f->name);
        before = f->start;
    }
    range_encoder_end(&encoder);
    return encoder;
}

struct recent_place {
    uint32_t file;
    uint32_t line;
};

/* How far `line` is from a remembered place, in the decoder's zigzag order. */
static uint32_t change_of(const struct recent_place *place, uint32_t line)
{
    const uint32_t difference = line - place->line; /* two's complement */
    return difference << 1 ^ (0U - (difference >> 31));
}

/* The remembered place of this file that is nearest, SYMBOL_RECENT where there is none. */
static unsigned pick_kind(const struct recent_place recent[SYMBOL_RECENT], uint32_t file,
                          uint32_t line)
{
    unsigned best = SYMBOL_RECENT;
    for (unsigned i = 0; i < SYMBOL_RECENT; i++) {
        if (recent[i].file == file && recent[i].line != 0 &&
            (best == SYMBOL_RECENT ||
             change_of(&recent[i], line) + 4 < change_of(&recent[best], line))) {
            best = i;
        }
    }
    return best;
}

static struct range_encoder encode_rows(const struct kernel *kernel, const struct file_names *files)
{
    static union symbol_models models;
    struct range_encoder encoder = start_stream(&models);
    struct recent_place recent[SYMBOL_RECENT] = { { 0 } };
    unsigned kind_before = 0;
    uint64_t address = 0;
    for (size_t i = 0; i < kernel->lines.count; i++) {
        const struct line_row *const row = &kernel->lines.rows[i];
        const uint32_t file = number_of(files, row->file);
        const unsigned kind = pick_kind(recent, file, row->line);
        range_encode_number(&encoder, models.row.distance, (uint32_t)(row->address - address));
        range_encode_tree(&encoder, models.row.kind[kind_before], SYMBOL_KIND_BITS, kind);
        if (kind < SYMBOL_RECENT) {
            range_encode_number(&encoder, models.row.difference[kind],
                                change_of(&recent[kind], row->line));
        } else {
            range_encode_number(&encoder, models.row.file, file);
            range_encode_number(&encoder, models.row.line, row->line);
        }
        recent[1] = kind == 0 ? recent[1] : recent[0];
        recent[0] = (struct recent_place){ file, row->line };
        kind_before = kind;
        address = row->address;
    }
    range_encoder_end(&encoder);
    return encoder;
}
_Static_assert(SYMBOL_RECENT == 2, "encode_rows() shifts by hand");

static void write_part(FILE *file, const char *path, const void *bytes, size_t size_bytes)
{
    if (fwrite(bytes, 1, size_bytes, file) != size_bytes) {
        fail(path, "cannot be written");
    }
}

static void write_table(const struct kernel *kernel, const char *path)
{
    const struct file_names files = list_files(kernel);
    const struct range_encoder parts[] = {
        encode_files(&files),
        encode_functions(kernel),
        encode_rows(kernel, &files),
    };
    const struct symbol_header header = {
        .file_count = files.count,
        .function_count = (uint32_t)kernel->function_count, /* far below 2^32 */
        .row_count = (uint32_t)kernel->lines.count,
        .files_bytes = (uint32_t)parts[0].size_bytes,
        .functions_bytes = (uint32_t)parts[1].size_bytes,
    };
    FILE *const file = fopen(path, "wb");
    if (file == NULL) {
        fail(path, "cannot be opened");
    }
    write_part(file, path, &header, sizeof(header));
    for (size_t i = 0; i < 3; i++) {
        write_part(file, path, parts[i].bytes, parts[i].size_bytes);
        free(parts[i].bytes);
    }
    if (fclose(file) != 0) {
        fail(path, "cannot be written");
    }
    free(files.names);
}

/* ---- looking up --------------------------------------------------------------------------------
 */

static void look_up(const struct symbol_table *table, const char *text)
{
    struct symbol_place place;
    uint32_t offset;
    if (strncmp(text, "0x", 2) == 0) {
        offset = (uint32_t)strtoul(text, NULL, 16); /* what does not fit is not in the table */
        if (!symbol_table_lookup(table, offset, &place)) {
            printf("-\n");
            return;
        }
        printf("%s+0x%llx %s:%u\n", place.function, (unsigned long long)place.offset, place.file,
               place.line);
    } else if (symbol_table_find(table, text, &offset)) {
        printf("0x%x\n", offset);
    } else {
        printf("-\n");
    }
}

static void look_up_all(const struct kernel *kernel)
{
    static union symbol_models models;
    const struct byte_range bytes = section_bytes(kernel, find_section(kernel, ".symbols"));
    const struct symbol_table table = { bytes.bytes, bytes.size_bytes, &models };
    char line[256];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        look_up(&table, line);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: make_symbols KERNEL.elf OUT | --lookup KERNEL.elf\n");
        return EXIT_FAILURE;
    }
    static struct kernel kernel; /* static: what it owns is there until the program ends */
    if (strcmp(argv[1], "--lookup") == 0) {
        open_kernel(argv[2], &kernel);
        look_up_all(&kernel);
        return EXIT_SUCCESS;
    }
    open_kernel(argv[1], &kernel);
    read_functions(&kernel);
    read_lines(&kernel);
    write_table(&kernel, argv[2]);
    return EXIT_SUCCESS;
}
