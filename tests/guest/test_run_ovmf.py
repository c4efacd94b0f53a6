# SPDX-License-Identifier: GPL-2.0-only
"""run-ovmf.sh with a stand-in for QEMU (fake_qemu.sh) and for make: options and exit statuses.

What needs the real machine is in script_boot.py.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SCRIPT = TOP / "run-ovmf.sh"
REPORT = '@report {"version": "0.1.0"}'
RETURN = "firstlight: returned to firmware: "


class ScriptTest(unittest.TestCase):
    """One temporary folder a test: stand-ins first in PATH, an ESP, TMPDIR of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        self.tmp = self.work / "tmp, with a comma"
        self.tmp.mkdir()
        programs = self.work / "bin"
        programs.mkdir()
        (programs / "qemu-system-x86_64").symlink_to(TOP / "tests/guest/fake_qemu.sh")
        make = programs / "make"
        make.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{self.work}/make"\n'
                        'exit "${FAKE_MAKE:-0}"\n')
        make.chmod(0o755)
        boot = self.work / "esp/EFI/BOOT"
        boot.mkdir(parents=True)
        (boot / "BOOTX64.EFI").write_bytes(b"MZ")
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(self.tmp),
            "BUILD": str(self.work / "build"), "ESP": str(self.work / "esp"),
            "FAKE_ARGUMENTS": str(self.work / "arguments"),
            "FAKE_COMMANDS": str(self.work / "commands")}

    def start(self, *options, **fake):
        environment = {**self.environment, **{f"FAKE_{k.upper()}": v for k, v in fake.items()}}
        return subprocess.Popen([str(SCRIPT), *options], env=environment, cwd=self.work,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run_script(self, *options, text="", **fake):
        process = self.start(*options, **fake)
        self.out, self.err = process.communicate(text, timeout=60)
        return process.returncode

    def arguments(self):
        return (self.work / "arguments").read_text().replace("\n", " ")

    def left_over(self):
        return list(self.tmp.iterdir())


class ExitStatusTest(ScriptTest):
    def test_verdicts_of_the_guest(self):
        for qemu, status in (("33", 0), ("35", 1), ("37", 2), ("39", 1)):
            with self.subTest(qemu):
                self.assertEqual(self.run_script(status=qemu), status)
                self.assertEqual(self.left_over(), [])

    def test_reset_and_power_off_are_3_and_told_apart(self):
        for reason, word in (("guest-reset", "reset"), ("guest-shutdown", "powered off")):
            with self.subTest(reason):
                self.assertEqual(self.run_script(status="0", reason=reason), 3)
                self.assertIn(word, self.err)

    def test_leaving_the_prompt_is_0_and_leaving_a_test_is_3(self):
        self.assertEqual(self.run_script(status="0", reason="host-qmp-quit"), 0)
        self.assertEqual(self.run_script("--test", status="0", reason="host-qmp-quit"), 3)

    def test_qemu_failing_is_4(self):
        self.assertEqual(self.run_script(status="1"), 4)

    def test_build_failing_is_4(self):
        self.assertEqual(self.run_script(make="2", status="33"), 4)
        self.assertEqual(self.left_over(), [])

    def test_time_out_is_5(self):
        self.assertEqual(self.run_script("--timeout", "1", status="hang"), 5)

    def test_loader_back_in_the_firmware_is_6_and_dry_run_0(self):
        started = time.monotonic()
        self.assertEqual(self.run_script(status="hang", serial=f"x\\n{RETURN}bad-elf\\r\\n"), 6)
        self.assertIn("bad-elf", self.err)
        self.assertEqual(self.run_script(status="hang", serial=f"{RETURN}dry-run-ok\\r\\n"), 0)
        self.assertLess(time.monotonic() - started, 20)

    def test_bad_options_are_4_and_say_why(self):
        for options, word in ((("--icount", "--image"), "no --image"),
                              (("--icount", "--secure-boot"), "no --secure-boot"),
                              (("--nonsense",), "--nonsense"), (("-m", "lots"), "lots"),
                              (("-m",), "needs a value"), (("-c", "0"), "--cpus"),
                              (("--timeout", "soon"), "soon"), (("--gdb=x",), "--gdb="), (("stray",), "stray"),
                              (("--icount", "-c", "2"), "one CPU"),
                              (("--firmware", "/no/such.fd"), "/no/such.fd")):
            with self.subTest(options):
                self.assertEqual(self.run_script(*options, status="33"), 4)
                self.assertIn(word, self.err)
        self.assertFalse((self.work / "arguments").exists(), "QEMU was started")

    def test_help_is_0_and_lists_every_option(self):
        self.assertEqual(self.run_script("--help"), 0)
        for option in ("-m", "--cpus", "--cpu", "--append", "--test", "--timeout", "--report",
                       "--gdb", "--display", "--firmware", "--image", "--secure-boot", "--icount",
                       "--kvm"):
            self.assertIn(option, self.out)


class StickTest(ScriptTest):
    """--image: `make image` is asked for, and a copy of its result boots."""

    def setUp(self):
        super().setUp()
        (self.work / "esp/firstlight").mkdir()
        (self.work / "esp/firstlight/cmdline.txt").write_text("# a comment\n")
        (self.work / "build").mkdir()
        self.image = self.work / "build/firstlight.img"
        subprocess.run([str(TOP / "tools/usb-image.sh"), "--fat", "12", str(self.work / "esp"),
                        str(self.image)], check=True)
        self.before = self.image.read_bytes()

    def test_image_is_a_stick_on_xhci_with_the_words_behind_those_of_the_tree(self):
        self.assertEqual(self.run_script("--image", "-a", "seed=3", status="33"), 0)
        self.assertRegex((self.work / "make").read_text(), f"ESP={self.work}/esp image")
        text = self.arguments()
        for word in ("qemu-xhci", "usb-storage,bus=xhci.0,drive=stick,removable=on,bootindex=0",
                     "format=raw,file="):
            self.assertIn(word, text)
        self.assertNotIn("virtio-blk", text)
        self.assertEqual((self.work / "commands").read_text(), "# a comment\nwait=0 seed=3\n")
        self.assertEqual(self.image.read_bytes(), self.before)

    def test_image_without_words_has_those_of_the_script_alone(self):
        self.assertEqual(self.run_script("--image", status="33"), 0)
        self.assertEqual((self.work / "commands").read_text(), "# a comment\nwait=0\n")

    def test_missing_image_is_4(self):
        self.image.unlink()
        self.assertEqual(self.run_script("--image", status="33"), 4)
        self.assertEqual(self.left_over(), [])


DENIED = ('BdsDxe: failed to load Boot0001 "UEFI QEMU" from PciRoot(0x0)/Pci(0x2,0x0): '
          "Access Denied\\r\\n")


class SecureBootTest(ScriptTest):
    def setUp(self):
        super().setUp()
        signed = self.work / "bin/sbsign"
        signed.write_text('#!/bin/sh\nprintf "%s\\n" "$*" >>"$FAKE_SIGNED"\n'
                          'while [ "$1" != --output ]; do shift; done; echo signed >"$2"\n')
        (self.work / "bin/sbverify").write_text("#!/bin/sh\n")
        for name in ("sbsign", "sbverify"):
            (self.work / "bin" / name).chmod(0o755)
        self.environment["FAKE_SIGNED"] = str(self.work / "signed")

    def test_signs_a_copy_and_takes_the_variables_that_trust_the_key(self):
        self.assertEqual(self.run_script("--secure-boot", status="33"), 0)
        text = self.arguments()
        self.assertIn("OVMF_CODE_4M.fd", text)
        self.assertIn("esp.img", text)
        words = (self.work / "signed").read_text()
        self.assertIn("PkKek-1-snakeoil.pem", words)
        self.assertNotIn(str(self.work / "esp/EFI"), words)
        self.assertEqual((self.work / "esp/EFI/BOOT/BOOTX64.EFI").read_bytes(), b"MZ")

    def test_large_memory_keeps_the_firmware_that_has_the_variables(self):
        self.assertEqual(self.run_script("--secure-boot", "-m", "1T", status="33"), 0)
        self.assertIn("OVMF_CODE_4M.fd", self.arguments())

    def test_own_firmware_means_own_signature(self):
        for name in ("code.fd", "vars.fd"):
            (self.work / name).write_bytes(b"x")
        status = self.run_script("--secure-boot", "--firmware", "code.fd,vars.fd", status="33")
        self.assertEqual(status, 0)
        self.assertIn("file=code.fd", self.arguments())
        self.assertFalse((self.work / "signed").exists())

    def test_loader_that_the_firmware_refuses_is_4_at_once(self):
        started = time.monotonic()
        self.assertEqual(self.run_script("--secure-boot", status="hang", serial=DENIED), 4)
        self.assertIn("the firmware refused the loader", self.err)
        self.assertLess(time.monotonic() - started, 20)

    def test_loader_that_refuses_under_secure_boot_is_6(self):
        serial = f"x\\n{RETURN}secure-boot\\r\\n"
        self.assertEqual(self.run_script("--secure-boot", status="hang", serial=serial), 6)

    def test_same_words_without_secure_boot_are_no_end(self):
        options = ("--timeout", "1")
        self.assertEqual(self.run_script(*options, status="hang", serial=DENIED), 5)


class OptionTest(ScriptTest):
    def test_default_machine(self):
        self.run_script(status="33")
        text = self.arguments()
        for word in ("-machine q35", "-cpu max -smp 1 -m 256M", "OVMF_CODE_4M.fd", "esp.img",
                     "-no-reboot", "-accel tcg", "signal=off", "iobase=0xf4"):
            self.assertIn(word, text)
        self.assertNotIn("reserve", text)

    def test_words_reach_the_disk(self):
        self.run_script("-a", "mem=64M seed=3", "--test=mm.*", status="33")
        self.assertEqual((self.work / "commands").read_text(), "wait=0 mem=64M seed=3 test=mm.* exit\n")

    def test_words_follow_the_cmdline_file_of_the_tree(self):
        file = self.work / "esp/firstlight/cmdline.txt"
        file.parent.mkdir()
        file.write_text("loglevel=7\n")
        self.run_script("--append=seed=3", status="33")
        self.assertEqual((self.work / "commands").read_text(), "loglevel=7\nwait=0 seed=3\n")
        self.assertEqual(file.read_text(), "loglevel=7\n")

    def test_plain_test_means_all_and_exit_comes_once(self):
        self.run_script("--test", "--report", "r", status="33", serial=REPORT)
        self.assertEqual((self.work / "commands").read_text(), "wait=0 test=* exit\n")

    def test_large_memory_gets_address_bits_and_the_2m_firmware(self):
        for size, bits in (("1T", 42), ("2T", 43), ("16T", 46)):
            with self.subTest(size):
                self.run_script("-m", size, status="33")
                text = self.arguments()
                self.assertIn(f"-cpu max,phys-bits={bits} ", text)
                self.assertIn("reserve=off", text)
                self.assertIn("OVMF_CODE.fd", text)
                (self.work / "arguments").unlink()

    def test_address_bits_of_the_user_stay(self):
        self.run_script("-m", "1T", "--cpu", "max,phys-bits=44", status="33")
        self.assertIn("-cpu max,phys-bits=44 ", self.arguments())

    def test_icount_boots_without_a_disk(self):
        self.run_script("--icount", "-a", "one two", status="33")
        text = self.arguments()
        for word in ("-icount shift=6,sleep=off", "-kernel", "-append wait=0 one two log=deferred",
                     "OVMF_CODE.fd", "-smp 1"):
            self.assertIn(word, text)
        self.assertNotIn("esp.img", text)

    def test_gdb_display_firmware_and_extra_arguments(self):
        for name in ("code.fd", "vars.fd"):
            (self.work / name).write_bytes(b"x")
        self.run_script("--gdb", "--firmware", "code.fd,vars.fd", "-c", "4", "--",
                        "-machine", "pc", status="33")
        text = self.arguments()
        for word in ("-gdb tcp:127.0.0.1:1234 -S", "file=code.fd", "-smp 4", "-machine pc"):
            self.assertIn(word, text)
        self.assertIn("target remote :1234", self.err)
        self.assertIn("tools/gdb/firstlight.py", self.err)

    def test_gdb_on_another_port(self):
        self.run_script("--gdb=4000", status="33")
        self.assertIn("-gdb tcp:127.0.0.1:4000 -S", self.arguments())
        self.assertIn("target remote :4000", self.err)

    def test_report_is_written_where_the_user_stands(self):
        status = self.run_script("--report", "r.json", status="33",
                                 serial=f"x\\r\\n{REPORT}\\r\\nend\\r\\n")
        self.assertEqual(status, 0)
        self.assertEqual((self.work / "r.json").read_text(), REPORT[8:] + "\n")

    def test_report_that_never_came_is_no_pass(self):
        for serial in ("", '@report {"cut": 1'):
            with self.subTest(serial):
                self.assertEqual(self.run_script("--report", "r", status="33", serial=serial), 4)
                self.assertFalse((self.work / "r").exists())

    def test_failed_test_run_keeps_its_folder(self):
        self.run_script("--test", status="35", serial="tale\\n")
        (kept,) = self.left_over()
        self.assertIn(str(kept), self.err)
        self.assertEqual((kept / "serial.log").read_text(), "tale\n")

    def test_kvm_that_fails_its_trial_is_told_and_tcg_used(self):
        self.assertEqual(self.run_script("--kvm", status="1"), 4)
        self.assertIn("using TCG", self.err)
        self.assertIn("-accel tcg", self.arguments())

    def test_kvm_that_passes_its_trial_is_used(self):
        self.run_script("--kvm", status="hang", serial=f"{RETURN}dry-run-ok\\n")
        self.assertEqual(self.arguments().count("-accel kvm"), 2)
        self.assertNotIn("using TCG", self.err)


class TerminalTest(ScriptTest):
    def test_input_reaches_the_machine_untouched(self):
        self.assertEqual(self.run_script(text="help\x03\x1b[A\n", echo="1", status="33"), 0)
        self.assertEqual(self.out, "help\x03\x1b[A\n")

    def test_no_standard_input_works(self):
        command = f"exec '{SCRIPT}' <&-"
        done = subprocess.run(["bash", "-c", command], check=False, cwd=self.work,
                              env={**self.environment, "FAKE_STATUS": "33"}, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_signal_ends_the_machine_and_leaves_nothing(self):
        process = self.start(status="hang")
        deadline = time.monotonic() + 20
        while not (self.work / "arguments").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertEqual(self.left_over(), [])

    def test_two_runs_at_a_time(self):
        statuses = []
        runs = [threading.Thread(target=lambda s=s: statuses.append(
            self.start(status=s).wait(30))) for s in ("33", "35")]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        self.assertEqual(sorted(statuses), [0, 1])
        self.assertEqual(self.left_over(), [])
