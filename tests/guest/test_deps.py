# SPDX-License-Identifier: GPL-2.0-only
"""tools/deps.sh with stand-ins for dpkg-query, apt-get, id and sudo."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

DEPS = Path(__file__).resolve().parents[2] / "tools/deps.sh"


class DepsTest(unittest.TestCase):
    """INSTALLED lists packages that dpkg knows; apt-get notes its arguments and adds to them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        (self.work / "installed").write_text("")
        self.program("dpkg-query", 'shift 2; for p in "$@"; do grep -qx "$p" "$STATE/installed" && '
                                   'printf "|%s installed|" "$p" || bad=1; done; exit ${bad:-0}')
        self.program("apt-get", 'echo "$*" >>"$STATE/apt"; case "$*" in *install*) '
                                '[ -z "$APT_FAILS" ] || exit 100; for p in "$@"; do '
                                'echo "$p" >>"$STATE/installed"; done;; esac')
        self.program("id", 'echo "${USER_ID:-0}"')

    def program(self, name, body):
        path = self.work / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def deps(self, *arguments, **environment):
        path = f"{self.work}:{os.environ['PATH']}"
        done = subprocess.run([str(DEPS), *arguments], check=False, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL,
                              env={"PATH": path, "STATE": str(self.work), "APT_FAILS": "",
                                   **environment})
        self.said = done.stdout + done.stderr
        return done.returncode

    def apt_calls(self):
        path = self.work / "apt"
        return path.read_text() if path.exists() else ""

    def test_installs_what_is_missing_then_is_quiet(self):
        self.assertEqual(self.deps("run"), 0)
        self.assertRegex(self.apt_calls(), "install --no-install-recommends .*make .*clang .*ovmf")
        (self.work / "apt").unlink()
        self.assertEqual((self.deps("run"), self.said, self.apt_calls()), (0, "", ""))

    def test_installs_only_what_is_missing(self):
        self.deps("run")
        (self.work / "apt").unlink()
        self.assertEqual(self.deps("test"), 0)
        self.assertIn("shellcheck", self.apt_calls())
        self.assertNotIn(" qemu-", self.apt_calls())  # u-boot-qemu is another

    def test_check_adds_the_slow_analysers(self):
        self.deps("test")
        self.assertNotIn("clang-tools", self.apt_calls())
        (self.work / "apt").unlink()
        self.assertEqual(self.deps("check"), 0)
        self.assertIn("install --no-install-recommends clang-tidy clang-tools\n", self.apt_calls())

    def test_secure_boot_adds_what_signs(self):
        self.deps("run")
        (self.work / "apt").unlink()
        self.assertEqual(self.deps("secure-boot"), 0)
        self.assertIn("install --no-install-recommends sbsigntool openssl\n", self.apt_calls())

    def test_failed_installation_updates_the_lists_and_prints_the_line(self):
        self.assertEqual(self.deps("run", APT_FAILS="1"), 1)
        self.assertIn("update", self.apt_calls())
        self.assertRegex(self.said, "apt-get update && apt-get install .*make.*mtools")

    def test_without_root_and_sudo_prints_the_line(self):
        self.program("sudo", "exit 1")
        self.assertEqual(self.deps("run", USER_ID="1000"), 1)
        self.assertIn("missing packages; please run as root", self.said)
        self.assertEqual(self.apt_calls(), "")

    def test_with_sudo_goes_through_it(self):
        self.program("sudo", '[ "$1" = -n ] && shift; echo "sudo $1" >>"$STATE/apt"; exec "$@"')
        self.assertEqual(self.deps("run", USER_ID="1000"), 0)
        self.assertIn("sudo env\n", self.apt_calls())

    def test_unknown_set_is_refused(self):
        self.assertEqual(self.deps("everything"), 1)
        self.assertIn("usage", self.said)
