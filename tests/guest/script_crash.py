# SPDX-License-Identifier: GPL-2.0-only
"""Crash dumps of a real machine, against the ELF file: every kind of exception that `fault` can
provoke, dumped at the prompt (`fault KIND,return`), and real panics, by the command and from
outside by QEMU (NMI, machine check). The first line of the backtrace must name the function and
the line that addr2line gives for the faulting instruction.
"""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boot as boot_module
import guest_case
import outside

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
ELF = BUILD / "kernel.elf"

# Kind -> what the dump must say, and the function whose instruction faults; None where RIP is not
# in the kernel's code.
KINDS = {
    "de": ("divide error (#DE): vector 0, error code 0x0: division by zero", "fault_raise_de"),
    "db": ("debug (#DB): vector 1, error code 0x0: single step", "fault_raise_db"),
    "nmi": ("non-maskable interrupt (NMI): vector 2,", "fault_raise_nmi"),
    "bp": ("breakpoint (#BP): vector 3,", "fault_raise_bp"),
    "of": ("overflow (#OF): vector 4,", "fault_raise_of"),
    "br": ("bound range exceeded (#BR): vector 5,", "fault_raise_br"),
    "ud": ("invalid opcode (#UD): vector 6,", "fault_raise_ud"),
    "nm": ("device not available (#NM): vector 7,", "fault_raise_nm"),
    "ts": ("invalid TSS (#TS): vector 10, error code 0x18: selector 0x18 of the GDT",
           "fault_raise_nmi"),
    "np": ("segment not present (#NP): vector 11, error code 0x28: selector 0x28 of the GDT",
           "fault_raise_np"),
    "ss": ("stack-segment fault (#SS): vector 12, error code 0x28: selector 0x28 of the GDT",
           "fault_raise_ss"),
    "gp": ("general protection (#GP): vector 13, error code 0x0: no selector", "fault_raise_gp"),
    "gp-selector": ("general protection (#GP): vector 13, error code 0x1000: selector 0x1000 of "
                    "the GDT", "fault_raise_gp_selector"),
    "pf-read": ("page fault (#PF): vector 14, error code 0x0: read of a page that is not mapped, "
                "supervisor", "raise_pf_read"),
    "pf-write": ("error code 0x2: write to a page that is not mapped, supervisor",
                 "raise_pf_write"),
    "pf-read-only": ("error code 0x3: write to a read-only page, supervisor",
                     "raise_pf_read_only"),
    "pf-exec": ("error code 0x10: instruction fetch from a page that is not mapped, supervisor",
                None),
    "pf-nx": ("error code 0x11: instruction fetch from a no-execute page, supervisor", None),
    "pf-user": ("error code 0x1: read of a user page (SMEP, SMAP), supervisor", "raise_pf_user"),
    "pf-reserved": ("read of a page whose entry has a reserved bit set, supervisor",
                    "raise_broken_table"),
    "mf": ("x87 floating-point error (#MF): vector 16,", "fault_raise_mf"),
    "mc": ("machine check (#MC): vector 18,", "fault_raise_mc"),
    "xm": ("SIMD floating-point error (#XM): vector 19,", "fault_raise_xm"),
    "ve": ("virtualization exception (#VE): vector 20,", "fault_raise_ve"),
    "reserved": ("reserved exception: vector 22,", "fault_raise_reserved"),
    "hv": ("hypervisor injection (#HV): vector 28,", "fault_raise_hv"),
    "stack-overflow": ("double fault (#DF): vector 8, error code 0x0: no way into the handler",
                       "fault_raise_stack_overflow"),
    "broken-stack": ("double fault (#DF): vector 8,", "fault_raise_broken_stack"),
    "broken-table": ("page fault (#PF): vector 14,", "raise_broken_table"),
}
ONLY_REAL = {"nested", "nested-twice"}  # do not come back
CALLERS = {"pf-exec": "raise_pf_exec", "pf-nx": "raise_pf_nx"}  # found by the return address
BEHIND = ("bp", "of")  # RIP is behind the instruction
NO_CHAIN = ("broken-stack",)  # its frame pointer is good, its stack pointer is not


class Dump:
    """The lines of one dump as numbers."""

    def __init__(self, text):
        head = re.search(r"Firstlight \S+ build ([0-9a-f]{40}) image 0x([0-9a-f]{16})", text)
        if not head:
            raise AssertionError(f"no dump in {text!r}")
        self.text, self.build, self.image = text, head[1], int(head[2], 16)
        self.frames = [(int(address, 16), where) for address, where in
                       re.findall(r"PANIC:   #\d+ 0x([0-9a-f]{16}) (.*)", text[head.end():])]
        self.registers = {name: int(value, 16) for name, value in
                          re.findall(r"\b([a-z0-9]{2,6}) +0x([0-9a-f]{16})", text[head.end():])}


def of_elf(dump, address):
    """(function, "file:line") of the ELF file for an address of the running image."""
    function, line = subprocess.run(
        ["addr2line", "-f", "-e", str(ELF), f"{address - dump.image:#x}"], check=True,
        capture_output=True, text=True).stdout.splitlines()
    return function, re.sub(r"^(\./)+| \(discriminator \d+\)$", "", line)


def symbol_of(dump, address):
    """The symbol that the ELF file has at or below an address: not the inlined function."""
    offset, best = address - dump.image, None
    for line in subprocess.run(["nm", "-n", "--defined-only", str(ELF)], check=True,
                               capture_output=True, text=True).stdout.splitlines():
        start, kind, name = line.split()
        if kind in "tT" and int(start, 16) <= offset:
            best = name
    return best


class CrashCase(guest_case.GuestCase):
    def guest(self, name, words=""):
        boot = boot_module.Boot(f"crash-{name}", firmware="2M", medium="kernel", serial=False,
                                words=f"test=mm.areas {words}")
        work = self.folder / boot.name
        work.mkdir()
        return outside.PromptGuest(boot_module.qemu_arguments(boot, self.build, work), work)

    def check_frame(self, dump, number, behind):
        """Frame `number` is what the ELF file says about the instruction. @return its symbol"""
        address, where = dump.frames[number]
        place = of_elf(dump, address - behind)[1]
        symbol = symbol_of(dump, address - behind)
        expected = re.escape(place)
        if place.endswith(":?"):  # code of no line of its own: ours is the last line before it
            expected = re.escape(place.removesuffix("?")) + "[0-9]+"
        self.assertRegex(where, rf"^{re.escape(symbol)}\+0x[0-9a-f]+ {expected}$")
        return symbol

    def check_memory(self, dump):
        """The byte that the dump has at RIP is the one in the ELF file."""
        code = re.search(r"code:.* <(..)> ", dump.text)[1]
        offset = dump.registers["rip"] - dump.image
        listing = subprocess.run(["objdump", "-s", "-j", ".text", f"--start-address={offset:#x}",
                                  f"--stop-address={offset + 1:#x}", str(ELF)], check=True,
                                 capture_output=True, text=True).stdout.splitlines()[-1]
        self.assertEqual(code, listing.split()[1])


class EveryKindTest(CrashCase):
    def check_kind(self, guest, kind):
        words, function = KINDS[kind]
        dump = Dump(guest.type(f"fault {kind},return"))
        self.assertIn(words, dump.text)
        self.assertEqual(dump.frames[0][0], dump.registers["rip"])
        if function is None:
            self.assertEqual(dump.frames[0][1], "(outside the kernel's code)")
            self.assertEqual(self.check_frame(dump, 1, 1), CALLERS[kind])
        else:
            self.assertEqual(self.check_frame(dump, 0, kind in BEHIND), function)
            self.check_memory(dump)
        symbols = [where.split("+")[0] for _, where in dump.frames]
        self.assertEqual(symbols[-2:], ["kernel_main", "_start"])
        self.assertIn("fault_command", symbols)
        self.assertEqual("(cannot be read)" in dump.text, kind in NO_CHAIN)
        return dump

    def test_every_kind_is_told_right_and_the_kernel_is_whole_after_it(self):
        with self.guest("kinds") as guest:
            guest.read_to_prompt()
            listed = guest.type("fault").split("\n", 1)[1].split()
            self.assertEqual(set(listed), set(KINDS) | ONLY_REAL)
            dumps = {}
            for kind in KINDS:
                with self.subTest(kind):
                    dumps[kind] = self.check_kind(guest, kind)
            self.check_walks(guest, dumps)
            self.check_decoder(dumps["pf-read-only"])
            self.assertIn("\n0 violations\n", guest.type("vm audit"))
            self.assertRegex(guest.type("test arch.*"), r"\n[1-9]\d+ passed, 0 failed\n")

    def check_walks(self, guest, dumps):
        """A walk ends where the access was refused, and agrees with the monitor's own."""
        dump = dumps["pf-read-only"]
        entries = re.findall(r"(?:PML4|PDPT|PD|PT)\[\d+\] 0x[0-9a-f]{16}", dump.text)
        self.assertEqual(len(entries), 4)
        drawn = guest.type(f"vm walk {dump.registers['cr2']:x}")
        present = 0x61  # accessed and dirty bits may have come since
        for ours, theirs in zip(entries, re.findall(r"(?:PML4|PDPT|PD|PT)\[\d+\] 0x[0-9a-f]{16}",
                                                    drawn)):
            self.assertEqual(ours.split()[0], theirs.split()[0])
            self.assertEqual(int(ours.split()[1], 16) | present, int(theirs.split()[1], 16) | present)
        self.assertRegex(dumps["pf-read"].text, r"PML4\[0\] 0x0{16} not present")
        self.assertRegex(dumps["broken-table"].text, r"PML4\[1\] 0x0000000fedcba0[0-9a-f]3")
        self.assertIn("the next table cannot be read", dumps["broken-table"].text)
        self.assertRegex(dumps["pf-user"].text, r"to 0x[0-9a-f]{16} r-- user")

    def check_decoder(self, dump):
        done = subprocess.run([TOP / "tools/decode-crash", "--elf", ELF], input=dump.text.encode(),
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        function, place = of_elf(dump, dump.registers["rip"])
        self.assertIn(f"#0 {dump.registers['rip']:#018x} {function} {place}", done.stdout.decode())

    def test_commands_answer(self):
        with self.guest("commands", "lockdown") as guest:
            guest.read_to_prompt()
            stack = re.findall(r"#\d+ 0x[0-9a-f]{16} (\w+)\+0x", guest.type("stack"))
            self.assertEqual(stack[0], "stack_command")
            self.assertEqual(stack[-2:], ["kernel_main", "_start"])
            told = re.match(r"0x([0-9a-f]{16}) trap_dispatch\+0x0 kernel/arch/x86_64/trap.c:\d+\n",
                            guest.type("sym trap_dispatch"))
            nm = subprocess.run(["nm", str(ELF)], check=True, capture_output=True, text=True).stdout
            offset = int(re.search(r"^([0-9a-f]+) . trap_dispatch$", nm, re.M)[1], 16)
            self.assertEqual((int(told[1], 16) - offset) % 4096, 0)
            self.assertEqual(guest.type(f"sym {told[1]}"), told[0])
            self.assertIn("outside the kernel's code", guest.type("sym 10"))
            self.assertIn('no function "zz"', guest.type("sym zz"))
            for line in ("sym", "sym a b", "stack 1", "sym " + "x" * 200):
                self.assertIn("usage: ", guest.type(line), line)
            for line in ("fault", "fault de,return", "fault pf-read", "fault \xff"):
                self.assertRegex(guest.type(line), r"^refused: fault: ", line)


class PanicTest(CrashCase):
    def end_of(self, guest):
        """What was printed until QEMU ended, and its exit status."""
        text = b""
        os.set_blocking(guest.output, False)
        status = guest.process.wait(60)
        while chunk := self.read(guest.output):
            text += chunk
        return text.decode("ascii", "replace").replace("\r", ""), status

    @staticmethod
    def read(file):
        try:
            return os.read(file, 65536)
        except BlockingIOError:
            return b""

    def panic_by(self, name, act, words=""):
        with self.guest(name, words) as guest:
            guest.read_to_prompt()
            act(guest)
            return self.end_of(guest)

    @staticmethod
    def typed(line):
        return lambda guest: os.write(guest.input, line.encode() + b"\r")

    def check_crash(self, kind):
        text, status = self.panic_by(kind, self.typed(f"fault {kind}"))
        dump = Dump(text)
        self.assertEqual(status, 37, kind)
        words, function = KINDS[kind]
        self.assertIn(words, text)
        self.assertEqual(self.check_frame(dump, 0, 0), function)
        self.assertIn("PANIC: unexpected ", text)
        self.assertIn("  | [", text)  # the log before it

    def check_from_outside(self, name, act, words):
        text, status = self.panic_by(name, act)
        dump = Dump(text)
        self.assertEqual(status, 37, text[-2000:])
        self.assertIn(words, text)
        self.check_frame(dump, 0, 0)
        self.assertEqual([w.split("+")[0] for _, w in dump.frames][-2:], ["kernel_main", "_start"])

    def check_panic_command(self):
        text, status = self.panic_by("command", self.typed("panic of the %s kind"))
        dump = Dump(text)
        self.assertEqual(status, 37)
        self.assertEqual(self.check_frame(dump, 0, 1), "panic_command")
        self.assertIn("PANIC: monitor: of the %s kind\n", text)

    def check_nested(self):
        """Two lines instead of a dump, and the policy all the same; one deeper only the policy."""
        text, status = self.panic_by("nested", self.typed("fault nested"))
        self.assertEqual(status, 37)
        self.assertIn("inside another panic", text)
        self.assertEqual(text.count("PANIC: "), 2)
        text, status = self.panic_by("nested-twice", self.typed("fault nested-twice"))
        self.assertEqual((status, text.count("PANIC: ")), (37, 0))

    def crash_with_broken(self, function):
        """A real crash of a kernel that can no longer run `function`: UD2 stands there."""
        with self.guest(f"broken-{function}") as guest:
            guest.read_to_prompt()
            address = int(re.match(r"0x([0-9a-f]{16}) ", guest.type(f"sym {function}"))[1], 16)
            guest.write_memory(address, b"\x0f\x0b")
            self.typed("fault pf-read")(guest)
            return self.end_of(guest)

    def check_broken_dump(self):
        """A fault in the code of the dump: what came before it stands, and two lines follow."""
        text, status = self.crash_with_broken("backtrace_collect")
        self.assertEqual(status, 37, text)
        self.assertIn(KINDS["pf-read"][0], text)
        self.assertIn("PANIC: rsp+0x", text)
        self.assertNotIn("backtrace:", text)
        self.assertEqual(text.count("PANIC: unexpected "), 1)
        self.assertRegex(text, r"PANIC: unexpected invalid opcode \(#UD\) at 0x[0-9a-f]{16}\n"
                               r"[^\n]*, inside another panic\n")

    def check_broken_print(self):
        """A fault in the code that prints: silence, and the verdict all the same."""
        text, status = self.crash_with_broken("printk")
        self.assertEqual((status, text.count("PANIC: ")), (37, 0), text)

    def check_reboot(self):
        text, status = self.panic_by("reboot", self.typed("panic"), "panic=1")
        self.assertEqual(status, 0)  # -no-reboot: a reset ends QEMU
        self.assertIn("PANIC: rebooting in 1 s (panic=1)", text)

    def test_real_panics(self):
        jobs = [lambda kind=kind: self.check_crash(kind)
                for kind in ("pf-read", "stack-overflow", "broken-stack")]
        jobs += [self.check_panic_command, self.check_nested, self.check_reboot,
                 self.check_broken_dump, self.check_broken_print]
        jobs.append(lambda: self.check_from_outside(
            "nmi", lambda guest: guest.command("inject-nmi"), "non-maskable interrupt (NMI)"))
        jobs.append(lambda: self.check_from_outside(
            "mce", lambda guest: guest.qemu("mce 0 1 0xb200000000000000 0x4 0 0"),
            "machine check: bank 1 status 0xb200000000000000"))
        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(job) for job in jobs]:
                with self.subTest(future):
                    future.result()
