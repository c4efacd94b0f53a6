/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/elf_image.c over the image files of tests/data/elf (make.py there writes them): each is
 * refused with the sentence that expected.txt has for it, or accepted and loaded. Run from the top
 * of the tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>

#include "elf_image.h"
#include "tests/ktest.h"

#define FOLDER        "tests/data/elf"
#define MAX_BYTES     (size_t)65536
#define PATH_BYTES    256U
#define LINE_BYTES    256U
#define RUN_ADDRESS   UINT64_C(0xffff800001234000)
#define MALFORMED_MIN 40U

/* The file's bytes in memory of exactly their size, so that ASan sees a byte too far; to be freed.
 * NULL where it cannot be read. */
static uint8_t *read_image(const char *name, size_t *size_bytes)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), FOLDER "/%s", name);
    FILE *const stream = fopen(path, "rb");
    if (stream == NULL) {
        return NULL;
    }
    uint8_t *const room = malloc(MAX_BYTES);
    *size_bytes = fread(room, 1, MAX_BYTES, stream);
    (void)fclose(stream); /* read only: nothing to lose */
    return realloc(room, *size_bytes > 0 ? *size_bytes : 1);
}

/* Loads what was accepted into memory of exactly the plan's size. */
static bool loads(struct ktest *t, const uint8_t *image, const struct elf_image_plan *plan)
{
    const char *why = "";
    uint8_t *const memory = malloc(plan->size_bytes);
    const enum kstatus status = elf_image_load(image, plan, memory, RUN_ADDRESS, &why);
    free(memory);
    return KTEST_STATUS(t, status, K_OK);
}

static bool image_gives(struct ktest *t, const char *name, const char *expected)
{
    size_t size_bytes = 0;
    uint8_t *const image = read_image(name, &size_bytes);
    if (!KTEST_TRUE(t, image != NULL)) {
        return false;
    }
    struct elf_image_plan plan;
    const char *why = "good";
    const enum kstatus status = elf_image_plan(image, size_bytes, &plan, &why);
    bool good = KTEST_STRING(t, why, expected);
    good &= KTEST_STATUS(t, status, strcmp(expected, "good") == 0 ? K_OK : K_ENOEXEC);
    if (status == K_OK) {
        good &= loads(t, image, &plan);
    }
    free(image);
    return good;
}

static void elf_files_are_refused_by_name(struct ktest *t)
{
    FILE *const list = fopen(FOLDER "/expected.txt", "r");
    if (!KTEST_TRUE(t, list != NULL)) {
        return;
    }
    uint32_t malformed = 0;
    uint32_t good = 0;
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), list) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *const tab = strchr(line, '\t');
        if (!KTEST_TRUE(t, tab != NULL)) {
            break;
        }
        *tab = '\0';
        *(strcmp(tab + 1, "good") == 0 ? &good : &malformed) += 1;
        if (!image_gives(t, line, tab + 1)) {
            ktest_output("    # %s\n", line);
        }
    }
    (void)fclose(list); /* read only: nothing to lose */
    KTEST_TRUE(t, malformed >= MALFORMED_MIN && good > 0);
}

/* A file that nobody expects anything of tests nothing. */
static void elf_files_are_all_listed(struct ktest *t)
{
    static char list[MAX_BYTES + 1];
    FILE *const expected = fopen(FOLDER "/expected.txt", "r");
    if (!KTEST_TRUE(t, expected != NULL)) {
        return;
    }
    list[fread(list, 1, MAX_BYTES, expected)] = '\0';
    (void)fclose(expected); /* read only: nothing to lose */
    DIR *const folder = opendir(FOLDER);
    if (!KTEST_TRUE(t, folder != NULL)) {
        return;
    }
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        const char *const suffix = strrchr(item->d_name, '.');
        if (suffix != NULL && strcmp(suffix, ".elf") == 0 &&
            !KTEST_TRUE(t, strstr(list, item->d_name) != NULL)) {
            ktest_output("    # %s\n", item->d_name);
        }
    }
    (void)closedir(folder); /* read only: nothing to lose */
}

static const struct ktest_case cases[] = {
    KTEST_CASE(elf_files_are_refused_by_name),
    KTEST_CASE(elf_files_are_all_listed),
};
KTEST_SUITE(loader_elf_files, "loader.elf_files", cases);
