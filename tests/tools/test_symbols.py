# SPDX-License-Identifier: GPL-2.0-only
"""The symbol table inside kernel.elf against the ELF file as nm and llvm-symbolizer read it: every
function by address and by name, and 2000 addresses of the code, for both compilers. The
table is read by the kernel's own decoder (build/host/make_symbols --lookup).
"""

import os
import re
import subprocess
import unittest
from bisect import bisect_right
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
ESP = TOP / os.environ.get("ESP", "esp")
KERNELS = (BUILD / "kernel.elf", BUILD / "gcc/kernel.elf")
LIMIT_BYTES = 64 << 10
STEP = 61  # bytes; prime, so that every alignment comes


def output(*arguments, stdin=""):
    done = subprocess.run(list(map(str, arguments)), input=stdin, capture_output=True, text=True,
                          check=True)
    return done.stdout.splitlines()


def functions_of(elf):
    """(address, names) of the symbols in .text, by address, and the end of the code."""
    by_address = {}
    for line in output("nm", "-n", "--defined-only", elf):
        address, kind, name = line.split()
        if kind in "tT":
            by_address.setdefault(int(address, 16), set()).add(name)
    (end,) = [address for address, names in by_address.items() if "_etext" in names]
    return sorted((a, names) for a, names in by_address.items() if a < end), end


def lines_of(elf, addresses):
    """"file:line" of each address, of the innermost inlined function; None where it is unknown."""
    found = output("llvm-symbolizer", f"--obj={elf}", "--no-inlines", "--output-style=GNU",
                   stdin="".join(f"{a:#x}\n" for a in addresses))[1::2]
    places = [re.sub(r"^(\./)+| \(discriminator \d+\)$", "", line) for line in found]
    return [None if re.search(r":[0?]+$", place) else place for place in places]


class SymbolTableTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "-C", str(TOP), f"BUILD={BUILD}", f"ESP={ESP}",
                        f"{BUILD}/kernel.elf", "gcc-kernel"], stdout=subprocess.DEVNULL, check=True)

    def lookup(self, elf, questions):
        return output(BUILD / "host/make_symbols", "--lookup", elf,
                      stdin="".join(f"{q}\n" for q in questions))

    def test_every_function_is_found_by_address_and_by_name(self):
        for elf in KERNELS:
            functions, _ = functions_of(elf)
            self.assertGreater(len(functions), 300)
            for (address, names), said in zip(
                    functions, self.lookup(elf, [f"{a:#x}" for a, _ in functions])):
                self.assertIn(said.split("+0x0 ")[0], names, hex(address))
            first = {}
            for address, names in functions:
                name = self.lookup(elf, [f"{address:#x}"])[0].split("+")[0] if len(names) > 1 else \
                    next(iter(names))
                first.setdefault(name, address)
            self.assertEqual([int(said, 16) for said in self.lookup(elf, first)],
                             list(first.values()))

    def test_addresses_have_function_offset_and_line(self):
        for elf in KERNELS:
            functions, end = functions_of(elf)
            starts = [address for address, _ in functions]
            addresses = range(0, end, STEP)
            self.assertGreater(len(addresses), 1000)
            lines = lines_of(elf, addresses)
            self.assertGreater(sum(line is not None for line in lines), 0.75 * len(lines))
            wrong = []
            for address, place, said in zip(
                    addresses, lines, self.lookup(elf, [f"{a:#x}" for a in addresses])):
                start, names = functions[bisect_right(starts, address) - 1]
                function, offset, where = re.match(r"(\S+)\+(0x\w+) (.*)$", said).groups()
                if function not in names or int(offset, 16) != address - start or \
                        place not in (None, where):
                    wrong.append((hex(address), names, place, said))
            self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(addresses)} differ")

    def test_unknown_names_are_not_found(self):
        for elf in KERNELS:
            self.assertEqual(self.lookup(elf, ["no_such_function", "", "trap_dispatch_"]),
                             ["-"] * 3)

    def test_table_is_small_and_in_what_is_booted(self):
        for elf in KERNELS:
            size = (elf.parent / "kernel.symbols").stat().st_size
            self.assertTrue(1024 < size <= LIMIT_BYTES, size)
            table = (elf.parent / "kernel.symbols").read_bytes()
            self.assertIn(table, (elf.parent / "kernel.stripped.elf").read_bytes())


if __name__ == "__main__":
    unittest.main()
