/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What all fuzz targets share. A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput() and a
 * folder corpus/NAME; it aborts where a property does not hold. Targets keep no state from one
 * input to the next. Host only; built and run by fuzz.mk.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** Called by libFuzzer; @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

/** Ends the run with @p what where @p holds is false. */
static inline void fuzz_check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz: does not hold: %s\n", what);
        abort();
    }
}

/** fuzz_check() with the condition's own text. */
#define FUZZ_REQUIRE(condition) fuzz_check((condition), #condition)

/** A copy of exactly @p size_bytes, so that ASan sees a byte too far; 16-byte aligned; to be freed.
 */
static inline void *fuzz_copy(const void *bytes, size_t size_bytes)
{
    uint8_t *const copy = malloc(size_bytes > 0 ? size_bytes : 1);
    fuzz_check(copy != NULL, "memory on the host");
    for (size_t i = 0; i < size_bytes; i++) {
        copy[i] = ((const uint8_t *)bytes)[i];
    }
    return copy;
}

#endif
