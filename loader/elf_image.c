/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel image: see elf_image.h. Stateless; reads only inside [file, file + file_bytes) and
 * writes only inside [memory, memory + plan->size_bytes). Loader and host.
 *
 *     file                               memory (image offsets, base = 0)
 *     | ELF header | program headers |
 *     | bytes of PT_LOAD 0           | -> | text   R X |
 *     | bytes of PT_LOAD 1           | -> | rodata R   |  .dynamic, relocations, build id in here
 *     | bytes of PT_LOAD 2           | -> | data   R W | zeros up to p_memsz, page end |
 *
 * The plan is made in passes over the program headers: load segments, then the dynamic section (it
 * speaks in virtual addresses, so the segments must be known), the relocations (elf_relocate.c),
 * the notes. Each step returns NULL or the sentence that names the fault.
 *
 * Names of constants are those of the System V ABI (gABI, chapters 4 and 5) and of its AMD64
 * supplement 1.0.
 */
#include "elf_image.h"

#include "elf_relocate.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mm/addr.h"

#define ELF_CLASS_64        2U
#define ELF_DATA_LITTLE     1U
#define ELF_VERSION_CURRENT 1U
#define ELF_TYPE_DYN        3U
#define ELF_MACHINE_X86_64  62U

#define SEGMENT_LOAD    1U
#define SEGMENT_DYNAMIC 2U
#define SEGMENT_INTERP  3U
#define SEGMENT_NOTE    4U
#define SEGMENT_TLS     7U

#define SEGMENT_FLAG_EXECUTE 1U
#define SEGMENT_FLAG_WRITE   2U

#define DYNAMIC_NULL    0U
#define DYNAMIC_NEEDED  1U
#define DYNAMIC_RELA    7U
#define DYNAMIC_RELASZ  8U
#define DYNAMIC_RELAENT 9U
#define DYNAMIC_REL     17U
#define DYNAMIC_TEXTREL 22U
#define DYNAMIC_JMPREL  23U
#define DYNAMIC_FLAGS   30U
#define DYNAMIC_RELRSZ  35U
#define DYNAMIC_RELR    36U
#define DYNAMIC_RELRENT 37U

#define DYNAMIC_FLAG_TEXTREL 4U

#define NOTE_GNU_BUILD_ID 3U

#define MAX_PROGRAM_HEADERS 64U

struct elf_header {
    uint8_t magic[4];
    uint8_t class;
    uint8_t data;
    uint8_t ident_version;
    uint8_t os_abi[9]; /* ABI, its version, padding */
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_offset;
    uint64_t section_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_size;
    uint16_t program_count;
    uint16_t section_size;
    uint16_t section_count;
    uint16_t section_names;
};
_Static_assert(sizeof(struct elf_header) == 64, "gABI, ELF header");

struct elf_segment {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
};
_Static_assert(sizeof(struct elf_segment) == 56, "gABI, program header");

struct elf_dynamic {
    uint64_t tag;
    uint64_t value;
};
_Static_assert(sizeof(struct elf_dynamic) == 16, "gABI, dynamic section");

struct elf_note {
    uint32_t name_size;
    uint32_t descriptor_size;
    uint32_t type;
};
_Static_assert(sizeof(struct elf_note) == 12, "gABI, note section");

/* The bytes under examination. */
struct elf_file {
    const uint8_t *bytes;
    uint64_t size_bytes;
    struct elf_header header;
};

static struct elf_segment segment_at(const struct elf_file *file, uint32_t index)
{
    struct elf_segment segment;
    memcpy(&segment, file->bytes + file->header.program_offset + index * sizeof(segment),
           sizeof(segment));
    return segment;
}

static const char *check_identity(const struct elf_header *header)
{
    static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };
    if (memcmp(header->magic, magic, sizeof(magic)) != 0) {
        return "not an ELF file";
    }
    if (header->class != ELF_CLASS_64) {
        return "not a 64-bit ELF file";
    }
    if (header->data != ELF_DATA_LITTLE) {
        return "not a little-endian ELF file";
    }
    if (header->ident_version != ELF_VERSION_CURRENT || header->version != ELF_VERSION_CURRENT) {
        return "unknown ELF version";
    }
    if (header->machine != ELF_MACHINE_X86_64) {
        return "not an x86-64 image";
    }
    if (header->type != ELF_TYPE_DYN) {
        return "not a position-independent executable";
    }
    return NULL;
}

static const char *read_header(struct elf_file *file)
{
    if (file->size_bytes < sizeof(file->header)) {
        return "too short for an ELF header";
    }
    memcpy(&file->header, file->bytes, sizeof(file->header));
    const char *const fault = check_identity(&file->header);
    if (fault != NULL) {
        return fault;
    }
    if (file->header.program_size != sizeof(struct elf_segment)) {
        return "unknown size of a program header";
    }
    if (file->header.program_count == 0 || file->header.program_count > MAX_PROGRAM_HEADERS) {
        return "no program headers, or too many";
    }
    const uint64_t table_bytes = file->header.program_count * sizeof(struct elf_segment);
    if (!elf_image_range_fits(file->header.program_offset, table_bytes, file->size_bytes)) {
        return "program headers outside of the file";
    }
    return NULL;
}

static const char *check_load(const struct elf_file *file, const struct elf_segment *segment)
{
    if (!elf_image_range_fits(segment->offset, segment->file_size, file->size_bytes)) {
        return "segment outside of the file";
    }
    if (segment->file_size > segment->memory_size) {
        return "segment larger in the file than in memory";
    }
    if (!elf_image_range_fits(segment->vaddr, segment->memory_size, ELF_IMAGE_MAX_BYTES)) {
        return "segment outside of the first 64 MiB";
    }
    if ((segment->flags & SEGMENT_FLAG_WRITE) != 0 &&
        (segment->flags & SEGMENT_FLAG_EXECUTE) != 0) {
        return "segment both writable and executable";
    }
    if (segment->alignment > PAGE_SIZE ||
        (segment->alignment != 0 && !bits_is_power_of_two(segment->alignment))) {
        return "segment alignment above a page, or no power of two";
    }
    return NULL;
}

/* Keeps the plan's segments sorted by address as they come. */
static void insert_segment(struct elf_image_plan *plan, const struct elf_image_segment *segment)
{
    uint32_t at = plan->segment_count;
    while (at > 0 && plan->segments[at - 1].vaddr > segment->vaddr) {
        plan->segments[at] = plan->segments[at - 1];
        at--;
    }
    plan->segments[at] = *segment;
    plan->segment_count++;
}

static const char *add_load(struct elf_image_plan *plan, const struct elf_segment *segment)
{
    if (segment->memory_size == 0) {
        return NULL;
    }
    if (plan->segment_count == ELF_IMAGE_MAX_SEGMENTS) {
        return "too many load segments";
    }
    const uint64_t end = segment->vaddr + segment->memory_size;
    const struct elf_image_segment load = {
        .start = bits_align_down(segment->vaddr, PAGE_SIZE),
        .end = bits_align_up(end, PAGE_SIZE),
        .file_offset = segment->offset,
        .file_size = segment->file_size,
        .vaddr = segment->vaddr,
        .memory_size = segment->memory_size,
        .write = (segment->flags & SEGMENT_FLAG_WRITE) != 0,
        .execute = (segment->flags & SEGMENT_FLAG_EXECUTE) != 0,
    };
    insert_segment(plan, &load);
    plan->size_bytes = bits_max(plan->size_bytes, load.end);
    return NULL;
}

/* Sorted segments must not overlap; a page that two of them share must have one permission, and
 * then belongs to the first of them, so that a mapper sees each page once. */
static const char *separate_segments(struct elf_image_plan *plan)
{
    for (uint32_t i = 1; i < plan->segment_count; i++) {
        const struct elf_image_segment *const before = &plan->segments[i - 1];
        struct elf_image_segment *const segment = &plan->segments[i];
        if (before->vaddr + before->memory_size > segment->vaddr) {
            return "load segments overlap";
        }
        if (before->end <= segment->start) {
            continue;
        }
        if (before->write != segment->write || before->execute != segment->execute) {
            return "load segments of different permissions share a page";
        }
        segment->start = before->end;
        segment->end = bits_max(segment->end, segment->start);
    }
    return NULL;
}

static const char *plan_segments(const struct elf_file *file, struct elf_image_plan *plan)
{
    for (uint32_t i = 0; i < file->header.program_count; i++) {
        const struct elf_segment segment = segment_at(file, i);
        if (segment.type == SEGMENT_INTERP) {
            return "image wants a dynamic linker";
        }
        if (segment.type == SEGMENT_TLS) {
            return "image has thread-local storage";
        }
        if (segment.type != SEGMENT_LOAD) {
            continue;
        }
        const char *fault = check_load(file, &segment);
        if (fault == NULL) {
            fault = add_load(plan, &segment);
        }
        if (fault != NULL) {
            return fault;
        }
    }
    return plan->segment_count == 0 ? "no load segment" : separate_segments(plan);
}

static const char *plan_entry(const struct elf_file *file, struct elf_image_plan *plan)
{
    const struct elf_image_segment *const segment =
        elf_image_file_segment(plan, file->header.entry, 1);
    if (segment == NULL || !segment->execute) {
        return "entry point outside of the executable segment";
    }
    plan->entry = file->header.entry;
    return NULL;
}

/* Takes what relocation needs from one dynamic entry; refuses what only a dynamic linker can do. */
static const char *read_dynamic(const struct elf_dynamic *entry,
                                struct elf_relocation_tables *tables)
{
    switch (entry->tag) {
    case DYNAMIC_RELA:
        tables->rela.address = entry->value;
        return NULL;
    case DYNAMIC_RELASZ:
        tables->rela.size_bytes = entry->value;
        return NULL;
    case DYNAMIC_RELAENT:
        tables->rela.entry_bytes = entry->value;
        return NULL;
    case DYNAMIC_RELR:
        tables->relr.address = entry->value;
        return NULL;
    case DYNAMIC_RELRSZ:
        tables->relr.size_bytes = entry->value;
        return NULL;
    case DYNAMIC_RELRENT:
        tables->relr.entry_bytes = entry->value;
        return NULL;
    case DYNAMIC_NEEDED:
        return "image needs a shared library";
    case DYNAMIC_REL:
        return "relocations in another form than RELA and RELR";
    case DYNAMIC_JMPREL:
        return "image has a procedure linkage table";
    case DYNAMIC_TEXTREL:
        return "relocations in the text";
    case DYNAMIC_FLAGS:
        return (entry->value & DYNAMIC_FLAG_TEXTREL) != 0 ? "relocations in the text" : NULL;
    default:
        return NULL;
    }
}

static const char *walk_dynamic(const struct elf_file *file, const struct elf_segment *segment,
                                struct elf_relocation_tables *tables)
{
    if (!elf_image_range_fits(segment->offset, segment->file_size, file->size_bytes)) {
        return "dynamic section outside of the file";
    }
    const uint64_t count = segment->file_size / sizeof(struct elf_dynamic);
    for (uint64_t i = 0; i < count; i++) {
        struct elf_dynamic entry;
        memcpy(&entry, file->bytes + segment->offset + i * sizeof(entry), sizeof(entry));
        if (entry.tag == DYNAMIC_NULL) {
            return NULL;
        }
        const char *const fault = read_dynamic(&entry, tables);
        if (fault != NULL) {
            return fault;
        }
    }
    return "dynamic section without an end";
}

static const char *plan_relocations(const struct elf_file *file, struct elf_image_plan *plan)
{
    struct elf_relocation_tables tables = { 0 };
    bool seen = false;
    for (uint32_t i = 0; i < file->header.program_count; i++) {
        const struct elf_segment segment = segment_at(file, i);
        if (segment.type != SEGMENT_DYNAMIC) {
            continue;
        }
        if (seen) {
            return "two dynamic sections";
        }
        seen = true;
        const char *const fault = walk_dynamic(file, &segment, &tables);
        if (fault != NULL) {
            return fault;
        }
    }
    return elf_relocate_plan(file->bytes, &tables, plan);
}

/* Keeps the note where it is a build id of a size that bootinfo can hold. */
static void take_note(const struct elf_note *note, const uint8_t *name, const uint8_t *descriptor,
                      struct elf_image_plan *plan)
{
    static const uint8_t gnu[4] = { 'G', 'N', 'U', 0 };
    if (note->type != NOTE_GNU_BUILD_ID || note->name_size != sizeof(gnu) ||
        memcmp(name, gnu, sizeof(gnu)) != 0 || note->descriptor_size > sizeof(plan->build_id)) {
        return;
    }
    memcpy(plan->build_id, descriptor, note->descriptor_size);
    plan->build_id_size = note->descriptor_size;
}

/* Names and descriptors are padded to 4 bytes, also in ELF64 files as the tools write them. */
static const char *walk_notes(const struct elf_file *file, const struct elf_segment *segment,
                              struct elf_image_plan *plan)
{
    if (!elf_image_range_fits(segment->offset, segment->file_size, file->size_bytes)) {
        return "notes outside of the file";
    }
    const uint8_t *const bytes = file->bytes + segment->offset;
    uint64_t at = 0;
    while (elf_image_range_fits(at, sizeof(struct elf_note), segment->file_size)) {
        struct elf_note note;
        memcpy(&note, bytes + at, sizeof(note));
        const uint64_t name = at + sizeof(note);
        const uint64_t descriptor = name + bits_align_up(note.name_size, 4);
        if (!elf_image_range_fits(descriptor, note.descriptor_size, segment->file_size)) {
            return "a note passes the end of its section";
        }
        take_note(&note, bytes + name, bytes + descriptor, plan);
        at = descriptor + bits_align_up(note.descriptor_size, 4);
    }
    return NULL;
}

static const char *plan_build_id(const struct elf_file *file, struct elf_image_plan *plan)
{
    for (uint32_t i = 0; i < file->header.program_count; i++) {
        const struct elf_segment segment = segment_at(file, i);
        if (segment.type != SEGMENT_NOTE) {
            continue;
        }
        const char *const fault = walk_notes(file, &segment, plan);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

static const char *make_plan(struct elf_file *file, struct elf_image_plan *plan)
{
    const char *fault = read_header(file);
    if (fault == NULL) {
        fault = plan_segments(file, plan);
    }
    if (fault == NULL) {
        fault = plan_entry(file, plan);
    }
    if (fault == NULL) {
        fault = plan_relocations(file, plan);
    }
    if (fault == NULL) {
        fault = plan_build_id(file, plan);
    }
    return fault;
}

enum kstatus elf_image_plan(const void *file, size_t file_bytes, struct elf_image_plan *plan,
                            const char **why)
{
    struct elf_file elf = { .bytes = file, .size_bytes = file_bytes };
    struct elf_image_plan made;
    memset(&made, 0, sizeof(made));
    const char *const fault = make_plan(&elf, &made);
    if (fault != NULL) {
        *why = fault;
        return K_ENOEXEC;
    }
    *plan = made;
    return K_OK;
}

static void copy_segments(const uint8_t *file, const struct elf_image_plan *plan, uint8_t *memory)
{
    memset(memory, 0, plan->size_bytes);
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_image_segment *const segment = &plan->segments[i];
        memcpy(memory + segment->vaddr, file + segment->file_offset, segment->file_size);
    }
}

enum kstatus elf_image_load(const void *file, const struct elf_image_plan *plan, void *memory,
                            uint64_t run_address, const char **why)
{
    uint64_t run_end;
    if (__builtin_add_overflow(run_address, plan->size_bytes, &run_end)) {
        *why = "the image does not fit at its run address";
        return K_ENOEXEC;
    }
    copy_segments(file, plan, memory);
    const char *const fault = elf_relocate_apply(file, plan, memory, run_address);
    if (fault != NULL) {
        *why = fault;
        return K_ENOEXEC;
    }
    return K_OK;
}

struct kernel_image elf_image_bounds(const struct elf_image_plan *plan, uint64_t run_address)
{
    uint64_t code_start = 0;
    uint64_t code_end = 0;
    uint64_t rodata_end = 0;
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_image_segment *const segment = &plan->segments[i];
        if (segment->execute) {
            code_start = code_end == 0 ? segment->start : code_start;
            code_end = segment->end;
        }
        if (!segment->write && code_end != 0) {
            rodata_end = segment->end;
        }
    }
    return (struct kernel_image){
        .code_start = virt_addr(run_address + code_start),
        .code_end = virt_addr(run_address + code_end),
        .rodata_end = virt_addr(run_address + rodata_end),
        .data_end = virt_addr(run_address + plan->size_bytes), /* with the bss, which is alike */
        .start_brk = virt_addr(run_address + plan->size_bytes),
    };
}
