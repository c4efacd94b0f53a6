/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Memory maps for host tests: see fake_efi_map.h. Host only; a failed malloc ends the process.
 */
#include "tests/fake/fake_efi_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JUNK_BYTE 0xdb

static void *must_allocate(void *old, size_t size_bytes)
{
    void *const memory = realloc(old, size_bytes > 0 ? size_bytes : 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void *fresh(size_t size_bytes)
{
    void *const memory = must_allocate(NULL, size_bytes);
    memset(memory, JUNK_BYTE, size_bytes);
    return memory;
}

void fake_efi_map_init(struct fake_efi_map *fake, uint64_t stride)
{
    *fake = (struct fake_efi_map){ .map = { .descriptor_size = stride, .descriptor_version = 1 } };
}

void fake_efi_map_add(struct fake_efi_map *fake, uint32_t type, uint64_t start, uint64_t pages,
                      uint64_t attribute)
{
    const size_t used = fake->map.size_bytes;
    const size_t stride = fake->map.descriptor_size;
    if (used + stride > fake->capacity_bytes) {
        fake->capacity_bytes = 2 * fake->capacity_bytes + 16 * stride;
        fake->bytes = must_allocate(fake->bytes, fake->capacity_bytes);
    }
    uint8_t *const to = fake->bytes + used;
    memset(to, JUNK_BYTE, stride);
    memcpy(to, &type, sizeof(type));
    memcpy(to + 8, &start, sizeof(start));
    memcpy(to + 24, &pages, sizeof(pages));
    memcpy(to + 32, &attribute, sizeof(attribute));
    fake->map.bytes = fake->bytes;
    fake->map.size_bytes = used + stride;
}

void fake_efi_map_free(struct fake_efi_map *fake)
{
    free(fake->bytes);
    *fake = (struct fake_efi_map){ 0 };
}

void fake_mmap_run(const struct mmap_build_input *input, struct fake_mmap_run *run)
{
    const uint64_t count = input->efi != NULL ? efi_map_count(input->efi) : input->e820_count;
    struct mmap_build_sizes sizes;
    *run = (struct fake_mmap_run){ 0 };
    run->status = mmap_build_sizes(count, (uint64_t)input->ledger_count + input->pin_count, &sizes);
    if (run->status != K_OK) {
        return;
    }
    struct mmap_build_output *const output = &run->output;
    output->entries = fresh(sizes.entries * sizeof(output->entries[0]));
    output->reasons = fresh(sizes.entries * sizeof(output->reasons[0]));
    output->repairs = fresh(sizes.repairs * sizeof(output->repairs[0]));
    output->ram = fresh(sizes.ram * sizeof(output->ram[0]));
    output->entry_capacity = sizes.entries;
    output->repair_capacity = sizes.repairs;
    output->ram_capacity = sizes.ram;
    void *const scratch = fresh(sizes.scratch_bytes);
    run->status = mmap_build(input, scratch, sizes.scratch_bytes, output);
    free(scratch);
}

void fake_mmap_run_free(struct fake_mmap_run *run)
{
    free(run->output.entries);
    free(run->output.reasons);
    free(run->output.repairs);
    free(run->output.ram);
    *run = (struct fake_mmap_run){ 0 };
}

struct mmap_build_input fake_efi_input(const struct fake_efi_map *fake)
{
    return (struct mmap_build_input){ .efi = &fake->map,
                                      .phys_bits = 52,
                                      .mem_limit_bytes = UINT64_MAX };
}

struct mmap_build_input fake_e820_input(const struct mmap_build_e820_entry *entries, uint32_t count)
{
    return (struct mmap_build_input){
        .e820 = entries, .e820_count = count, .phys_bits = 52, .mem_limit_bytes = UINT64_MAX
    };
}

static void take_line(struct fake_map_file *file, const char *line)
{
    uint32_t type;
    uint64_t a;
    uint64_t b;
    uint64_t attribute;
    if (strstr(line, "# kind: e820") == line) {
        file->is_e820 = true;
    }
    if (line[0] == '#') {
        return;
    }
    if (!file->is_e820 && sscanf(line, "%" SCNu32 " %" SCNx64 " %" SCNx64 " %" SCNx64, &type, &a,
                                 &b, &attribute) == 4) {
        fake_efi_map_add(&file->efi, type, a, b, attribute);
    }
    if (file->is_e820 && sscanf(line, "%" SCNu32 " %" SCNx64 " %" SCNx64, &type, &a, &b) == 3) {
        file->e820 = must_allocate(file->e820, (file->e820_count + 1U) * sizeof(file->e820[0]));
        file->e820[file->e820_count] = (struct mmap_build_e820_entry){ a, b - a + 1, type };
        file->e820_count++;
    }
}

bool fake_map_file_read(const char *path, struct fake_map_file *file)
{
    *file = (struct fake_map_file){ 0 };
    fake_efi_map_init(&file->efi, 48);
    FILE *const stream = fopen(path, "r");
    if (stream == NULL) {
        return false;
    }
    char line[512];
    while (fgets(line, sizeof(line), stream) != NULL) {
        take_line(file, line);
    }
    (void)fclose(stream); /* read only: nothing to lose */
    file->input =
        file->is_e820 ? fake_e820_input(file->e820, file->e820_count) : fake_efi_input(&file->efi);
    return file->is_e820 ? file->e820_count > 0 : file->efi.map.size_bytes > 0;
}

void fake_map_file_free(struct fake_map_file *file)
{
    fake_efi_map_free(&file->efi);
    free(file->e820);
    *file = (struct fake_map_file){ 0 };
}

uint64_t fake_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t fake_random_below(uint64_t *state, uint64_t bound)
{
    return fake_random(state) % bound;
}
