/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The range coder's round trip, and the symbol table's reader on damaged tables. What real tables
 * say is compared with the ELF file in tests/tools/test_symbols.py.
 */
#include "symbol_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/random.h"
#include "tests/ktest.h"
#include "tools/range_encoder.h"

#define COUNT 3000U

struct sample {
    unsigned tree; /* of 6 bits */
    uint32_t number;
};

/* Skewed as real ones: mostly small, sometimes the largest there are. */
static void make_samples(struct sample samples[COUNT], uint64_t seed)
{
    struct random random;
    random_init(&random, seed);
    for (unsigned i = 0; i < COUNT; i++) {
        const uint64_t word = random_next(&random);
        samples[i].tree = (unsigned)(word & (word >> 8) & 63);
        samples[i].number = (uint32_t)(word >> 40) >> (word % 24); /* 24 bits and fewer */
        if (samples[i].number == 0xffffff) {
            samples[i].number--;
        }
    }
    samples[0].number = 0;
    samples[COUNT - 1].number = 0xfffffe;
}

static void range_coder_gives_back_what_was_put_in(struct ktest *t)
{
    static struct sample samples[COUNT];
    uint16_t models[64 + RANGE_NUMBER_MODELS];
    struct range_encoder encoder = { .range = UINT32_MAX };
    make_samples(samples, t->seed);
    range_models_reset(models, sizeof(models) / 2);
    for (unsigned i = 0; i < COUNT; i++) {
        range_encode_tree(&encoder, models, 6, samples[i].tree);
        range_encode_number(&encoder, models + 64, samples[i].number);
    }
    range_encoder_end(&encoder);

    struct range_decoder decoder;
    unsigned wrong = 0;
    range_models_reset(models, sizeof(models) / 2);
    range_decoder_init(&decoder, encoder.bytes, encoder.size_bytes);
    for (unsigned i = 0; i < COUNT; i++) {
        wrong += range_decode_tree(&decoder, models, 6) != samples[i].tree;
        wrong += range_decode_number(&decoder, models + 64) != samples[i].number;
    }
    KTEST_EQ(t, wrong, 0);
    KTEST_TRUE(t, encoder.size_bytes < COUNT * 4);
    free(encoder.bytes);
}

/* All zeros or all ones are the extremes of the coder: a carry that runs through held bytes. */
static void range_coder_survives_certainty(struct ktest *t)
{
    for (unsigned value = 0; value < 2; value++) {
        uint16_t models[2];
        struct range_encoder encoder = { .range = UINT32_MAX };
        range_models_reset(models, 2);
        for (unsigned i = 0; i < COUNT; i++) {
            range_encode_tree(&encoder, models, 1, i == COUNT / 2 ? 1 - value : value);
        }
        range_encoder_end(&encoder);
        struct range_decoder decoder;
        unsigned sum = 0;
        range_models_reset(models, 2);
        range_decoder_init(&decoder, encoder.bytes, encoder.size_bytes);
        for (unsigned i = 0; i < COUNT; i++) {
            sum += range_decode_tree(&decoder, models, 1);
        }
        KTEST_EQ(t, sum, value == 0 ? 1 : COUNT - 1);
        KTEST_TRUE(t, encoder.size_bytes < COUNT / 8 / 10);
        free(encoder.bytes);
    }
}

static void symbol_table_that_is_cut_finds_nothing(struct ktest *t)
{
    static union symbol_models models;
    struct symbol_place place;
    uint32_t offset;
    const struct symbol_header header = { .files_bytes = 4, .functions_bytes = 5 };
    uint8_t bytes[sizeof(header) + 9] = { 0 };
    memcpy(bytes, &header, sizeof(header));
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        const struct symbol_table table = { bytes, size, &models };
        KTEST_FALSE(t, symbol_table_lookup(&table, 0, &place));
        KTEST_FALSE(t, symbol_table_find(&table, "a", &offset));
    }
}

/* Under the sanitizers: no access outside of the table, names always end. */
static void symbol_table_that_is_damaged_is_survived(struct ktest *t)
{
    static union symbol_models models;
    struct random random;
    uint8_t bytes[200];
    random_init(&random, t->seed);
    for (unsigned round = 0; round < 300; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)random_next(&random); /* the low byte */
        }
        const struct symbol_header header = {
            .file_count = (uint32_t)random_next(&random) % 10,
            .function_count = (uint32_t)random_next(&random) % 50,
            .row_count = (uint32_t)random_next(&random) % 50,
            .files_bytes = (uint32_t)random_next(&random) % 120,
            .functions_bytes = (uint32_t)random_next(&random) % 120,
        };
        memcpy(bytes, &header, sizeof(header));
        const struct symbol_table table = { bytes, sizeof(bytes), &models };
        struct symbol_place place;
        uint32_t offset;
        if (symbol_table_lookup(&table, UINT32_MAX, &place)) {
            KTEST_TRUE(t, memchr(place.function, 0, sizeof(place.function)) != NULL);
            KTEST_TRUE(t, memchr(place.file, 0, sizeof(place.file)) != NULL);
        }
        (void)symbol_table_find(&table, "kernel_main", &offset); /* only that it comes back */
    }
    KTEST_TRUE(t, true);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(range_coder_gives_back_what_was_put_in),
    KTEST_CASE(range_coder_survives_certainty),
    KTEST_CASE(symbol_table_that_is_cut_finds_nothing),
    KTEST_CASE(symbol_table_that_is_damaged_is_survived),
};
KTEST_SUITE(symbol_table, "symbol_table", cases);
