# SPDX-License-Identifier: GPL-2.0-only
"""Boots with a damaged bootinfo: the kernel says on COM1 what is wrong and leaves with the panic
verdict, without `exit` on the command line. The loader is guest/BROKEN.EFI (guest.mk).
"""

import os
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boot as boot_module

TOP = Path(__file__).resolve().parents[2]
REFUSED = "firstlight: bootinfo refused: "

# Word of broken_block.c -> what the kernel must say.
DAMAGES = {
    "bit:96": "CRC-32C",  # the lowest bit of the CRC field itself
    "bit:256": "CRC-32C",  # a field of the header
    "bit:40001": "CRC-32C",  # a table behind it
    "magic": "magic",
    "major": "newer major version (block is version 2.2, this kernel reads 1.2)",
    "size:4294967295": "total size",  # more than any block has
    "size:67108864": "total size passes the memory it lies in",  # more than the machine has
    "overlap": "mmap: entries overlap or are not sorted",
}


def damaged_boot(damage, **fields):
    name = "bootinfo-" + damage.replace(":", "-")
    return boot_module.Boot(name, memory="48M", firmware="2M", medium="kernel",
                            words=f"damage={damage}", **fields)


class RefusedBootinfoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build = os.environ.get("BUILD", "build")
        subprocess.run(["make", "-s", "-C", str(TOP), f"BUILD={build}", "guest-images"],
                       stdout=subprocess.DEVNULL, check=True)
        cls.build = boot_module.Build(TOP / build / "guest/BROKEN.EFI",
                                      TOP / build / "kernel.stripped.elf")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def run_boot(self, boot):
        return boot_module.run(boot, self.build, self.work / boot.name)

    def test_damaged_bootinfo_is_refused_by_name(self):
        boots = [damaged_boot(damage, verdict="panic", log_has=(REFUSED, text))
                 for damage, text in DAMAGES.items()]
        with ThreadPoolExecutor(2) as pool:
            for outcome in pool.map(self.run_boot, boots):
                with self.subTest(outcome.boot.name):
                    log = outcome.log.read_text("utf-8", "replace")
                    self.assertEqual(outcome.problems, [], log[-2000:])
                    self.assertNotIn("bootinfo accepted", log)

    def test_same_loader_without_damage_boots(self):
        boot = boot_module.Boot("bootinfo-intact", firmware="2M", medium="kernel",
                                words="damage=none test=mm.areas exit")
        self.assertEqual(self.run_boot(boot).problems, [])
