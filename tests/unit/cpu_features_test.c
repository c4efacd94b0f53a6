/* SPDX-License-Identifier: GPL-2.0-only
 *
 * CPUID bits to names: each feature alone, so that no two can be mixed up.
 */
#include "cpu_features.h"

#include <stddef.h>
#include <string.h>

#include "tests/fake/fake_cpu.h"
#include "tests/ktest.h"

static struct cpu_features read_features(void)
{
    struct cpu_features features;
    memset(&features, 0xff, sizeof(features)); /* everything must be written */
    cpu_features_read(&features);
    return features;
}

/* A CPU that can do nothing but what long mode needs. */
static void bare_cpu(void)
{
    fake_cpu_reset();
    fake_cpu.has_nx = false;
    fake_cpu.has_pages_1g = false;
    fake_cpu.has_pat = false;
}

static void cpu_features_of_a_bare_cpu_are_the_essentials(struct ktest *t)
{
    bare_cpu();
    const struct cpu_features f = read_features();
    KTEST_STRING(t, f.vendor, "FakeCpuForXs");
    KTEST_TRUE(t, f.long_mode && f.msr && f.pae);
    KTEST_FALSE(t, f.nx || f.pages_1g || f.smep || f.smap || f.umip || f.pge || f.pat || f.rdrand ||
                       f.hypervisor);
    KTEST_EQ(t, f.phys_bits, 46);
}

struct feature {
    bool *given;      /* of the fake CPU */
    size_t offset;    /* of the bool in struct cpu_features */
    const char *name; /* for the failure */
};

#define FEATURE(given, member)                                          \
    {                                                                   \
        &fake_cpu.given, offsetof(struct cpu_features, member), #member \
    }

static bool has(const struct cpu_features *features, size_t offset)
{
    bool value;
    memcpy(&value, (const char *)features + offset, sizeof(value));
    return value;
}

static void cpu_features_come_from_one_bit_each(struct ktest *t)
{
    const struct feature list[] = {
        FEATURE(has_nx, nx),     FEATURE(has_pages_1g, pages_1g), FEATURE(has_smep, smep),
        FEATURE(has_smap, smap), FEATURE(has_umip, umip),         FEATURE(has_pge, pge),
        FEATURE(has_pat, pat),   FEATURE(has_rdrand, rdrand),     FEATURE(hypervisor, hypervisor),
    };
    for (size_t i = 0; i < ARRAY_COUNT(list); i++) {
        bare_cpu();
        *list[i].given = true;
        const struct cpu_features f = read_features();
        for (size_t j = 0; j < ARRAY_COUNT(list); j++) {
            const bool right = has(&f, list[j].offset) == (i == j);
            KTEST_STRING(t, right ? "" : list[j].name, "");
        }
    }
}

static void cpu_features_address_bits_that_make_no_sense_are_36(struct ktest *t)
{
    static const uint8_t senseless[] = { 0, 31, 53, 255 };
    static const uint8_t sensible[] = { 32, 36, 39, 46, 52 };
    for (size_t i = 0; i < ARRAY_COUNT(senseless); i++) {
        fake_cpu_reset();
        fake_cpu.phys_bits = senseless[i];
        KTEST_EQ(t, read_features().phys_bits, 36);
    }
    for (size_t i = 0; i < ARRAY_COUNT(sensible); i++) {
        fake_cpu_reset();
        fake_cpu.phys_bits = sensible[i];
        KTEST_EQ(t, read_features().phys_bits, sensible[i]);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(cpu_features_of_a_bare_cpu_are_the_essentials),
    KTEST_CASE(cpu_features_come_from_one_bit_each),
    KTEST_CASE(cpu_features_address_bits_that_make_no_sense_are_36),
};
KTEST_SUITE(arch_cpu_features, "arch.cpu_features", cases);
