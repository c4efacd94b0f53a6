#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`make test`: runs every part of the suite, adds up their counts, ends with `N passed, N failed`.

    all.py [--build DIR] [--esp DIR] [PART ...]

A part is a command whose output goes to DIR/test-logs/PART.log. Parts that print KTAP count by
their `ok` lines; a build step counts as one. A part whose exit status says failure, or that ends
without its totals, has at least one failure, whatever it printed. Names of cases that ran are
collected for the check of docs/seed.md. A failed build does not stop the other parts.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/guest"))
import ktap  # noqa: E402  pylint: disable=wrong-import-position

_FLAT_RESULT = re.compile(r"^(not )?ok \d+ (\S+)")
_TOTALS = re.compile(r"^(\d+) passed, (\d+) failed$")
TAIL_LINES = 60


@dataclass
class Part:
    name: str
    arguments: list
    # flat KTAP; nested KTAP (of tests/ktest_run.c); totals: only a last line `N passed, N failed`;
    # one: exit status only
    kind: str = "flat"


@dataclass
class Result:
    passed: int
    failed: int
    names: list


def parts(build, esp):
    python = sys.executable
    make = ["make", "-s", "--no-print-directory", f"-j{os.cpu_count()}"]
    ours = [f"BUILD={build}", f"ESP={esp}"]
    gcc = f"{build}/gcc"
    logs = Path(build) / "test-logs"
    where = ["--build", str(build), "--esp", str(esp)]
    ran = [f"--ran={logs / name}" for name in ("names.txt", "guest-names.txt")]
    return [
        Part("build", [*make, *ours, "all"], "one"),
        Part("build-gcc", [*make, "KERNEL_CC=gcc", f"BUILD={gcc}", f"ESP={gcc}/esp",
                           f"{gcc}/esp/EFI/BOOT/BOOTX64.EFI"], "one"),
        Part("build-host-tests", [*make, *ours, f"{build}/host/unit", f"{build}/host/loader_unit",
                                  f"{build}/host/tsan_buddy", f"{build}/host/tsan_log",
                                  f"{build}/host/log_storm"], "one"),
        Part("build-guest-tests", [*make, *ours, "guest-images", "hostile"], "one"),
        Part("host", [f"{build}/host/unit"], "nested"),
        Part("threads", [f"{build}/host/tsan_buddy", "--operations", "600000", "--injections",
                         "10", "--threads", "3"], "totals"),
        Part("log-threads", [f"{build}/host/tsan_log", "--lines", "6000", "--nested", "5"], "totals"),
        Part("log-nested", [f"{build}/host/log_storm", "--lines", "40000", "--threads", "1",
                            "--signals", "100"], "totals"),
        Part("loader", [f"{build}/host/loader_unit"], "nested"),
        Part("python", [python, "tests/python_tests.py", "test_*.py", "2"]),
        Part("replay", ["tools/replay-all.sh", f"{build}/host/replay", "tests/data/maps",
                        "tests/data/made"], "totals"),
        Part("fuzz", [*make, *ours, "fuzz-ci"]),
        Part("coverage", [*make, *ours, "coverage"], "totals"),
        Part("docs", [python, "tests/docs.py"]),
        Part("check-quick", [*make, *ours, "check-quick"], "totals"),
        Part("gates", [python, "tests/gates.py", *where]),
        Part("reproducible", ["tests/reproducible.sh", str(build), str(esp)], "one"),
        Part("boots", [python, "tests/guest/run_matrix.py", *where, "--jobs", "2"]),
        Part("hostile", [python, "tests/guest/run_hostile.py", *where, "--jobs", "2"]),
        Part("script", [python, "tests/python_tests.py", "script_*.py", "2"]),
        Part("seed", [python, "tests/seed_rows.py", *ran]),
    ]


def count_totals(text):
    """Counts what the last line says; no such line is a failure."""
    totals = _TOTALS.match((text.rstrip().splitlines() or [""])[-1])
    return Result(int(totals[1]), int(totals[2]), []) if totals else Result(0, 1, [])


def count_flat(text):
    """Counts result lines; the totals line at the end must agree with them."""
    results = [match for line in text.splitlines() if (match := _FLAT_RESULT.match(line))]
    failed = sum(bool(match[1]) for match in results)
    passed = len(results) - failed
    told = count_totals(text)
    if (told.passed, told.failed) != (passed, failed):
        failed += 1
    return Result(passed, failed, [match[2] for match in results])


def count_nested(text):
    result = ktap.parse(text)
    return Result(len(result.passed), len(result.failed) + len(result.problems), result.names())


def count(kind, text, status):
    """The Result of a part's output and exit status."""
    if kind == "one":
        return Result(int(status == 0), int(status != 0), [])
    counters = {"flat": count_flat, "nested": count_nested, "totals": count_totals}
    result = counters[kind](text)
    if result.failed == 0 and (status != 0 or result.passed == 0):
        result.failed = 1
    return result


def clean_environment(build, esp):
    """Without a parent make's job server; with the folders that run-ovmf.sh is to use."""
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    return {**environment, "BUILD": str(build), "ESP": str(esp), "PYTHONDONTWRITEBYTECODE": "1"}


def run(part, log, environment):
    """Runs `part` with its output to the file `log`; returns its Result."""
    with open(log, "wb") as output:
        try:
            status = subprocess.run(part.arguments, cwd=TOP, env=environment, check=False,
                                    stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=subprocess.STDOUT).returncode
        except OSError as error:
            output.write(f"{error}\n".encode())
            status = 127
    return count(part.kind, Path(log).read_text("utf-8", "replace"), status)


def show_failure(log):
    """What a reader needs from the log: the lines before each failure, or its end."""
    lines = log.read_text("utf-8", "replace").splitlines()
    notable = [line for line in lines if line.startswith(("#", "not ok", "    not ok", "    #"))
               and not line.startswith("    # Subtest")]
    for line in (notable or lines)[-TAIL_LINES:]:
        print(f"      {line[:300]}")
    print(f"      whole log: {log}")


def main():
    parser = argparse.ArgumentParser(description="runs the test suite")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--esp", type=Path, default=Path("esp"))
    parser.add_argument("only", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    os.chdir(TOP)
    logs = arguments.build / "test-logs"
    logs.mkdir(parents=True, exist_ok=True)
    for stale in ("names.txt", "guest-names.txt"):
        (logs / stale).unlink(missing_ok=True)
    environment = clean_environment(arguments.build, arguments.esp)
    selected = [p for p in parts(arguments.build, arguments.esp)
                if not arguments.only or p.name in arguments.only]
    passed = failed = 0
    for part in selected:
        started = time.monotonic()
        print(f"  {part.name:<18}", end="", flush=True)
        result = run(part, logs / f"{part.name}.log", environment)
        print(f"{result.passed:5} passed, {result.failed} failed  "
              f"({time.monotonic() - started:.0f} s)", flush=True)
        if result.failed:
            show_failure(logs / f"{part.name}.log")
        with open(logs / "names.txt", "a", encoding="utf-8") as names:
            names.writelines(f"{name}\n" for name in result.names)
        passed += result.passed
        failed += result.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
