#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make coverage: the branches that unit tests and fuzz corpora reach, unit by unit.

    coverage.py --build DIR --min PERCENT [--show] SOURCE ...

Runs DIR/cov/unit and every DIR/cov/fuzz_* over its corpus in git, merges the profiles, prints a
table with one line a source file, and `N passed, N failed`; a file below PERCENT of its branches
fails, as does one without a branch that was counted. --show lists the branches that are missing.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

CORPUS = Path("tests/fuzz/corpus")
MISSING = ("true", "false")


def run_all(folder):
    """Runs the instrumented programs; returns them and the merged profile."""
    programs = sorted(path for path in folder.iterdir() if path.is_file()
                      and (path.name == "unit" or path.name.startswith("fuzz_"))
                      and path.suffix == "")
    profiles = []
    for program in programs:
        profile = folder / f"{program.name}.profraw"
        arguments = [str(program)]
        if program.name != "unit":
            target = program.name.removeprefix("fuzz_")
            arguments += ["-runs=0", str(CORPUS / target)]
        done = subprocess.run(arguments, env={**os.environ, "LLVM_PROFILE_FILE": str(profile)},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            sys.exit(f"coverage: {program.name} failed:\n{done.stdout.decode()[-3000:]}")
        profiles.append(str(profile))
    merged = str(folder / "merged.profdata")
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", merged, *profiles], check=True)
    return programs, merged


def export(programs, merged, sources):
    arguments = ["llvm-cov", "export", f"-instr-profile={merged}", str(programs[0])]
    arguments += [f"-object={program}" for program in programs[1:]]
    output = subprocess.run([*arguments, *sources], check=True, stdout=subprocess.PIPE).stdout
    return {os.path.relpath(entry["filename"]): entry
            for entry in json.loads(output)["data"][0]["files"]}


def branches(entry):
    """{(line, column, end line, end column): [times true, times false]}: a macro or an inline
    function may stand in the data several times."""
    places = {}
    for branch in entry["branches"]:
        counts = places.setdefault(tuple(branch[:4]), [0, 0])
        counts[0] += branch[4]
        counts[1] += branch[5]
    return places


def main():
    parser = argparse.ArgumentParser(description="branch coverage of tests and corpora")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--min", type=float, default=95)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    programs, merged = run_all(options.build / "cov")
    files = export(programs, merged, options.sources)
    passed = 0
    total = reached = 0
    print(f"{'source':<28}{'branches':>9}{'reached':>9}{'percent':>9}")
    for source in sorted(options.sources):
        places = branches(files[source]) if source in files else {}
        count = 2 * len(places)
        hit = sum(bool(times) for counts in places.values() for times in counts)
        # A file that decides nothing, or was not built in, would hide behind "100 %".
        percent = 100 * hit / count if count else 0
        passed += percent >= options.min
        total += count
        reached += hit
        mark = "" if percent >= options.min else " <"
        print(f"{source:<28}{count:>9}{hit:>9}{percent:>8.1f}{mark}")
        for place, counts in sorted(places.items()):
            for side, times in zip(MISSING, counts):
                if times == 0 and (options.show or percent < options.min):
                    print(f"    line {place[0]}, column {place[1]}: never {side}")
    failed = len(options.sources) - passed
    print(f"{'all':<28}{total:>9}{reached:>9}{100 * reached / max(1, total):>8.1f}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
