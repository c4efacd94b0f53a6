#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""python_tests.py FILE_PATTERN: runs the unittest files of tests/guest and tests/tools that match, prints KTAP.

A skipped test is a failure: what a test needs is installed, or something is wrong.
"""

import sys
import unittest
from pathlib import Path

FOLDERS = [Path(__file__).resolve().parent / name for name in ("guest", "tools")]


class KtapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.broken = 0
        self.reported = None  # the test whose `not ok` line is out (sub-tests report several times)

    def _say(self, test, ok):
        if self.reported is test:
            return
        self.reported = test
        self.broken += not ok
        name = test.id().replace(" ", "_")
        print(f"{'ok' if ok else 'not ok'} {self.testsRun} {name}", flush=True)

    def _fail(self, test, text):
        for line in text.splitlines():
            print(f"# {line}")
        self._say(test, False)

    def addSuccess(self, test):
        self._say(test, True)

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


def main():
    suite = unittest.TestSuite()
    for folder in FOLDERS:
        suite.addTests(unittest.TestLoader().discover(str(folder), pattern=sys.argv[1]))
    result = KtapResult()
    print(f"KTAP version 1\n1..{suite.countTestCases()}", flush=True)
    suite.run(result)
    passed = result.testsRun - result.broken
    print(f"{passed} passed, {result.broken} failed")
    return 0 if passed and not result.broken else 1


if __name__ == "__main__":
    sys.exit(main())
