# SPDX-License-Identifier: GPL-2.0-only
"""all.py: how a part's output and exit status become counts. Nothing may hide a failure."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import all as suite  # noqa: E402  pylint: disable=wrong-import-position

FLAT = "KTAP version 1\n1..2\nok 1 a.b\nnot ok 2 a.c # 4 s\n1 passed, 1 failed\n"
NESTED = ("KTAP version 1\n1..1\n    # Subtest: mm.x\n    1..1\n    ok 1 y\nok 1 mm.x\n"
          "1 passed, 0 failed\n")


class CountTest(unittest.TestCase):
    def counts(self, kind, text, status):
        result = suite.count(kind, text, status)
        return result.passed, result.failed

    def test_flat_lines_count_and_name(self):
        self.assertEqual(self.counts("flat", FLAT, 1), (1, 1))
        self.assertEqual(suite.count("flat", FLAT, 1).names, ["a.b", "a.c"])

    def test_flat_part_that_stops_early_fails(self):
        good = "ok 1 a\nok 2 b\n2 passed, 0 failed\n"
        self.assertEqual(self.counts("flat", good, 0), (2, 0))
        self.assertGreater(self.counts("flat", good.replace("2 passed, 0 failed\n", ""), 0)[1], 0)
        self.assertGreater(self.counts("flat", good.replace("ok 2 b\n", ""), 0)[1], 0)

    def test_nested_lines_count_and_name(self):
        self.assertEqual(self.counts("nested", NESTED, 0), (1, 0))
        self.assertEqual(suite.count("nested", NESTED, 0).names, ["mm.x.y"])
        self.assertGreater(self.counts("nested", NESTED[:40], 0)[1], 0)

    def test_exit_status_makes_a_failure_even_where_all_lines_are_good(self):
        self.assertEqual(self.counts("nested", NESTED, 1), (1, 1))
        self.assertEqual(self.counts("flat", "ok 1 a\n1 passed, 0 failed\n", 1), (1, 1))

    def test_nothing_ran_is_a_failure(self):
        for kind in ("flat", "nested", "totals"):
            self.assertGreater(self.counts(kind, "", 0)[1], 0)

    def test_totals_alone_count_where_they_are_the_last_line(self):
        self.assertEqual(self.counts("totals", "x\n7 passed, 0 failed\n", 0), (7, 0))
        self.assertEqual(self.counts("totals", "6 passed, 1 failed\n", 1), (6, 1))
        self.assertEqual(self.counts("totals", "7 passed, 0 failed\nkilled\n", 0), (0, 1))

    def test_single_step_counts_by_status(self):
        self.assertEqual(self.counts("one", "", 0), (1, 0))
        self.assertEqual(self.counts("one", "", 2), (0, 1))

    def test_part_that_can_not_start_fails(self):
        log = Path(self.enterContext(__import__("tempfile").TemporaryDirectory())) / "log"
        result = suite.run(suite.Part("x", ["/no/such/program"]), log, {})
        self.assertEqual((result.passed, result.failed > 0), (0, True))
