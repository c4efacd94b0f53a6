# SPDX-License-Identifier: GPL-2.0-only
"""tools/predict-pcr on its own: the kernel inside the loader, the command line, the arithmetic. That
its values are those of a TPM is tested by a boot (script_tpm.py).
"""

import hashlib
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
LOADER = TOP / os.environ.get("ESP", "esp") / "EFI/BOOT/BOOTX64.EFI"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class PredictPcrTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.config = Path(folder.name) / "cmdline.txt"

    def run_tool(self, *words):
        return subprocess.run([TOP / "tools/predict-pcr", *map(str, words)], capture_output=True,
                              text=True, check=False)

    def predict(self, *words, loader=LOADER):
        done = self.run_tool("--json", *words, loader)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def line(self, config, options=""):
        """The predicted command line; its digest is checked on the way."""
        self.config.write_bytes(config)
        event = self.predict("--config", self.config, "--options", options)["events"][-1]
        line = event["data"].removeprefix("firstlight command line: ")
        self.assertEqual(event["digest"], sha256(line.encode() + b"\0"))
        return line

    def test_kernel_is_found_inside_the_loader(self):
        events = self.predict()["events"]
        kernel = (BUILD / "kernel.stripped.elf").read_bytes()
        self.assertEqual(events[0], {"pcr": 9, "digest": sha256(kernel),
                                     "data": "firstlight kernel: embedded"})
        self.assertEqual([event["pcr"] for event in events], [9, 12])

    def test_command_line_is_the_loaders(self):
        self.assertEqual(self.line(b""), "")
        self.assertEqual(self.line(b"\xef\xbb\xbf# note\r\na  b\n", "c"), "a b c")
        self.assertEqual(self.line(b'a="x  y\nb\t"p\tq"'), 'a="x  y" b "p q"')
        self.assertEqual(self.line(b"\xe4\x01", "\\EFI\\X.EFI d=\u00e4"), "?? d=?")
        self.assertEqual(self.line(b"x y.efi", '"Y Z.Efi" b.efi'), "x y.efi b.efi")
        self.assertEqual(self.line(b"a " + b"w" * 4094 + b" b", "c"), "a c")

    def test_extends_from_the_start(self):
        start = "11" * 32
        result = self.predict("--start", f"9={start}")
        digest = bytes.fromhex(result["events"][0]["digest"])
        self.assertEqual(result["pcrs"]["9"], sha256(bytes.fromhex(start) + digest))
        digest = bytes.fromhex(result["events"][1]["digest"])
        self.assertEqual(result["pcrs"]["12"], sha256(bytes(32) + digest))

    def test_outside_kernel_takes_the_place_of_the_embedded_one(self):
        kernel = BUILD / "kernel.elf"
        events = self.predict("--options", "kernel=\\a kernel=\\k.elf", "--kernel", kernel)["events"]
        self.assertEqual(events[0], {"pcr": 9, "digest": sha256(kernel.read_bytes()),
                                     "data": "firstlight kernel: \\k.elf"})

    def test_what_cannot_be_is_refused(self):
        for status, words in ((1, ["--options", "kernel=\\k.elf", LOADER]),
                              (1, [self.config]), (1, [BUILD / "font.psf"]),
                              (2, ["--start", "9=12", LOADER]), (2, [])):
            with self.subTest(words=words):
                done = self.run_tool(*words)
                self.assertEqual((done.returncode, done.stdout), (status, ""))
                self.assertNotIn("Traceback", done.stderr)
