#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs boots of the matrix, two at a time, and prints KTAP with the verdicts.

    run_matrix.py [--build DIR] [--esp DIR] [--logs DIR] [--jobs N] [--full] [PATTERN ...]

PATTERN is a glob over boot names. A failed boot's folder (serial log, QEMU's words, disk) stays in
LOGS/boots/NAME and its tail is printed; a good boot leaves its serial log. The names of all guest
cases that ran go to LOGS/guest-names.txt. Exit status 0 where all passed, 1 where one failed or
none ran.
"""

import argparse
import shutil
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

import boot as boot_module
import firmware
import matrix
from ktap import clean_lines

TAIL_LINES = 40


def parse_arguments():
    parser = argparse.ArgumentParser(description="boots the matrix")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--esp", type=Path, default=Path("esp"))
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="the product of all dimensions")
    parser.add_argument("--list", action="store_true", help="print the names, boot nothing")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    arguments = parser.parse_args()
    arguments.logs = arguments.logs or arguments.build / "test-logs"
    return arguments


def select(boots, patterns):
    patterns = patterns or ["*"]
    return [b for b in boots if any(fnmatch(b.name, pattern) for pattern in patterns)]


def builds(arguments):
    """Loader and kernel by compiler; tests/tests.mk makes them."""
    gcc = arguments.build / "gcc"
    return {
        "clang": boot_module.Build(arguments.esp / "EFI/BOOT/BOOTX64.EFI",
                                   arguments.build / "kernel.stripped.elf"),
        "gcc": boot_module.Build(gcc / "esp/EFI/BOOT/BOOTX64.EFI", gcc / "kernel.stripped.elf"),
    }


def run_one(boot, build, folder):
    """Runs `boot`; whatever goes wrong on our side is a failure of that boot."""
    try:
        outcome = boot_module.run(boot, build, folder)
    except Exception:  # pylint: disable=broad-except  # the other boots go on
        return boot_module.Outcome(boot, problems=traceback.format_exc().splitlines())
    if outcome.ok():
        for leftover in ("vars.fd", "esp.img", "qemu.log"):
            (folder / leftover).unlink(missing_ok=True)
    return outcome


def tail(path):
    if not path.exists():
        return []
    lines = [line for line in clean_lines(path.read_text("utf-8", "replace")) if line.strip()]
    return [line[:400] for line in lines[-TAIL_LINES:]]


def show(number, outcome, folder):
    """One KTAP line, and for a failure why, and the ends of its logs."""
    boot = outcome.boot
    if outcome.ok():
        fetched = firmware.version(boot.firmware)
        under = f", {fetched}" if fetched else ""
        print(f"ok {number} boot.{boot.name} # {outcome.seconds:.1f} s, "
              f"{len(outcome.cases)} guest cases{under}", flush=True)
        return
    for problem in outcome.problems:
        print(f"# boot.{boot.name}: {problem}")
    for log in ("serial.log", "qemu.log"):
        for line in tail(folder / log):
            print(f"#   {log}: {line}")
    print(f"not ok {number} boot.{boot.name} # {outcome.seconds:.1f} s, kept in {folder}",
          flush=True)


def main():
    arguments = parse_arguments()
    selected = select(matrix.full() if arguments.full else matrix.BOOTS, arguments.patterns)
    if arguments.list:
        print("\n".join(b.name for b in selected))
        return 0
    available = builds(arguments)
    root = arguments.logs / "boots"
    shutil.rmtree(root, ignore_errors=True)
    names = set()
    failed = 0
    print(f"KTAP version 1\n1..{len(selected)}", flush=True)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        futures = [pool.submit(run_one, b, available[b.compiler], root / b.name) for b in selected]
        for number, future in enumerate(futures, 1):
            outcome = future.result()
            show(number, outcome, root / outcome.boot.name)
            names.update(outcome.cases)
            failed += not outcome.ok()
    arguments.logs.mkdir(parents=True, exist_ok=True)
    (arguments.logs / "guest-names.txt").write_text("".join(f"{n}\n" for n in sorted(names)))
    print(f"{len(selected) - failed} passed, {failed} failed")
    return 1 if failed or not selected else 0


if __name__ == "__main__":
    sys.exit(main())
