/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A storm of random calls on the page-frame allocator (goals G13, G14): worlds of 1 to 512 ragged
 * regions, blocks of every order, up to four CPUs, each frame's holder remembered. Between storms
 * one CPU injects bad frees. Host program: without sanitizers for the long run, under
 * ThreadSanitizer for a short one.
 *
 *     buddy_storm [--operations N] [--injections N] [--threads N] [--seed N]
 *
 * --injections counts each kind. How many worlds that takes depends on how the threads meet, so the
 * last line, "1 passed, 0 failed" or the other way round, is about all of them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/cpu.h>
#include <pthread.h>

#include "tests/storm/storm.h"

#define OPERATIONS_A_WORLD UINT64_C(100000)

struct settings {
    uint64_t operations;
    uint64_t injections;
    uint64_t threads;
    uint64_t seed;
};

static void step(struct storm_thread *thread)
{
    /* Fill and empty in turns. */
    const uint64_t frees_of_100 = (thread->done >> 13) % 2 == 0 ? 40 : 60;
    if (thread->held_count > 0 && storm_below(&thread->random, 100) < frees_of_100) {
        storm_free(thread, (uint32_t)storm_below(&thread->random, thread->held_count));
    } else {
        storm_allocate(thread);
    }
    thread->done++;
}

static void *run_thread(void *argument)
{
    struct storm_thread *const thread = argument;
    my_cpu = (int)thread->cpu;
    for (uint64_t i = 0; i < thread->operations && thread->errors == 0; i++) {
        step(thread);
    }
    return NULL;
}

static void storm(uint64_t operations, uint64_t threads)
{
    pthread_t handles[STORM_CPUS];
    for (uint64_t i = 0; i < threads; i++) {
        world.threads[i].operations = operations / threads;
        if (pthread_create(&handles[i], NULL, run_thread, &world.threads[i]) != 0) {
            perror("storm: pthread_create");
            exit(1);
        }
    }
    for (uint64_t i = 0; i < threads; i++) {
        (void)pthread_join(handles[i], NULL);
    }
}

/* Bad frees among blocks that are out, then everything goes back. */
static void inject_and_return(uint64_t injections, uint64_t threads)
{
    struct storm_thread *const first = &world.threads[0];
    my_cpu = 0;
    for (uint64_t i = 0; i < injections; i++) {
        storm_inject(first);
        while (first->held_count < HELD_MAX / 2 && storm_below(&first->random, 8) != 0) {
            storm_allocate(first);
        }
    }
    for (uint64_t i = 0; i < threads; i++) {
        while (world.threads[i].held_count > 0) {
            storm_free(&world.threads[i], world.threads[i].held_count - 1);
        }
        world.errors += world.threads[i].errors;
        world.threads[i].errors = 0;
    }
}

static uint64_t fewest_injected(void)
{
    uint64_t fewest = UINT64_MAX;
    for (unsigned kind = 0; kind < INJECTION_KINDS; kind++) {
        fewest = bits_min(fewest, world.injected[kind]);
    }
    return fewest;
}

static bool read_settings(int argc, char **argv, struct settings *settings)
{
    const struct {
        const char *name;
        uint64_t *value;
    } options[] = {
        { "--operations", &settings->operations },
        { "--injections", &settings->injections },
        { "--threads", &settings->threads },
        { "--seed", &settings->seed },
    };
    for (int i = 1; i < argc; i++) {
        bool is_known = false;
        for (size_t k = 0; k < sizeof(options) / sizeof(options[0]) && i + 1 < argc; k++) {
            if (!is_known && strcmp(argv[i], options[k].name) == 0) {
                *options[k].value = strtoull(argv[++i], NULL, 0);
                is_known = true;
            }
        }
        if (!is_known) {
            return false;
        }
    }
    return settings->threads >= 1 && settings->threads <= STORM_CPUS;
}

static void print_totals(uint64_t operations, uint64_t sound, uint64_t broken)
{
    uint64_t shortages = 0;
    for (unsigned i = 0; i < STORM_CPUS; i++) {
        shortages += world.threads[i].shortages;
    }
    printf("# %llu operations, %llu of them found no memory\n", (unsigned long long)operations,
           (unsigned long long)shortages);
    printf("# %llu worlds sound, %llu not\n", (unsigned long long)sound,
           (unsigned long long)broken);
    for (unsigned kind = 0; kind < INJECTION_KINDS; kind++) {
        printf("# %llu bad frees: %s\n", (unsigned long long)world.injected[kind],
               storm_injection_name(kind));
    }
}

int main(int argc, char **argv)
{
    struct settings settings = {
        .operations = 2000000, .injections = 1000, .threads = 2, .seed = 1
    };
    if (!read_settings(argc, argv, &settings)) {
        fprintf(stderr,
                "usage: buddy_storm [--operations N] [--injections N] [--threads 1..%u] "
                "[--seed N]\n",
                STORM_CPUS);
        return 2;
    }
    uint64_t sound = 0;
    uint64_t broken = 0;
    uint64_t done = 0;
    const uint64_t worlds = settings.operations / OPERATIONS_A_WORLD + 1;
    const uint64_t batch = settings.operations / worlds;
    const uint64_t injections = settings.injections / worlds + 1;
    while (done < settings.operations || fewest_injected() < settings.injections) {
        world.errors = 0;
        storm_world_open(settings.seed + sound + broken, (uint32_t)settings.threads);
        storm(batch, settings.threads);
        inject_and_return(injections, settings.threads);
        storm_world_close();
        *(world.errors == 0 ? &sound : &broken) += 1;
        done += batch;
    }
    print_totals(done, sound, broken);
    const bool is_sound = broken == 0 && sound > 0;
    printf("%d passed, %d failed\n", is_sound, !is_sound);
    return is_sound ? 0 : 1;
}
