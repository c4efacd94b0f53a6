# SPDX-License-Identifier: GPL-2.0-only
"""A loader that refuses, seen by a person at the machine: the firmware's screen shows cause, code
and what to do until a key of the keyboard is pressed, and only then the firmware goes on. Each code
of docs/errors.md that a machine, a firmware or a command line can bring about is forced: in one
boot, where the UEFI shell starts HOSTILE.EFI again and again, on a CPU that lacks something, and,
where the loader stops, in hostile_matrix.py.
"""

import re
import time
from typing import NamedTuple

import boot as boot_module
import guest_case
import hostile_matrix
import screen

QUESTION = "firstlight: a key returns to the firmware, else 600 seconds do"
RETURNED = "firstlight: returned to firmware: "
COUNTDOWN = "any other key to continue"  # the shell, before startup.nsh


class Refusal(NamedTuple):
    code: str
    words: str
    cause: str  # how its line begins

    def lines(self):
        return f"firstlight: refused: {self.cause}", error_line(self.code)


def error_line(code):
    return f"firstlight: error {code}: docs/errors.md#{code}"


CPU = Refusal("cpu", "", "this CPU lacks what a 64-bit kernel needs")
IN_THE_SHELL = (
    Refusal("kernel-not-found", "kernel=\\none.elf", "kernel=\\none.elf cannot be read"),
    Refusal("kernel-not-elf", "kernel=\\startup.nsh", "the kernel image ("),
    Refusal("secure-boot", "kernel=\\startup.nsh hostile=secure-boot",
            "kernel=\\startup.nsh is not signed"),
    Refusal("la57", "hostile=la57", "the firmware runs on 5-level page tables"),
    Refusal("no-memory", "mem=1M", "no free range of "),
    Refusal("bad-memory-map", "hostile=unset-stride",
            "the firmware's memory map cannot be read"),
    Refusal("exit-refused", "hostile=overrun",
            "the firmware's memory map cannot be used for the exit"),
)
# Checks on the loader's own work, and encrypted memory, which this emulator does not have. Forced on
# the host, tests/loader/errors_test.c.
HOST_ONLY = {"sme", "encrypted-guest", "books", "bad-page-tables", "internal", "bootinfo-room"}


def stops_in_the_matrix():
    """Codes of the boots whose stop screen is compared with the serial line."""
    return {match[1] for boot in hostile_matrix.BOOTS if boot.screen_from
            for text in boot.log_has if (match := re.fullmatch(r"error ([\w-]+): .*", text))}


class ErrorsTest(guest_case.GuestCase):
    def guest(self, **fields):
        boot = boot_module.Boot("errors", screen=True, **fields)
        hostile = self.build._replace(efi=guest_case.BUILD / "guest/HOSTILE.EFI")
        build = hostile if boot.start == "shell" else self.build
        return screen.Guest(boot_module.qemu_arguments(boot, build, self.folder), self.folder)

    def press(self, guest):
        guest.command("send-key", keys=[{"type": "qcode", "data": "spc"}])

    def drawn(self, guest, texts, seconds=15):
        """The screen once all `texts` are on it; it may come after the serial line."""
        deadline = time.monotonic() + seconds
        while True:
            picture = screen.UnknownFont(guest.picture())
            missing = [text for text in texts if not picture.begins_a_row(text)]
            if not missing:
                return picture
            if time.monotonic() > deadline:
                raise AssertionError(f"not on the screen: {missing}")
            time.sleep(0.2)

    def check(self, guest, refusal):
        """Waits for the refusal, reads serial line and screen, presses a key."""
        log = guest.wait_for(error_line(refusal.code))
        for line in refusal.lines():
            self.assertIn(f"\n{line}", log)
        picture = self.drawn(guest, [*refusal.lines(), QUESTION])
        # The same machinery does not see what is not there.
        self.assertFalse(picture.begins_a_row(RETURNED + refusal.code))
        self.assertNotIn(RETURNED + refusal.code, guest.log())
        self.press(guest)
        guest.wait_for(RETURNED + refusal.code)

    def test_refusal_stays_on_the_screen_until_a_key_is_pressed(self):
        with self.guest(firmware="2M", medium="kernel", cpu="max,-msr", words="wait=600") as guest:
            self.check(guest, CPU)

    def test_every_refusal_is_on_screen_and_serial_line(self):
        start = " wait=600\r\nfs0:\\firstlight\\loader.efi "
        words = start.join(refusal.words for refusal in IN_THE_SHELL) + " wait=600"
        with self.guest(firmware="2M", medium="virtio", start="shell", words=words) as guest:
            guest.wait_for(COUNTDOWN)
            self.press(guest)
            for refusal in IN_THE_SHELL:
                self.check(guest, refusal)  # the first that fails ends it: no key was pressed
            self.assertNotIn(hostile_matrix.FORBIDDEN, guest.log())

    def test_no_code_is_missing_here(self):
        codes = re.findall(r"^## (.*)$", (guest_case.TOP / "docs/errors.md").read_text(), re.M)
        forced = {refusal.code for refusal in (CPU, *IN_THE_SHELL)} | stops_in_the_matrix()
        self.assertEqual(forced & HOST_ONLY, set())
        self.assertEqual(forced | HOST_ONLY, set(codes))
