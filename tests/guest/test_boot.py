# SPDX-License-Identifier: GPL-2.0-only
"""boot.py, images.py and matrix.py: arguments, verdicts, disks and the matrix as data."""

import json
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import boot as boot_module
import firmware
import images
import matrix
import media
import sample
from boot import Boot
from test_ktap import GOOD as GUEST_CASES

PLAN = ("firstlight: plan: 9 areas, 36 frames for the bootinfo, 21 for page tables, "
        "24 for metadata, 64400 free\r\n")
BOOKS = ("[    0.1] mm: After mapping all physical memory, Firstlight used: 96 KB\r\n"
         "[    0.1] mm: Successfully initialized buddy allocator: 64433 frames free, "
         "24 for metadata\r\n"
         "[    0.1] books: usable 64590 = bump 3 + page tables 15 + metadata 24 + free 64547 + "
         "allocated 1 frames, areas 64590: balanced\r\n")
GOOD = PLAN + BOOKS + GUEST_CASES
BAD_SUITE = GOOD.replace("2 passed", "9 passed")


def small_elf():
    """An ELF64 header, segments R at 0, R+X at 0x1000, dynamic section and one relocation at 0x200."""
    header = b"\x7fELF" + bytes(12) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0x1000, 64, 0, 0,
                                                  64, 56, 3, 0, 0, 0)
    segments = [struct.pack("<IIQQQQQQ", kind, flags, at, at, at, 0x1000, 0x1000, 0x1000)
                for kind, flags, at in ((1, 4, 0), (1, 5, 0x1000), (2, 4, 0x200))]
    dynamic = struct.pack("<QQQQ", 7, 0x220, 0, 0)
    relocation = struct.pack("<QQQ", 0x300, 8, 0x1000)
    return (header + b"".join(segments)).ljust(0x200, b"\0") + dynamic + relocation


class ArgumentsTest(unittest.TestCase):
    def arguments(self, **fields):
        with tempfile.TemporaryDirectory() as folder:
            efi = Path(folder) / "BOOTX64.EFI"
            efi.write_bytes(b"MZ")
            build = boot_module.Build(efi, efi)
            return " ".join(boot_module.qemu_arguments(Boot("x", **fields), build, Path(folder)))

    def test_default_boots_a_disk_with_serial_and_no_screen(self):
        text = self.arguments()
        self.assertIn("esp.img", text)
        self.assertIn("-serial", text)
        self.assertIn("OVMF_CODE_4M.fd", text)
        self.assertNotIn("VGA", text)

    def test_kernel_medium_hands_the_words_over(self):
        text = self.arguments(medium="kernel", firmware="2M", serial=False, screen=True)
        self.assertIn("-append test=* exit", text)
        self.assertIn("OVMF_CODE.fd", text)
        self.assertIn("VGA", text)
        self.assertNotIn("-serial", text)

    def test_usb_image_is_on_its_controller_with_the_words_behind_the_comments(self):
        with tempfile.TemporaryDirectory() as folder:
            efi = Path(folder) / "BOOTX64.EFI"
            efi.write_bytes(b"MZ")
            text = " ".join(boot_module.qemu_arguments(
                Boot("x", medium="usb", fat="12"), boot_module.Build(efi, efi), Path(folder)))
            self.assertIn("usb-storage,bus=xhci.0,drive=esp", text)
            words = subprocess.run(["mtype", "-i", f"{folder}/esp.img@@1M",
                                    "::/firstlight/cmdline.txt"], check=True, text=True,
                                   capture_output=True).stdout.splitlines()
            self.assertTrue(all(line.startswith("#") for line in words[:-1]) and len(words) > 1)
            self.assertEqual(words[-1], "test=* exit")

    def test_secure_boot_takes_the_variables_that_trust_the_key(self):
        for flavour, secure, file in (("4M", "", "OVMF_VARS_4M.fd"), ("2M", "", "OVMF_VARS.fd"),
                                      ("4M", "unsigned", "OVMF_VARS_4M.snakeoil.fd")):
            self.assertEqual(firmware.variables(flavour, secure), Path("/usr/share/OVMF") / file)
        self.assertEqual(firmware.variables("4M", "mok", "shim"),
                         Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd"))

    def test_next_firmware_is_the_fetched_one_with_its_own_key(self):
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.object(firmware, "next_folder", lambda: Path(folder)):
            share = Path(folder) / "usr/share"
            (share / "OVMF").mkdir(parents=True)
            (share / "OVMF/OVMF_VARS_4M.fd").write_bytes(b"")
            (Path(folder) / "version").write_text("ovmf-generic 1-2\n")
            text = self.arguments(firmware="next-smm", medium="kernel")
            self.assertIn(f"file={share}/OVMF/OVMF_CODE_4M.secboot.strictnx.fd", text)
            self.assertIn("-machine smm=on", text)
            self.assertIn(f"file={share}/OVMF/OVMF_CODE_4M.fd",
                          self.arguments(firmware="next", medium="kernel"))
            self.assertEqual(firmware.snakeoil("next"), share / "ovmf/PkKek-1-snakeoil")
            self.assertEqual((firmware.version("next"), firmware.version("4M")),
                             ("ovmf-generic 1-2", ""))

    def test_large_memory_is_not_reserved(self):
        self.assertIn("size=5G,reserve=off", self.arguments(memory="5G", medium="kernel"))
        self.assertNotIn("reserve", self.arguments(memory="3G", medium="kernel"))


class PlanTest(unittest.TestCase):
    def test_plan_that_came_about_is_no_problem(self):
        self.assertEqual(list(boot_module.check_plan(PLAN + BOOKS)), [])

    def test_every_difference_is_one(self):
        for text, words in ((BOOKS, ["no plan"]), (PLAN, ["no plan"]),
                            (PLAN + BOOKS.replace("used: 96", "used: 92"), ["tables", "free"]),
                            (PLAN.replace("21 for", "22 for") + BOOKS, ["tables", "free"]),
                            (PLAN + BOOKS.replace("64433 frames free, 24",
                                                  "64431 frames free, 26"), ["metadata"]),
                            (PLAN + BOOKS.replace("bump 3", "bump 37"),
                             ["bootinfo", "page tables"]),
                            (PLAN + BOOKS.replace("64433 frames", "64434 frames"), ["free"]),
                            (PLAN + BOOKS.replace("64433 frames", "64432 frames"), ["free"])):
            with self.subTest(text=text):
                problems = list(boot_module.check_plan(text))
                self.assertEqual(len(problems), len(words), problems)
                for problem, word in zip(problems, words):
                    self.assertIn(word, problem)


class JudgeTest(unittest.TestCase):
    def test_good_log_with_report_passes(self):
        outcome = boot_module.judge(Boot("x"), "pass", GOOD + "\n" + sample.line())
        self.assertEqual(outcome.problems, [])
        self.assertEqual(len(outcome.cases), 2)

    def test_silence_and_missing_report_fail(self):
        for text in ("", GOOD, sample.line(), BAD_SUITE + "\n" + sample.line()):
            with self.subTest(text=text[:20]):
                self.assertFalse(boot_module.judge(Boot("x"), "pass", text).ok())

    def test_no_nx_is_said_where_it_is_so_and_only_there(self):
        content = sample.report()
        content["nx"].update(xd_reserved=True)
        content["cpu"].update(nx=False)
        content["page_tables"].update(writable_executable=9)
        silent = GOOD + "\n" + sample.line(content)
        self.assertFalse(boot_module.judge(Boot("x", cpu="max,-nx"), "pass", silent).ok())
        warned = boot_module.NO_NX + "\n"
        self.assertTrue(boot_module.judge(Boot("x", cpu="max,-nx"), "pass", warned + silent).ok())
        good = GOOD + "\n" + sample.line()
        self.assertFalse(boot_module.judge(Boot("x"), "pass", warned + good).ok())

    def test_other_end_than_expected_fails(self):
        good = GOOD + "\n" + sample.line()
        self.assertFalse(boot_module.judge(Boot("x"), "panic", good).ok())
        self.assertFalse(boot_module.judge(Boot("x", verdict="panic"), "pass", good).ok())

    def test_no_serial_port_is_judged_by_its_verdict(self):
        self.assertTrue(boot_module.judge(Boot("x", serial=False), "pass", "").ok())

    def test_text_that_must_be_there_is_looked_for(self):
        wanted = Boot("x", verdict="returned:no-kernel", log_has=("0x1234",))
        self.assertTrue(boot_module.judge(wanted, "returned:no-kernel", "at 0x1234").ok())
        self.assertFalse(boot_module.judge(wanted, "returned:no-kernel", "at 0x12").ok())

    def test_loader_that_speaks_before_it_is_denied_fails(self):
        wanted = Boot("x", verdict="denied")
        self.assertTrue(boot_module.judge(wanted, "denied", "BdsDxe: loading\n").ok())
        self.assertFalse(boot_module.judge(wanted, "denied", "firstlight: one\n").ok())

    def test_line_of_the_loader_twice_fails(self):
        wanted = Boot("x", verdict="returned:no-kernel")
        text = "firstlight: one\r\nfirstlight: two\r\n"
        self.assertTrue(boot_module.judge(wanted, "returned:no-kernel", text).ok())
        text += "firstlight: two\r\n"
        self.assertFalse(boot_module.judge(wanted, "returned:no-kernel", text).ok())


class MediumReportTest(unittest.TestCase):
    """What the loader wrote to the medium against the kernel's report."""

    def problems(self, read):
        outcome = boot_module.Outcome(Boot("x", medium="sd"), log=Path("serial.log"))
        with mock.patch.object(media, "read", read):
            # pylint: disable-next=protected-access
            boot_module._check_medium(outcome, sample.line())
        return outcome.problems

    def test_report_of_this_boot_is_right(self):
        self.assertEqual(self.problems(lambda *_: json.dumps(sample.report())), [])

    def test_report_of_another_build_fails(self):
        self.assertEqual(self.problems(lambda *_: json.dumps({**sample.report(), "build": "11"})),
                         ["report on the medium sd: build is not the kernel's"])

    def test_no_report_and_half_a_report_fail(self):
        def missing(*_):
            raise subprocess.CalledProcessError(1, "mtype")
        for read in (missing, lambda *_: '{"schema": 1', lambda *_: "{}"):
            self.assertEqual(len(self.problems(read)), 1)


class RunTest(unittest.TestCase):
    """_run() with small commands in QEMU's place."""

    def end(self, script, seconds=20):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            command = ["bash", "-c", script, "qemu", str(work / "serial.log")]
            return boot_module._run(command, work, seconds)  # pylint: disable=protected-access

    def test_every_exit_status_has_its_verdict(self):
        for status, verdict in ((33, "pass"), (35, "failed"), (37, "panic"), (39, "nothing-ran"),
                                (0, "reset or power-off before a verdict"),
                                (1, "QEMU failed with 1")):
            self.assertEqual(self.end(f"exit {status}"), verdict)

    def test_return_to_firmware_ends_a_machine_that_goes_on(self):
        self.assertEqual(self.end('echo "firstlight: returned to firmware: bad-elf" >"$1"; '
                                  "exec tail -f /dev/null"), "returned:bad-elf")

    def test_refusal_by_secure_boot_ends_a_machine_that_waits_for_a_key(self):
        self.assertEqual(self.end('echo "BdsDxe: failed to load Boot0001 \\"UEFI Misc Device\\" from '
                                  'PciRoot(0x0)/Pci(0x1,0x0): Access Denied" >"$1"; '
                                  "exec tail -f /dev/null"), "denied")
        self.assertEqual(self.end('echo "|  Verification failed: (0x1A) Security Violation  |" >"$1"; '
                                  "exec tail -f /dev/null"), "denied")
        self.assertEqual(self.end('echo "BdsDxe: failed to load Boot0001: Not Found" >"$1"; '
                                  "exec tail -f /dev/null", 0.3), "no end within 0.3 s")

    def test_hang_ends_at_the_limit(self):
        self.assertEqual(self.end("exec tail -f /dev/null", 0.3), "no end within 0.3 s")


class ImagesTest(unittest.TestCase):
    def test_variants_differ_from_the_original_as_named(self):
        elf = small_elf()
        for name, builder in images.BUILDERS.items():
            with self.subTest(name):
                self.assertEqual(builder(elf) == elf, name == "good.elf")
        self.assertEqual(struct.unpack_from("<I", images.write_execute(elf), 64 + 56 + 4)[0], 7)

    def test_disk_holds_loader_words_and_extra_file(self):
        with tempfile.TemporaryDirectory() as folder:
            efi = Path(folder) / "x.efi"
            efi.write_bytes(b"MZ loader")
            disk = images.make_disk(Path(folder) / "esp.img", efi, "test=* exit", {"a.elf": b"no"})

            def content(name):
                return subprocess.run(["mtype", "-i", str(disk), f"::/{name}"], check=True,
                                      capture_output=True).stdout
            self.assertEqual(content("EFI/BOOT/BOOTX64.EFI"), b"MZ loader")
            self.assertEqual(content("firstlight/cmdline.txt"), b"test=* exit\n")
            self.assertEqual(content("bad/a.elf"), b"no")


class MatrixTest(unittest.TestCase):
    def values(self, name):
        return {getattr(b, name) for b in matrix.BOOTS}

    def test_names_are_unique(self):
        names = [b.name for b in matrix.BOOTS] + [b.name for b in matrix.full()]
        self.assertEqual(len(names), len(set(names)))

    def test_every_value_of_every_dimension_is_there(self):
        self.assertLessEqual({"48M", "64M", "256M", "1G", "3G", "5G", "1T"}, self.values("memory"))
        self.assertLessEqual(set(matrix.CPUS), self.values("cpu"))
        self.assertEqual({"q35", "pc"}, self.values("machine"))
        self.assertEqual({"disk", "kernel", *media.CONTROLLERS}, self.values("medium"))
        self.assertEqual(set(media.STARTERS), self.values("start"))
        self.assertEqual({"32", "16", "12"}, self.values("fat"))
        self.assertLessEqual({"", "changed", "mok"}, self.values("secure"))
        self.assertEqual(set(firmware.FLAVOURS), self.values("firmware"))
        self.assertEqual({"clang", "gcc"}, self.values("compiler"))
        for flag in ("screen", "serial", "nx_stack"):
            self.assertEqual({True, False}, self.values(flag))
        self.assertIn(2, self.values("smp"))

    def test_each_machine_has_each_size_and_the_smallest_has_4m_and_a_disk(self):
        for machine in ("q35", "pc"):
            sizes = {b.memory for b in matrix.BOOTS if b.machine == machine}
            self.assertLessEqual({"48M", "64M", "256M", "1G", "3G", "5G", "1T"}, sizes)
        for one in matrix.BOOTS:
            if one.memory == "48M":
                self.assertEqual((one.firmware, one.medium), ("4M", "disk"))
