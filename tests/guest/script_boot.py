# SPDX-License-Identifier: GPL-2.0-only
"""run-ovmf.sh with the real QEMU, firmware and kernel: one test for each kind of end.

BUILD and ESP in the environment name what is booted, as for the script itself. The classes run
side by side (python_tests.py).
"""

import json
import os
import pty
import select
import subprocess
import tempfile
import termios
import threading
import time
import unittest
from pathlib import Path

import ktap
import report
import secure_variables

TOP = Path(__file__).resolve().parents[2]
SCRIPT = str(TOP / "run-ovmf.sh")
PROMPT = "firstlight> "
# design.md section 9: instructions of mm_init with the log deferred; a TSC step is 64 of them.
MM_INIT_LIMIT = {"4G": 450_000, "1T": 600_000}


def run(*options, seconds=120, **environment):
    done = subprocess.run([SCRIPT, "--timeout", "90", *options], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                          check=False, text=True, errors="replace", cwd=TOP,
                          env={**os.environ, **environment})
    return done.returncode, done.stdout


class Terminal:
    """run-ovmf.sh on a pseudo terminal, as a person has it."""

    def __init__(self, *options):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.seen = ""
        self.process = subprocess.Popen([SCRIPT, *options], stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, cwd=TOP, start_new_session=True)

    def read(self, seconds):
        """Whether something came within `seconds`."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        return bool(ready)

    def expect(self, text, seconds=60):
        """Reads on until `text` has come; forgets everything up to its end."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"no {text!r} in: {self.seen[-2000:]}")
            self.read(0.2)
        before, self.seen = self.seen.split(text, 1)
        return before

    def send(self, text):
        os.write(self.master, text.encode())

    def wait(self, seconds=20):
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.1)
        return self.process.poll()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.wait()
        os.close(self.master)
        os.close(self.slave)


class PromptTest(unittest.TestCase):
    def terminal(self, *options):
        terminal = Terminal(*options)
        self.addCleanup(terminal.close)
        return terminal

    def test_prompt_takes_lines_and_ctrl_c_and_ctrl_a_x_leaves(self):
        terminal = self.terminal()
        terminal.expect(PROMPT)
        terminal.send("help\r")
        self.assertIn("memmap", terminal.expect(PROMPT))
        terminal.send("\x03")  # to the guest: neither the script nor QEMU ends
        terminal.send("\r")
        terminal.expect(PROMPT)
        terminal.send("usage\r")
        terminal.expect(PROMPT)
        self.assertIsNone(terminal.process.poll())
        terminal.send("\x01x")
        self.assertEqual(terminal.wait(), 0, terminal.seen)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

    def test_exit_at_the_prompt_leaves_with_the_verdict(self):
        terminal = self.terminal()
        terminal.expect(PROMPT)
        terminal.send("exit\r")
        self.assertEqual(terminal.wait(), 0, terminal.seen)

    def test_reboot_at_the_prompt_is_a_reset(self):
        terminal = self.terminal()
        terminal.expect(PROMPT)
        terminal.send("reboot\r")
        self.assertEqual(terminal.wait(), 3, terminal.seen)


class EndTest(unittest.TestCase):
    def test_pattern_runs_only_what_it_names(self):
        status, text = run("--test=mm.buddy")
        self.assertEqual(status, 0, text[-3000:])
        result = ktap.parse(text)
        self.assertTrue(result.ok(), result.problems)
        self.assertEqual({name.rsplit(".", 1)[0] for name in result.names()}, {"mm.buddy"})

    def test_pattern_that_names_nothing_is_1(self):
        self.assertEqual(run("--test=no.such_case")[0], 1)

    def test_missing_kernel_is_6_and_dry_run_0(self):
        self.assertEqual(run("-a", "kernel=\\missing.elf")[0], 6)
        self.assertEqual(run("-a", "dryrun")[0], 0)

    def test_time_out_is_5(self):
        self.assertEqual(run("--timeout", "2")[0], 5)

    def test_kvm_option_passes_whether_kvm_works_or_not(self):
        status, text = run("--kvm", "--test=mm.areas")
        self.assertEqual(status, 0, text[-3000:])

    def test_two_runs_at_a_time_pass(self):
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(run("--test=mm.*")[0]))
                   for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [0, 0])


class SecureBootTest(unittest.TestCase):
    """Signed with the snakeoil key, one's own, not at all; a changed loader is in matrix.py."""

    def test_own_keys_as_in_the_recipe(self):
        """docs/secure-boot.md: make-keys, make sign, enrol; then the signed loader runs."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            subprocess.run([str(TOP / "tools/make-keys"), str(work / "keys")], check=True,
                           stdout=subprocess.DEVNULL)
            secure_variables.enrol("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd", work / "keys",
                                   work / "vars.fd")
            subprocess.run(["make", "-s", f"BUILD={os.environ.get('BUILD', 'build')}",
                            f"ESP={work}/esp", "sign", f"KEY={work}/keys/db.key",
                            f"CERT={work}/keys/db.crt"], check=True, cwd=TOP,
                           stdout=subprocess.DEVNULL)
            firmware = f"/usr/share/OVMF/OVMF_CODE_4M.fd,{work}/vars.fd"
            status, text = run("--secure-boot", "--firmware", firmware, "--test=mm.areas",
                               ESP=f"{work}/esp")
            self.assertEqual(status, 0, text[-3000:])
            self.assertIn("Secure Boot on", text)

    def test_stick_with_a_signed_loader_runs_and_reports_secure_boot(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.json"
            status, text = run("--image", "--secure-boot", "--report", str(path))
            self.assertEqual(status, 0, text[-3000:])
            self.assertIs(json.loads(path.read_text())["firmware"]["secure_boot"], True)
            self.assertIn("Secure Boot on", text)

    def test_kernel_from_outside_is_refused_by_us_with_6(self):
        status, text = run("--secure-boot", "-a", "kernel=\\firstlight\\kernel.elf")
        self.assertEqual(status, 6, text[-3000:])
        self.assertIn("returned to firmware: secure-boot", text)

    def test_unsigned_loader_is_refused_by_the_firmware_with_4(self):
        firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd,/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"
        status, text = run("--secure-boot", "--firmware", firmware)
        self.assertEqual(status, 4, text[-3000:])
        self.assertIn("the firmware refused the loader", text)
        self.assertNotIn("firstlight: ", text)


class ReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def report(self, *options):
        path = self.work / "report.json"
        status, text = run("--report", str(path), *options)
        self.assertEqual(status, 0, text[-3000:])
        return json.loads(path.read_text())

    def test_report_file_balances(self):
        self.assertEqual(report.check(self.report(), {"free_percent_min": 99.0}), [])

    def test_icount_repeats_to_the_instruction(self):
        # Without a seed the self-tests take one from RDRAND.
        first, second = (self.report("--icount", "-a", "seed=1")["stages"] for _ in range(2))
        self.assertEqual(first, second)

    def test_mm_init_stays_within_its_instructions(self):
        for size, limit in MM_INIT_LIMIT.items():
            with self.subTest(size):
                stages = {s["name"]: s["tsc"] for s in self.report("--icount", "-m", size)["stages"]}
                instructions = (stages["mm_init_done"] - stages["mm_init"]) // 64
                print(f"# mm_init at {size}: {instructions} instructions of {limit}")
                self.assertLessEqual(instructions, limit)
