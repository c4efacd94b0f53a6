# SPDX-License-Identifier: GPL-2.0-only
"""The start menu, answered over the serial line by somebody at a terminal, and on a USB keyboard: a
boot that would have run everything only reports. Under OVMF either reaches the loader as keys of the
firmware's ConIn.
"""

import unittest

import boot as boot_module
import guest_case
import screen
import script_boot


class MenuTest(unittest.TestCase):
    def test_choices_become_words_of_the_command_line(self):
        terminal = script_boot.Terminal("-a", "menu wait=0")
        self.addCleanup(terminal.close)
        terminal.expect("start menu: b  boots, as does waiting 5 seconds")
        terminal.send("v")
        terminal.expect("start menu: v  verbosity: debug lines")
        terminal.send("r")
        terminal.expect("start menu: r  report only: yes")
        terminal.send("\r")
        terminal.expect("firstlight: command line: menu wait=0 dryrun loglevel=7")
        rest = terminal.expect("firstlight: returned to firmware: dry-run-ok")
        self.assertIn("firstlight: report: \\firstlight\\report-000.txt and .json", rest)
        self.assertEqual(terminal.wait(), 0, terminal.seen)


class UsbKeyboardTest(guest_case.GuestCase):
    """A PC without PS/2, whose keyboard is on USB: the firmware's driver reads it."""

    def press(self, guest, key):
        guest.command("send-key", keys=[{"type": "qcode", "data": key}])

    def test_choices_are_made_on_a_usb_keyboard(self):
        boot = boot_module.Boot("menu", machine="q35,i8042=off", words="menu wait=0")
        arguments = [*boot_module.qemu_arguments(boot, self.build, self.folder),
                     "-device", "qemu-xhci", "-device", "usb-kbd"]
        with screen.Guest(arguments, self.folder) as guest:
            guest.wait_for("start menu: b  boots, as does waiting 5 seconds")
            self.press(guest, "r")
            guest.wait_for("start menu: r  report only: yes")
            self.press(guest, "ret")
            guest.wait_for("firstlight: command line: menu wait=0 dryrun")
            guest.wait_for("firstlight: returned to firmware: dry-run-ok")


if __name__ == "__main__":
    unittest.main()
