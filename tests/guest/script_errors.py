# SPDX-License-Identifier: GPL-2.0-only
"""A loader that refuses, seen by a person at the machine: the firmware's screen shows cause, code
and what to do until a key of the keyboard is pressed, and only then the firmware goes on.
"""

import os
import tempfile
import time
import unittest
from pathlib import Path

import boot as boot_module
import screen

TOP = Path(__file__).resolve().parents[2]
QUESTION = "firstlight: a key returns to the firmware, else 600 seconds do"
RETURNED = "firstlight: returned to firmware: "


class ErrorsTest(unittest.TestCase):
    def drawn(self, guest, text, seconds=15):
        """The screen once `text` is on it; it may come after the serial line."""
        deadline = time.monotonic() + seconds
        while True:
            picture = screen.UnknownFont(guest.picture())
            if picture.begins_a_row(text) or time.monotonic() > deadline:
                return picture
            time.sleep(0.2)

    def test_refusal_stays_on_the_screen_until_a_key_is_pressed(self):
        build = TOP / os.environ.get("BUILD", "build")
        esp = TOP / os.environ.get("ESP", "esp")
        images = boot_module.Build(esp / "EFI/BOOT/BOOTX64.EFI", build / "kernel.stripped.elf")
        boot = boot_module.Boot("errors", firmware="2M", medium="kernel", screen=True,
                                words="kernel=\\none.elf wait=600")
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            arguments = boot_module.qemu_arguments(boot, images, work)
            with screen.Guest(arguments, work) as guest:
                log = guest.wait_for(QUESTION)
                picture = self.drawn(guest, QUESTION)
                self.assertIn("firstlight: error kernel-not-found: docs/errors.md", log)
                for text in ("firstlight: refused: kernel=\\none.elf cannot be read",
                             "firstlight: error kernel-not-found: docs/errors.md",
                             QUESTION):
                    self.assertTrue(picture.begins_a_row(text), text)
                # The same machinery does not see what is not there.
                self.assertFalse(picture.begins_a_row(RETURNED + "kernel"))
                self.assertNotIn(RETURNED, guest.log())
                guest.command("send-key", keys=[{"type": "qcode", "data": "spc"}])
                guest.wait_for(RETURNED + "kernel-not-found")
