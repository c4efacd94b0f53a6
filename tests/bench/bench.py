#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench: what the bring-up costs, in instructions, against the goals.

Boots Firstlight under run-ovmf.sh --icount, where a tick of the time-stamp counter is a 64th of an
instruction and every run gives the same figures. The seed's page-by-page walk is measured in the
same boot as our table builder. Exits 1 where a goal is missed by more than a tenth. Run by hand:
CI makes no claim about speed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_mm import bench_mm

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests/guest"), os.path.join(ROOT, "tests")]
import boot as boot_module  # noqa: E402  pylint: disable=wrong-import-position
import hostile_matrix  # noqa: E402  pylint: disable=wrong-import-position
from gates import EFI_LIMIT_BYTES  # noqa: E402  pylint: disable=wrong-import-position

TICKS_PER_INSTRUCTION = 64
TOLERANCE = 1.10
TOUCHED_MAX = 64 * 1024

# Memory size, extra options of run-ovmf.sh, goal for mm_init in instructions.
MM_INIT_BOOTS = [
    ("256M", [], 450_000),
    ("4G", [], 450_000),
    ("1T", [], 600_000),
    ("16T", [], 2_000_000),
]

# Measure, measure it is compared with, largest ratio.
RATIOS = [
    ("map_4g_4k", "map_4g_seed_walk", 1 / 5),
    ("map_4g_2m", "map_4g_seed_walk", 1 / 500),
    ("map_4g_1g", "map_4g_seed_walk", 1 / 8000),
    ("map_64g_4k", "map_64g_seed_walk", 1 / 5),
    ("map_64g_2m", "map_64g_seed_walk", 1 / 500),
    ("map_64g_1g", "map_64g_seed_walk", 1 / 8000),
]

# Measure, largest number of instructions for one operation (None: shown only).
ABSOLUTE = [
    ("map_1t_2m", None),
    ("map_1t_1g", None),
    ("map_16t_2m", None),
    ("map_16t_1g", None),
    ("map_unmap_4k", 600),
    ("audit_1t_2m", 20_000_000),
    ("allocate_order_0", None),
    ("free_order_0", None),
    ("allocate_order_9", None),
    ("free_order_9", None),
    ("allocate_order_18", None),
    ("free_order_18", None),
]


# Descriptors that the firmware hands out, goal for cleaning them in instructions. 278 is the
# largest recorded map of a real machine.
PIPELINE = [(278, 200_000), (2000, None), (8000, None)]
PIPELINE_LINE = re.compile(r"left boot services: .* (\d+) descriptors, (\d+) entries in (\d+) ticks")


class Table:
    """Prints rows and remembers whether one missed its goal."""

    def __init__(self):
        self.missed = []

    def row(self, name, value, goal, text):
        if goal is None:
            verdict = ""
        elif value <= goal:
            verdict = "met"
        elif value <= goal * TOLERANCE:
            verdict = "within 10 %"
        else:
            verdict = "MISSED"
            self.missed.append(name)
        print(f"  {name:<34} {text:<52} {verdict}", flush=True)


def boot(memory, words, options=()):
    """One --icount boot: the report and the guest's text."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        command = [
            os.path.join(ROOT, "run-ovmf.sh"), "--icount", "-m", memory, "--report", report,
            "--timeout", "300", "-a", " ".join(["log=deferred"] + words), *options,
        ]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False)
        text = run.stdout.decode("utf-8", "replace")
        if run.returncode != 0:
            sys.exit(f"bench: {' '.join(command)}: exit {run.returncode}\n{text[-2000:]}")
        with open(report, encoding="utf-8") as stream:
            return json.load(stream), text


def stage_instructions(report, start, end):
    stamps = {stage["name"]: stage["tsc"] for stage in report["stages"]}
    return (stamps[end] - stamps[start]) // TICKS_PER_INSTRUCTION


def free_share(report):
    """Free memory as a share of firmware RAM less runtime, ACPI and the first MiB."""
    accounting = report["accounting"]
    runtime = sum(pages * 4096 for type_, _, pages, _ in report["efi_map"]["entries"]
                  if type_ in (5, 6))
    rest = (accounting["firmware_ram"] - runtime - accounting["acpi"] - accounting["nvs"]
            - accounting["low"])
    return report["buddy"]["free_frames"] * 4096 / rest


def bench_boots(table):
    print("memory bring-up (instructions, --icount)")
    for memory, options, goal in MM_INIT_BOOTS:
        report, _ = boot(memory, [], options)
        count = stage_instructions(report, "mm_init", "mm_init_done")
        table.row(f"mm_init, {memory}", count, goal, f"{count:>13,}   goal {goal:,}")
        buddy = report["buddy"]
        table.row(f"of that the frame allocator, {memory}", 0, None,
                  f"{buddy['bring_up_ticks'] // TICKS_PER_INSTRUCTION:>13,}")
        touched = buddy["bring_up_touched_bytes"]
        table.row(f"its metadata written by then, {memory}", touched, TOUCHED_MAX,
                  f"{touched:>13,}   goal {TOUCHED_MAX:,} bytes")
        if memory == "256M":
            share = free_share(report)
            table.row("memory not free, 256M", 1 - share, 0.01,
                      f"{(1 - share) * 100:>12.2f} %   goal 1 % (free {share * 100:.2f} %)")


def read_measures(text):
    measures = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and words[0] == "@bench":
            measures[words[1]] = int(words[2]) / int(words[3]) / TICKS_PER_INSTRUCTION
    return measures


def pipeline_instructions(build, count, shape):
    """What mmap_build() of the loader's last map costs under a firmware with `count` descriptors."""
    boot_ = hostile_matrix.hostile(f"count:{count}{shape}", "test=mm.areas exit", memory="2G")
    images = boot_module.Build(Path(build) / "guest/HOSTILE.EFI",
                               Path(build) / "kernel.stripped.elf")
    with tempfile.TemporaryDirectory() as folder:
        command = boot_module.qemu_arguments(boot_, images, Path(folder))
        run = subprocess.run([*command, "-icount", "shift=6,sleep=off"], timeout=300, check=False,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        text = (Path(folder) / "serial.log").read_text("utf-8", "replace")
    line = PIPELINE_LINE.search(text)
    if boot_module.STATUS_VERDICT.get(run.returncode) != "pass" or int(line[1]) != count:
        sys.exit(f"bench: {count} descriptors: exit {run.returncode}\n{text[-2000:]}")
    return int(line[3]) // TICKS_PER_INSTRUCTION, int(line[2])


def bench_pipeline(table, build):
    print("memory-map pipeline in the loader (instructions, --icount)")
    for count, goal in PIPELINE:
        for shape in ("", ",shuffle"):
            cost, entries = pipeline_instructions(build, count, shape)
            goal_text = f"   goal {goal:,}" if goal else ""
            table.row(f"{count} descriptors{shape}", cost, goal,
                      f"{cost:>13,}   {entries} entries{goal_text}")


def bench_parts(table):
    _, text = boot("6G", ["bench"], ["--cpu", "max,phys-bits=46"])
    measures = read_measures(text)
    print("page tables against the seed's walk per page (one boot)")
    for name, base, goal in RATIOS:
        ratio = measures[name] / measures[base]
        table.row(name, ratio, goal,
                  f"{measures[name]:>13,.0f}   1/{1 / ratio:,.0f} of {measures[base]:,.0f}, "
                  f"goal 1/{1 / goal:,.0f}")
    print("single operations (instructions)")
    for name, goal in ABSOLUTE:
        text_goal = f"   goal {goal:,}" if goal is not None else ""
        table.row(name, measures[name], goal, f"{measures[name]:>13,.0f}{text_goal}")


def bench_build(table, efi):
    """A clean build's time is wall time on this machine: shown, with its generous goal."""
    print("build")
    size = os.path.getsize(efi)
    table.row("BOOTX64.EFI, bytes", size, EFI_LIMIT_BYTES,
              f"{size:>13,}   goal {EFI_LIMIT_BYTES:,}")
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        subprocess.run(["make", "-s", "-j2", f"BUILD={folder}/build", f"ESP={folder}/esp", "all"],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - start
    table.row("make -j2 from clean, seconds", seconds, 30, f"{seconds:>13.1f}   goal 30")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--esp", default=os.path.join(ROOT, "esp"))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--harness", default=os.path.join(ROOT, "../shared/bench"),
                        help="folder of the allocators to compare with")
    arguments = parser.parse_args()
    table = Table()
    bench_boots(table)
    bench_pipeline(table, arguments.build)
    bench_parts(table)
    bench_build(table, os.path.join(arguments.esp, "EFI/BOOT/BOOTX64.EFI"))
    bench_mm(table, arguments.build, arguments.harness)
    if table.missed:
        print(f"missed: {', '.join(table.missed)}")
        return 1
    print("every goal met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
