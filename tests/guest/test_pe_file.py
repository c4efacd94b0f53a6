# SPDX-License-Identifier: GPL-2.0-only
"""pe_file.py: the built loader follows every rule, and a copy that breaks one is found out.

BUILD in the environment names the folder of the build, as for the other tests. The loader is the
unsigned one; gates.py looks at what is on the ESP.
"""

import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))
import pe_file  # noqa: E402  pylint: disable=wrong-import-position

BUILD = TOP / os.environ.get("BUILD", "build")
LOADER = BUILD / "BOOTX64.unsigned.EFI"
CHECKSUM = BUILD / "host/pe_checksum"


def patched(data, at, layout, value):
    copy = bytearray(data)
    struct.pack_into(layout, copy, at, value)
    return bytes(copy)


def with_checksum(data):
    """So that a mutated copy breaks its one rule and not the sum as well."""
    pe = pe_file.parse(data)
    at = pe.optional_at + pe_file.OPTIONAL_FIELDS["checksum"][0]
    return patched(data, at, "<I", pe_file.checksum(data, at))


def option(name, value):
    """A field of the optional header gets `value`, a number or a function of the old number."""
    def mutate(data):
        pe = pe_file.parse(data)
        offset, layout = pe_file.OPTIONAL_FIELDS[name]
        new = value(pe.optional[name]) if callable(value) else value
        return patched(data, pe.optional_at + offset, layout, new)
    return mutate


def section(name, offset, value):
    """A 32-bit field of a section header gets `value`, a function of the old number."""
    def mutate(data):
        at = pe_file.parse(data).section(name).header_at + offset
        return patched(data, at, "<I", value(struct.unpack_from("<I", data, at)[0]))
    return mutate


def directory(index, address, size):
    def mutate(data):
        at = pe_file.parse(data).optional_at + pe_file.DIRECTORIES_AT + 8 * index
        return patched(patched(data, at, "<I", address), at + 4, "<I", size)
    return mutate


def stamped_directory(index):
    """A directory whose one entry lies over the text's first bytes, which are no zeros."""
    return lambda data: directory(index, pe_file.parse(data).section(".text").address, 28)(data)


def first_relocation(value):
    def mutate(data):
        return patched(data, pe_file.parse(data).section(".reloc").raw_at + 8, "<H", value)
    return mutate


def relocation_block(value):
    def mutate(data):
        return patched(data, pe_file.parse(data).section(".reloc").raw_at + 4, "<I", value)
    return mutate


def relocation_into_text(data):
    """The first block moves onto the text's page."""
    pe = pe_file.parse(data)
    return patched(data, pe.section(".reloc").raw_at, "<I", pe.section(".text").address)


def file_header(offset, layout, value):
    return lambda data: patched(data, pe_file.parse(data).pe_at + offset, layout, value)


def sbat_text(old, new):
    def mutate(data):
        at = pe_file.parse(data).section(".sbat").raw_at
        return data[:at] + data[at:].replace(old, new, 1)
    return mutate


def renamed_sbat(data):
    at = pe_file.parse(data).section(".sbat").header_at
    return data[:at] + b".tabs\0\0\0" + data[at + 8:]


# What is broken -> the mutation, and a part of the finding.
MUTATIONS = {
    "file alignment": (option("file_alignment", 4096), "FileAlignment"),
    "section alignment": (option("section_alignment", 512), "SectionAlignment"),
    "size of headers, large": (option("headers_bytes", lambda v: v + 512), "SizeOfHeaders"),
    "size of headers, small": (option("headers_bytes", lambda v: v - 512), "SizeOfHeaders"),
    "size of image": (option("image_bytes", lambda v: v + 4096), "SizeOfImage"),
    "subsystem": (option("subsystem", 3), "Subsystem"),
    "entry in data": (option("entry", lambda v: 0), "AddressOfEntryPoint"),
    "no NX_COMPAT": (option("flags", lambda v: v & ~0x100), "NX_COMPAT"),
    "no DYNAMIC_BASE": (option("flags", lambda v: v & ~0x40), "DYNAMIC_BASE"),
    "writable text": (section(".text", 36, lambda v: v | 1 << 31), "writable and executable"),
    "executable data": (section(".data", 36, lambda v: v | 1 << 29), "writable and executable"),
    "no permission": (section(".rdata", 36, lambda v: v & ~(1 << 30)), "neither R nor RX"),
    "shared": (section(".data", 36, lambda v: v | 1 << 28), "neither R nor RX"),
    "unaligned section": (section(".rdata", 12, lambda v: v + 512), "not page-aligned"),
    "gap between sections": (section(".data", 12, lambda v: v + 4096), "the section before ends"),
    "overlapping sections": (section(".data", 12, lambda v: v - 4096), "the section before ends"),
    "file offset": (section(".data", 20, lambda v: v + 512), "expected at"),
    "unaligned size": (section(".data", 16, lambda v: v + 8), "expected at"),
    "longer in the file": (section(".sbat", 8, lambda v: 0), "in memory"),
    "bytes behind the end": (lambda data: data + b"tail of the file", "sections end at"),
    "cut": (lambda data: data[:-512], "sections end at"),
    "no relocations": (directory(pe_file.RELOCATION, 0, 0), "no relocations"),
    "relocations stripped": (file_header(22, "<H", 0x23), "no relocations"),
    "relocations nowhere": (directory(pe_file.RELOCATION, 1 << 28, 12), "are in no section"),
    "relocation's kind": (first_relocation(0x3000), "of kind 3"),
    "relocation in text": (relocation_into_text, "is in no data"),
    "relocation block": (relocation_block(6), "relocation block at 0"),
    "time of the file": (file_header(8, "<I", 1700000000), "TimeDateStamp of the file"),
    "time of the debug directory": (stamped_directory(pe_file.DEBUG), "the debug directory"),
    "time of the exports": (stamped_directory(pe_file.EXPORT), "the export directory"),
    "time of the resources": (stamped_directory(pe_file.RESOURCE), "the resource directory"),
    "no .sbat": (renamed_sbat, "no section .sbat"),
    "sbat's first line": (sbat_text(b"sbat,1,", b"tabs,1,"), "sbat is"),
    "sbat's generation": (sbat_text(b"firstlight,1,", b"firstlight,x,"), "sbat row"),
    "sbat's fields": (sbat_text(b",Firstlight,", b" Firstlight,"), "sbat row"),
    "writable .sbat": (section(".sbat", 36, lambda v: v | 1 << 31), ".sbat has flags"),
    "certificates elsewhere": (directory(pe_file.CERTIFICATE, 8, 8), "certificates: 8 bytes at 8"),
    "another machine": (file_header(4, "<H", 0xAA64), "parse: machine"),
    "no signature": (file_header(0, "<I", 0), "parse: no MZ"),
}


class PeFileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.loader = LOADER.read_bytes()

    def test_built_loader_follows_every_rule(self):
        self.assertEqual(pe_file.findings(self.loader), [])

    def test_each_broken_rule_is_found(self):
        for name, (mutate, expected) in MUTATIONS.items():
            with self.subTest(name):
                broken = mutate(self.loader)
                self.assertNotEqual(broken, self.loader)
                if not expected.startswith("parse"):
                    broken = with_checksum(broken)
                self.assertIn(expected, "\n".join(pe_file.findings(broken)))

    def test_every_rule_is_broken_by_some_mutation(self):
        """All rules but the sum's, which the next test breaks."""
        broken = set()
        for mutate, expected in MUTATIONS.values():
            if not expected.startswith("parse"):
                found = pe_file.findings(with_checksum(mutate(self.loader)))
                broken |= {finding.split(":")[0] for finding in found}
        rules = {rule.__name__.removeprefix("rule_") for rule in pe_file.RULES}
        self.assertEqual(broken, rules - {"checksum"})

    def test_any_changed_byte_breaks_the_checksum(self):
        for at in (0x40, len(self.loader) // 2, len(self.loader) - 600):
            changed = patched(self.loader, at, "<B", self.loader[at] ^ 1)
            self.assertIn("checksum: ", "\n".join(pe_file.findings(changed)))

    def test_cut_headers_are_an_error_and_no_crash(self):
        for size in (0, 1, 63, 64, 130, 200, 400):
            self.assertTrue(pe_file.findings(self.loader[:size]))


class ChecksumToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "x.efi"

    def run_tool(self):
        return subprocess.run([str(CHECKSUM), str(self.file)], check=False,
                              stderr=subprocess.DEVNULL).returncode

    def test_writes_the_sum_and_nothing_else(self):
        loader = LOADER.read_bytes()
        self.file.write_bytes(option("checksum", 12345)(loader))
        self.assertEqual(self.run_tool(), 0)
        self.assertEqual(self.file.read_bytes(), loader)

    def test_refuses_what_is_no_pe_file_and_leaves_it_alone(self):
        for content in (b"", b"MZ", bytes(1000), b"MZ" + bytes(58) + b"\xff\xff\xff\x7f" + bytes(99)):
            self.file.write_bytes(content)
            self.assertEqual(self.run_tool(), 1)
            self.assertEqual(self.file.read_bytes(), content)
