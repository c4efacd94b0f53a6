# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's page tables and control registers as QEMU sees them: at the prompt every leaf that
the kernel's walk lists must be a leaf of QEMU's, with the same memory and the same rights, and the
other way round. The monitor's `vm` commands are tested on the way.
"""

import os
import tempfile
import unittest
from itertools import zip_longest
from pathlib import Path

import boot as boot_module
import outside
import report

TOP = Path(__file__).resolve().parents[2]

# CPUs with every feature, without NX, without 1 GiB pages, and with next to nothing; 5G has leaves
# of all sizes.
MACHINES = {
    "256M": {},
    "5G": {"memory": "5G"},
    "5G-no1g": {"memory": "5G", "cpu": "max,pdpe1gb=off"},
    "256M-nonx": {"cpu": "max,-nx"},
    "256M-qemu64": {"cpu": "qemu64"},
    "256M-nopge": {"cpu": "qemu64,-pge,-nx"},
}
WP, NXE = 1 << 16, 1 << 11
DIRECT_MAP = 0xffff800000000000
BAD_ADDRESSES = ("", " ", "0x", "zz", "12z", "0x1 2", "-1", "0x0x0", "1" * 17, "0x" + "f" * 60,
                 "%s%n", "\x80\xff", "ffff_8000")


class OutsideTest(unittest.TestCase):
    def setUp(self):
        build = TOP / os.environ.get("BUILD", "build")
        esp = TOP / os.environ.get("ESP", "esp")
        self.build = boot_module.Build(esp / "EFI/BOOT/BOOTX64.EFI", build / "kernel.stripped.elf")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def guest(self, name, fields, words="test=mm.*"):
        boot = boot_module.Boot(f"outside-{name}", firmware="2M", medium="kernel", serial=False,
                                words=words, **fields)
        work = self.folder / boot.name
        work.mkdir()
        return outside.PromptGuest(boot_module.qemu_arguments(boot, self.build, work), work)

    def assert_same(self, ours, theirs):
        """assertEqual for thousands of tuples: names the first that differ."""
        different = [pair for pair in zip_longest(ours, theirs) if pair[0] != pair[1]]
        self.assertEqual(different[:3], [], f"{len(different)} differ")

    def compare_leaves(self, guest, audit):
        ours = outside.kernel_leaves(guest.type("vm leaves"))
        self.assertGreater(len(ours), 100)
        self.assert_same([leaf for leaf, _ in ours], outside.qemu_leaves(guest.qemu("info tlb")))
        # `info tlb` does not tell 2 MiB from 1 GiB; the ends of ranges do.
        self.assert_same(outside.join(ours), outside.qemu_ranges(guest.qemu("info mem")))
        sizes = [size for _, size in ours]
        for size in outside.PAGE_BYTES:
            self.assertEqual(sizes.count(size), audit[f"leaves_{size.lower()}"], size)
        return ours

    def compare_registers(self, guest):
        ours = outside.kernel_registers(guest.type("vm regs"))
        theirs = outside.qemu_registers(guest.qemu("info registers"))
        self.assertEqual(set(theirs), {"CR0", "CR2", "CR3", "CR4", "EFER"})
        self.assertEqual({name: ours[name] for name in theirs}, theirs)
        return theirs

    def check_machine(self, name):
        with self.guest(name, MACHINES[name]) as guest:
            found = report.extract(guest.read_to_prompt())
            tables = found["page_tables"]
            self.assertIn("\n0 violations\n", guest.type("vm audit"))
            leaves = self.compare_leaves(guest, tables)
            registers = self.compare_registers(guest)
        self.assertEqual(registers["CR3"], tables["root"])
        self.assertTrue(registers["CR0"] & WP)
        self.assertEqual(bool(registers["EFER"] & NXE), found["cpu"]["nx"])
        both = sum(leaf.write and leaf.execute for leaf, _ in leaves)
        self.assertEqual(both, tables["writable_executable"])
        self.assertTrue(both == 0 or not found["cpu"]["nx"])
        self.assertFalse(any(leaf.user for leaf, _ in leaves))
        self.assertTrue(all(leaf.virt >= DIRECT_MAP for leaf, _ in leaves))

    def test_qemu_sees_the_leaves_and_registers_that_the_kernel_sees(self):
        for name in MACHINES:
            with self.subTest(name):
                self.check_machine(name)

    def test_walk_draws_the_path_and_refuses_what_is_no_address(self):
        with self.guest("walk", {}, words="test=mm.areas") as guest:
            guest.read_to_prompt()
            leaf, size = outside.kernel_leaves(guest.type("vm leaves"))[5]
            drawn = guest.type(f"vm walk {leaf.virt + 0x10:x}")
            for word in ("CR3 ", "+- PML4[256] ", "+- PDPT[0] ", "+- PD[",
                         f"{leaf.virt + 0x10:#018x} -> {leaf.phys + 0x10:#018x} {size} "):
                self.assertIn(word, drawn)
            self.assertEqual(drawn, guest.type(f"vm walk 0x{leaf.virt + 0x10:X}  "))
            for address in ("0", "10", "7fffffffffff", "0xffffffffffffffff", f"{DIRECT_MAP:x}"):
                self.assertIn("is not mapped", guest.type(f"vm walk {address}"), address)
            for address in ("800000000000", "0xffff7fffffffffff"):
                self.assertIn("is not canonical", guest.type(f"vm walk {address}"), address)
            for address in BAD_ADDRESSES:
                self.assertIn("vm walk takes one address", guest.type(f"vm walk {address}"),
                              repr(address))
            for verb in ("", " audi", " walks", " leaves2", " \t"):
                self.assertIn("vm audit | vm walk ADDR", guest.type(f"vm{verb}"), repr(verb))
