#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""python_tests.py FILE_PATTERN [JOBS]: runs the unittest files of tests/guest and tests/tools
that match, prints KTAP. JOBS classes run at a time (1); the tests of a class run one after the
other.

A skipped test is a failure: what a test needs is installed, or something is wrong.
"""

import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

FOLDERS = [Path(__file__).resolve().parent / name for name in ("guest", "tools")]


@dataclass
class Verdict:
    name: str
    good: bool = True
    lines: list = field(default_factory=list)  # why not


class Collector(unittest.TestResult):
    """Verdicts by test, in the order of their start. What fails outside of a test (setUpClass, an
    import) has a verdict of its own."""

    def __init__(self):
        super().__init__()
        self.verdicts = {}

    def _of(self, test):
        return self.verdicts.setdefault(test.id(), Verdict(test.id().replace(" ", "_")))

    def _fail(self, test, text):
        verdict = self._of(test)
        verdict.good = False
        verdict.lines += [f"# {line}" for line in text.splitlines()]

    def startTest(self, test):
        super().startTest(test)
        self._of(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._fail(test, f"{subtest}: {self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._fail(test, f"skipped: {reason}")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._fail(test, "passed, and was expected to fail")


def class_suites(suite):
    """The suites of one class each, inside a suite of suites."""
    if any(isinstance(test, unittest.TestCase) for test in suite):
        yield suite
        return
    for inner in suite:
        yield from class_suites(inner)


def run_suite(suite):
    collector = Collector()
    suite.run(collector)
    return collector.verdicts.values()


def main():
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    found = [unittest.TestLoader().discover(str(folder), pattern=sys.argv[1])
             for folder in FOLDERS]
    suites = list(class_suites(unittest.TestSuite(found)))
    number = failed = 0
    print("KTAP version 1", flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        for verdicts in pool.map(run_suite, suites):
            for verdict in verdicts:
                number += 1
                failed += not verdict.good
                print("".join(f"{line}\n" for line in verdict.lines), end="")
                print(f"{'ok' if verdict.good else 'not ok'} {number} {verdict.name}", flush=True)
    print(f"1..{number}\n{number - failed} passed, {failed} failed")
    return 1 if failed or not number else 0


if __name__ == "__main__":
    sys.exit(main())
