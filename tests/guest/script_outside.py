# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's page tables and control registers as QEMU sees them: at the prompt every leaf that
the kernel's walk lists must be a leaf of QEMU's, with the same memory and the same rights, and the
other way round; and the registers must be what docs/boot.md says, bit for bit. The monitor's `vm`
commands are tested on the way.
"""

from itertools import zip_longest

import boot as boot_module
import guest_case
import ktap
import outside
import report


# SDM vol 3A, "Control Registers", and vol 4 for EFER. What every CPU gets, and what some have.
CR0 = 1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 2 | 1 << 1 | 1  # PG WP NE ET EM MP PE
CR4 = 1 << 6 | 1 << 5 | 1 << 3  # MCE PAE DE
PGE, UMIP, SMEP, SMAP = 1 << 7, 1 << 11, 1 << 20, 1 << 21
EFER = 1 << 10 | 1 << 8  # LMA LME
NXE = 1 << 11
PAT_WC = 4  # the slot that the kernel makes write-combining; its type is 1

ALL = PGE | UMIP | SMEP | SMAP
# Name -> machine, its bits of CR4. CPUs with every feature, without NX, without 1 GiB pages, and
# with next to nothing. 5G has leaves of all sizes; 3G-screen a framebuffer in the MMIO pool, too;
# at 16T memory lies from 1 TiB on and the direct map takes 33 second-level tables.
MACHINES = {
    "256M": ({}, ALL),
    "3G-screen": ({"memory": "3G", "screen": True}, ALL),
    "5G": ({"memory": "5G"}, ALL),
    "5G-no1g": ({"memory": "5G", "cpu": "max,pdpe1gb=off"}, ALL),
    "16T": ({"memory": "16T", "cpu": "max,phys-bits=46"}, ALL),
    "256M-nonx": ({"cpu": "max,-nx"}, ALL),
    "256M-qemu64": ({"cpu": "qemu64"}, PGE),
    "256M-nopge": ({"cpu": "qemu64,-pge,-nx"}, 0),
}
DIRECT_MAP = 0xffff800000000000
MMIO_POOL = 0xffffa10000000000
BAD_ADDRESSES = ("", " ", "0x", "zz", "12z", "0x1 2", "-1", "0x0x0", "1" * 17, "0x" + "f" * 60,
                 "%s%n", "\x80\xff", "ffff_8000")


class OutsideTest(guest_case.GuestCase):
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

    def compare_registers(self, guest, expected):
        """Both sides, and what the machine must have; returns the kernel's."""
        ours = outside.kernel_registers(guest.type("vm regs"))
        theirs = outside.qemu_registers(guest.qemu("info registers"))
        self.assertEqual(set(theirs), {"CR0", "CR2", "CR3", "CR4", "EFER"})
        self.assertEqual({name: ours[name] for name in theirs}, theirs)
        self.assertEqual({name: hex(theirs[name]) for name in expected},
                         {name: hex(value) for name, value in expected.items()})
        return ours

    def check_framebuffer(self, guest, leaves, registers):
        """Write-combining, all of it: the PAT bit in the entries, and what its slot means."""
        found = [leaf.virt for leaf, _ in leaves if leaf.virt >= MMIO_POOL]
        self.assertGreater(len(found), 1)
        sizes = set()
        for virt in found:
            entry, level = outside.raw_leaf(guest.physical_word, registers["CR3"], virt)
            sizes.add(level)
            self.assertTrue(entry & 1 << (7 if level == 1 else 12), f"{virt:#x}: {entry:#x}")
            self.assertFalse(entry & (1 << 3 | 1 << 4), f"{virt:#x}: {entry:#x}")
        self.assertEqual(sizes, {1, 2})
        self.assertEqual(registers["PAT"] >> 8 * PAT_WC & 0xff, 1)

    def check_machine(self, name):
        fields, features = MACHINES[name]
        with self.guest(name, fields) as guest:
            log = guest.read_to_prompt()
            self.assertTrue(ktap.parse(log).ok(), log[-3000:])
            found = report.extract(log)
            self.assertEqual(report.check(found, {}), [])
            self.assertIn("\n0 violations\n", guest.type("vm audit"))
            tables = found["page_tables"]
            leaves = self.compare_leaves(guest, tables)
            registers = self.compare_registers(guest, {
                "CR0": CR0, "CR3": tables["root"], "CR4": CR4 | features,
                "EFER": EFER | (NXE if found["cpu"]["nx"] else 0)})
            if fields.get("screen"):
                self.check_framebuffer(guest, leaves, registers)
        self.assertEqual(found["cpu"]["nx"], "-nx" not in fields.get("cpu", ""))
        both = sum(leaf.write and leaf.execute for leaf, _ in leaves)
        self.assertEqual(both, tables["writable_executable"])
        self.assertTrue(both == 0 or not found["cpu"]["nx"])
        self.assertFalse(any(leaf.user for leaf, _ in leaves))
        self.assertTrue(all(leaf.virt >= DIRECT_MAP for leaf, _ in leaves))
        # Global where the CPU can: the kernel half is the same in every address space.
        self.assertEqual({leaf.is_global for leaf, _ in leaves}, {bool(features & PGE)})

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
