#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds docs/seed.md to its word: every row of the seed is there, what it names exists, its test ran.

    seed_rows.py --ran FILE [--ran FILE ...] [--table docs/seed.md]

The table has the columns row, file, function, test. A cell may hold several entries, separated by
commas or <br>; backquotes are optional. A file is a path in the tree. A function (or type, macro,
constant, assembler label) must stand in one of the row's files. A test is `suite.case`, `case`, a
boot or gate name, or a glob over those; it must be among the names in the --ran files, one name a
line (what passed or failed in this run; a skipped case did not run).
"""

import argparse
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]


def _rows(*spans):
    return [f"S{n:02}" for first, last in spans for n in range(first, last + 1)]


ROWS = _rows((1, 8), (10, 13), (20, 21), (30, 42), (50, 52), (60, 65), (70, 72), (80, 87),
             (90, 91), (95, 96))
COLUMNS = ("row", "file", "function", "test")


def entries(cell):
    parts = re.split(r",|<br\s*/?>|;", cell)
    return [part.strip().strip("`").strip() for part in parts if part.strip(" `")]


def read_table(text):
    """Row id -> list of table lines as dicts of entry lists. A row may take several lines."""
    table = {}
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"`?S\d\d`?", cells[0]):
            row = dict(zip(COLUMNS, [entries(cell) for cell in cells]))
            table.setdefault(cells[0].strip("`"), []).append(row)
    return table


def check_names(row_id, row, top):
    """The row's files exist, and each function stands in one of them as a whole word."""
    texts = []
    for name in row["file"]:
        if (top / name).is_file():
            texts.append((top / name).read_text("utf-8", "replace"))
        else:
            yield f"{row_id}: no file {name}"
    for name in row["function"]:
        word = name.removesuffix("()").removeprefix("struct ").removeprefix("enum ")
        if not any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for text in texts):
            yield f"{row_id}: {name} is not in {', '.join(row['file'])}"


def did_run(test, ran):
    return any(fnmatchcase(name, test) or fnmatchcase(name, f"*.{test}") for name in ran)


def check_row(row_id, row, ran, top):
    for column in COLUMNS:
        if not row.get(column):
            yield f"{row_id}: cell '{column}' is empty or missing"
    if all(row.get(column) for column in COLUMNS):
        yield from check_names(row_id, row, top)
        yield from (f"{row_id}: test {t} did not run" for t in row["test"] if not did_run(t, ran))


def check(text, ran, top=TOP):
    """Findings by row id; a good row has none."""
    table = read_table(text)
    findings = {row_id: [] if row_id in table else [f"{row_id}: row is missing"]
                for row_id in ROWS}
    for row_id, lines in table.items():
        problems = findings.setdefault(row_id, [f"{row_id}: no such row in the seed"])
        for row in lines:
            problems.extend(check_row(row_id, row, ran, top))
    return findings


def main():
    parser = argparse.ArgumentParser(description="checks docs/seed.md")
    parser.add_argument("--ran", type=Path, action="append", default=[])
    parser.add_argument("--table", type=Path, default=TOP / "docs/seed.md")
    arguments = parser.parse_args()
    ran = {line.strip() for file in arguments.ran if file.exists()
           for line in file.read_text("utf-8").splitlines() if line.strip()}
    text = arguments.table.read_text("utf-8") if arguments.table.exists() else ""
    findings = check(text, ran)
    print(f"KTAP version 1\n1..{len(findings)}")
    for number, (row_id, problems) in enumerate(findings.items(), 1):
        for problem in problems:
            print(f"# {problem}")
        print(f"{'not ok' if problems else 'ok'} {number} seed.{row_id}")
    failed = sum(bool(problems) for problems in findings.values())
    print(f"{len(findings) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
