# SPDX-License-Identifier: GPL-2.0-only
"""The report that the loader leaves on the stick, read back with mtools: the JSON file imports with
tools/import-map and replays to the same accounting as the boot that it was written in.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import boot as boot_module
import report as report_module

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
ESP = TOP / os.environ.get("ESP", "esp")


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True).stdout


def read_file(disk, name):
    return run("mtype", "-i", disk, f"::/firstlight/{name}")


def replay(file, work):
    """What the host makes of the map in the JSON file `file`."""
    imported = run(sys.executable, TOP / "tools/import-map", "--machine", "stick", file)
    (work / "stick.map").write_text(imported)
    bits = json.loads(file.read_text())["cpu"]["phys_bits"]
    return json.loads(run(BUILD / "host/replay", "--phys-bits", bits, work / "stick.map"))


class StickReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = Path(folder.name) / "boot"
        build = boot_module.Build(ESP / "EFI/BOOT/BOOTX64.EFI", BUILD / "kernel.stripped.elf")
        boot = boot_module.Boot("stick-report", memory="64M", screen=True,
                                words="test=mm.areas memtest exit")
        cls.outcome = boot_module.run(boot, build, cls.work)
        cls.log = cls.outcome.log.read_text("utf-8", "replace")
        cls.disk = cls.work / "esp.img"
        cls.file = cls.work / "report-000.json"
        cls.file.write_text(read_file(cls.disk, "report-000.json"))
        cls.stick = json.loads(cls.file.read_text())
        cls.kernel = report_module.extract(cls.log)

    def test_boot_goes_on_and_names_the_files(self):
        self.assertEqual(self.outcome.problems, [], self.log[-2000:])
        self.assertIn("firstlight: report: \\firstlight\\report-000.txt and .json", self.log)
        names = run("mdir", "-b", "-i", self.disk, "::/firstlight").split()
        self.assertEqual(sorted(name.rsplit("/", 1)[1] for name in names),
                         ["cmdline.txt", "report-000.json", "report-000.txt"])

    def test_memory_test_runs_before_the_verdict(self):
        """The word that the start menu's "memory test" stands for."""
        self.assertRegex(self.log, r"1 passes, [^\n]* 0 errors")

    def test_json_imports_and_replays_to_the_accounting_of_the_boot(self):
        """Exactly: what may differ between this map and the one of the exit is which pages are the
        firmware's boot services' and which are free, and both are usable behind the exit."""
        self.assertEqual(replay(self.file, self.work)["accounting"], self.kernel["accounting"])

    def test_loader_and_kernel_agree_on_what_both_say(self):
        for key in ("schema", "version", "build", "firmware", "ledger", "pins", "repairs"):
            self.assertEqual(self.stick[key], self.kernel[key], key)
        before, after = self.stick["accounting"], self.kernel["accounting"]
        # The kernel has taken the loader's memory back when it reports.
        self.assertGreater(before["loader"], 0)
        self.assertEqual(before["usable"] + before["loader"], after["usable"] + after["loader"])
        for key in ("firmware_ram", "kernel", "low", "acpi", "nvs", "reserved", "bad", "dropped"):
            self.assertEqual(before[key], after[key], key)
        self.assertEqual(len(self.stick["efi_map"]["entries"]),
                         self.stick["efi_map"]["descriptors"])

    def test_machine_screen_tables_and_ports_are_in_it(self):
        self.assertEqual(self.stick["machine"]["manufacturer"], "QEMU")
        self.assertIn("Q35", self.stick["machine"]["product"])
        screen = self.stick["screen"]
        self.assertIn([screen["width"], screen["height"]], screen["modes"])
        self.assertEqual(self.stick["uarts"], [0x3f8])
        self.assertLessEqual({"XSDT", "FACP", "APIC", "MCFG"},
                             {table["signature"] for table in self.stick["acpi"]})
        self.assertIs(self.stick["tpm"], False)
        self.assertEqual({finding["verdict"] for finding in self.stick["preflight"]}, {"ok"})

    def test_text_is_for_a_person(self):
        text = read_file(self.disk, "report-000.txt")
        for wanted in ("machine: QEMU, Standard PC (Q35", "firstlight: preflight: NX: yes: ok",
                       "uart: answers at port 0x3f8", " 7 Conventional", "runtime", "== bytes"):
            self.assertIn(wanted, text)
        self.assertTrue(text.isascii() and text.endswith("\n"))


if __name__ == "__main__":
    unittest.main()
