# SPDX-License-Identifier: GPL-2.0-only
"""seed_rows.py: a complete table passes; each thing it forbids is found, in its row."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import seed_rows  # noqa: E402  pylint: disable=wrong-import-position

RAN = {"mm.bump.bump_first", "boot.q35-256M"}


class SeedRowsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        (self.top / "a.c").write_text("int bump_allocate(void); #define PAGE_SHIFT 12\n")

    def table(self, **changed):
        lines = ["| row | file | function | test |", "| --- | --- | --- | --- |"]
        for row in seed_rows.ROWS:
            line = f"| {row} | `a.c` | `bump_allocate()`, PAGE_SHIFT | `mm.bump.bump_first` |"
            lines.append(changed.get(row, line))
        return "\n".join(lines)

    def findings(self, **changed):
        found = seed_rows.check(self.table(**changed), RAN, self.top)
        return {row: problems for row, problems in found.items() if problems}

    def test_row_ids_are_those_of_the_seed(self):
        self.assertEqual(len(seed_rows.ROWS), 51)
        self.assertEqual(seed_rows.ROWS[:9][-1], "S10")

    def test_complete_table_passes(self):
        self.assertEqual(self.findings(), {})

    def test_case_name_boot_and_glob_are_tests_too(self):
        self.assertEqual(self.findings(
            S01="| S01 | a.c | PAGE_SHIFT | bump_first, boot.q35-256M<br>`mm.bump.*` |"), {})

    def test_missing_row_is_found(self):
        self.assertEqual(self.findings(S42="text")["S42"], ["S42: row is missing"])

    def test_unknown_row_is_found(self):
        self.assertIn("S09", self.findings(S08="| S09 | a.c | PAGE_SHIFT | bump_first |"))

    def test_empty_and_missing_cells_are_found(self):
        for line in ("| S07 | | PAGE_SHIFT | bump_first |", "| S07 | a.c | | bump_first |",
                     "| S07 | a.c | PAGE_SHIFT | |", "| S07 | a.c | PAGE_SHIFT |"):
            with self.subTest(line):
                self.assertIn("S07", self.findings(S07=line))

    def test_missing_file_and_function_are_found(self):
        for line in ("| S07 | b.c | PAGE_SHIFT | bump_first |",
                     "| S07 | a.c | PAGE | bump_first |",
                     "| S07 | a.c | bump_allocate, gone() | bump_first |"):
            with self.subTest(line):
                self.assertIn("S07", self.findings(S07=line))

    def test_test_that_did_not_run_is_found(self):
        for test in ("bump_other", "mm.buddy.*", "bump_first, first"):
            with self.subTest(test):
                self.assertIn("S07", self.findings(S07=f"| S07 | a.c | PAGE_SHIFT | {test} |"))
