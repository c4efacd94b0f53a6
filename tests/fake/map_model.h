/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A slow, obvious model of mmap_build() to compare it with: property tests and fuzzers. Host only.
 */
#ifndef FAKE_MAP_MODEL_H
#define FAKE_MAP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "mmap_build.h"

/** The largest inputs that the model takes. */
#define MAP_MODEL_MAX_CLAIMS  24U
#define MAP_MODEL_MAX_OVERLAY 8U /* ledger entries, and pins again */

/** Whether @p output is what @p input must give: reasons byte by byte, the RAM union, what was
 *  dropped and where descriptors overlap. Says on stderr where it is not. */
bool map_model_agrees(const struct mmap_build_input *input, const struct mmap_build_output *output);

#endif
