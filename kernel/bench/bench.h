/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Costs of the bring-up's parts in ticks of the time-stamp counter (command line word `bench`).
 * Under run-ovmf.sh --icount a tick is a 64th of an instruction, so that the figures are exact and
 * repeatable; tests/bench/bench.py reads them.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>

/** Runs every measure and prints a line each: `@bench NAME TICKS OPERATIONS`. @p stop is asked
 *  between them; true ends it. Context: after the self-tests. */
void bench_run(bool (*stop)(void));

#endif
