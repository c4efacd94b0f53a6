# SPDX-License-Identifier: GPL-2.0-only
"""tools/decode-crash on dumps made up from kernel.elf: names and lines as addr2line has them, through
all the noise of a terminal, and refusals. Real dumps: tests/guest/script_crash.py.
"""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
ELF = BUILD / "kernel.elf"
IMAGE = 0xFFFF800012345000


def output(*arguments):
    return subprocess.run(list(map(str, arguments)), capture_output=True, text=True,
                          check=True).stdout


class DecodeCrashTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "-C", str(TOP), f"BUILD={BUILD}", str(ELF)],
                       stdout=subprocess.DEVNULL, check=True)
        cls.build = re.search(r"Build ID: ([0-9a-f]+)", output("readelf", "-n", ELF))[1]
        symbols = [line.split() for line in output("nm", ELF).splitlines()]
        cls.start = {name: int(address, 16) for address, _, name in symbols}

    def decode(self, text, *arguments, elf=ELF):
        return subprocess.run([TOP / "tools/decode-crash", "--elf", elf, *arguments],
                              input=text.encode("latin-1"), capture_output=True, check=False)

    def dump(self, build=None, frames=(), cause="page fault (#PF): vector 14, error code 0x0"):
        lines = [f"[    1.000000] PANIC: Firstlight 0.1.0 build {build or self.build} "
                 f"image {IMAGE:#018x}", f"[    1.000001] PANIC: {cause}"]
        lines += [f"[    1.000002] PANIC:   #{i} {IMAGE + at:#018x} whatever+0x1 x.c:1"
                  for i, at in enumerate(frames)]
        return "\n".join(lines) + "\n"

    def names(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.findall(r"#\d+ 0x[0-9a-f]{16} (\S+)", done.stdout.decode())

    def test_frames_have_names_and_lines(self):
        at = self.start["trap_dispatch"]
        done = self.decode(self.dump(frames=[at]))
        (expected,) = [line for line in output("addr2line", "-e", ELF, hex(at)).splitlines()]
        expected = re.sub(r"^(\./)+| \(discriminator \d+\)$", "", expected)
        self.assertIn(f"trap_dispatch {expected}", done.stdout.decode())

    def test_return_address_belongs_to_the_call_before(self):
        """Of two neighbours the second's first byte is, as a return address, the first's."""
        starts = sorted((address, name) for name, address in self.start.items()
                        if address < self.start["_etext"])
        at = self.start["kernel_main"]
        before = [name for address, name in starts if address < at][-1]
        frames = [at, at]
        self.assertEqual(self.names(self.decode(self.dump(frames=frames)))[0], "kernel_main")
        self.assertNotEqual(self.names(self.decode(self.dump(frames=frames)))[1], "kernel_main")
        behind = self.dump(frames=frames, cause="breakpoint (#BP): vector 3, error code 0x0")
        self.assertNotEqual(self.names(self.decode(behind))[0], "kernel_main")
        panic = self.dump(frames=frames, cause="backtrace:")
        self.assertNotEqual(self.names(self.decode(panic))[0], "kernel_main")
        self.assertTrue(before)

    def test_terminal_noise_does_no_harm(self):
        at = self.start["trap_dispatch"]
        plain = self.decode(self.dump(frames=[at, at + 9]))
        noisy = "picocom v3.1\r\n\x1b[2J\x1b[1;31m" + \
            self.dump(frames=[at, at + 9]).replace("\n", "\r\n").replace("PANIC", "\x1b[0mPANIC") \
            + "\x00\xff\r\n*** picocom: exiting\r\nThanks for using picocom\r\n"
        done = self.decode(noisy)
        self.assertEqual((done.returncode, done.stdout), (0, plain.stdout))
        with tempfile.NamedTemporaryFile() as file:
            file.write(noisy.encode("latin-1"))
            file.flush()
            self.assertEqual(self.decode("", file.name).stdout, plain.stdout)

    def test_stack_words_that_point_into_the_code_are_named(self):
        text = self.dump(frames=[0]) + \
            f"rsp+0x20: {IMAGE + self.start['trap_dispatch'] + 9:016x} {5:016x}\n"
        found = self.decode(text).stdout.decode()
        self.assertRegex(found, r"rsp\+0x20 0x[0-9a-f]{16} trap_dispatch ")
        self.assertEqual(found.count("rsp+"), 1)

    def test_quoted_log_lines_are_not_part_of_the_dump(self):
        quoted = self.dump(frames=[0, 4]).replace("PANIC: ", "PANIC:   | ")
        self.assertEqual(self.decode(quoted).returncode, 2)

    def test_address_outside_the_code(self):
        done = self.decode(self.dump(frames=[1 << 40]))
        self.assertIn(b"outside the kernel's code", done.stdout)

    def test_another_build_is_refused(self):
        done = self.decode(self.dump(build="0123456789" * 4, frames=[0]))
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        self.assertIn(b"is of build " + self.build.encode(), done.stderr)

    def test_what_is_no_dump_and_no_elf_is_refused(self):
        for text in ("", "hello\n", f"#0 {IMAGE:#018x}\n", self.dump(frames=[])):
            self.assertEqual(self.decode(text).returncode, 2, text)
        stripped = self.decode(self.dump(frames=[0]), elf=BUILD / "kernel.stripped.elf")
        self.assertEqual(stripped.returncode, 1)
        self.assertIn(b"has no symbols", stripped.stderr)
        for elf in (TOP / "Makefile", "/nonexistent", "/dev/null"):
            self.assertEqual(self.decode(self.dump(frames=[0]), elf=elf).returncode, 1, elf)


if __name__ == "__main__":
    unittest.main()
