# SPDX-License-Identifier: GPL-2.0-only
"""Reads a PE32+ file from its bytes and holds it to the rules for BOOTX64.EFI.

findings() returns a sentence for each rule that is broken. The rules are what UEFI's memory
mitigations ask of a loader (W^X by page, NX_COMPAT, relocatable), what strict firmware loaders have
been known to refuse (sections out of order, bytes outside of all sections), and what makes the file
reproducible. Names and offsets: Microsoft's "PE Format". test_pe_file.py breaks each rule once.
"""

import struct
from dataclasses import dataclass, field

PAGE = 4096
FILE_ALIGNMENT = 512
MACHINE_X64, MAGIC_PE32_PLUS, SUBSYSTEM_EFI_APPLICATION = 0x8664, 0x20B, 10
RELOCATIONS_STRIPPED = 0x1
DYNAMIC_BASE, NX_COMPAT = 0x40, 0x100
READ, WRITE, EXECUTE, SHARED, DISCARDABLE = 1 << 30, 1 << 31, 1 << 29, 1 << 28, 1 << 25
PERMISSIONS = (READ, READ | EXECUTE, READ | WRITE)
EXPORT, RESOURCE, CERTIFICATE, RELOCATION, DEBUG = 0, 2, 4, 5, 6
RELOCATION_PADDING, RELOCATION_64_BIT = 0, 10
SBAT_FIELDS = 6


class PeError(Exception):
    """The bytes are no PE32+ file at all."""


@dataclass
class Section:
    name: str
    header_at: int  # offset in the file
    virtual_size: int
    address: int
    raw_size: int
    raw_at: int
    flags: int

    def virtual_end(self):
        return self.address + self.virtual_size

    def raw_end(self):
        return self.raw_at + self.raw_size


@dataclass
class PeFile:
    """What the headers say, and where they say it."""
    data: bytes
    pe_at: int
    stamp: int
    file_flags: int
    optional_at: int
    optional: dict
    directories: list  # (address, size); of the certificates: (offset in the file, size)
    sections: list = field(default_factory=list)

    def section(self, name):
        return next((s for s in self.sections if s.name == name), None)

    def headers_end(self):
        """End of the section table."""
        return self.sections[-1].header_at + 40 if self.sections else self.optional_at

    def at(self, address, size):
        """The `size` bytes at a virtual address that lie in the file, or None."""
        for s in self.sections:
            if s.address <= address and address + size <= s.address + min(s.virtual_size,
                                                                          s.raw_size):
                offset = s.raw_at + address - s.address
                return self.data[offset:offset + size]
        return None


# Name -> offset in the optional header, layout.
OPTIONAL_FIELDS = {"magic": (0, "<H"), "entry": (16, "<I"), "section_alignment": (32, "<I"),
                   "file_alignment": (36, "<I"), "image_bytes": (56, "<I"),
                   "headers_bytes": (60, "<I"), "checksum": (64, "<I"), "subsystem": (68, "<H"),
                   "flags": (70, "<H")}
DIRECTORY_COUNT_AT, DIRECTORIES_AT = 108, 112


def parse(data):
    """The PeFile of `data`; PeError where it ends too early or has another magic."""
    try:
        return _parse(data)
    except struct.error as error:
        raise PeError(f"cut short: {error}") from error


def _parse(data):
    (pe_at,) = struct.unpack_from("<I", data, 0x3C)
    if data[:2] != b"MZ" or data[pe_at:pe_at + 4] != b"PE\0\0":
        raise PeError("no MZ and PE signature")
    machine, count, stamp, _, _, optional_bytes, flags = struct.unpack_from("<HHIIIHH", data,
                                                                            pe_at + 4)
    optional_at = pe_at + 24
    optional = {name: struct.unpack_from(layout, data, optional_at + offset)[0]
                for name, (offset, layout) in OPTIONAL_FIELDS.items()}
    if machine != MACHINE_X64 or optional["magic"] != MAGIC_PE32_PLUS:
        raise PeError(f"machine {machine:#x}, magic {optional['magic']:#x}")
    (directory_count,) = struct.unpack_from("<I", data, optional_at + DIRECTORY_COUNT_AT)
    directories = [struct.unpack_from("<II", data, optional_at + DIRECTORIES_AT + 8 * i)
                   for i in range(min(directory_count, 16))]
    pe = PeFile(data, pe_at, stamp, flags, optional_at, optional, directories)
    for i in range(count):
        at = optional_at + optional_bytes + 40 * i
        name, *numbers = struct.unpack_from("<8sIIII12xI", data, at)
        pe.sections.append(Section(name.rstrip(b"\0").decode("latin-1"), at, *numbers))
    return pe


def checksum(data, field_at):
    """16-bit words with end-around carry, without the field itself, plus the size."""
    padded = data[:field_at] + bytes(4) + data[field_at + 4:] + bytes(len(data) % 2)
    total = sum(struct.unpack(f"<{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(data)


def rounded(value, alignment):
    return (value + alignment - 1) // alignment * alignment


def rule_headers(pe):
    optional = pe.optional
    if optional["file_alignment"] != FILE_ALIGNMENT:
        yield f"FileAlignment is {optional['file_alignment']}, not {FILE_ALIGNMENT}"
    if optional["section_alignment"] != PAGE:
        yield f"SectionAlignment is {optional['section_alignment']}, not {PAGE}"
    if optional["headers_bytes"] != rounded(pe.headers_end(), FILE_ALIGNMENT):
        yield f"SizeOfHeaders is {optional['headers_bytes']}, headers end at {pe.headers_end()}"
    if pe.sections and optional["image_bytes"] != rounded(pe.sections[-1].virtual_end(), PAGE):
        yield f"SizeOfImage is {optional['image_bytes']:#x}, not the end of the last section"
    if optional["subsystem"] != SUBSYSTEM_EFI_APPLICATION:
        yield f"Subsystem is {optional['subsystem']}, not an EFI application"
    code = next((s for s in pe.sections if s.flags & EXECUTE), None)
    if code is None or not code.address <= optional["entry"] < code.virtual_end():
        yield f"AddressOfEntryPoint {optional['entry']:#x} is in no executable section"


def rule_mitigations(pe):
    for name, bit in (("NX_COMPAT", NX_COMPAT), ("DYNAMIC_BASE", DYNAMIC_BASE)):
        if not pe.optional["flags"] & bit:
            yield f"no {name}"


def rule_permissions(pe):
    for s in pe.sections:
        permission = s.flags & (READ | WRITE | EXECUTE | SHARED)
        if permission not in PERMISSIONS:
            yield f"{s.name}: neither R nor RX nor RW (flags {s.flags:#x})"
        if s.flags & WRITE and s.flags & EXECUTE:
            yield f"{s.name}: writable and executable"


def rule_layout(pe):
    """Pages of one section each, in order; the file is headers and sections and nothing else."""
    address = rounded(pe.optional["headers_bytes"], PAGE)
    offset = pe.optional["headers_bytes"]
    for s in pe.sections:
        if s.address % PAGE:
            yield f"{s.name}: address {s.address:#x} is not page-aligned"
        if s.address != address:
            yield f"{s.name}: at {s.address:#x}, the section before ends at {address:#x}"
        if s.raw_size % FILE_ALIGNMENT or s.raw_at != offset:
            yield f"{s.name}: {s.raw_size} bytes at {s.raw_at} in the file, expected at {offset}"
        if not 0 < s.raw_size <= rounded(s.virtual_size, FILE_ALIGNMENT):
            yield f"{s.name}: {s.raw_size} bytes in the file, {s.virtual_size} in memory"
        address = rounded(s.virtual_end(), PAGE)
        offset = s.raw_end()
    end = len(pe.data) - pe.directories[CERTIFICATE][1]
    if end != rounded(offset, 8):
        yield f"sections end at {offset}, the file (without signatures) at {end}"


def rule_certificates(pe):
    """Signatures come last, in whole 8-byte units (PE Format, The Attribute Certificate Table)."""
    offset, size = pe.directories[CERTIFICATE]
    if size and (offset % 8 or offset + size != len(pe.data)):
        yield f"certificates: {size} bytes at {offset} of {len(pe.data)}"
    while size >= 8 and offset + 8 <= len(pe.data):
        length, _, kind = struct.unpack_from("<IHH", pe.data, offset)
        if length < 8 or length > size or kind != 2:
            yield f"certificate at {offset}: {length} bytes, kind {kind}"
            return
        offset += rounded(length, 8)
        size -= rounded(length, 8)


def rule_relocations(pe):
    address, size = pe.directories[RELOCATION]
    if pe.file_flags & RELOCATIONS_STRIPPED or not size:
        yield "no relocations"
        return
    table = pe.at(address, size)
    if table is None:
        yield f"relocations at {address:#x} are in no section"
        return
    at = 0
    while at + 8 <= len(table):
        page, length = struct.unpack_from("<II", table, at)
        if length < 8 or length % 4 or at + length > len(table) or page % PAGE:
            yield f"relocation block at {at}: page {page:#x}, {length} bytes"
            return
        for entry in struct.unpack_from(f"<{(length - 8) // 2}H", table, at + 8):
            yield from _relocation(pe, page + (entry & 0xFFF), entry >> 12)
        at += length


def _relocation(pe, address, kind):
    if kind == RELOCATION_PADDING:
        return
    if kind != RELOCATION_64_BIT:
        yield f"relocation at {address:#x} of kind {kind}"
    owner = next((s for s in pe.sections if s.address <= address < s.virtual_end()), None)
    if owner is None or owner.flags & EXECUTE:
        yield f"relocation at {address:#x} is in no data"


def rule_time_stamps(pe):
    """File header, and the three directories whose entries carry a time of their own."""
    if pe.stamp:
        yield f"TimeDateStamp of the file is {pe.stamp}"
    for name, index, at, step in (("export", EXPORT, 4, 0), ("resource", RESOURCE, 4, 0),
                                  ("debug", DEBUG, 4, 28)):
        address, size = pe.directories[index]
        for offset in range(0, size, step or max(size, 1)):
            entry = pe.at(address + offset + at, 4)
            if entry != bytes(4):
                yield f"TimeDateStamp of the {name} directory is {entry!r}"


def rule_checksum(pe):
    field_at = pe.optional_at + OPTIONAL_FIELDS["checksum"][0]
    expected = checksum(pe.data, field_at)
    if pe.optional["checksum"] != expected:
        yield f"CheckSum is {pe.optional['checksum']:#x}, not {expected:#x}"


def rule_sbat(pe):
    section = pe.section(".sbat")
    if section is None:
        yield "no section .sbat"
        return
    text = pe.data[section.raw_at:section.raw_at + section.virtual_size].rstrip(b"\0")
    rows = [line.split(",") for line in text.decode("ascii", "replace").splitlines()]
    if len(rows) < 2 or not text.endswith(b"\n") or not text.startswith(b"sbat,1,"):
        yield f"sbat is {text!r}"
    for row in rows:
        if len(row) != SBAT_FIELDS or not all(row) or not row[1].isdigit():
            yield f"sbat row {row}"
    if section.flags & (WRITE | EXECUTE | DISCARDABLE):
        yield f".sbat has flags {section.flags:#x}"


RULES = [rule_headers, rule_mitigations, rule_permissions, rule_layout, rule_certificates,
         rule_relocations, rule_time_stamps, rule_checksum, rule_sbat]


def findings(data):
    """What is wrong with the file `data` (bytes), as `rule: sentence`; empty where all is well."""
    try:
        pe = parse(data)
    except PeError as error:
        return [f"parse: {error}"]
    return [f"{rule.__name__.removeprefix('rule_')}: {sentence}"
            for rule in RULES for sentence in rule(pe)]
