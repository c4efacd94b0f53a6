# SPDX-License-Identifier: GPL-2.0-only
"""ktap.py: what counts, and what a damaged or cut run looks like."""

import unittest

import ktap

GOOD = """\x1b[2J\x1b[01;01HBdsDxe: starting Boot0001\r
boot text\r
KTAP version 1\r
1..2\r
    # Subtest: mm.bump\r
    1..2\r
    ok 1 bump_first\r
[    0.012] info: a log line in between\r
    ok 2 bump_second\r
ok 1 mm.bump\r
    # Subtest: mm.nx\r
    1..1\r
    ok 1 nx_only # SKIP no NX here\r
ok 2 mm.nx\r
2 passed, 0 failed, 1 skipped\r
firstlight> """


class KtapTest(unittest.TestCase):
    def test_good_run_passes_with_names(self):
        result = ktap.parse(GOOD)
        self.assertTrue(result.ok(), result.problems)
        self.assertEqual(result.names(), ["mm.bump.bump_first", "mm.bump.bump_second"])
        self.assertEqual(result.skipped, ["mm.nx.nx_only"])

    def test_failed_case_is_named(self):
        text = (GOOD.replace("    ok 2 bump_second", "    not ok 2 bump_second")
                .replace("2 passed, 0 failed", "1 passed, 1 failed"))
        result = ktap.parse(text)
        self.assertFalse(result.ok())
        self.assertEqual(result.failed, ["mm.bump.bump_second"])
        self.assertEqual(result.problems, [])

    def test_no_start_line_is_a_problem(self):
        self.assertFalse(ktap.parse("ok 1 mm.bump\n1 passed, 0 failed\n").ok())

    def test_run_cut_in_a_suite_names_the_suite(self):
        cut = GOOD[:GOOD.index("    ok 2 bump_second")]
        self.assertEqual(ktap.parse(cut).problems,
                         ["no totals line: the run stopped in suite mm.bump"])

    def test_lost_case_line_is_a_problem(self):
        result = ktap.parse(GOOD.replace("    ok 1 bump_first\r\n", ""))
        self.assertFalse(result.ok())
        self.assertTrue(any("number 2" in p for p in result.problems), result.problems)

    def test_lost_last_case_breaks_the_plan(self):
        result = ktap.parse(GOOD.replace("    ok 2 bump_second\r\n", "")
                            .replace("2 passed", "1 passed"))
        self.assertEqual(result.problems, ["suite mm.bump: 1 cases ran, 2 planned"])

    def test_lost_suite_breaks_the_plan(self):
        result = ktap.parse(GOOD.replace("1..2\r\n    # Subtest: mm.bump",
                                         "1..3\r\n    # Subtest: mm.bump"))
        self.assertEqual(result.problems, ["2 suites ran, 3 planned"])

    def test_wrong_totals_are_a_problem(self):
        self.assertFalse(ktap.parse(GOOD.replace("2 passed", "3 passed")).ok())

    def test_nothing_ran_is_no_pass(self):
        self.assertFalse(ktap.parse("KTAP version 1\n1..0\n0 passed, 0 failed\n").ok())

    def test_last_run_counts(self):
        result = ktap.parse("KTAP version 1\n1..0\n0 passed, 0 failed\n" + GOOD)
        self.assertEqual(len(result.passed), 2)

    def test_text_after_totals_does_not_count(self):
        self.assertTrue(ktap.parse(GOOD + "\n    ok 1 later\n").ok())
