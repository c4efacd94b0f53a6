#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs fuzz targets from their corpora and sums up: make fuzz, make fuzz-ci, make fuzz-corpus.

    run.py --build DIR [--seconds N] [--seed N] [--jobs N] TARGET[:SECONDS] ...
    run.py --build DIR --merge TARGET ...

Prints KTAP: one line a target with executions, branches of the coverage map and new inputs; then
the sum of executions and `N passed, N failed`. What was found is kept in DIR/fuzz/TARGET, so that
the next run goes on there; --merge takes it into the corpus that git holds.
"""

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CORPUS = Path("tests/fuzz/corpus")
STATISTICS = {
    "executions": re.compile(r"stat::number_of_executed_units:\s*(\d+)"),
    "new": re.compile(r"stat::new_units_added:\s*(\d+)"),
}
COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")
MAX_BYTES = {"elf": 4096, "map_file": 4096, "options": 8300}
DEFAULT_MAX_BYTES = 2048
FAILURE_LINES = 40


def command(build, target):
    """The program of `target` with what holds for every run."""
    return [str(build / "host" / f"fuzz_{target}"), "-print_final_stats=1", "-timeout=10",
            "-rss_limit_mb=2048", f"-max_len={MAX_BYTES.get(target, DEFAULT_MAX_BYTES)}",
            f"-artifact_prefix={build / 'fuzz' / target}."]


def folders(build, target):
    """Where found inputs go, and the corpus in git; both exist afterwards."""
    both = [build / "fuzz" / target, CORPUS / target]
    for folder in both:
        folder.mkdir(parents=True, exist_ok=True)
    return [str(folder) for folder in both]


def run(arguments):
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def fuzz(build, target, seconds, seed):
    """(passed, executions, text of the line, output)"""
    status, output = run([*command(build, target), f"-max_total_time={seconds}", f"-seed={seed}",
                          *folders(build, target)])
    found = {name: int(match[1]) if (match := pattern.search(output)) else 0
             for name, pattern in STATISTICS.items()}
    covered = COVERED.findall(output)
    passed = status == 0 and found["executions"] > 0 and bool(covered)
    edges, _, inputs = covered[-1] if covered else ("0", "0", "0")
    text = (f"{found['executions']} executions, {edges} edges, {inputs} inputs, "
            f"{found['new']} of them new")
    return passed, found["executions"], text, output


def target_and_seconds(word, default):
    """`NAME` or `NAME:SECONDS`, how the command line names a target."""
    name, _, seconds = word.partition(":")
    return name, int(seconds or default)


def fuzz_all(options):
    passed = executions = 0
    print(f"KTAP version 1\n1..{len(options.targets)}", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        targets = [target_and_seconds(word, options.seconds) for word in options.targets]
        results = pool.map(lambda target: fuzz(options.build, *target, options.seed), targets)
        for number, ((target, _), result) in enumerate(zip(targets, results), 1):
            good, count, text, output = result
            passed += good
            executions += count
            if not good:
                for line in output.splitlines()[-FAILURE_LINES:]:
                    print(f"# {line}")
            print(f"{'ok' if good else 'not ok'} {number} fuzz.{target} # {text}", flush=True)
    failed = len(options.targets) - passed
    print(f"# {executions} executions in all, seed {options.seed}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def merge_all(options):
    """As few files as reach what corpus and found inputs reach; replaces the corpus by them."""
    for target in options.targets:
        found, corpus = folders(options.build, target)
        merged = options.build / "fuzz" / f"{target}.merged"
        subprocess.run(["rm", "-rf", str(merged)], check=True)
        merged.mkdir()
        status, output = run([*command(options.build, target), "-set_cover_merge=1", str(merged), corpus,
                              found])
        if status != 0:
            print(output[-2000:])
            return 1
        for stale in Path(corpus).glob("[0-9a-f]*"):
            if re.fullmatch(r"[0-9a-f]{40}", stale.name):
                stale.unlink()
        named = {file.read_bytes() for file in Path(corpus).iterdir()}
        for file in merged.iterdir():
            if file.read_bytes() not in named:
                file.rename(Path(corpus) / file.name)
        print(f"{target}: {len(list(Path(corpus).iterdir()))} files")
    return 0


def main():
    parser = argparse.ArgumentParser(description="runs fuzz targets from their corpora")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("targets", nargs="+", metavar="TARGET")
    options = parser.parse_args()
    return merge_all(options) if options.merge else fuzz_all(options)


if __name__ == "__main__":
    sys.exit(main())
