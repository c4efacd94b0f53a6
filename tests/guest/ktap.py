# SPDX-License-Identifier: GPL-2.0-only
"""Reads the KTAP that tests/ktest_run.c prints, on the host or on a guest's serial line.

Only what stands between `KTAP version 1` and `N passed, N failed` counts: the firmware prints its
own text before, and the kernel's log may stand between the lines. Plans, numbers and totals must
agree with the lines that came: a run that stops half-way, or loses lines, is a failure.
"""

import re
from dataclasses import dataclass, field

_START = re.compile(r"KTAP version 1$")
_PLAN = re.compile(r"^(?P<indent> *)1\.\.(?P<count>\d+)$")
_SUBTEST = re.compile(r"^    # Subtest: (?P<name>\S+)$")
_RESULT = re.compile(r"^(?P<indent> *)(?P<no>not )?ok (?P<number>\d+) (?P<name>\S+)"
                     r"(?P<skip> # SKIP.*)?$")
_TOTALS = re.compile(r"^(?P<passed>\d+) passed, (?P<failed>\d+) failed"
                     r"(?:, (?P<skipped>\d+) skipped)?$")
_ESCAPES = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]")


@dataclass
class Ktap:
    """What ran: full names (`suite.case`) by outcome, and what is wrong with the text itself."""
    passed: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    def names(self):
        """Cases that ran; a skipped one did not."""
        return self.passed + self.failed

    def ok(self):
        return bool(self.passed) and not self.failed and not self.problems


class _Reader:
    def __init__(self):
        self.result = Ktap()
        self.suite = None
        self.suites_planned = None
        self.suites_done = 0
        self.cases_planned = None
        self.cases_done = 0
        self.ended = False

    def problem(self, text):
        self.result.problems.append(text)

    def plan(self, match):
        if match["indent"]:
            self.cases_planned = int(match["count"])
        else:
            self.suites_planned = int(match["count"])

    def subtest(self, match):
        if self.suite is not None:
            self.problem(f"suite {self.suite} has no result line")
        self.suite = match["name"]
        self.cases_planned = None
        self.cases_done = 0

    def case(self, match):
        if self.suite is None:
            self.problem(f"case {match['name']} is in no suite")
            return
        self.cases_done += 1
        if int(match["number"]) != self.cases_done:
            self.problem(f"{self.suite}.{match['name']} has number {match['number']}, "
                         f"not {self.cases_done}")
        outcome = self.result.passed
        if match["no"]:
            outcome = self.result.failed
        elif match["skip"]:
            outcome = self.result.skipped
        outcome.append(f"{self.suite}.{match['name']}")

    def suite_end(self, match):
        self.suites_done += 1
        if match["name"] != self.suite:
            self.problem(f"result of suite {match['name']} after {self.suite}")
        elif self.cases_done != self.cases_planned:
            self.problem(f"suite {self.suite}: {self.cases_done} cases ran, "
                         f"{self.cases_planned} planned")
        self.suite = None

    def totals(self, match):
        self.ended = True
        told = tuple(int(match[key] or 0) for key in ("passed", "failed", "skipped"))
        seen = tuple(len(getattr(self.result, key)) for key in ("passed", "failed", "skipped"))
        if told != seen:
            self.problem(f"totals passed/failed/skipped say {told}, the lines say {seen}")
        if self.suites_done != self.suites_planned:
            self.problem(f"{self.suites_done} suites ran, {self.suites_planned} planned")

    def line(self, line):
        if match := _PLAN.match(line):
            self.plan(match)
        elif match := _SUBTEST.match(line):
            self.subtest(match)
        elif match := _RESULT.match(line):
            (self.case if match["indent"] else self.suite_end)(match)
        elif match := _TOTALS.match(line):
            self.totals(match)


def clean_lines(text):
    """The lines of a serial log without the firmware's terminal escapes and carriage returns."""
    return [_ESCAPES.sub("", line).rstrip("\r") for line in text.split("\n")]


def parse(text):
    """Reads the last KTAP run in `text`."""
    lines = clean_lines(text)
    starts = [i for i, line in enumerate(lines) if _START.search(line)]
    reader = _Reader()
    if not starts:
        reader.problem("no line `KTAP version 1`")
        return reader.result
    for line in lines[starts[-1] + 1:]:
        if not reader.ended:
            reader.line(line)
    if not reader.ended:
        where = f" in suite {reader.suite}" if reader.suite else ""
        reader.problem(f"no totals line: the run stopped{where}")
    return reader.result
