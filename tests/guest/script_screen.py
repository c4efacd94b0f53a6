# SPDX-License-Identifier: GPL-2.0-only
"""The framebuffer console, seen from outside: boots at several modes, dumps the screen, reads the
glyphs and finds the serial log on it, to the character.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boot as boot_module
import guest_case
import ktap
import report
import screen

TOP = Path(__file__).resolve().parents[2]
PROMPT = "\nfirstlight> "
# Name -> the device, and what the firmware makes of it. ramfb lies in RAM, the others in a BAR.
# OVMF takes the size from the EDID's first timing. 3840x2160 fits into one at up to 56 Hz only (the
# pixel clock has 16 bits of 10 kHz); at QEMU's 75 Hz it moves to an extension block, which OVMF
# does not read, and the mode stays at 1280x800.
MODES = {
    "vga-3840x2160": (["-device", "VGA,xres=3840,yres=2160,refresh_rate=50000,vgamem_mb=64"],
                      (3840, 2160), (160, 45)),
    "vga-640x480": (["-device", "VGA,xres=640,yres=480"], (640, 480), (80, 30)),
    "vga-1024x768": (["-device", "VGA,xres=1024,yres=768"], (1024, 768), (128, 48)),
    "bochs-1920x1080": (["-device", "bochs-display,xres=1920,yres=1080"], (1920, 1080), (120, 33)),
    "ramfb-800x600": (["-device", "ramfb"], (800, 600), (100, 37)),
}


class ScreenTest(guest_case.GuestCase):
    def setUp(self):
        super().setUp()
        build = TOP / os.environ.get("BUILD", "build")
        self.font = screen.read_psf1((build / "font.psf").read_bytes())

    def guest(self, name, device, words):
        boot = boot_module.Boot(f"screen-{name}", firmware="2M", medium="kernel", words=words)
        work = self.folder / boot.name
        work.mkdir()
        return screen.Guest([*boot_module.qemu_arguments(boot, self.build, work), *device], work)

    def rows(self, guest, fits, seconds=15, **device):
        """The screen's text once fits(text); what it is in the end where it never does. The screen
        comes after the serial line, so the log may be ahead."""
        deadline = time.monotonic() + seconds
        while True:
            picture = guest.picture(**device)
            text = screen.read_rows(picture, self.font)
            if fits(text) or time.monotonic() > deadline:
                return picture, text
            time.sleep(0.2)

    def boot_mode(self, name):
        """Boots a mode up to the prompt: its log, what the screen should show and what it does."""
        device, _, grid = MODES[name]
        with self.guest(name, device, "test=mm.*") as guest:
            log = guest.wait_for(PROMPT)
            expected = screen.expected_rows(log, *grid)
            return log, expected, *self.rows(guest, expected.__eq__)

    def test_screen_shows_the_end_of_the_serial_log(self):
        with ThreadPoolExecutor(2) as pool:
            booted = dict(zip(MODES, pool.map(self.boot_mode, MODES)))
        for name, (log, expected, picture, text) in booted.items():
            with self.subTest(name):
                self.assertEqual((picture.width, picture.height), MODES[name][1])
                self.assertEqual(screen.grid_of(picture, self.font), MODES[name][2])
                self.assertEqual(text, expected)
                self.assertTrue(ktap.parse(log).ok(), log[-3000:])
                # The mapping and the screen's frames are in the books and pass the audit.
                result = report.extract(log)
                self.assertEqual(report.check(result, {}), [])
                self.assertEqual(result["page_tables"].get("violations"), 0)
                self.assertGreater(result["buddy"]["allocated_frames"], 0)

    def test_log_from_before_the_screen_is_replayed(self):
        # 75 rows: all of the log since the kernel's first line.
        device = ["-device", "VGA,xres=1600,yres=1200"]
        with self.guest("replay", device, "test=mm.areas") as guest:
            log = guest.wait_for(PROMPT)
            expected = screen.expected_rows(log, 200, 75)
            _, text = self.rows(guest, expected.__eq__)
        self.assertEqual(text, expected)
        self.assertEqual("firstlight: kernel entered", text[0])
        self.assertIn("mm_init() called", text[3])  # the screen was off

    def test_console_word_selects_the_output(self):
        device = MODES["vga-640x480"][0]
        with self.guest("only-serial", device, "console=ttyS0,115200n8 test=mm.areas") as guest:
            self.assertNotIn("] screen: ", guest.wait_for(PROMPT))
        with self.guest("only-screen", device, "console=fb test=mm.areas") as guest:
            log = guest.wait_for("@report ")
            _, text = self.rows(guest, lambda rows: "firstlight>" in rows)
        self.assertNotIn("passed", log)
        self.assertIn("firstlight>", text)
        self.assertTrue(any("3 passed, 0 failed" in row for row in text), text)

    def test_second_of_two_graphics_cards_shows_the_log(self):
        # The firmware's console is a splitter, with a mode that both can do and no framebuffer.
        cards = ["-device", "VGA,id=first,xres=640,yres=480",
                 "-device", "bochs-display,id=second"]
        with self.guest("two-cards", cards, "screen=2 test=mm.areas") as guest:
            log = guest.wait_for(PROMPT)
            expected = screen.expected_rows(log, 80, 30)
            _, text = self.rows(guest, expected.__eq__, device="second")
            first = screen.UnknownFont(guest.picture(device="first"))
        self.assertIn("\nfirstlight: screen: number 2 of 2; where yours stays dark, screen=1 ", log)
        self.assertEqual(text, expected)
        # The firmware's text is on both up to the exit.
        self.assertTrue(first.begins_a_row("firstlight: leaving boot services"))

    def test_panic_shows_on_the_screen(self):
        with self.guest("panic", MODES["vga-1024x768"][0], "test=mm.areas panic=0") as guest:
            guest.wait_for(PROMPT)
            guest.command("inject-nmi")
            guest.wait_for("PANIC: at ")
            _, text = self.rows(guest, lambda rows: any("PANIC: at " in row for row in rows))
        self.assertTrue(any("PANIC: at " in row for row in text), text)
