/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What mmap_build() costs: the largest real map, and made-up ones of 2,000 and 20,000 descriptors
 * in three orders. Prints the best of several runs; the goals stand in the lines. `map_bench once`
 * runs the real map one time, for callgrind to count. Host only, optimised, no sanitizers; run from
 * the top of the tree.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <time.h>

#include "mm/addr.h"
#include "mmap_build.h"
#include "tests/fake/fake_efi_map.h"

#define REAL_MAP    "tests/data/maps/efi_pc_unknown_64g_278.map"
#define RUNS        100U
#define SMALL       2000U
#define LARGE       20000U
#define MAX_MS      50.0
#define MAX_RATIO   15.0
#define NS_PER_MS   1e6
#define NS_PER_S    INT64_C(1000000000)
#define FIRST_BYTES (16 * SIZE_1M)

enum order {
    ORDER_SORTED,
    ORDER_REVERSED,
    ORDER_SHUFFLED, /* and overlapping */
    ORDER_COUNT,
};

static const char *const order_names[ORDER_COUNT] = { "sorted", "reversed",
                                                      "shuffled, overlapping" };

/* The memory that one input needs, so that runs allocate nothing. */
struct room {
    struct mmap_build_sizes sizes;
    struct mmap_build_output output;
    void *scratch;
};

/* Touched, so that no run pays for page faults. */
static void *must_allocate(size_t count, size_t item_bytes)
{
    void *const memory = malloc(count * item_bytes);
    if (memory == NULL) {
        abort();
    }
    return memset(memory, 0xa5, count * item_bytes);
}

static void room_init(struct room *room, const struct mmap_build_input *input)
{
    const uint64_t overlays = (uint64_t)input->ledger_count + input->pin_count;
    if (mmap_build_sizes(efi_map_count(input->efi), overlays, &room->sizes) != K_OK) {
        abort();
    }
    struct mmap_build_output *const output = &room->output;
    room->scratch = must_allocate(room->sizes.scratch_bytes, 1);
    output->entry_capacity = room->sizes.entries;
    output->entries = must_allocate(room->sizes.entries, sizeof(*output->entries));
    output->reasons = must_allocate(room->sizes.entries, sizeof(*output->reasons));
    output->repair_capacity = room->sizes.repairs;
    output->repairs = must_allocate(room->sizes.repairs, sizeof(*output->repairs));
    output->ram_capacity = room->sizes.ram;
    output->ram = must_allocate(room->sizes.ram, sizeof(*output->ram));
}

static void room_free(struct room *room)
{
    free(room->scratch);
    free(room->output.entries);
    free(room->output.reasons);
    free(room->output.repairs);
    free(room->output.ram);
}

static void build(struct room *room, const struct mmap_build_input *input)
{
    if (mmap_build(input, room->scratch, room->sizes.scratch_bytes, &room->output) != K_OK) {
        abort();
    }
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* One run, in ns. */
static int64_t measure(struct room *room, const struct mmap_build_input *input)
{
    const int64_t start = now_ns();
    build(room, input);
    return now_ns() - start;
}

/* The best of several runs over one map. */
static int64_t measure_file(const struct mmap_build_input *input)
{
    struct room room = { .scratch = NULL };
    int64_t best = INT64_MAX;
    room_init(&room, input);
    for (uint32_t i = 0; i < RUNS; i++) {
        const int64_t spent = measure(&room, input);
        best = spent < best ? spent : best;
    }
    room_free(&room);
    return best;
}

/* Types alternate, so that nothing merges: the most work that so many descriptors can make. */
static void make_map(struct fake_efi_map *efi, uint64_t count, enum order order, uint64_t random)
{
    static const uint32_t types[] = { EFI_MAP_CONVENTIONAL, EFI_MAP_RUNTIME_DATA,
                                      EFI_MAP_BOOT_SERVICES_DATA, EFI_MAP_ACPI_NVS };
    fake_efi_map_init(efi, 48);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = order == ORDER_REVERSED ? count - i : i;
        uint64_t pages = 1;
        if (order == ORDER_SHUFFLED) {
            place = fake_random_below(&random, count);
            pages = 1 + fake_random_below(&random, 8);
        }
        fake_efi_map_add(efi, types[i % 4], FIRST_BYTES + place * PAGE_SIZE, pages, 0xf);
    }
}

/* The best of several runs, each over another map: a branch predictor that has learned 2,000
 * descriptors by heart would make the large map look worse than it is. */
static int64_t measure_made_up(uint64_t count, enum order order)
{
    struct room room = { .scratch = NULL };
    int64_t best = INT64_MAX;
    for (uint32_t i = 0; i < RUNS; i++) {
        struct fake_efi_map efi;
        make_map(&efi, count, order, i);
        const struct mmap_build_input input = fake_efi_input(&efi);
        if (i == 0) {
            room_init(&room, &input); /* the size depends on the count only */
        }
        const int64_t spent = measure(&room, &input);
        best = spent < best ? spent : best;
        fake_efi_map_free(&efi);
    }
    room_free(&room);
    return best;
}

/* @return whether the goals are met */
static bool compare(enum order order)
{
    const double small_ms = (double)measure_made_up(SMALL, order) / NS_PER_MS;
    const double large_ms = (double)measure_made_up(LARGE, order) / NS_PER_MS;
    const bool good = large_ms <= MAX_MS && large_ms <= MAX_RATIO * small_ms;
    printf("%-22s %5u: %7.3f ms   %5u: %7.3f ms (goal %.0f)   ratio %5.1f (goal %.0f)   %s\n",
           order_names[order], SMALL, small_ms, LARGE, large_ms, MAX_MS, large_ms / small_ms,
           MAX_RATIO, good ? "met" : "MISSED");
    return good;
}

int main(int argc, char **argv)
{
    struct fake_map_file file;
    if (!fake_map_file_read(REAL_MAP, &file)) {
        fprintf(stderr, "map_bench: %s cannot be read\n", REAL_MAP);
        return 1;
    }
    if (argc == 2 && strcmp(argv[1], "once") == 0) {
        struct room room = { .scratch = NULL };
        room_init(&room, &file.input);
        build(&room, &file.input);
        room_free(&room);
        fake_map_file_free(&file);
        return 0;
    }
    printf("%-22s %5" PRIu64 ": %7.3f ms\n", "largest real map", efi_map_count(file.input.efi),
           (double)measure_file(&file.input) / NS_PER_MS);
    fake_map_file_free(&file);
    bool good = true;
    for (uint32_t order = 0; order < ORDER_COUNT; order++) {
        good &= compare((enum order)order);
    }
    return good ? 0 : 1;
}
