# SPDX-License-Identifier: GPL-2.0-only
"""The framebuffer console, seen from outside: boots at several modes, dumps the screen, reads the
glyphs and finds the serial log on it, to the character.
"""

import os
import tempfile
import unittest
from pathlib import Path

import boot as boot_module
import ktap
import report
import screen

TOP = Path(__file__).resolve().parents[2]
PROMPT = "\nfirstlight> "
# Name -> the device, and what the firmware makes of it. ramfb lies in RAM, the others in a BAR.
MODES = {
    "vga-640x480": (["-device", "VGA,xres=640,yres=480"], (640, 480), (80, 30)),
    "vga-1024x768": (["-device", "VGA,xres=1024,yres=768"], (1024, 768), (128, 48)),
    "bochs-1920x1080": (["-device", "bochs-display,xres=1920,yres=1080"], (1920, 1080), (120, 33)),
    "ramfb-800x600": (["-device", "ramfb"], (800, 600), (100, 37)),
}


class ScreenTest(unittest.TestCase):
    def setUp(self):
        build = TOP / os.environ.get("BUILD", "build")
        esp = TOP / os.environ.get("ESP", "esp")
        self.build = boot_module.Build(esp / "EFI/BOOT/BOOTX64.EFI", build / "kernel.stripped.elf")
        self.font = screen.read_psf1((build / "font.psf").read_bytes())
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def guest(self, name, device, words):
        boot = boot_module.Boot(f"screen-{name}", firmware="2M", medium="kernel", words=words)
        work = self.folder / boot.name
        work.mkdir()
        return screen.Guest([*boot_module.qemu_arguments(boot, self.build, work), *device], work)

    def rows(self, picture):
        """What the picture says; two colours, and every glyph one of the font's."""
        lines, colours = screen.bits_of(picture)
        self.assertEqual(len(colours), 2, colours.most_common(4))
        text = screen.read_rows(lines, picture, self.font)
        self.assertNotIn(screen.UNKNOWN, "".join(text))
        return text

    def check_mode(self, name):
        device, size, grid = MODES[name]
        with self.guest(name, device, "test=mm.*") as guest:
            log = guest.wait_for(PROMPT)
            picture = guest.picture()
        self.assertEqual((picture.width, picture.height), size)
        self.assertEqual(screen.grid_of(picture, self.font), grid)
        self.assertEqual(self.rows(picture), screen.expected_rows(log, *grid))
        self.assertTrue(ktap.parse(log).ok())
        self.assertEqual(report.check(report.extract(log), {}), [])
        self.assertNotIn("violations", log.replace(" 0 violations", ""))

    def test_screen_shows_the_end_of_the_serial_log(self):
        for name in MODES:
            with self.subTest(name):
                self.check_mode(name)

    def test_log_from_before_the_screen_is_replayed(self):
        # 75 rows: all of the log since the kernel's first line.
        device = ["-device", "VGA,xres=1600,yres=1200"]
        with self.guest("replay", device, "test=mm.areas") as guest:
            log = guest.wait_for(PROMPT)
            text = self.rows(guest.picture())
        self.assertEqual(text, screen.expected_rows(log, 200, 75))
        self.assertIn("] Firstlight ", text[0])
        self.assertLess(log.index("mm_init() called"), log.index("screen: "))
        self.assertTrue(any("mm_init() called" in row for row in text))

    def test_console_word_selects_the_output(self):
        device = MODES["vga-640x480"][0]
        with self.guest("only-serial", device, "console=ttyS0,115200n8 test=mm.areas") as guest:
            self.assertNotIn("screen: 640x480 pixels", guest.wait_for(PROMPT))
        with self.guest("only-screen", device, "console=fb test=mm.areas") as guest:
            log = guest.wait_for("@report ")
            self.assertNotIn("passed", log)
            for _ in range(100):
                text = self.rows(guest.picture())
                if "firstlight>" in text:
                    break
            self.assertIn("firstlight>", text)
            self.assertTrue(any(" passed, 0 failed" in row for row in text), text)

    def test_panic_shows_on_the_screen(self):
        with self.guest("panic", MODES["vga-1024x768"][0], "test=mm.areas panic=0") as guest:
            guest.wait_for(PROMPT)
            guest.command("inject-nmi")
            log = guest.wait_for("PANIC: ")
            guest.wait_for("\n", seconds=1)
            text = self.rows(guest.picture())
        self.assertTrue(any("PANIC: " in row for row in text), (text, log[-500:]))
