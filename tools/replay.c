/* SPDX-License-Identifier: GPL-2.0-only
 *
 * replay FILE.map: runs the loader's map pipeline and the kernel's memory bring-up, the very same
 * sources, over a recorded memory map with simulated sparse RAM, and prints the report as one JSON
 * line (design.md section 7). Nothing of the host's CPU is looked at.
 *
 * Exit: 0 done, books balanced and audit clean; 1 the map is refused (one line on stderr); 2 usage.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot_block.h"
#include "bootinfo.h"
#include "efi_map.h"
#include "mm/mm_audit.h"
#include "mm/mm_init.h"
#include "mmap_build.h"
#include "report.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tools/map_file.h"

struct settings {
    const char *path;
    uint8_t phys_bits;
    bool has_nx;
    bool has_pages_1g;
};

static int refuse(const char *path, const char *why)
{
    fprintf(stderr, "replay: %s: refused: %s\n", path, why);
    return 1;
}

static void *allocate(size_t count, size_t size_bytes)
{
    void *const memory = calloc(count == 0 ? 1 : count, size_bytes);
    if (memory == NULL) {
        fprintf(stderr, "replay: out of memory on the host\n");
        exit(1);
    }
    return memory;
}

/* The loader's part: map pipeline and bootinfo block. NULL and `why` where it refuses. */
static struct bootinfo *make_bootinfo(const struct map_file *file, const struct settings *settings,
                                      const char **why)
{
    const struct efi_map efi = {
        .bytes = file->efi_bytes,
        .size_bytes = (uint64_t)file->efi_count * MAP_FILE_STRIDE,
        .descriptor_size = MAP_FILE_STRIDE,
        .descriptor_version = 1,
    };
    const bool is_efi = file->kind == MAP_FILE_EFI;
    if (is_efi && efi_map_check(&efi, why) != K_OK) {
        return NULL;
    }
    const struct mmap_build_input input = {
        .efi = is_efi ? &efi : NULL,
        .e820 = file->e820,
        .e820_count = file->e820_count,
        .ledger = file->ledger,
        .ledger_count = file->ledger_count,
        .pins = file->pins,
        .pin_count = file->pin_count,
        .phys_bits = settings->phys_bits,
        .mem_limit_bytes = UINT64_MAX,
    };
    struct mmap_build_sizes sizes;
    const uint64_t overlays = (uint64_t)file->ledger_count + file->pin_count;
    uint64_t capacity;
    *why = "too many entries";
    if (mmap_build_sizes(is_efi ? file->efi_count : file->e820_count, overlays, &sizes) != K_OK ||
        boot_block_capacity(&sizes, efi.size_bytes, overlays, 2, &capacity) != K_OK) {
        return NULL;
    }
    struct mmap_build_output output = {
        .entries = allocate(sizes.entries, sizeof(*output.entries)),
        .reasons = allocate(sizes.entries, sizeof(*output.reasons)),
        .entry_capacity = sizes.entries,
        .repairs = allocate(sizes.repairs, sizeof(*output.repairs)),
        .repair_capacity = sizes.repairs,
        .ram = allocate(sizes.ram, sizeof(*output.ram)),
        .ram_capacity = sizes.ram,
    };
    void *const scratch = allocate(sizes.scratch_bytes, 1);
    const enum kstatus status = mmap_build(&input, scratch, sizes.scratch_bytes, &output);
    free(scratch);
    if (status != K_OK) {
        *why = "the map pipeline failed";
        return NULL;
    }
    const struct boot_block_parts parts = {
        .map = &output,
        .efi = input.efi,
        .ledger = file->ledger,
        .ledger_count = file->ledger_count,
        .pins = file->pins,
        .pin_count = file->pin_count,
        .command_line = "",
        .command_line_bytes = 1,
        .log = "",
        .log_bytes = 1,
    };
    const struct bootinfo header = {
        .phys_bits = settings->phys_bits,
        .flags = is_efi ? 0 : BOOTINFO_FLAG_MMAP_IS_E820,
        .exit_attempts = 0,
    };
    struct bootinfo *const block = allocate(capacity, 1);
    *why = "the bootinfo block does not fit";
    const bool written = boot_block_write(&header, &parts, block, capacity) == K_OK;
    free(output.entries);
    free(output.reasons);
    free(output.repairs);
    free(output.ram);
    if (!written || bootinfo_check(block, capacity, why) != K_OK) {
        free(block);
        return NULL;
    }
    return block;
}

/* RAM that the kernel may touch: what the direct map will hold. */
static void make_ram(struct bootinfo *bootinfo)
{
    const struct memory_map map = bootinfo_memory_map(bootinfo);
    fake_ram_reset();
    for (uint32_t i = 0; i < map.count; i++) {
        if (memory_map_type_is_mapped(map.entries[i].type)) {
            const uint64_t start = bits_align_down(map.entries[i].address, PAGE_SIZE);
            const uint64_t end =
                bits_align_up(map.entries[i].address + map.entries[i].length, PAGE_SIZE);
            fake_ram_add(start, end - start);
        }
    }
}

static void put(void *context, const char *text, size_t size_bytes)
{
    (void)fwrite(text, 1, size_bytes, context);
}

struct bring_up {
    const struct mm_boot *boot;
    const char *why;
    enum kstatus status;
};

static void run_kernel(void *context)
{
    struct bring_up *const run = context;
    run->status = mm_init(run->boot, &run->why);
    if (run->status == K_OK) {
        run->why = "cannot unmap the low 32 MiB";
        run->status = mm_unmap_low();
    }
    if (run->status == K_OK) {
        mm_reclaim_loader_memory();
    }
}

static int run(const struct settings *settings, struct bootinfo *bootinfo)
{
    fake_cpu_reset();
    fake_cpu.has_nx = settings->has_nx;
    fake_cpu.efer = settings->has_nx ? 0xd00 : 0x500;
    make_ram(bootinfo);
    const struct mm_boot boot = {
        .bootinfo = bootinfo,
        .cpu_has_nx = settings->has_nx,
        .cpu_has_pages_1g = settings->has_pages_1g,
        .phys_bits = settings->phys_bits,
    };
    struct bring_up bring_up = { .boot = &boot, .why = "", .status = K_OK };
    const char *const panic_message = fake_panic_catch(run_kernel, &bring_up);
    if (panic_message != NULL) {
        return refuse(settings->path, panic_message);
    }
    if (bring_up.status != K_OK) {
        return refuse(settings->path, bring_up.why);
    }
    struct page_audit_report audit;
    if (!mm_check_books()) {
        return refuse(settings->path, "the books do not balance");
    }
    if (!mm_check_audit(&audit)) {
        return refuse(settings->path, "the page-table audit found violations");
    }
    const struct report_facts facts = {
        .version = FIRSTLIGHT_VERSION,
        .cpu_has_nx = settings->has_nx,
        .efer_nxe = settings->has_nx,
        .xd_reserved = !settings->has_nx,
    };
    const bool complete = report_write(&facts, put, stdout);
    (void)putchar('\n');
    return complete ? 0 : refuse(settings->path, "no memory for the report's audit");
}

static void usage(void)
{
    fprintf(stderr, "usage: replay [--phys-bits N] [--no-nx] [--no-1g] [--log] FILE.map\n"
                    "  --phys-bits N  MAXPHYADDR of the simulated CPU, 32..52 (default 52)\n"
                    "  --no-nx        CPU without NX\n"
                    "  --no-1g        CPU without 1 GiB pages\n"
                    "  --log          the kernel's log on stderr\n");
}

static bool parse_arguments(int argc, char **argv, struct settings *settings)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--phys-bits") == 0 && i + 1 < argc) {
            char *end;
            const unsigned long bits = strtoul(argv[++i], &end, 10);
            if (*end != '\0' || bits < 32 || bits > 52) {
                return false;
            }
            settings->phys_bits = (uint8_t)bits;
        } else if (strcmp(argv[i], "--no-nx") == 0) {
            settings->has_nx = false;
        } else if (strcmp(argv[i], "--no-1g") == 0) {
            settings->has_pages_1g = false;
        } else if (strcmp(argv[i], "--log") == 0) {
            fake_log_show(true);
        } else if (argv[i][0] != '-' && settings->path == NULL) {
            settings->path = argv[i];
        } else {
            return false;
        }
    }
    return settings->path != NULL;
}

int main(int argc, char **argv)
{
    struct settings settings = { .phys_bits = 52, .has_nx = true, .has_pages_1g = true };
    if (!parse_arguments(argc, argv, &settings)) {
        usage();
        return 2;
    }
    struct map_file file;
    char reason[160];
    if (!map_file_read(settings.path, &file, reason, sizeof(reason))) {
        return refuse(settings.path, reason);
    }
    const char *why = "";
    struct bootinfo *const bootinfo = make_bootinfo(&file, &settings, &why);
    const int status = bootinfo == NULL ? refuse(settings.path, why) : run(&settings, bootinfo);
    free(bootinfo);
    map_file_free(&file);
    return status;
}
