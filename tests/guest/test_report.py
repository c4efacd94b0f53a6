# SPDX-License-Identifier: GPL-2.0-only
"""report.py: a balanced report has no problem, and each single wrong byte makes one."""

import unittest

import report
import sample


class ExtractTest(unittest.TestCase):
    def test_last_report_in_a_serial_log_wins(self):
        text = "noise\r\n" + sample.line({"a": 1}) + "x\r\n" + sample.line({"a": 2}) + "prompt> "
        self.assertEqual(report.extract(text), {"a": 2})

    def test_no_line_cut_line_and_no_object_are_errors(self):
        for text in ("", "report {}", sample.line()[:300], "@report [1]\r\n"):
            with self.subTest(text=text[:20]), self.assertRaises(report.ReportError):
                report.extract(text)


class CheckTest(unittest.TestCase):
    def assert_problem(self, change, word, expect=None):
        content = sample.report()
        change(content)
        problems = report.check(content, expect)
        self.assertTrue(any(word in problem for problem in problems), problems)

    def test_balanced_report_has_no_problem(self):
        self.assertEqual(report.check(sample.report()), [])

    def test_one_byte_in_any_class_is_seen(self):
        for name in report.CLASSES + ("firmware_ram",):
            with self.subTest(name):
                def change(r, name=name):
                    r["accounting"][name] += 1
                self.assert_problem(change, "add up")

    def test_usable_must_equal_entries_and_areas(self):
        self.assert_problem(lambda r: r["areas"][0].update(size=4096), "not the same")
        self.assert_problem(lambda r: r["mmap"][2].update(type=2), "not the same")

    def test_one_frame_inside_usable_is_seen(self):
        self.assert_problem(lambda r: r["bump"].update(used_frames=2), "inside usable")
        self.assert_problem(lambda r: r["page_tables"].update(frames=8), "inside usable")
        self.assert_problem(lambda r: r["buddy"].update(metadata_bytes=4096), "inside usable")

    def test_more_free_than_there_is_is_seen(self):
        self.assert_problem(lambda r: r["buddy"].update(free_frames=10**6), "free of")
        self.assert_problem(lambda r: r["buddy"].update(bring_up_touched_bytes=65537), "metadata")
        self.assert_problem(lambda r: r["buddy"].update(free_frames=0), "free of")
        self.assert_problem(lambda r: r["buddy"]["free_blocks"].__setitem__(18, 1), "free lists")

    def test_bad_map_is_seen(self):
        self.assert_problem(lambda r: r["mmap"].reverse(), "unsorted")
        self.assert_problem(lambda r: r["mmap"][1].update(size=2 * sample.MIB), "overlaps")
        self.assert_problem(lambda r: r["mmap"][2].update(base=0x200800), "page-aligned")
        self.assert_problem(lambda r: r["mmap"][0].update(type=1), "below 1 MiB")

    def test_stages_run_forward(self):
        self.assert_problem(lambda r: r["stages"][1].update(tsc=0), "earlier")

    def test_writable_executable_leaf_is_a_problem_with_nx_only(self):
        self.assert_problem(lambda r: r["page_tables"].update(writable_executable=1), "writable")
        self.assert_problem(lambda r: r["nx"].update(xd_reserved=True), "no NX")

    def test_audit_violation_is_a_problem(self):
        self.assert_problem(lambda r: r["page_tables"].update(violations=1), "1 violations")

    def test_missing_key_and_wrong_type_are_problems(self):
        self.assert_problem(lambda r: r.pop("buddy"), "no buddy")
        self.assert_problem(lambda r: r["buddy"].pop("free_frames"), "schema")
        self.assert_problem(lambda r: r.update(mmap=3), "schema")

    def test_every_expectation_can_fail(self):
        content = sample.report()
        wrong = {"nx": False, "xd_reserved": True, "pdpe1gb": False, "secure_boot": True, "cpus": 2,
                 "efi_map_sorted": False, "descriptor_size": 40, "leaves_1g_min": 1,
                 "leaves_1g_max": -1, "leaves_2m_min": 121, "free_percent_min": 99.9999,
                 "firmware_ram_min": 1 << 40, "areas_end_max": 254 * sample.MIB - 1}
        self.assertEqual(set(wrong), set(report.EXPECTATIONS))
        for name, value in wrong.items():
            with self.subTest(name):
                self.assertEqual(len(report.check(content, {name: value})), 1)

    def test_free_percent_leaves_out_runtime_acpi_and_low(self):
        self.assertAlmostEqual(report.free_percent(sample.report()),
                               100 * 64480 * 4096 / (253 * sample.MIB))
