#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the ELF images of this folder and expected.txt: one tiny good image, and edits of it.

    make.py [--check] [FOLDER]

--check writes nothing and fails where the folder differs. expected.txt has one line an image: its
name, a tab, and what loader/elf_image.c must say of it; `good` where it must be accepted.

    file   0x000  ELF header, six program headers
           0x200  text   R X -> 0x0000..0x0040
           0x240  rodata R   -> 0x1000..0x1180: note, dynamic section, three relocations
           0x350    room for a RELR table -> 0x1110
           0x3c0  data   R W -> 0x2000..0x2040, zeros to 0x3100
    image  0x0000..0x4000
"""

import struct
import sys
from pathlib import Path

TEXT, RODATA, DATA, DYNAMIC, NOTE, STACK = range(6)
FILE_BYTES = 0x400
IMAGE_BYTES = 0x4000
MAX_BYTES = 64 << 20
TOP = (1 << 64) - 1

NOTE_AT, DYNAMIC_AT, RELA_AT, RELR_AT = 0x240, 0x280, 0x300, 0x350

# ELF header fields: offset, bytes
CLASS, ENDIAN, IDENT_VERSION = (4, 1), (5, 1), (6, 1)
TYPE, MACHINE, VERSION, ENTRY = (16, 2), (18, 2), (20, 4), (24, 8)
PH_OFFSET, PH_SIZE, PH_COUNT = (32, 8), (54, 2), (56, 2)

PROGRAM_HEADERS = [  # type, flags, offset, vaddr, paddr, filesz, memsz, align
    (1, 5, 0x200, 0x0000, 0, 0x40, 0x40, 8),
    (1, 4, 0x240, 0x1000, 0, 0x180, 0x180, 8),
    (1, 6, 0x3c0, 0x2000, 0, 0x40, 0x1100, 8),
    (2, 4, DYNAMIC_AT, 0x1040, 0, 0x80, 0x80, 8),
    (4, 4, NOTE_AT, 0x1000, 0, 0x24, 0x24, 4),
    (0x6474e551, 6, 0, 0, 0, 0, 0, 0),
]
DYNAMIC_ENTRIES = [(7, 0x10c0), (8, 72), (9, 24), (0x6ffffff9, 3), (30, 0), (0, 0)]
RELOCATIONS = [  # target, type, addend
    (0x2010, 8, 0x1100),       # data -> rodata
    (0x1170, 8, 0x10),         # a constant -> text
    (0x30f8, 8, IMAGE_BYTES),  # last word of bss -> end of the image
]


def ph(index, field):
    """Field of a program header as (offset, bytes)."""
    position, size = {"type": (0, 4), "flags": (4, 4), "offset": (8, 8), "vaddr": (16, 8),
                      "filesz": (32, 8), "memsz": (40, 8), "align": (48, 8)}[field]
    return 64 + 56 * index + position, size


def dynamic(index, value=False):
    return DYNAMIC_AT + 16 * index + 8 * value, 8


def rela(index, field):
    position, size = {"target": (0, 8), "type": (8, 4), "symbol": (12, 4), "addend": (16, 8)}[field]
    return RELA_AT + 24 * index + position, size


def good_image():
    image = bytearray(FILE_BYTES)
    image[0:7] = b"\x7fELF\x02\x01\x01"
    struct.pack_into("<HHIQQQIHHHHHH", image, 16, 3, 62, 1, 0x20, 64, 0, 0, 64, 56,
                     len(PROGRAM_HEADERS), 0, 0, 0)
    for i, header in enumerate(PROGRAM_HEADERS):
        struct.pack_into("<IIQQQQQQ", image, 64 + 56 * i, *header)
    image[0x200:0x240] = b"\x90" * 0x40
    image[0x3c0:0x400] = b"\xdd" * 0x40
    struct.pack_into("<III4s20s", image, NOTE_AT, 4, 20, 3, b"GNU\0", bytes(range(0xa0, 0xb4)))
    for i, entry in enumerate(DYNAMIC_ENTRIES):
        struct.pack_into("<QQ", image, DYNAMIC_AT + 16 * i, *entry)
    for i, (target, kind, addend) in enumerate(RELOCATIONS):
        struct.pack_into("<QQQ", image, RELA_AT + 24 * i, target, kind, addend)
    return image


def edited(*patches, size=FILE_BYTES):
    """The good image with ((offset, bytes), value) written over it, then cut or grown to `size`."""
    image = good_image()
    image += bytes(max(0, size - len(image)))
    for (offset, count), value in patches:
        image[offset:offset + count] = value.to_bytes(count, "little")
    return bytes(image[:size])


def relr(words, *patches, address=0x1110, size=None, entry=8):
    """The good image with a RELR table of `words` too; the first two words of data are addends."""
    table = [((RELR_AT + 8 * i, 8), word) for i, word in enumerate(words)]
    size = 8 * len(words) if size is None else size
    return edited((dynamic(3), 36), (dynamic(3, True), address), (dynamic(4), 35),
                  (dynamic(4, True), size), (dynamic(5), 37), (dynamic(5, True), entry),
                  ((0x3c0, 8), 0x1100), ((0x3c8, 8), 0x10), *table, *patches)


def nine_segments():
    image = bytearray(edited((PH_OFFSET, FILE_BYTES), (PH_COUNT, 9), size=FILE_BYTES + 9 * 56))
    for i in range(9):
        struct.pack_into("<IIQQQQQQ", image, FILE_BYTES + 56 * i, 1, 5 if i == 0 else 4, 0x200,
                         0x1000 * i, 0, 0x40, 0x40, 8)
    return bytes(image)


GOOD = "good"
IN_FILE, IN_64M = "segment outside of the file", "segment outside of the first 64 MiB"
ENTRY_WHY = "entry point outside of the executable segment"
HEADERS_WHY = "program headers outside of the file"
COUNT_WHY = "no program headers, or too many"
FORM_WHY = "relocations in another form than RELA and RELR"
TABLE_WHY = "relocations outside of the segments"
TARGET_WHY = "a relocation's target is outside of the segments"
KIND_WHY = "a relocation is not R_X86_64_RELATIVE"
ALIGN_WHY = "segment alignment above a page, or no power of two"
SHARE_WHY = "load segments of different permissions share a page"

IMAGES = {
    "good": (edited(), GOOD),
    "good-no-dynamic": (edited((ph(DYNAMIC, "type"), 0)), GOOD),
    "good-no-note": (edited((ph(NOTE, "type"), 0)), GOOD),
    "good-align-0": (edited((ph(DATA, "align"), 0)), GOOD),
    "good-unknown-dynamic-tag": (edited((dynamic(3), 0x6ffffef5)), GOOD),
    "good-tail": (edited(size=FILE_BYTES + 100), GOOD),
    # ELF header
    "empty": (b"", "too short for an ELF header"),
    "one-byte": (b"\x7f", "too short for an ELF header"),
    "header-cut": (edited(size=63), "too short for an ELF header"),
    "not-elf-pe": (b"MZ" + bytes(98), "not an ELF file"),
    "magic": (edited(((3, 1), ord("G"))), "not an ELF file"),
    "class-32": (edited((CLASS, 1)), "not a 64-bit ELF file"),
    "class-0": (edited((CLASS, 0)), "not a 64-bit ELF file"),
    "big-endian": (edited((ENDIAN, 2)), "not a little-endian ELF file"),
    "ident-version-0": (edited((IDENT_VERSION, 0)), "unknown ELF version"),
    "version-2": (edited((VERSION, 2)), "unknown ELF version"),
    "machine-i386": (edited((MACHINE, 3)), "not an x86-64 image"),
    "machine-aarch64": (edited((MACHINE, 183)), "not an x86-64 image"),
    "type-exec": (edited((TYPE, 2)), "not a position-independent executable"),
    "type-relocatable": (edited((TYPE, 1)), "not a position-independent executable"),
    "type-core": (edited((TYPE, 4)), "not a position-independent executable"),
    # Program headers
    "phentsize-0": (edited((PH_SIZE, 0)), "unknown size of a program header"),
    "phentsize-32": (edited((PH_SIZE, 32)), "unknown size of a program header"),
    "phnum-0": (edited((PH_COUNT, 0)), COUNT_WHY),
    "phnum-65": (edited((PH_COUNT, 65), size=4096), COUNT_WHY),
    "phnum-xnum": (edited((PH_COUNT, 0xffff)), COUNT_WHY),
    "phoff-end": (edited((PH_OFFSET, FILE_BYTES)), HEADERS_WHY),
    "phoff-wraps": (edited((PH_OFFSET, TOP - 63)), HEADERS_WHY),
    "phoff-one-byte-short": (edited((PH_OFFSET, FILE_BYTES - 6 * 56 + 1)), HEADERS_WHY),
    "headers-cut": (edited(size=64 + 6 * 56 - 1), HEADERS_WHY),
    # Segments
    "interpreter": (edited((ph(STACK, "type"), 3)), "image wants a dynamic linker"),
    "tls": (edited((ph(STACK, "type"), 7)), "image has thread-local storage"),
    "no-load": (edited(*((ph(i, "type"), 0) for i in (TEXT, RODATA, DATA))), "no load segment"),
    "all-loads-empty": (edited(*((ph(i, field), 0) for i in (TEXT, RODATA, DATA)
                                 for field in ("filesz", "memsz"))), "no load segment"),
    "nine-loads": (nine_segments(), "too many load segments"),
    "file-cut": (edited(size=FILE_BYTES - 1), IN_FILE),
    "offset-end": (edited((ph(DATA, "offset"), FILE_BYTES)), IN_FILE),
    "offset-wraps": (edited((ph(DATA, "offset"), TOP - 0x3f)), IN_FILE),
    "filesz-one-more": (edited((ph(DATA, "filesz"), 0x41)), IN_FILE),
    "filesz-huge": (edited((ph(DATA, "filesz"), TOP)), IN_FILE),
    "filesz-above-memsz": (edited((ph(DATA, "memsz"), 0x3f)),
                           "segment larger in the file than in memory"),
    "memsz-0": (edited((ph(DATA, "memsz"), 0)), "segment larger in the file than in memory"),
    "memsz-huge": (edited((ph(DATA, "memsz"), TOP)), IN_64M),
    "memsz-64m": (edited((ph(DATA, "memsz"), MAX_BYTES)), IN_64M),
    "vaddr-wraps": (edited((ph(DATA, "vaddr"), TOP - 0xfff)), IN_64M),
    "vaddr-kernel-half": (edited((ph(TEXT, "vaddr"), 0xffffffff80000000)), IN_64M),
    "text-writable": (edited((ph(TEXT, "flags"), 7)), "segment both writable and executable"),
    "data-executable": (edited((ph(DATA, "flags"), 7)), "segment both writable and executable"),
    "align-2m": (edited((ph(DATA, "align"), 0x200000)), ALIGN_WHY),
    "align-48": (edited((ph(DATA, "align"), 48)), ALIGN_WHY),
    "loads-same-address": (edited((ph(DATA, "vaddr"), 0x1000)), "load segments overlap"),
    "loads-overlap-by-one": (edited((ph(TEXT, "memsz"), 0x1001)), "load segments overlap"),
    "text-shares-page": (edited((ph(RODATA, "vaddr"), 0x800)), SHARE_WHY),
    "data-shares-page": (edited((ph(DATA, "vaddr"), 0x1800)), SHARE_WHY),
    # Entry
    "entry-behind-text": (edited((ENTRY, 0x40)), ENTRY_WHY),
    "entry-in-data": (edited((ENTRY, 0x2000)), ENTRY_WHY),
    "entry-in-rodata": (edited((ENTRY, 0x1000)), ENTRY_WHY),
    "entry-top": (edited((ENTRY, TOP)), ENTRY_WHY),
    "entry-not-in-file": (edited((ph(TEXT, "filesz"), 0x20)), ENTRY_WHY),
    "no-executable-segment": (edited((ph(TEXT, "flags"), 4)), ENTRY_WHY),
    # Dynamic section
    "two-dynamics": (edited((ph(STACK, "type"), 2), (ph(STACK, "offset"), DYNAMIC_AT),
                            (ph(STACK, "filesz"), 0x80)), "two dynamic sections"),
    "dynamic-past-end": (edited((ph(DYNAMIC, "offset"), FILE_BYTES - 0x7f)),
                         "dynamic section outside of the file"),
    "dynamic-wraps": (edited((ph(DYNAMIC, "filesz"), TOP)), "dynamic section outside of the file"),
    "dynamic-no-end": (edited((ph(DYNAMIC, "filesz"), 80)), "dynamic section without an end"),
    "dynamic-empty": (edited((ph(DYNAMIC, "filesz"), 15)), "dynamic section without an end"),
    "needed": (edited((dynamic(3), 1)), "image needs a shared library"),
    "rel": (edited((dynamic(3), 17)), FORM_WHY),
    "jmprel": (edited((dynamic(3), 23)), "image has a procedure linkage table"),
    "textrel": (edited((dynamic(3), 22)), "relocations in the text"),
    "flags-textrel": (edited((dynamic(4, True), 4)), "relocations in the text"),
    # Relocations
    "relaent-16": (edited((dynamic(2, True), 16)), "unknown size of a relocation"),
    "relaent-missing": (edited((dynamic(2), 0x6ffffff9)), "unknown size of a relocation"),
    "relasz-71": (edited((dynamic(1, True), 71)), "unknown size of a relocation"),
    "relasz-huge": (edited((dynamic(1, True), TOP // 24 * 24)), TABLE_WHY),
    "rela-nowhere": (edited((dynamic(0, True), 0x100000)), TABLE_WHY),
    "rela-in-bss": (edited((dynamic(0, True), 0x2800)), TABLE_WHY),
    "rela-passes-segment": (edited((dynamic(0, True), 0x1180 - 71)), TABLE_WHY),
    "rela-type-64": (edited((rela(1, "type"), 1)), KIND_WHY),
    "rela-type-none": (edited((rela(1, "type"), 0)), KIND_WHY),
    "rela-symbol": (edited((rela(1, "symbol"), 1)), KIND_WHY),
    "target-in-text": (edited((rela(1, "target"), 0x10)), "a relocation's target is in the text"),
    "target-past-bss": (edited((rela(2, "target"), 0x30f9)), TARGET_WHY),
    "target-in-gap": (edited((rela(1, "target"), 0x800)), TARGET_WHY),
    "target-wraps": (edited((rela(1, "target"), TOP - 3)), TARGET_WHY),
    "addend-past-image": (edited((rela(0, "addend"), IMAGE_BYTES + 1)),
                          "a relocation points outside of the image"),
    "addend-negative": (edited((rela(0, "addend"), TOP)),
                        "a relocation points outside of the image"),
    # The same in the form of a bit each; bit 8 of the bitmap is the first word of bss
    "good-relr": (relr([0x2000, 1 << 8 | 3]), GOOD),
    "good-relr-last-word": (relr([0x30f8]), GOOD),
    "relr-bitmap-first": (relr([3, 0x2000]), "a bitmap of relocations before any address"),
    "relrent-24": (relr([0x2000], entry=24), "unknown size of a relocation"),
    "relrsz-12": (relr([0x2000, 1], size=12), "unknown size of a relocation"),
    "relrsz-huge": (relr([0x2000], size=TOP // 8 * 8), TABLE_WHY),
    "relr-nowhere": (relr([0x2000], address=0x100000), TABLE_WHY),
    "relr-in-bss": (relr([0x2000], address=0x2800), TABLE_WHY),
    "relr-target-in-text": (relr([0x10], ((0x210, 8), 0x10)),
                            "a relocation's target is in the text"),
    "relr-bit-in-text": (relr([TOP & ~7, 3]), TARGET_WHY),
    "relr-target-past-bss": (relr([0x30fa]), TARGET_WHY),
    "relr-bit-past-bss": (relr([0x30f0, 1 << 2 | 1]), TARGET_WHY),
    "relr-bits-wrap": (relr([0x2000] + [1] * 9 + [1 << 63 | 1]), TARGET_WHY),
    "relr-target-half-in-file": (relr([0x203c]),
                                 "a relocation's target passes the bytes of the file"),
    "relr-addend-past-image": (relr([0x2000], ((0x3c0, 8), IMAGE_BYTES + 1)),
                               "a relocation points outside of the image"),
    # Notes
    "notes-past-end": (edited((ph(NOTE, "offset"), FILE_BYTES)), "notes outside of the file"),
    "note-name-long": (edited(((NOTE_AT, 4), 0xffffffff)), "a note passes the end of its section"),
    "note-id-long": (edited(((NOTE_AT + 4, 4), 21)), "a note passes the end of its section"),
}


def files():
    """Name -> bytes of everything that this script makes."""
    made = {f"{name}.elf": image for name, (image, _) in IMAGES.items()}
    made["expected.txt"] = "".join(f"{name}.elf\t{why}\n"
                                   for name, (_, why) in IMAGES.items()).encode()
    return made


def check(folder):
    made = files()
    there = {path.name for path in folder.iterdir()} - {"make.py", "__pycache__"}
    wrong = sorted(there ^ made.keys())
    wrong += sorted(name for name in there & made.keys()
                    if (folder / name).read_bytes() != made[name])
    for name in wrong:
        print(f"{folder / name}: not what make.py writes")
    return 1 if wrong else 0


def main(arguments):
    checking = arguments[:1] == ["--check"]
    rest = arguments[checking:]
    folder = Path(rest[0]) if rest else Path(__file__).resolve().parent
    if checking:
        return check(folder)
    for name, content in files().items():
        (folder / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
