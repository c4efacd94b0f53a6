# SPDX-License-Identifier: GPL-2.0-only
"""tests/data/elf holds exactly what its make.py writes, and --check sees where it does not."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "data/elf"


class MakeTest(unittest.TestCase):
    def make(self, *arguments):
        return subprocess.run([sys.executable, FOLDER / "make.py", *arguments],
                              capture_output=True, check=False).returncode

    def test_folder_is_up_to_date(self):
        self.assertEqual(self.make("--check"), 0)

    def test_check_sees_changed_missing_and_extra_files(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.assertEqual(self.make("--check", name), 1)
            self.assertEqual((self.make(name), self.make("--check", name)), (0, 0))
            (folder / "extra.elf").write_bytes(b"")
            self.assertEqual(self.make("--check", name), 1)
            (folder / "extra.elf").unlink()
            (folder / "good.elf").write_bytes(b"\x7fELF")
            self.assertEqual(self.make("--check", name), 1)


if __name__ == "__main__":
    unittest.main()
