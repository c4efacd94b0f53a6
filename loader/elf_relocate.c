/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See elf_relocate.h. Stateless. A relative relocation says: the 64-bit word at `target` becomes
 * run address + addend. What the two forms differ in is where both are found:
 *
 *     RELA   target and addend stand in the table
 *     RELR   the addend is the word itself, as the file has it; the table is a run of words:
 *            an even one   is a target; the next bit stands for the word behind it
 *            an odd one    has a bit for each of the next 63 words: bit 1 the first of them, ...
 *
 * Addends are read from the file and never from the image, so that one relocation cannot change
 * another. Targets are hostile: each is looked up in the plan's segments before it is used, so a
 * cursor that wraps around is only a target that is refused.
 *
 * Source: gABI chapter 5, "Relocation" (RELA, and RELR since the draft of 2022); AMD64 supplement
 * 1.0, "Relocation Types".
 */
#include "elf_relocate.h"

#include "lib/string.h"

#define RELOCATION_RELATIVE 8U /* R_X86_64_RELATIVE: word64 = base + addend */
#define RELR_BITS           63U

struct elf_rela {
    uint64_t offset;
    uint32_t type; /* low half of r_info */
    uint32_t symbol;
    uint64_t addend; /* signed in the ABI; a negative one is refused as too large */
};
_Static_assert(sizeof(struct elf_rela) == 24, "gABI, relocation");

/* One relocation, whatever its form. */
struct relocation {
    uint64_t target; /* virtual, as linked */
    uint64_t addend;
};

/* Where the reading of a RELR table stands. */
struct relr_cursor {
    uint64_t next;   /* virtual address of the word that the next bit stands for */
    bool has_target; /* an even word came: bits have a meaning */
};

/* What is done with each relocation: checked (memory is NULL), or checked and applied. */
struct relocate_job {
    const uint8_t *file;
    const struct elf_image_plan *plan;
    uint8_t *memory;
    uint64_t run_address;
};

const struct elf_image_segment *elf_image_file_segment(const struct elf_image_plan *plan,
                                                       uint64_t vaddr, uint64_t size_bytes)
{
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_image_segment *const segment = &plan->segments[i];
        if (vaddr >= segment->vaddr &&
            elf_image_range_fits(vaddr - segment->vaddr, size_bytes, segment->file_size)) {
            return segment;
        }
    }
    return NULL;
}

/* The segment that holds all 8 bytes at `vaddr`, zeros behind the file's bytes included, or NULL.
 */
static const struct elf_image_segment *segment_of_word(const struct elf_image_plan *plan,
                                                       uint64_t vaddr)
{
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_image_segment *const segment = &plan->segments[i];
        if (vaddr >= segment->vaddr &&
            elf_image_range_fits(vaddr - segment->vaddr, sizeof(uint64_t), segment->memory_size)) {
            return segment;
        }
    }
    return NULL;
}

static const char *relocate_word(const struct relocate_job *job, struct relocation relocation)
{
    const struct elf_image_segment *const segment = segment_of_word(job->plan, relocation.target);
    if (segment == NULL) {
        return "a relocation's target is outside of the segments";
    }
    if (segment->execute) {
        return "a relocation's target is in the text";
    }
    if (relocation.addend > job->plan->size_bytes) {
        return "a relocation points outside of the image";
    }
    if (job->memory != NULL) {
        const uint64_t value = job->run_address + relocation.addend;
        memcpy(job->memory + relocation.target, &value, sizeof(value));
    }
    return NULL;
}

/* ---- RELA --------------------------------------------------------------------------------------
 */

static const char *relocate_rela(const struct relocate_job *job)
{
    for (uint64_t i = 0; i < job->plan->rela_count; i++) {
        struct elf_rela rela;
        memcpy(&rela, job->file + job->plan->rela_offset + i * sizeof(rela), sizeof(rela));
        if (rela.type != RELOCATION_RELATIVE || rela.symbol != 0) {
            return "a relocation is not R_X86_64_RELATIVE";
        }
        const char *const fault =
            relocate_word(job, (struct relocation){ .target = rela.offset, .addend = rela.addend });
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

/* ---- RELR --------------------------------------------------------------------------------------
 */

static const char *relocate_in_place(const struct relocate_job *job, uint64_t target)
{
    uint64_t addend = 0; /* of a word behind the file's bytes */
    const struct elf_image_segment *const segment =
        elf_image_file_segment(job->plan, target, sizeof(addend));
    if (segment != NULL) {
        const uint64_t offset = segment->file_offset + (target - segment->vaddr);
        memcpy(&addend, job->file + offset, sizeof(addend));
    } else if (elf_image_file_segment(job->plan, target, 1) != NULL) {
        return "a relocation's target passes the bytes of the file";
    }
    return relocate_word(job, (struct relocation){ .target = target, .addend = addend });
}

static const char *relocate_bits(const struct relocate_job *job, uint64_t first, uint64_t bits)
{
    for (uint32_t i = 0; i < RELR_BITS; i++) {
        if ((bits >> (i + 1) & 1) == 0) {
            continue;
        }
        const char *const fault = relocate_in_place(job, first + i * sizeof(uint64_t));
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

static const char *relocate_relr_word(const struct relocate_job *job, struct relr_cursor *cursor,
                                      uint64_t word)
{
    if ((word & 1) == 0) {
        cursor->next = word + sizeof(uint64_t);
        cursor->has_target = true;
        return relocate_in_place(job, word);
    }
    if (!cursor->has_target) {
        return "a bitmap of relocations before any address";
    }
    const uint64_t first = cursor->next;
    cursor->next += RELR_BITS * sizeof(uint64_t);
    return relocate_bits(job, first, word);
}

static const char *relocate_relr(const struct relocate_job *job)
{
    struct relr_cursor cursor = { .has_target = false };
    for (uint64_t i = 0; i < job->plan->relr_count; i++) {
        uint64_t word;
        memcpy(&word, job->file + job->plan->relr_offset + i * sizeof(word), sizeof(word));
        const char *const fault = relocate_relr_word(job, &cursor, word);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

/* ---- both --------------------------------------------------------------------------------------
 */

/* Where a table of entries of `entry_bytes` lies in the file. */
static const char *find_table(const struct elf_image_plan *plan,
                              const struct elf_relocation_table *table, uint64_t entry_bytes,
                              uint64_t *offset)
{
    if (table->size_bytes == 0) {
        return NULL;
    }
    if (table->entry_bytes != entry_bytes || table->size_bytes % entry_bytes != 0) {
        return "unknown size of a relocation";
    }
    const struct elf_image_segment *const segment =
        elf_image_file_segment(plan, table->address, table->size_bytes);
    if (segment == NULL) {
        return "relocations outside of the segments";
    }
    *offset = segment->file_offset + (table->address - segment->vaddr);
    return NULL;
}

static const char *relocate(const struct relocate_job *job)
{
    const char *const fault = relocate_rela(job);
    return fault != NULL ? fault : relocate_relr(job);
}

const char *elf_relocate_plan(const uint8_t *file, const struct elf_relocation_tables *tables,
                              struct elf_image_plan *plan)
{
    const char *fault =
        find_table(plan, &tables->rela, sizeof(struct elf_rela), &plan->rela_offset);
    if (fault == NULL) {
        fault = find_table(plan, &tables->relr, sizeof(uint64_t), &plan->relr_offset);
    }
    if (fault != NULL) {
        return fault;
    }
    plan->rela_count = tables->rela.size_bytes / sizeof(struct elf_rela);
    plan->relr_count = tables->relr.size_bytes / sizeof(uint64_t);
    return relocate(&(struct relocate_job){ .file = file, .plan = plan });
}

const char *elf_relocate_apply(const uint8_t *file, const struct elf_image_plan *plan,
                               uint8_t *memory, uint64_t run_address)
{
    return relocate(&(struct relocate_job){
        .file = file, .plan = plan, .memory = memory, .run_address = run_address });
}
