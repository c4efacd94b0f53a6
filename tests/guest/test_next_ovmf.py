# SPDX-License-Identifier: GPL-2.0-only
"""tools/next-ovmf.sh, and with it tools/fetch-package.sh, with a stand-in for apt-get that hands out
a small package.
"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "tools/next-ovmf.sh"
FILES = ("OVMF/OVMF_CODE_4M.fd", "OVMF/OVMF_VARS_4M.fd", "OVMF/OVMF_CODE_4M.secboot.strictnx.fd",
         "OVMF/OVMF_VARS_4M.snakeoil.fd", "ovmf/PkKek-1-snakeoil.key", "ovmf/PkKek-1-snakeoil.pem")
# Notes its arguments and the list of sources that they name. $FAILS: the command that does not work.
APT_GET = """\
echo "$*" >>"$STATE/apt"
for argument in "$@"; do
    case $argument in
    Dir::Etc::sourcelist=*) cp "${argument#*=}" "$STATE/sources" ;;
    esac
done
case " $* " in
*" indextargets "*) printf '%s' "$TARGETS" ;;
*" $FAILS "*) exit 100 ;;
*" download "*) dpkg-deb -b "$STATE/tree" ovmf.deb >/dev/null ;;
esac
"""


class NextOvmfTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        program = self.work / "apt-get"
        program.write_text("#!/bin/bash\n" + APT_GET)
        program.chmod(0o755)
        self.share = self.work / "tree/usr/share"
        for name in FILES:
            (self.share / name).parent.mkdir(parents=True, exist_ok=True)
            (self.share / name).write_text(name)
        (self.work / "tree/DEBIAN").mkdir()
        (self.work / "tree/DEBIAN/control").write_text(
            "Package: ovmf-generic\nVersion: 2099.01-1\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: firmware\n")
        self.folder = self.work / "build/next-ovmf"

    def fetch(self, **environment):
        done = subprocess.run([str(SCRIPT)], check=False, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL,
                              env={"PATH": f"{self.work}:{os.environ['PATH']}", "FAILS": "nothing",
                                   "STATE": str(self.work), "BUILD": str(self.work / "build"),
                                   "TMPDIR": str(self.work), "TARGETS": "", **environment})
        self.said = done.stderr
        self.printed = done.stdout
        return done.returncode

    def text(self, name):
        path = self.work / name
        return path.read_text() if path.exists() else ""

    def assert_nothing_is_left(self):
        self.assertEqual(sorted(path.name for path in self.folder.parent.iterdir()),
                         ["next-ovmf.lock"])
        self.assertEqual(list(self.work.glob("tmp.*")), [])

    def test_fetches_once_and_names_folder_and_version(self):
        self.assertEqual(self.fetch(), 0, self.said)
        self.assertEqual(self.printed, f"{self.folder}\n")
        for name in FILES:
            self.assertEqual((self.folder / "usr/share" / name).read_text(), name)
        self.assertEqual((self.folder / "version").read_text(), "ovmf-generic 2099.01-1\n")
        self.assertEqual(list(self.work.glob("tmp.*")), [])
        (self.work / "apt").unlink()
        self.assertEqual((self.fetch(), self.said, self.text("apt")), (0, "", ""))
        self.assertEqual(self.printed, f"{self.folder}\n")

    def test_incomplete_folder_is_fetched_again(self):
        self.fetch()
        (self.folder / "usr/share" / FILES[0]).write_text("")
        self.assertEqual(self.fetch(), 0, self.said)
        self.assertEqual((self.folder / "usr/share" / FILES[0]).read_text(), FILES[0])

    def test_apt_never_sees_the_lists_sources_and_packages_of_the_system(self):
        self.fetch()
        calls = [line for line in self.text("apt").splitlines() if "indextargets" not in line]
        self.assertEqual(len(calls), 2)
        for call in calls:
            for option in ("Etc::sourcelist", "Etc::sourceparts", "Etc::preferences",
                           "Etc::preferencesparts", "State", "State::status", "Cache"):
                self.assertIn(f" Dir::{option}={self.work}/tmp.", call)
            self.assertNotRegex(call, r"\binstall\b|AllowUnauthenticated|--allow|trusted=")
        self.assertRegex(self.text("sources"), r"^deb \[signed-by=/usr/share/keyrings/"
                         r"debian-archive-keyring\.gpg\] \S+ forky main\n$")

    def test_mirror_is_that_of_the_caller_else_of_the_system_else_debians(self):
        targets = ("Repo-URI: http://example.org/security/\n\nRepo-URI: http://one.example/debian/\n\n"
                   "Repo-URI: http://two.example/debian/\n")
        for mirror, environment in (
                ("http://deb.debian.org/debian/", {}),
                ("http://one.example/debian/", {"TARGETS": targets}),
                ("http://mine.example/d", {"TARGETS": targets,
                                           "DEBIAN_MIRROR": "http://mine.example/d"})):
            with self.subTest(mirror):
                self.fetch(FAILS="update", **environment)
                self.assertIn(f" {mirror} forky main\n", self.text("sources"))

    def test_unreachable_mirror_says_what_to_do_and_leaves_nothing(self):
        self.assertEqual(self.fetch(FAILS="update"), 1)
        self.assertIn("cannot read the list of forky at http://deb.debian.org/debian/", self.said)
        self.assertIn("DEBIAN_MIRROR=", self.said)
        self.assertEqual(self.printed, "")
        self.assert_nothing_is_left()

    def test_renamed_package_is_said(self):
        self.assertEqual(self.fetch(FAILS="download"), 1)
        self.assertIn("has no package ovmf-generic", self.said)
        self.assert_nothing_is_left()

    def test_renamed_file_is_named(self):
        (self.share / FILES[2]).rename(self.share / "OVMF/OVMF_CODE_4M.strict.fd")
        self.assertEqual(self.fetch(), 1)
        self.assertIn("next-ovmf: ovmf-generic of forky has no longer: usr/share/OVMF/OVMF_CODE_4M."
                      "secboot.strictnx.fd\nnext-ovmf: Debian may have renamed", self.said)
        self.assert_nothing_is_left()


if __name__ == "__main__":
    unittest.main()
