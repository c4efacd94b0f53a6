# SPDX-License-Identifier: GPL-2.0-only
"""The commands of the prompt, each against a fact that it does not know: the @report (whose books
report.py checks), QEMU's own monitor, the kernel's ELF file, docs/commands.md. One boot serves many.
"""

import itertools
import os
import random
import re
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import boot as boot_module
import outside
import report
import screen

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
ESP = TOP / os.environ.get("ESP", "esp")
PAGE = 4096
SUMMARY = (r"^firstlight: \d+ MiB of RAM, \d+ MiB free; books balanced; "
           r"self-tests: \d+ passed, 0 failed")
STORM_SECONDS = int(os.environ.get("STORM_SECONDS", "5"))
DIRECT_MAP = 0xffff800000000000
EFI_NAMES = ("reserved", "loader-code", "loader-data", "boot-code", "boot-data", "runtime-code",
             "runtime-data", "conventional", "unusable", "acpi", "nvs", "mmio", "mmio-port", "pal",
             "persistent", "unaccepted")


# Harmless whatever follows them; `search` and `dump` end with the next Ctrl-C.
STORM_WORDS = (b"help", b"memmap", b"explain", b"areas", b"vm walk", b"vm", b"peek", b"dump",
               b"search", b"poke", b"picture", b"buddy", b"usage", b"unknown", b"alloc x", b"free")


def storm_piece(source):
    """Some bytes of the storm, which leave an empty line behind."""
    kind = source.randrange(4)
    if kind == 0:  # anything but Enter
        junk = source.randbytes(source.randrange(200)).translate(None, b"\r\n")
    elif kind == 1:  # keys
        junk = b"".join(source.choice((b"\x1b[A", b"\x1b[D", b"\x1b[3~", b"\x17", b"\t", b"ab ",
                                       b"\x1b[200~", b"\x0c")) for _ in range(30))
    elif kind == 2:  # a line that is too long
        return b"\x03" + b"p" * source.randrange(1000, 1100) + b"!?\r"
    else:
        junk = bytes(source.choices(b"0123456789abcdefx:+-\" ", k=source.randrange(40)))
        return b"\x03" + source.choice(STORM_WORDS) + b" " + junk + b"\r"
    return junk + b"\x03"


def start_guest(case, words="test=mm.areas", firmware="2M", **fields):
    """A guest of the class or test `case`, at its prompt; (guest, what it printed)."""
    add_cleanup = case.addClassCleanup if isinstance(case, type) else case.addCleanup
    folder = tempfile.TemporaryDirectory()
    add_cleanup(folder.cleanup)
    boot = boot_module.Boot("monitor", firmware=firmware, medium="kernel", serial=False,
                            words=words, **fields)
    build = boot_module.Build(ESP / "EFI/BOOT/BOOTX64.EFI", BUILD / "kernel.stripped.elf")
    work = Path(folder.name)
    guest = outside.PromptGuest(boot_module.qemu_arguments(boot, build, work), work)
    add_cleanup(guest.__exit__)
    return guest, guest.read_to_prompt()


def numbers(text, *names):
    """The numbers behind names at the start of a line."""
    return [int(re.search(rf"^ *{re.escape(name)} +(\d+)", text, re.M)[1]) for name in names]


def qemu_words(guest, address, count, letter="g"):
    """Memory as QEMU sees it: `count` words at a physical address."""
    text = guest.qemu(f"xp /{count}{letter}x {address:#x}")
    return [int(word, 16) for line in text.splitlines() for word in line.split(":")[1].split()]


class MemoryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.guest, cls.log = start_guest(cls, memory="128M")
        cls.found = report.extract(cls.log)
        # The MMIO pool makes its first tables, which it keeps; from here on nothing more is taken.
        cls.guest.type("peek p:fee00030 4")

    def setUp(self):
        self.blocks = []
        self.usage_before = self.guest.type("usage")

    def tearDown(self):
        """Whatever a test did: the books balance, and what was taken is given back."""
        for block, count in self.blocks:
            self.guest.type(f"free {block:x} {count}")
        self.assertEqual(self.guest.type("usage"), self.usage_before)
        self.assertEqual(self.usage_before.count("balanced"), 2)
        self.assertNotIn("NOT BALANCED", self.usage_before)

    def alloc(self, count):
        answer = self.guest.type(f"alloc {count}")
        self.blocks.append((int(answer, 16), count))
        return int(answer, 16)

    # ---- the map ----

    def test_memmap_is_the_map_of_the_report(self):
        lines = re.findall(r"^0x([0-9a-f]{16}) 0x([0-9a-f]{16}) +(\d+) +(0x[0-9a-f]+) (\S+)$",
                           self.guest.type("memmap"), re.M)
        ours = [(int(a, 16), int(b, 16), int(kib), int(kind, 16), why)
                for a, b, kib, kind, why in lines]
        theirs = [(e["base"], e["base"] + e["size"], e["size"] // 1024, e["type"], e["reason"])
                  for e in self.found["mmap"]]
        self.assertEqual(ours, theirs)
        self.assertEqual(self.guest.type("memmap derived"), self.guest.type("memmap"))

    def test_memmap_efi_is_the_firmwares(self):
        lines = re.findall(r"^0x([0-9a-f]{16}) 0x([0-9a-f]{16}) +\d+ +(\d+) (\S+) +(.*)$",
                           self.guest.type("memmap efi"), re.M)
        bits = {"UC": 1, "WC": 2, "WT": 4, "WB": 8, "RUNTIME": 1 << 63}
        ours = [[int(kind), int(base, 16), (int(last, 16) + 1 - int(base, 16)) // PAGE,
                 sum(bits[word] for word in words.split())] for base, last, kind, _, words in lines]
        self.assertEqual(ours, self.found["efi_map"]["entries"])
        self.assertTrue(all(EFI_NAMES[int(kind)] == name for _, _, kind, name, _ in lines))

    def test_areas_are_those_of_the_report(self):
        lines = re.findall(r"^area +\d+ (0x\w+) (0x\w+) ", self.guest.type("areas"), re.M)
        self.assertEqual([(int(a, 16), int(b, 16)) for a, b in lines],
                         [(a["base"], a["base"] + a["size"]) for a in self.found["areas"]])

    def test_usage_is_the_accounting_of_the_report(self):
        classes, frames = self.guest.type("usage").split("frames of the usable RAM")
        for name, value in self.found["accounting"].items():
            self.assertEqual(numbers(classes, name), [value], name)
        parts = numbers(frames, "bump used", "page tables", "metadata", "free", "allocated")
        self.assertEqual(numbers(frames, "usable"), [sum(parts)])
        self.assertEqual(sum(parts) * PAGE, self.found["accounting"]["usable"])

    def test_explain_says_why(self):
        for entry in self.found["mmap"]:
            last = entry["base"] + entry["size"] - 1
            for address in (entry["base"], last):
                answer = self.guest.type(f"explain {address:x}")
                self.assertIn(f" type {entry['type']:#x} {entry['reason']}: ", answer)
        for kind, base, pages, _ in self.found["efi_map"]["entries"][::7]:
            answer = self.guest.type(f"explain {base + pages * PAGE - 1:x}")
            self.assertIn(f" {EFI_NAMES[kind]} ({kind}), base {base:#018x}, {pages} pages", answer)
        for base, pages, _, lifetime in self.found["ledger"]:
            answer = self.guest.type(f"explain {base:x}")
            self.assertRegex(answer, rf"  loader: .*, base {base:#018x}, {pages} pages, ")
            self.assertEqual("for good" in answer, lifetime == 1)
        for base, pages in self.found["pins"]:
            self.assertRegex(self.guest.type(f"explain {base:x}"),
                             rf"  pinned: .*, base {base:#018x}, {pages} pages")
        listed = self.guest.type("explain map")
        self.assertEqual(listed.count(" type 0x"), len(self.found["mmap"]))
        self.assertIn(f"\n{len(self.found['mmap'])} ranges\n", listed)
        self.assertIn("is in no range of the map", self.guest.type("explain fee00000"))

    def test_explain_knows_what_a_frame_is_used_for(self):
        block = self.alloc(8)
        self.assertIn("  frame: allocated, in a block of order 3 at "
                      f"{block:#018x}\n", self.guest.type(f"explain {block + 5 * PAGE:x}"))
        self.assertIn("  frame: taken at bring-up",
                      self.guest.type(f"explain {self.found['page_tables']['root']:x}"))
        kernel = int(re.search(r"kernel at 0x([0-9a-f]+)", self.log)[1], 16)
        answer = self.guest.type(f"explain {DIRECT_MAP + kernel + 16:x}")
        self.assertIn(f"is mapped to {kernel + 16:#018x}\n", answer)
        self.assertIn("is not mapped\n", self.guest.type(f"explain {DIRECT_MAP:x}"))
        self.guest.type(f"free {block:x} 8")
        self.assertIn("  frame: free\n", self.guest.type(f"explain {block:x}"))

    def test_picture_shows_the_map(self):
        kinds = {0x1000: "K", 5: "B", 4: "N", 3: "A", 0x1002: "L", 0x1001: "l", 1: "."}
        order = "KBDNALlr."
        cell = max(e["base"] + e["size"] for e in self.found["mmap"]
                   if e["base"] < 1 << 31) // 768 // PAGE * PAGE + PAGE
        plain = self.guest.type("picture plain")
        for row, (base, cells) in enumerate(
                re.findall(r"^ *([0-9a-f]+) ([KBDNALlr. ]{64})$", plain, re.M)):
            self.assertEqual(int(base, 16), row * 64 * cell)
            for column, letter in enumerate(cells):
                start = (row * 64 + column) * cell
                share = dict.fromkeys(order, 0)
                for e in self.found["mmap"]:
                    inside = min(start + cell, e["base"] + e["size"]) - max(start, e["base"])
                    share[kinds.get(e["type"], "r")] += max(0, inside)
                most = max(order, key=lambda k: share[k])
                self.assertEqual(letter, most if share[most] else " ", hex(start))
        self.assertEqual(row, 11)
        colours = self.guest.type("picture")
        self.assertIn("\x1b[44mK", colours)
        map_part = re.sub(r"\x1b\[\d+m", "", colours).split("free memory")[0]
        self.assertEqual(map_part, plain.split("free memory")[0])
        blocks = [int(n) for n in re.findall(r"KiB +(\d+) blocks", plain)]
        frames = re.findall(r"^ +\d+ +\d+ +(\d+) ", self.guest.type("buddy"), re.M)
        self.assertEqual(blocks, [int(n) for n in frames])

    # ---- frames ----

    def test_alloc_and_free_move_frames_in_the_books(self):
        def counts():
            return numbers(self.guest.type("usage").split("frames of")[1], "free", "allocated")
        free, allocated = counts()
        block = self.alloc(16)
        self.assertEqual(block % (16 * PAGE), 0)
        self.assertEqual(counts(), [free - 16, allocated + 16])
        self.assertIn(f"{block:#018x} 16 frames\n1 blocks\n", self.guest.type("alloc"))
        for line, answer in ((f"free {block:x} 8", "refused: "),
                             (f"free {block + PAGE:x} 1", "refused: "),
                             (f"free {block + 1:x} 16", "refused: misaligned"),
                             (f"free {block:x} 3", "refused: no block has so many frames"),
                             ("free 0 1", "refused: "),
                             (f"free {self.found['page_tables']['root']:x} 1", "refused: "),
                             ("alloc 3", "a block has 1, 2, 4"), ("alloc 524288", "a block has"),
                             ("alloc 131072", "no block of 131072 frames: ENOMEM")):
            self.assertIn(answer, self.guest.type(line), line)
            self.assertEqual(counts(), [free - 16, allocated + 16], line)
        self.assertEqual(self.guest.type(f"free {block:x} 16"), "freed\n")
        self.assertIn("refused: not allocated", self.guest.type(f"free {block:x} 16"))
        self.assertEqual(counts(), [free, allocated])
        self.assertEqual(self.guest.type("alloc"), "0 blocks\n")
        self.assertEqual(self.guest.type("buddy check"), "every invariant holds\n")

    def test_alloc_holds_a_bounded_number_of_blocks(self):
        blocks = [int(self.guest.type("alloc 1"), 16) for _ in range(64)]
        self.assertIn("the prompt holds 64 blocks", self.guest.type("alloc 1"))
        self.assertEqual(len(set(blocks)), 64)
        for block in blocks:
            self.assertEqual(self.guest.type(f"free {block:x} 1"), "freed\n")

    def test_memtest_gives_everything_back(self):
        self.assertRegex(self.guest.type("memtest"), r"1 passes, then 0 % of one; \d+ s; 0 errors\n$")
        self.assertEqual(self.guest.type("buddy check"), "every invariant holds\n")

    def test_memtest_stops(self):
        self.assertRegex(self.guest.type("memtest 1"), r"\d+ passes, then \d+ % of one; \d s; 0 errors")
        os.write(self.guest.input, b"memtest 10000\r")
        self.guest.read_until("memtest: ")  # it shows how far it is
        os.write(self.guest.input, b"\x03")
        self.assertIn("(stopped)\n", self.guest.read_to_prompt())

    # ---- any address ----

    def test_poke_is_seen_by_qemu_and_peek(self):
        block = self.alloc(1)
        for width, letter, value in ((8, "g", 0x1122334455667788), (4, "w", 0xdeadbeef),
                                     (2, "h", 0xcafe), (1, "b", 0x5a)):
            for where in (f"p:{block + 64:x}", f"{DIRECT_MAP + block + 128:x}"):
                address = block + (64 if where[0] == "p" else 128)
                before = qemu_words(self.guest, address, 16, "b")
                self.assertEqual(self.guest.type(f"poke {where} {value:x} {width}"), "written\n")
                self.assertEqual(qemu_words(self.guest, address, 1, letter), [value])
                # Exactly so many bytes were written.
                self.assertEqual(qemu_words(self.guest, address, 16, "b")[width:], before[width:])
                answer = self.guest.type(f"peek {where} {width}")
                self.assertRegex(answer, rf"{where.removeprefix('p:')}: 0x{value:0{2 * width}x}\n$")
        self.assertIn("more than 1 bytes", self.guest.type(f"poke p:{block:x} 100 1"))

    def test_peek_reads_device_registers(self):
        before = self.guest.type("vm map")
        # QEMU's monitor stands at no CPU: it reads 0 from a local APIC, whose version is 0x50014.
        self.assertEqual(self.guest.type("peek p:fee00030 4"), "p:0x00000000fee00030: 0x00050014\n")
        hpet, = qemu_words(self.guest, 0xfed00000, 1, "w")
        self.assertEqual(hpet >> 16, 0x8086)
        self.assertEqual(self.guest.type("peek p:fed00000 4"), f"p:0x00000000fed00000: {hpet:#x}\n")
        self.assertEqual(int(self.guest.type("peek p:0 8").split(": ")[1], 16),
                         qemu_words(self.guest, 0, 1)[0])  # page 0, in no table
        self.assertEqual(self.guest.type("vm map"), before)  # no mapping stays

    def test_a_fault_is_an_error_message(self):
        code = int(re.search(r"kernel at 0x([0-9a-f]+)", self.log)[1], 16) + DIRECT_MAP
        for line in ("peek 0", "peek 800000000000", "peek ffffffffffffffff 1", "peek ffffffffffff0",
                     f"peek {DIRECT_MAP:x}", "poke 0 0", f"poke {code:x} 0 1"):
            self.assertRegex(self.guest.type(line),
                             r"^cannot (read|write) 0x[0-9a-f]{16}: not mapped", line)
        self.assertIn("the CPU has no such physical address",
                      self.guest.type("peek p:fff0000000000000"))
        self.assertIn("nothing there can be read", self.guest.type("dump 0 20"))

    def test_dump_of_the_kernel_is_its_elf_file(self):
        image = (BUILD / "kernel.elf").read_bytes()
        (offset,) = struct.unpack_from("<Q", image, 32)
        segment = next(struct.unpack_from("<IIQQQQ", image, offset + 56 * i) for i in range(8)
                       if struct.unpack_from("<II", image, offset + 56 * i) == (1, 5))
        base = int(re.search(r"runs at (0x[0-9a-f]+)", self.log)[1], 16)
        for width in (1, 2, 4, 8):
            text = self.guest.type(f"dump {base + segment[3]:x} 96 {width}")
            data = b"".join(int(word, 16).to_bytes(width, "little")
                            for line in text.splitlines()
                            for word in re.findall(rf"(?<= )[0-9a-f]{{{2 * width}}}(?= )", line[:68]))
            self.assertEqual(data[:96], image[segment[2]:segment[2] + 96], width)
        phys = base + segment[3] - DIRECT_MAP
        self.assertEqual(self.guest.type(f"dump p:{phys:x} 32").count("p:0x"), 2)

    def test_a_symbol_is_an_address(self):
        lines = subprocess.run(["nm", BUILD / "kernel.elf"], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.splitlines()
        symbols = {words[-1]: int(words[0], 16) for words in map(str.split, lines)}
        base = int(re.search(r"runs at (0x[0-9a-f]+)", self.log)[1], 16)
        for name in ("kernel_main", "mm_init", "buddy_free"):
            answer = self.guest.type(f"peek {name}+4 1")
            self.assertTrue(answer.startswith(f"{base + symbols[name] + 4:#018x}: "), answer)
        self.assertIn("usage: peek", self.guest.type("peek kernel_mai"))

    def test_search_finds_what_was_written(self):
        block = self.alloc(2)
        edge = block + PAGE - 3  # across two pages
        for i, byte in enumerate(b"\xf1\x7eLi\x91h\xee"):
            self.guest.type(f"poke p:{edge + i:x} {byte:x} 1")
        answer = self.guest.type(f"search p:{block:x}-{block + 2 * PAGE:x} f17e4c699168ee")
        self.assertEqual(answer, f"p:{edge:#018x}\n1 matches in 8 KiB\n")
        everywhere = self.guest.type("search 0 0xffffffffffffffff f1 7e 4c 69 91 68 ee")
        self.assertIn(f"{DIRECT_MAP + edge:#018x}\n", everywhere)
        self.assertIn("1 matches in 1 KiB\n",
                      self.guest.type(f'search p:{block + PAGE - 1024:x} 0x405 "Li"'))
        self.assertIn("0 matches in 0 KiB\n", self.guest.type("search 0-1000 00"))
        for line in ("search", "search 0", "search 0 1", "search 0-1 1", "search 0-1 \"x",
                     "search 1-0 00", "search 0-10 \"\"", "search 0-10 0g"):
            self.assertIn("usage: search RANGE PATTERN", self.guest.type(line), line)
        self.assertIn("at most 64 bytes", self.guest.type("search 0-10 " + "00" * 65))

    def test_vm_map_is_what_qemu_maps(self):
        lines = re.findall(r"^0x([0-9a-f]{16})-0x([0-9a-f]{16}) 0x[0-9a-f]{16} +\d+ KiB "
                           r"r([w-])[x-]([us]) \w\w (.*)$", self.guest.type("vm map"), re.M)
        ranges = []
        for start, end, write, user, _ in lines:
            ours = outside.Range(int(start, 16), int(end, 16), user == "u", write == "w")
            if ranges and ranges[-1][1:] == (ours.start, ours.user, ours.write):
                ours = ours._replace(start=ranges.pop().start)
            ranges.append(ours)
        self.assertEqual(ranges, outside.qemu_ranges(self.guest.qemu("info mem")))
        self.assertEqual({line[4] for line in lines}, {"direct map", "kernel image"})

    # ---- the session ----

    def test_help_is_the_command_reference(self):
        document = (TOP / "docs/commands.md").read_text("utf-8")
        sections = re.findall(r"^## (\S+)\n\n((?:    .*\n)+)", document, re.M)
        listed = re.findall(r"^  (\S+) +(\S.*)$", self.guest.type("help"), re.M)
        self.assertEqual([name for name, _ in listed], [name for name, _ in sections])
        for (name, summary), (_, text) in zip(listed, sections):
            text = re.sub(r"^    ", "", text, flags=re.M)
            self.assertEqual(self.guest.type(f"help {name}"), text)
            self.assertEqual(text.split("\n")[1], summary)

    def test_report_and_test_run_again(self):
        again = report.extract(self.guest.type("report"))
        self.assertEqual(again["mmap"], self.found["mmap"])
        self.assertEqual(report.check(again, {}), [])
        answer = self.guest.type("test mm.areas")
        self.assertIn("\n3 passed, 0 failed\n", answer)
        os.write(self.guest.input, b"test mm.*\r")
        self.guest.read_until("    ok 1 ")
        os.write(self.guest.input, b"\x03")
        stopped = self.guest.read_to_prompt()
        # One of the cases needs another machine: whether it is reached first is a matter of speed.
        self.assertRegex(stopped, r" passed, 0 failed(, 1 skipped)?\nstopped\n")
        self.assertNotIn("ok 9 mm.", stopped)
        self.assertIn('no test matches "mm.nothing"', self.guest.type("test mm.nothing"))


class TypingTest(unittest.TestCase):
    """What a person types, and what nobody should."""

    @classmethod
    def setUpClass(cls):
        cls.guest, cls.log = start_guest(cls, words="test=mm.areas lockdown")

    def answer(self, keys):
        """What the guest prints for raw bytes, with their echo."""
        os.write(self.guest.input, keys)
        return self.guest.read_to_prompt()

    def test_the_line_is_edited(self):
        usage = self.guest.type("usage")
        for keys in (b"xusage\x01\x04\r", b"usge\x1b[D\x1b[Da\r", b"wrong\x15usage\n",
                     b"us\x1b[200~age\x1b[201~\r\n", b"usagexx\x7f\x08\r", b"\x1b[A\r",
                     b"us\t\r", b"x usage\x1b[1~\x06\x17\r"):
            echoed, rest = self.answer(keys).split("\n", 1)
            self.assertEqual(rest.removesuffix(outside.PROMPT), usage, (keys, echoed))

    def test_completion_lists_and_never_guesses(self):
        os.write(self.guest.input, b"re\t")
        self.assertIn("report  reboot", self.guest.read_until("\nfirstlight> re"))
        self.assertRegex(self.answer(b"\r"), 'unknown command "re"; did you mean .*report')
        self.assertIn("^C\n", self.answer(b"xyz\x03"))

    def test_bad_lines_get_an_error_line(self):
        long_line = "usage " + "x" * 1018
        self.assertEqual(self.guest.type(long_line), self.guest.type("usage"))  # 1,024 bytes
        self.assertEqual(self.guest.type(long_line + "x"), "line too long: dropped\n")
        self.assertEqual(self.guest.type("x" * 5000), "line too long: dropped\n")
        self.assertIn('unknown command "xxxx', self.guest.type("x" * 1000))
        for line in ("peek zz", "peek 0 3", "peek 0 8 8", "peek", "dump 0 0", "dump 0 1 5",
                     "dump 0 99999999999999999999", "alloc x", "alloc 1 1", "alloc -1", "free",
                     "free 0", "free x 1", "memtest x", "memtest 0", "memtest 1 1", "picture x",
                     "explain", "explain zz", "explain 0 0", "explain map x", "memmap x", "buddy x",
                     "vm", "vm x", "peek 11111111111111111", "peek p:", "peek +", "peek %s%n"):
            answer = self.guest.type(line)
            self.assertRegex(answer, r"^(usage: |vm audit )", line)
            self.assertEqual(answer.count("\n"), 1, line)
        self.assertIn("passes the end", self.guest.type("dump ffffffffffffffff 2"))

    def test_what_is_typed_ahead_runs_afterwards(self):
        os.write(self.guest.input, b"memtest 1\rareas\r")
        prompt = outside.PROMPT.encode()
        seen = self.guest.read(lambda text: b" areas, " in text and text.endswith(prompt), 90)
        self.assertIn("passes, then", seen)

    def test_lockdown_refuses_poke(self):
        self.assertIn("refused: poke: lockdown is on\n", self.guest.type("poke 0 0"))
        self.assertIn("cannot read", self.guest.type("peek 0"))


    def test_storm_of_bytes(self):
        """Junk, escape sequences, overlong lines, and harmless commands with junk behind them, as
        fast as the guest takes them. No line of junk ends with Enter: none can be `exit`."""
        seed = int(os.environ.get("STORM_SEED", "1"))
        print(f"# storm: seed {seed}, {STORM_SECONDS} s")
        random_bytes = random.Random(seed)
        usage = self.guest.type("usage")
        sent = self.guest.flood((storm_piece(random_bytes) for _ in itertools.count()),
                                STORM_SECONDS)
        print(f"# storm: {sent} bytes")
        self.assertGreater(sent, 10000)
        self.settle()
        self.assertEqual(self.guest.type("usage"), usage)
        self.assertEqual(self.guest.type("buddy check"), "every invariant holds\n")

    def test_a_terminal_that_stops_reading(self):
        usage = self.guest.type("usage")
        self.guest.flood(itertools.repeat(b"vm leaves\r", 12), 600, read=False)
        self.guest.wait_until_output_stands_still()
        self.guest.read_what_piled_up()  # else what is typed now may be answered into the full pipe
        self.settle()
        self.assertEqual(self.guest.type("usage"), usage)

    def settle(self):
        """Reads until the guest has taken all that was typed."""
        os.write(self.guest.input, b"\x03\x03settled?\r")
        prompt = b'unknown command "settled?"; `help` lists them\r\n' + outside.PROMPT.encode()
        self.guest.read(lambda seen: seen.endswith(prompt), 120)


class KeyboardTest(unittest.TestCase):
    """The PS/2 keyboard of QEMU, its keys pressed by QEMU's monitor."""

    KEYS = {" ": "spc", "\n": "ret", "_": "shift-minus", "\b": "backspace", "\x03": "ctrl-c",
            "<": "left", "^": "up"}

    def press(self, guest, text):
        for c in text:
            key = self.KEYS.get(c) or (f"shift-{c.lower()}" if c.isupper() else c)
            guest.command("human-monitor-command", **{"command-line": f"sendkey {key} 1"})
            guest.command("query-status")

    def test_serial_line_and_keyboard_type_at_once(self):
        guest, log = start_guest(self)
        self.assertIn("] keyboard: PS/2\n", log)
        usage = guest.type("usage")
        self.press(guest, "usge<<a\n")
        self.assertTrue(guest.read_to_prompt().endswith(usage + outside.PROMPT))
        os.write(guest.input, b"us")
        guest.read_until("us")
        self.press(guest, "age\n")
        self.assertTrue(guest.read_to_prompt().endswith(usage + outside.PROMPT))
        os.write(guest.input, b"memtest 10000\r")
        guest.read_until("memtest: ")
        self.press(guest, "\x03")
        self.assertIn("(stopped)\n", guest.read_to_prompt())

    def test_without_a_serial_port_the_prompt_is_on_the_screen(self):
        with self.start_without_serial("test=mm.areas") as guest:
            rows = self.wait_for_rows(guest, lambda rows: rows[-1] == "firstlight>")
            self.assertRegex(rows[-2], SUMMARY + "; type help$")
            self.press(guest, "NO_such\nareas\n")
            rows = self.wait_for_rows(
                guest, lambda rows: any(" areas, " in row for row in rows[-3:]))
        self.assertIn('unknown command "NO_such"; `help` lists them', rows)
        self.assertIn("firstlight> areas", rows)

    def test_with_a_usb_keyboard_alone_the_end_says_that_nobody_can_type(self):
        """What most PCs are: no PS/2, no UART. A word for a serial port that is not there does not
        take the screen away."""
        with self.start_without_serial("test=none console=ttyS0", "-device", "qemu-xhci", "-device", "usb-kbd",
                                       machine="q35,i8042=off") as guest:
            rows = self.wait_for_rows(guest, lambda rows: "halted" in rows[-1])
        self.assertRegex(rows[-2], SUMMARY + "$")
        self.assertEqual(rows[-1], "firstlight: no keyboard that this kernel can read (PS/2 only) "
                                   "and no serial line: halted; switch the machine off")
        self.assertTrue(any("] keyboard: ACPI says that there is no controller" in row
                            for row in rows), rows)

    def start_without_serial(self, words, *devices, **fields):
        """A guest with a screen of 1024 x 768 and no serial port."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        boot = boot_module.Boot("keyboard", firmware="2M", medium="kernel", serial=False,
                                words=words, **fields)
        build = boot_module.Build(ESP / "EFI/BOOT/BOOTX64.EFI", BUILD / "kernel.stripped.elf")
        arguments = boot_module.qemu_arguments(boot, build, Path(folder.name))
        return screen.Guest([*arguments, "-device", "VGA,xres=1024,yres=768", *devices],
                            Path(folder.name))

    def wait_for_rows(self, guest, done, seconds=90):
        """The screen's text without the blank rows at its end, once done(it)."""
        font = screen.read_psf1((BUILD / "font.psf").read_bytes())
        deadline = time.monotonic() + seconds
        while True:
            try:
                rows = screen.read_rows(guest.picture(), font)
            except ValueError:
                rows = []  # the firmware's own picture
            while rows and not rows[-1]:
                rows.pop()
            if rows and done(rows):
                return rows
            self.assertLess(time.monotonic(), deadline, rows)


class SecureBootTest(unittest.TestCase):
    def test_what_changes_the_machine_is_refused(self):
        guest, log = start_guest(self, firmware="4M", secure="signed",
                                 words="test=mm.areas gdb=ttyS1 earlycon=mmio32,0xfe001000")
        self.assertTrue(report.extract(log)["firmware"]["secure_boot"])
        self.assertIn("(earlycon=) refused: ACPI does not name it, and Secure Boot", log)
        self.assertIn("refused: the GDB stub: Secure Boot is on", log)
        for line, what in (("poke 0 0", "poke"), ("msr 10 0", "msr write"), ("fault ud", "fault")):
            self.assertEqual(guest.type(line), f"refused: {what}: Secure Boot is on\n")
        self.assertIn("balanced", guest.type("usage"))


class ExitTest(unittest.TestCase):
    def test_exit_leaves_qemu_with_the_verdict(self):
        guest, _ = start_guest(self)
        os.write(guest.input, b"exit\r")
        self.assertEqual(guest.process.wait(30), 0x10 << 1 | 1)
