# SPDX-License-Identifier: GPL-2.0-only
"""What script tests that start guests of their own have in common: the build and a folder."""

import os
import tempfile
import unittest
from pathlib import Path

import boot as boot_module

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")


class GuestCase(unittest.TestCase):
    """`self.build`: what BUILD and ESP of the environment name; `self.folder`: empty, and gone
    after the test."""

    def setUp(self):
        esp = TOP / os.environ.get("ESP", "esp")
        self.build = boot_module.Build(esp / "EFI/BOOT/BOOTX64.EFI", BUILD / "kernel.stripped.elf")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
