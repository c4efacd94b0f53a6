/* SPDX-License-Identifier: GPL-2.0-only
 *
 * mmap_build() against a slow reference model on random hostile maps, and over the maps of real
 * machines in tests/data/maps.
 */
#include "mmap_build.h"

#include <stdio.h>
#include <string.h>

#include <dirent.h>

#include "tests/fake/map_model.h"
#include "tests/fake/map_properties.h"
#include "tests/fake/map_scene.h"
#include "tests/ktest.h"

#define ROUNDS      12000U
#define MAPS_FOLDER "tests/data/maps"

/* Whether @p run holds; says what does not. */
static bool run_holds(struct ktest *t, const struct mmap_build_input *input,
                      const struct fake_mmap_run *run)
{
    const char *const fault = map_properties_fault(input, &run->output);
    return KTEST_STATUS(t, run->status, K_OK) && KTEST_STRING(t, fault == NULL ? "" : fault, "");
}

static bool scene_holds(struct ktest *t, uint64_t seed)
{
    struct map_scene scene;
    map_scene_from_seed(&scene, seed);
    struct fake_mmap_run run;
    fake_mmap_run(&scene.input, &run);
    const bool good = run_holds(t, &scene.input, &run) &&
                      KTEST_TRUE(t, map_model_agrees(&scene.input, &run.output));
    fake_mmap_run_free(&run);
    map_scene_free(&scene);
    return good;
}

static void mmap_build_random_maps_match_reference_model(struct ktest *t)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint64_t seed = t->seed * UINT64_C(1000003) + round;
        if (!scene_holds(t, seed)) {
            ktest_output("    # seed %llu\n", (unsigned long long)seed);
            return;
        }
    }
}

static void mmap_build_order_of_input_changes_nothing(struct ktest *t)
{
    for (uint64_t round = 0; round < ROUNDS / 4; round++) {
        uint64_t random = t->seed * 31 + round;
        struct map_scene scene;
        map_scene_from_seed(&scene, random);
        struct fake_mmap_run first;
        struct fake_mmap_run second;
        fake_mmap_run(&scene.input, &first);
        map_scene_shuffle(&scene, &random);
        fake_mmap_run(&scene.input, &second);
        KTEST_TRUE(t, map_properties_same_map(&first.output, &second.output));
        KTEST_TRUE(t, map_properties_same_repairs(&first.output, &second.output));
        fake_mmap_run_free(&first);
        fake_mmap_run_free(&second);
        map_scene_free(&scene);
    }
}

static void mmap_build_twice_gives_the_same_types(struct ktest *t)
{
    for (uint64_t round = 0; round < ROUNDS / 4; round++) {
        struct map_scene scene;
        map_scene_from_seed(&scene, t->seed * 97 + round);
        struct fake_mmap_run run;
        fake_mmap_run(&scene.input, &run);
        KTEST_TRUE(t, map_properties_stable(&run.output));
        fake_mmap_run_free(&run);
        map_scene_free(&scene);
    }
}

/* One file of tests/data/maps: accepted, balanced, well-formed, stable. */
static bool check_real_map(struct ktest *t, const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof(path), MAPS_FOLDER "/%s", name);
    struct fake_map_file file;
    bool good = KTEST_TRUE(t, fake_map_file_read(path, &file));
    struct fake_mmap_run run;
    fake_mmap_run(&file.input, &run);
    good &= run_holds(t, &file.input, &run);
    good &= KTEST_TRUE(t, map_properties_stable(&run.output));
    fake_mmap_run_free(&run);
    fake_map_file_free(&file);
    return good;
}

static void mmap_build_real_maps_balance(struct ktest *t)
{
    DIR *const folder = opendir(MAPS_FOLDER);
    if (!KTEST_TRUE(t, folder != NULL)) {
        return;
    }
    uint32_t maps = 0;
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        const char *const suffix = strrchr(item->d_name, '.');
        if (suffix == NULL || strcmp(suffix, ".map") != 0) {
            continue;
        }
        maps++;
        if (!check_real_map(t, item->d_name)) {
            ktest_output("    # %s\n", item->d_name);
        }
    }
    (void)closedir(folder); /* read only: nothing to lose */
    KTEST_TRUE(t, maps >= 112);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mmap_build_random_maps_match_reference_model),
    KTEST_CASE(mmap_build_order_of_input_changes_nothing),
    KTEST_CASE(mmap_build_twice_gives_the_same_types),
    KTEST_CASE(mmap_build_real_maps_balance),
};
KTEST_SUITE(loader_mmap_build_property, "loader.mmap_build.property", cases);
