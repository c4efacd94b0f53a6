#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench-mm: the page-frame allocator against others, on this machine, in one run.

The harness (bench.c and the allocators to compare with, behind tests/bench/pa.h) is no part of the
project: it is built from the folder that --harness names. Without it, this says so and measures
only what needs no comparison. Programs take turns, ROUNDS times; the smallest figure of each
counts, so that what else the machine does falls out. Exits 1 where a goal is missed by more than a
tenth. The goals' names are those of docs/allocator.md.
"""

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUNDS = 3
REPEATS = "3"  # inside the harness, which takes the median
OURS, LINUX, SEED = "firstlight", "linux_like", "seed_algorithm"
RIVALS = [LINUX, SEED, "prototype"]
LINE = re.compile(r"^.{16} (.{22}) (.{26}) +([\d.]+)$")

W3_FRAGMENT = "w3:4:0.9:10:1000000"
# Verbs for each program; the seed's algorithm needs minutes for some.
COMMON = ["w1:4", "w1:0.5", "w3:4:0.5:10:3000000", "w3:4:0.9:10:3000000", "w3:4:0.5:3:3000000",
          "w3:4:0.9:3:3000000", "w4:4:9", "w5:1:0", "w5:1:9", "w5:1:10", "w6:16:1"]
TWO_CPUS = ["mt:4:0:1", "mt:4:0:2", "mt:1:0:2"]
VERBS = {
    OURS: COMMON + ["w2:0.0625", "w2:4", "w6:1:1", "w6:16:200", "w6:16384:1"] + TWO_CPUS,
    LINUX: COMMON + ["w2:4"] + TWO_CPUS,
    SEED: COMMON + ["w2:0.0625"],
    "prototype": COMMON + ["w2:0.0625", "w2:4", "w6:1:1", "w6:16:200", "w6:16384:1"] + TWO_CPUS,
}


@dataclass
class Goal:
    name: str
    workload: str  # as the harness prints it
    metric: str
    linux: float = None  # largest ratio
    seed: float = None


GOALS = [
    Goal("G1", "W5 pingpong o0", "ns/op", 1.25, 0.35),
    Goal("G1", "W5 pingpong o9", "ns/op", 1.25, 0.65),
    Goal("G1", "W5 pingpong o10", "ns/op", 0.25, 0.65),
    Goal("G2", "W2 o0 bulk 4G", "alloc cold ns", 0.45),
    Goal("G2", "W2 o0 bulk 4G", "alloc warm ns", 0.45),
    Goal("G3", "W2 o0 bulk 4G", "free in order ns", 0.50),
    Goal("G4", "W2 o0 bulk 4G", "free random ns", 0.20),
    Goal("G4", "W2 o0 bulk 0.0625G", "free random ns", None, 1 / 40),
    Goal("G5", "W3 0..10 50% 4G", "ns/op", 0.75, 0.9),
    Goal("G5", "W3 0..10 90% 4G", "ns/op", 0.75, 0.9),
    Goal("G5", "W3 0..3 50% 4G", "ns/op", 0.35, 0.6),
    Goal("G5", "W3 0..3 90% 4G", "ns/op", 0.35, 0.6),
    Goal("G6", "W4 o9 bulk 4G", "alloc warm ns", 0.75),
    Goal("G6", "W4 o9 bulk 4G", "free random ns", 0.35, 0.2),
    Goal("G7", "W1 test_buddy 4G", "ns/op", 0.75, 0.8),
    Goal("G7", "W1 test_buddy 0.5G", "ns/op", 1.3, 1.3),
    Goal("G8", "W6 init 16G x1", "init us", 1 / 20000, 0.2),
    Goal("G10", "MT2 o0 4G", "pingpong ns/op", 1.25),
    Goal("G10", "MT2 o0 4G", "bulk alloc ns", 0.5),
    Goal("G10", "MT2 o0 4G", "bulk free ns", 0.5),
    Goal("G10", "MT2 o0 4G", "cross random free ns", 0.6),
    Goal("G10", "MT2 o0 1G", "cross random free ns", 0.6),
]

# Goal, its two measures, largest ratio: of our own figures only.
OWN_RATIOS = [
    ("G8", "16 TiB / 1 GiB", ("W6 init 16384G x1", "init us"), ("W6 init 1G x1", "init us"), 1.5),
    ("G10", "ping-pong of 2 / of 1", ("MT2 o0 4G", "pingpong ns/op"),
     ("MT1 o0 4G", "pingpong ns/op"), 1.15),
]
METADATA_MAX = 320  # KiB/GiB
METADATA = ["W6 init 1G x1", "W6 init 16G x1", "W6 init 16G x200", "W6 init 16384G x1"]
REGION_NS_MAX = 3000
USABLE_MIN = 0.93


def compile_program(output, *sources):
    subprocess.run(["clang", "-w", "-O2", "-march=native", "-pthread", f"-I{ROOT}", *sources, "-o",
                    output], check=True)


def build_programs(build, harness):
    """Every allocator under the same harness: name -> program."""
    folder = os.path.join(build, "host", "bench-mm")
    os.makedirs(folder, exist_ok=True)
    bench = os.path.join(harness, "bench.c")
    parts = {name: os.path.join(harness, name + ".c") for name in RIVALS}
    parts[OURS] = os.path.join(build, "host", "libmm.a")
    programs = {}
    for name, part in parts.items():
        programs[name] = os.path.join(folder, name)
        compile_program(programs[name], bench, part)
    return programs


def run(program, verbs, repeats=REPEATS):
    """[(workload, metric, value)] in the harness's order, and what it says about detection."""
    text = subprocess.run([program, *verbs], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "REP": repeats, "TLIM": "3"}).stdout
    rows = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            rows.append((match[1].strip(), match[2].strip(), float(match[3])))
    return rows, [line for line in text.splitlines() if "DETECT" in line]


def measure(programs):
    """{program: {(workload, metric): smallest figure}}"""
    best = {name: {} for name in programs}
    for number in range(ROUNDS):
        print(f"  round {number + 1} of {ROUNDS} ...", file=sys.stderr, flush=True)
        for name, program in programs.items():
            for verb in VERBS[name]:
                for workload, metric, value in run(program, [verb])[0]:
                    key = (workload, metric)
                    best[name][key] = min(value, best[name].get(key, value))
    return best


def compare(table, best):
    for goal in GOALS:
        key = (goal.workload, goal.metric)
        ours = best[OURS][key]
        for rival, limit in ((LINUX, goal.linux), (SEED, goal.seed)):
            if limit is None:
                continue
            ratio = ours / best[rival][key]
            table.row(f"{goal.name} {goal.workload}, {goal.metric}"[:44], ratio, limit,
                      f"{ours:>9.2f}  {ratio:8.5f} of {rival:<14} goal {limit:.5f}")
    for name, what, first, second, limit in OWN_RATIOS:
        ratio = best[OURS][first] / best[OURS][second]
        table.row(f"{name} {what}", ratio, limit,
                  f"{best[OURS][first]:>9.2f}  {ratio:8.5f}{'':18}    goal {limit}")
    for workload in METADATA:
        size = best[OURS][(workload, "metadata KiB/GiB")]
        table.row(f"G12 metadata, {workload}", size, METADATA_MAX,
                  f"{size:>9.2f}  KiB/GiB{'':23} goal {METADATA_MAX}")


def fragmentation(table, programs):
    """Same requests to both: what is left for 2 MiB blocks, and who has to refuse."""
    sums = {}
    for name in (OURS, LINUX):
        rows, _ = run(programs[name], [W3_FRAGMENT] * 6, "1")
        sums[name] = (sum(v for _, m, v in rows if m == "% of free usable as 2M"),
                      sum(v for _, m, v in rows if m == "alloc fail %"))
    ratio = sums[OURS][0] / sums[LINUX][0]
    table.row("G11 usable as 2 MiB at 90 %, lost", USABLE_MIN / ratio, 1.0,
              f"{sums[OURS][0] / 6:>9.1f}  {ratio:8.5f} of {LINUX:<14} goal {USABLE_MIN} or more")
    table.row("G11 failures where the other has none", sums[OURS][1] if sums[LINUX][1] == 0 else 0,
              0, f"{sums[OURS][1]:>9.2f}  %")


def regions(table, build):
    program = os.path.join(build, "host", "bench-mm", "regions")
    os.makedirs(os.path.dirname(program), exist_ok=True)
    compile_program(program, os.path.join(ROOT, "tests/bench/regions.c"),
                    os.path.join(build, "host", "libmm.a"))
    cost = min(float(subprocess.run([program, "16", "200"], check=True, stdout=subprocess.PIPE,
                                    text=True).stdout) for _ in range(ROUNDS))
    table.row("G9 one of 200 ragged regions", cost, REGION_NS_MAX,
              f"{cost:>9.0f}  ns{'':28} goal {REGION_NS_MAX}")


def detection(table, programs):
    """The harness's three bad frees; 10^6 of each kind are in `make test-long`."""
    _, lines = run(programs[OURS], ["det"])
    missed = sum(not line.rstrip().endswith("yes") for line in lines)
    table.row("G13 bad frees not found", missed if lines else 1, 0, f"{missed:>9} of {len(lines)}")


def bench_mm(table, build, harness):
    """All rows of the page-frame allocator into `table`."""
    print("page-frame allocator (ns, this machine; G13, G14 in full: make test-long)")
    regions(table, build)
    if not os.path.exists(os.path.join(harness, "bench.c")):
        print(f"  SKIPPED: no harness in {harness}: G1-G8 and G10-G12 were not measured")
        return
    programs = build_programs(build, harness)
    compare(table, measure(programs))
    fragmentation(table, programs)
    detection(table, programs)


def main():
    from bench import Table  # pylint: disable=import-outside-toplevel
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--harness", default=os.path.join(ROOT, "../shared/bench"))
    arguments = parser.parse_args()
    table = Table()
    bench_mm(table, arguments.build, arguments.harness)
    if table.missed:
        print(f"missed: {', '.join(table.missed)}")
        return 1
    print("no goal missed by more than a tenth")
    return 0


if __name__ == "__main__":
    sys.exit(main())
