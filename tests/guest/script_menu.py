# SPDX-License-Identifier: GPL-2.0-only
"""The start menu, answered over the serial line by somebody at a terminal: a boot that would have
run everything only reports. Under OVMF the bytes reach the loader as keys of the firmware's ConIn.
"""

import unittest

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


if __name__ == "__main__":
    unittest.main()
