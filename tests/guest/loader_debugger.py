# SPDX-License-Identifier: GPL-2.0-only
"""A real gdb at QEMU's stub, and the shipped loader under it: finds the image each time that the
loader is started, runs to its functions, and changes what they find there. No byte of the loader is
changed: QEMU breaks by address.

The loader has no debug information. Names come from the linker's map, the places of values from the
calling convention (Microsoft's: rcx, rdx, r8, r9), machine instructions from gdb's disassembly. A
name that the map does not have, a function that is not reached, a fact that the loader does not ask
for: each is a failure of its own.
"""

import re
import sys
from typing import NamedTuple

import guest_case
from gdb_driver import Gdb

sys.path.insert(0, str(guest_case.TOP / "tests"))
import pe_file  # noqa: E402  pylint: disable=wrong-import-position

COMMANDS = guest_case.TOP / "tools/gdb/firstlight.py"
SET_WATCHDOG_TIMER_OFFSET = 256  # in EFI_BOOT_SERVICES (UEFI 2.10, 4.4)
MASK = (1 << 64) - 1
PRESENT, USER, LEAF = 1, 4, 0x80
ADDRESS_MASK = 0x000ffffffffff000
DIRECT_MAP_INDEX = 256  # in the root table
RDMSR_BYTES = 2
MAP_LINE = re.compile(r"^ [0-9a-f]{4}:[0-9a-f]{8} +(\S+) +([0-9a-f]{16}) ", re.M)


class Facts(NamedTuple):
    """What a CPU says. CPUID leaf -> register -> (mask, value): the bits of the mask become the
    value's. MSR -> value. `cr3`: bits that are set in what is read of it."""
    cpuid: dict
    msr: dict
    cr3: int = 0


class Symbols:
    """Names of the loader's functions -> offset in the image, from the linker's map."""

    def __init__(self, path):
        text = path.read_text()
        base = int(re.search(r"Preferred load address is ([0-9a-f]+)", text)[1], 16)
        self.offsets = {}
        for name, address in MAP_LINE.findall(text):
            self.offsets.setdefault(name, set()).add(int(address, 16) - base)
        self.all = sorted({offset for found in self.offsets.values() for offset in found})

    def offset(self, name):
        found = self.offsets.get(name, ())
        if len(found) != 1:
            raise AssertionError(f"{name} is {len(found)} times in the loader's map: renamed, or "
                                 "inlined? This test has to break somewhere else")
        return next(iter(found))

    def end(self, name):
        """Where the next symbol begins."""
        return next(offset for offset in self.all if offset > self.offset(name))


class LoaderDebugger:
    """with LoaderDebugger(socket, efi): stops a machine that is in the firmware."""

    def __init__(self, socket, efi):
        image = pe_file.parse(efi.read_bytes())
        text = image.section(".text")
        self.text_at = text.address
        self.text = image.at(text.address, min(text.virtual_size, text.raw_size))
        self.symbols = Symbols(guest_case.BUILD / "loader.map")
        self.copy = socket.parent / "text.bin"
        self.base = None
        self.gdb = Gdb(["-x", str(COMMANDS)])
        self.gdb.command(f"target remote {socket}")
        services = self.ask("read_u64(find_system_table() + BOOT_SERVICES_OFFSET)")
        self.first_call = self.u64(services + SET_WATCHDOG_TIMER_OFFSET)
        self.arm()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gdb.kill()

    # ---- values

    def ask(self, expression):
        """A number that a function of tools/gdb/firstlight.py returns."""
        return int(self.gdb.command(f"python print({expression})"))

    def value(self, expression):
        return self.gdb.value(expression) & MASK

    def u64(self, address):
        return self.value(f"*(unsigned long *){address:#x}")

    def set(self, register, value):
        self.gdb.command(f"set ${register} = {value & MASK:#x}")

    # ---- running

    def arm(self):
        """No breakpoints but the one at the first call that the loader makes of the firmware."""
        self.gdb.command("delete")
        self.gdb.command(f"break *{self.first_call:#x}")

    def is_called_by_loader(self):
        """Whether the caller of the function at whose start the machine stands is in an image with
        the code of the shipped file."""
        base = self.ask("image_below(read_u64(register('rsp')))")
        self.gdb.command(f"dump binary memory {self.copy} {base + self.text_at:#x} "
                         f"{base + self.text_at + len(self.text):#x}")
        self.base = base
        return self.copy.read_bytes() == self.text

    def wait_loader(self):
        """Waits until the machine stands at the first call of a loader that was just started. The
        machine must run."""
        self.wait_stop("its start, or the code in memory is not the file's")
        while not self.is_called_by_loader():
            self.gdb.resume()
            self.wait_stop("its start, or the code in memory is not the file's")

    def wait_stop(self, what):
        try:
            self.gdb.wait_stop()
        except AssertionError as error:
            raise AssertionError(f"the loader did not come to {what}: {error}") from error

    def go(self):
        self.gdb.resume()

    def wait_at(self, addresses, what):
        """Resumes, and waits for a stop at one of the addresses; which one it is."""
        self.gdb.resume()
        self.wait_stop(what)
        stands = self.value("$rip")
        if stands not in addresses:
            raise AssertionError(f"the loader did not come to {what} but to {stands:#x}")
        return stands

    def run_to(self, name, condition=None):
        """To the start of a function, where its arguments are in registers."""
        address = self.base + self.symbols.offset(name)
        self.gdb.command(f"tbreak *{address:#x}" + (f" if {condition}" if condition else ""))
        self.wait_at({address}, name)

    def leave(self, status=0):
        """Out of a function at whose start the machine stands, as if it had done its work."""
        self.set("rax", status)
        self.set("rip", self.value("*(unsigned long *)$rsp"))
        self.set("rsp", self.value("$rsp") + 8)

    # ---- facts

    def instructions(self, name, pattern):
        """Address -> text of the machine instructions of a function that match."""
        start, end = (self.base + offset for offset in
                      (self.symbols.offset(name), self.symbols.end(name)))
        text = self.gdb.command(f"disassemble {start:#x},{end:#x}")
        lines = re.findall(r"^ *(?:=> *)?0x([0-9a-f]+)[^:]*:\t(.*?) *$", text, re.M)
        return {int(address, 16): line for address, line in lines if re.match(pattern, line)}

    def play_cpu(self, facts):
        """Answers what preflight_read() asks the CPU."""
        places = {address: text for name in ("preflight_read", "cpu_features_read")
                  for address, text in
                  self.instructions(name, r"cpuid|rdmsr|mov +%cr3,").items()}
        self.run_to("preflight_read")
        back = self.value("*(unsigned long *)$rsp")
        for address in (*places, back):
            self.gdb.command(f"break *{address:#x}")
        unasked = {*facts.cpuid, *facts.msr, *(["cr3"] if facts.cr3 else [])}
        stands = self.wait_at({*places, back}, "CPUID")
        while stands != back:
            unasked.discard(self.answer(places[stands], facts))
            stands = self.value("$rip")
            if stands not in places:  # gdb does not stop twice where it stands
                stands = self.wait_at({*places, back}, "the end of preflight_read")
        if unasked:
            raise AssertionError(f"the loader did not ask for {unasked}")
        self.arm()

    def answer(self, instruction, facts):
        """In the CPU's place at one instruction; which fact was asked for."""
        if instruction.startswith("rdmsr"):
            number = self.value("$rcx") & 0xffffffff
            value = facts.msr.get(number)
            if value is None:
                self.gdb.step()
            else:
                self.set("rax", value & 0xffffffff)
                self.set("rdx", value >> 32)
                self.set("rip", self.value("$rip") + RDMSR_BYTES)
            return number
        leaf = self.value("$rax") & 0xffffffff
        self.gdb.step()
        if instruction.startswith("cpuid"):
            for register, (mask, value) in facts.cpuid.get(leaf, {}).items():
                self.set(register, self.value(f"${register}") & ~mask | value)
            return leaf
        register = re.search(r",%(\w+)", instruction)[1]
        self.set(register, self.value(f"${register}") | facts.cr3)
        return "cr3"

    def spoil_a_leaf(self, root):
        """Makes the first leaf of the direct map one for users."""
        table, index = root & ADDRESS_MASK, DIRECT_MAP_INDEX
        for _ in range(4):
            place = next((place for place in range(table + 8 * index, table + 4096, 8)
                          if self.u64(place) & PRESENT), None)
            if place is None:
                raise AssertionError(f"no entry in the table at {table:#x}")
            entry, index = self.u64(place), 0
            if entry & LEAF:
                break
            table = entry & ADDRESS_MASK
        self.gdb.command(f"set *(unsigned long *){place:#x} = {entry | USER:#x}")
