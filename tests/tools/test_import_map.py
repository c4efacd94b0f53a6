# SPDX-License-Identifier: GPL-2.0-only
"""tools/import-map: every format, and round trips through build/host/replay.

The replay comes from BUILD (environment, default build): `make` must have run.
"""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TOOL = TOP / "tools/import-map"
REPLAY = TOP / os.environ.get("BUILD", "build") / "host/replay"
REPORTS = TOP / "tests/data/reports"
MAPS = TOP / "tests/data/maps"

RUNTIME = 1 << 63


def load_tool():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("import_map", str(TOOL))
    spec = importlib.util.spec_from_loader("import_map", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


import_map = load_tool()


def entries(text, wanted=None):
    return import_map.read_map(text, wanted)[1]["entries"]


class EfiDmesgTest(unittest.TestCase):
    def test_new_spelling(self):
        text = """\
[    0.000000] efi: mem00: [Conventional|   |  |  |  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0000000000000000-0x000000000009ffff] (0MB)
[    0.000000] efi: mem01: [Runtime Data|RUN|  |CC|  |  |  |XP|  |  |   |WB|  |  |  ] range=[0x0000000000100000-0x0000000000100fff] (0MB)
[    0.000000] efi: mem02: [Conventional|   |HP|  |SP|  |MR|  |  |  |UCE|WB|  |  |  ] range=[0x0000000100000000-0x00000001ffffffff] (4096MB)
"""
        self.assertEqual(entries(text), [
            (7, 0, 0xa0, 0xf), (6, 0x100000, 1, RUNTIME | 1 << 19 | 1 << 14 | 8),
            (7, 1 << 32, 1 << 20, 1 << 20 | 1 << 18 | 1 << 16 | 0x18)])

    def test_half_open_ranges_of_older_kernels(self):
        text = """\
efi: mem00: [Boot Data          |   |  |  |  |   |WB|WT|WC|UC] range=[0x0000000000001000-0x000000000003b000) (0MB)
efi: mem01: type=10, attr=0x800000000000000f, range=[0x000000007f000000-0x000000007f001000) (0MB)
efi: mem02: [type=2147483649|attr=0x000000000000000f] range=[0x0000000080000000-0x0000000080000fff] (0MB)
"""
        self.assertEqual(entries(text), [(4, 0x1000, 0x3a, 0xf), (10, 0x7f000000, 1, RUNTIME | 0xf),
                                         (0x80000001, 0x80000000, 1, 0xf)])

    def test_every_type_name_of_both_spellings(self):
        for number, names in enumerate((
                ("Reserved",), ("Loader Code",), ("Loader Data",), ("Boot Code",), ("Boot Data",),
                ("Runtime Code",), ("Runtime Data",), ("Conventional Memory", "Conventional"),
                ("Unusable Memory", "Unusable"), ("ACPI Reclaim Memory", "ACPI Reclaim"),
                ("ACPI Memory NVS", "ACPI Mem NVS"), ("Memory Mapped I/O", "MMIO"),
                ("MMIO Port Space", "MMIO Port")[1:], ("PAL Code",),
                ("Persistent Memory", "Persistent"), ("Unaccepted",))):
            for name in names:
                with self.subTest(name):
                    text = f"efi: mem00: [{name:<19}|   |  |UC] range=[0x0-0xfff] (0MB)"
                    self.assertEqual(entries(text), [(number, 0, 1, 1)])

    def test_missing_line_makes_it_partial(self):
        line = "efi: mem{:02}: [Reserved|UC] range=[0x{:x}000-0x{:x}fff] (0MB)\n"
        whole = "".join(line.format(i, i, i) for i in range(3))
        self.assertFalse(import_map.read_map(whole)[1]["partial"])
        cut = "".join(line.format(i, i, i) for i in (0, 2))
        self.assertTrue(import_map.read_map(cut)[1]["partial"])

    def test_second_boot_in_a_log_replaces_the_first(self):
        line = "efi: mem{:02}: [Reserved|UC] range=[0x{:x}000-0x{:x}fff] (0MB)\n"
        text = "".join(line.format(i, i, i) for i in range(3)) + line.format(0, 7, 7)
        self.assertEqual(entries(text), [(0, 0x7000, 1, 1)])

    def test_unknown_words_are_errors(self):
        for what in ("Strange Memory|UC", "Reserved|??"):
            with self.subTest(what), self.assertRaises(import_map.ImportProblem):
                entries(f"efi: mem00: [{what}] range=[0x0-0xfff] (0MB)")


class E820Test(unittest.TestCase):
    def test_new_lines(self):
        text = """\
[    0.000000] BIOS-provided physical RAM map:
[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
[    0.000000] BIOS-e820: [mem 0x000000000009fc00-0x000000000009ffff] reserved
[    0.000000] BIOS-e820: [mem 0x00000000bffd0000-0x00000000bffdffff] ACPI data
[    0.000000] BIOS-e820: [mem 0x00000000bffe0000-0x00000000bfffffff] ACPI NVS
[    0.000000] BIOS-e820: [mem 0x00000000c0000000-0x00000000c0000fff] unusable
[    0.000000] BIOS-e820: [mem 0x0000000100000000-0x00000001ffffffff] persistent (type 7)
[    0.000000] BIOS-e820: [mem 0x0000000200000000-0x00000002ffffffff] type 20
[    0.000000] e820: update [mem 0x00000000-0x00000fff] usable ==> reserved
[    0.000000] user: [mem 0x0000000000000000-0x000000000009fbff] usable
"""
        self.assertEqual([entry[0] for entry in entries(text)], [1, 2, 3, 4, 5, 7, 20])
        self.assertEqual(entries(text)[0], (1, 0, 0x9fbff))

    def test_old_lines_are_half_open(self):
        text = " BIOS-e820: 0000000000000000 - 000000000009f800 (usable)\n" \
               " BIOS-e820: 000000000009f800 - 00000000000a0000 (reserved)\r\n" \
               " BIOS-e820: 00000000bffe0000 - 00000000c0000000 (ACPI NVS)\n"
        self.assertEqual(entries(text), [(1, 0, 0x9f7ff), (2, 0x9f800, 0x9ffff),
                                         (4, 0xbffe0000, 0xbfffffff)])

    def test_efi_lines_of_the_same_log_come_first(self):
        text = "BIOS-e820: [mem 0x0-0xfff] usable\nefi: mem00: [Reserved|UC] range=[0x0-0xfff] (0MB)\n"
        self.assertEqual(import_map.read_map(text)[0], "efi-dmesg")
        self.assertEqual(entries(text, "e820"), [(1, 0, 0xfff)])


class UefiShellTest(unittest.TestCase):
    TEXT = """\
Shell> memmap
Type       Start            End              # Pages          Attributes
BS_Code    0000000000000000-0000000000000FFF 0000000000000001 000000000000000F
Available  0000000000001000-000000000009FFFF 000000000000009F 000000000000000F
RT_Data    00000000F9A34000-00000000F9A35FFF 0000000000000002 800000000000000F
ACPI_Recl  00000000F9A36000-00000000F9A36FFF 0000000000000001 000000000000000F
80000005   00000000F9A37000-00000000F9A37FFF 0000000000000001 000000000000000F
MMIO       00000000FFC00000-00000000FFFFFFFF 0000000000000400 8000000000000001

  Reserved  :          1,234 Pages (5,054,464 Bytes)
  Available :    Total Memory: 4,095 MB (4,294,000,000 Bytes)
"""

    def test_table(self):
        self.assertEqual(entries(self.TEXT), [
            (3, 0, 1, 0xf), (7, 0x1000, 0x9f, 0xf), (6, 0xf9a34000, 2, RUNTIME | 0xf),
            (9, 0xf9a36000, 1, 0xf), (0x80000005, 0xf9a37000, 1, 0xf),
            (11, 0xffc00000, 0x400, RUNTIME | 1)])

    def test_pages_that_do_not_fit_the_range_make_it_partial(self):
        self.assertFalse(import_map.read_map(self.TEXT)[1]["partial"])
        wrong = self.TEXT.replace("0000000000000400", "0000000000000401")
        self.assertTrue(import_map.read_map(wrong)[1]["partial"])

    def test_unknown_type_is_an_error(self):
        with self.assertRaises(import_map.ImportProblem):
            entries(self.TEXT.replace("BS_Code", "Strange"))


class ReportTest(unittest.TestCase):
    def test_last_report_of_a_serial_log_counts(self):
        line = '@report {{"efi_map":{{"descriptors":1,"entries":[[7,{0},2,15]]}},' \
               '"ledger":[],"pins":[],"mmap":[]}}\r\n'
        text = "noise\r\n" + line.format(4096) + "[ 0.1] x\r\n" + line.format(8192)
        self.assertEqual(entries(text), [(7, 8192, 2, 15)])

    def test_pins_get_their_kind_from_the_map(self):
        report = {"efi_map": {"descriptors": 1, "entries": [[7, 0x100000, 16, 15]]}, "ledger": [],
                  "pins": [[0x101000, 1], [0x103000, 1], [0x105000, 1]],
                  "mmap": [{"base": 0x101000, "size": 4096, "type": 3, "reason": "acpi"},
                           {"base": 0x103000, "size": 4096, "type": 2, "reason": "pinned"},
                           {"base": 0x105000, "size": 4096, "type": 2, "reason": "framebuffer"}]}
        found = import_map.read_map("@report " + json.dumps(report))[1]
        self.assertEqual(found["pins"], [(0x101000, 1, "acpi"), (0x103000, 1, "reserved"),
                                         (0x105000, 1, "framebuffer")])

    def test_cut_or_foreign_reports_are_errors(self):
        for text in ('@report {"schema":1,', '@report {"schema":1}', '{"schema":1,"efi_map":3}'):
            with self.subTest(text), self.assertRaises(import_map.ImportProblem):
                entries(text)

    def test_log_without_a_map_is_an_error(self):
        with self.assertRaises(import_map.ImportProblem):
            entries("nothing here\n")


class ProgramTest(unittest.TestCase):
    def run_tool(self, *arguments, text=b""):
        return subprocess.run([sys.executable, TOOL, *arguments], input=text, capture_output=True,
                              check=False)

    def test_writes_a_map_file(self):
        done = self.run_tool("--machine", "Box 1", text=b"BIOS-e820: [mem 0x0-0xfff] usable\n")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.decode().splitlines(), [
            "# machine: Box 1", "# kind: e820", "# source: unknown", "# format: e820", "1 0x0 0xfff"])

    def test_refuses_with_one_line(self):
        done = self.run_tool(text=b"\xff\xfe nothing")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertEqual(done.stderr, b"import-map: no memory map found\n")


class RoundTripTest(unittest.TestCase):
    """report -> import-map -> replay gives the accounting of the report."""

    def replay(self, path, *arguments):
        done = subprocess.run([REPLAY, *arguments, path], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return json.loads(done.stdout)

    def again(self, report):
        found = import_map.from_report("@report " + json.dumps(report))
        text = "\n".join(import_map.lines_of("report", found, "m", "s")) + "\n"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "again.map"
            path.write_text(text, encoding="utf-8")
            return self.replay(path, "--phys-bits", str(report["cpu"]["phys_bits"]))

    def assert_same(self, report):
        again = self.again(report)
        self.assertEqual(again["accounting"], report["accounting"])
        self.assertEqual(again["mmap"], report["mmap"])
        self.assertEqual(again["ledger"], report["ledger"])
        self.assertEqual(again["pins"], report["pins"])

    def test_boot_reports(self):
        reports = sorted(REPORTS.glob("*.json"))
        self.assertTrue(reports)
        for path in reports:
            with self.subTest(path.name):
                report = json.loads(path.read_text(encoding="utf-8"))
                self.assertGreater(report["accounting"]["kernel"], 0)
                self.assert_same(report)

    def test_real_machine_with_ledger_and_pins_of_every_kind(self):
        lines = (MAPS / "efi_pc_unknown_64g_278.map").read_text(encoding="utf-8")
        overlays = "# ledger 200000 60 4096 1\n# ledger 300000 20 4097 2\n# pin 400000 2 acpi\n" \
                   "# pin 410000 1\n# pin 420000 8 framebuffer\n"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "with.map"
            path.write_text(lines + overlays, encoding="utf-8")
            report = self.replay(path)
        self.assertEqual(report["accounting"]["kernel"], 0x60 * 4096)
        self.assert_same(report)


if __name__ == "__main__":
    unittest.main()
