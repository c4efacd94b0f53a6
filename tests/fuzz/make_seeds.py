#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the hand-made inputs of tests/fuzz/corpus: where each fuzzer starts from.

    make_seeds.py [FOLDER]

They have names; what fuzzers found (`make fuzz-corpus`) is named by its hash. Inputs that follow a
struct of a target are laid out here, so after a change of one run this again.
"""

import struct
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

SCENE, RAW = 0, 1
RAW_EFI, RAW_E820 = 0, 1
MAX_OVERLAYS = 8


def preamble(is_e820=RAW_EFI, stride_words=1, phys_bits=20, ledger=(), pins=(),
             limit=(1 << 64) - 1):
    """struct preamble of fuzz_mmap.c; ledger of (base, pages, type), pins of (base, pages,
    kind)."""
    entries = [*((base, pages, kind, 1, 1, 0) for base, pages, kind in ledger)]
    entries += [(0, 0, 0, 0, 0, 0)] * (MAX_OVERLAYS - len(entries))
    ranges = [*((base, pages, kind, 0) for base, pages, kind in pins)]
    ranges += [(0, 0, 0, 0)] * (MAX_OVERLAYS - len(ranges))
    return (struct.pack("<5B3xQ", is_e820, stride_words, phys_bits, len(ledger), len(pins), limit)
            + b"".join(struct.pack("<QQIIII", *entry) for entry in entries)
            + b"".join(struct.pack("<QQII", *pin) for pin in ranges))


def efi(descriptors, stride=48):
    """Raw descriptors of (type, start, pages, attribute)."""
    return b"".join(struct.pack("<IIQQQQ", kind, 0, start, 0, pages, attribute).ljust(stride, b"\0")
                    for kind, start, pages, attribute in descriptors)


def e820(entries):
    return b"".join(struct.pack("<QQII", base, size, kind, 0) for base, size, kind in entries)


PC = [(7, 0, 0xa0, 0xf), (4, 0x100000, 0x700, 0xf), (7, 0x800000, 0x1000, 0xf),
      (9, 0x1800000, 0x10, 0xf), (10, 0x1810000, 0x20, 0xf), (6, 0x1830000, 8, 1 << 63 | 0xf),
      (7, 0x1838000, 0x100, 1), (7, 0x1938000, 0x100, 1 << 18 | 0xf), (8, 0x1a38000, 4, 0xf),
      (14, 0x1b00000, 4, 0xf), (15, 0x1c00000, 4, 0xf), (0, 0x1d00000, 4, 0xf),
      (11, 0xfec00000, 1, 1 << 63 | 1), (7, 1 << 32, 0x1000, 0xf)]


def mmap_seeds():
    overlays = {"ledger": [(0x900000, 0x10, 0x1000), (0x920000, 4, 0x1001)],
                "pins": [(0x940000, 1, 1), (0x950000, 1, 2), (0x960000, 1, 3)]}
    unaligned = [(7, 0x100800, 4, 0xf), (6, 0x105800, 2, 0xf), (7, 0x109fff, 1, 0xf)]
    wrong = [(7, 0x100000, 0, 0xf), (7, (1 << 64) - 4096, 2, 0xf), (7, 0x1000, 1 << 52, 0xf),
             (7, 1 << 52, 1, 0xf), (7, 0x200000, 0x10, 0xf), (0, 0x204000, 4, 0),
             (99, 0x20a000, 1, 0)]
    pieces = [(0, 0x9fc00, 1), (0x9fc00, 0x400, 2), (0x100000, 0x3ff800, 1), (0x4ff800, 0x800, 4),
              (0x500000, 0x800, 1), (0x500800, 0x100800, 1), (0x601000, 0x1000, 3),
              (0x602000, 0x1000, 5), (0x603000, 0x1000, 7), (0x21 << 40, 1 << 30, 1)]
    raw = bytes([RAW])
    return {
        "pc": raw + preamble(**overlays) + efi(PC),
        "pc-stride-40": raw + preamble(stride_words=0, **overlays) + efi(PC, 40),
        "pc-limit": raw + preamble(limit=0x1000800) + efi(PC),
        "pc-36-bits": raw + preamble(phys_bits=0) + efi(PC),
        "unaligned": raw + preamble() + efi(unaligned),
        "malformed": raw + preamble() + efi(wrong),
        "beyond-direct-map": raw + preamble() + efi([(7, 33 << 40, 16, 0xf),
                                                     (9, 34 << 40, 1, 0xf)]),
        "e820": raw + preamble(RAW_E820, **overlays) + e820(pieces),
        "scene": bytes([SCENE]) + bytes(range(1, 120)),
        "scene-zeros": bytes(120),
    }


def bootinfo_block(replayed=False, lifetime=1):
    """A block with every table, as tests/unit/bootinfo_test.c makes it; CRC left to the target.

    A replayed one has neither kernel nor texts, as tools/replay.c makes it."""
    phys_offset = 0xffff800000000000
    bounds = [0, 0x100000, 0x200000, 0x300000, 0x7f0000, 0x800000]
    kinds = [(0x1002, 18), (1, 20), (0x1000, 17), (1, 20), (2, 7)]
    tables = [
        (24, b"".join(struct.pack("<QQII", bounds[i], bounds[i + 1] - bounds[i], kinds[i][0], 0)
                      for i in range(5))),
        (4, b"".join(struct.pack("<I", reason) for _, reason in kinds)),
        (32, struct.pack("<IIIIQQ", 4, 7, 0, 1, 0x7f0000, 0x1000)),
        (16, struct.pack("<QQQQ", 0, 0xa0000, 0x100000, 0x700000)),
        (32, struct.pack("<QQIIII", 0x200000, 0x80, 0x1000, lifetime, 1, 0)),
        (24, struct.pack("<QQII", 0x7f0000, 1, 1, 0)),
        (48, efi([(7, 0, 0xa0, 0xf), (7, 0x100000, 0x700, 0xf)])),
        (1, b"" if replayed else b"test=mm.* exit\0"),
        (1, b"" if replayed else b"hello\n\0"),
    ]
    header = bytearray(512)
    body = b""
    for i, (entry_bytes, content) in enumerate(tables):
        struct.pack_into("<IIII", header, 112 + 16 * i, 512 + len(body),
                         len(content) // entry_bytes, entry_bytes, 0)
        body += content.ljust((len(content) + 7) & ~7, b"\0")
    struct.pack_into("<QHHIII", header, 0, 0x3148474c54535249, 1, 0, 0, 512, 512 + len(body))
    if replayed:
        return bytes(header) + body
    struct.pack_into("<QQQ", header, 24, 0x200000, phys_offset + 0x200000, 0x80000)
    struct.pack_into("<QQQQQ", header, 72, 0x281000, 0x10000, 0x280000, 0x3000, 0x4000)
    return bytes(header) + body


def bootinfo_seeds():
    return {"good": b"\x07" + bootinfo_block(), "no-crc": b"\x06" + bootinfo_block(),
            "raw": b"\x00" + bootinfo_block(), "cut": b"\x07" + bootinfo_block()[:-40],
            "replayed": b"\x07" + bootinfo_block(replayed=True), "magic": b"\x05" + bytes(600),
            "lifetime-0": b"\x07" + bootinfo_block(lifetime=0),
            "short": b"\x07" + bootinfo_block()[:100]}


def elf_seeds():
    folder = TOP / "tests/data/elf"
    names = ("good", "align-48", "nine-loads", "note-id-long", "rela-symbol", "two-dynamics",
             "good-relr", "relr-bits-wrap")
    return {name: (folder / f"{name}.elf").read_bytes() for name in names}


def map_file_seeds():
    maps = TOP / "tests/data/maps"
    small = {name: (maps / f"{name}.map").read_bytes()
             for name in ("e820_gce", "efi_phoenix_zero", "efi_snp_kexec_corrupt")}
    overlays = (b"# machine: made up\n# kind: efi\n# ledger 100000 10 4096 1\n# pin 200000 1 acpi\n"
                b"# pin 0x201000 0x1\n\n7 0x100000 0x400 0xf\r\n")
    return {**small, "overlays": overlays, "no-kind": b"7 0 1 0\n",
            "bad-kind": b"# kind: xyz\n1 0 1\n"}


def options_seeds():
    def both(text, wide):
        content = text + wide
        first = (len(text) * 255 + max(1, len(content)) - 1) // max(1, len(content))
        return bytes([min(255, first)]) + content
    return {
        "both": both(b"\xef\xbb\xbf# note\r\nmem=1G a=\"x y\"\n",
                     b"\xff\xfe" + "\\EFI\\BOOTX64.EFI mem=0x10k a".encode("utf-16-le")),
        "surrogates": both(b"mem=", "a=\U0001f600 \u00e4".encode("utf-16-le") + b"\x3d\xd8\x00"),
        "long": both(b"x " * 2040 + b"\"open word that does not fit", b""),
    }


def line_editor_seeds():
    return {"edit": b"hep\x7flp\r\n\x1b[A\x1bOAfree\x15\x03mem\n",
            "long": b"y" * 300 + b"\x08\r\r\n"}


def command_line_seeds():
    words = b"console=ttyS0,115200n8 mem=0x10G \"a b=c d\" loglevel=7 x=\"y z\" nokaslr  exit="
    return {"words": words,
            "numbers": b"mem=18446744073709551616 seed=99999999999999999999x panic=-1 mem=1T"}


def exit_seeds():
    """fuzz_exit.c reads: flags, [where it oversteps], answer, [fields], then the exit's answer."""
    good, stale = bytes([0, 0, 9, 1, 0]), bytes([0, 0, 9, 1, 2])
    return {"first": good, "retry": stale * 3 + good, "refused": stale * 9,
            "small": bytes([0, 1, 9, 1]),
            "overrun": stale + bytes([15, 3, 0]), "nothing-written": stale + bytes([7, 0]),
            "other": bytes([0, 0, 9, 1, 3]), "odd-stride": bytes([1, 0, 33, 5, 1, 0])}


def smbios_seeds():
    def sealed(content, at):
        content = bytearray(content)
        content[at] = -sum(content) & 0xff
        return bytes(content)

    def structure(kind, content, *strings):
        return (struct.pack("<BBH", kind, 4 + len(content), kind) + content
                + b"".join(text + b"\0" for text in strings or (b"",)) + b"\0")

    inner = sealed(b"_DMI_" + struct.pack("<xHIHB", 0x100, 0xf0000, 3, 0x28), 5)
    return {"entry-2": sealed(b"_SM_\0" + bytes([31, 2, 8]) + bytes(8) + inner, 4),
            "entry-3": sealed(b"_SM3_\0" + bytes([24, 3, 6, 0, 1, 0])
                              + struct.pack("<IQ", 0x100, 0xf0000), 5),
            "table": structure(0, bytes([1, 2, 0, 0, 3]), b"vendor", b"1.0", b"today")
                     + structure(1, bytes([1, 2, 9, 0]) + bytes(16), b"maker", b"product")
                     + structure(17, bytes(8) + b"\xff\x7f" + bytes(18))
                     + structure(127, b"")}


def acpi_tables_seeds():
    fadt = bytearray(268)
    struct.pack_into("<II", fadt, 36, 0x1000, 0x2000)
    struct.pack_into("<IBBQ", fadt, 112, 1 << 10 | 1 << 20, 1, 8, 0xcf9)
    header = b"DSDT" + bytes(32)
    return {"fadt": bytes(fadt), "s5": header + b"\x08_S5_\x12\x06\x04\0\0\0\0",
            "s5-root": header + b"\x08\\_S5_\x12\x46\x01\x02\x0b\x05\0\x0c\7\0\0\0"}


def firmware_tables_seeds():
    """fuzz_firmware_tables.c: offsets of the tables, then 48 KiB of memory at 1 MiB."""
    base, none = 0x100000, 0xffff

    def table(signature, size, fields=()):
        content = bytearray(struct.pack("<4sI", signature, size).ljust(size, b"\0"))
        for offset, form, value in fields:
            struct.pack_into(form, content, offset, value)
        return bytes(content)

    event = struct.pack("<IIIH20xH32xI", 9, 13, 2, 4, 11, 64) + bytes(64)
    parts = {
        0x000: b"RSD PTR " + struct.pack("<7xBIIQ4x", 2, 0, 36, base + 0x100),
        0x100: table(b"XSDT", 68, [(36 + 8 * i, "<Q", base + at) for i, at in
                                   enumerate((0x200, 0x400, 0x500, 0x600))]),
        0x200: table(b"FACP", 244, [(132, "<Q", base + 0x1000), (40, "<I", base + 0x4100)]),
        0x400: table(b"BGRT", 56, [(40, "<Q", base + 0x2000)]),
        0x500: table(b"TPM2", 76, [(64, "<I", 0x800), (68, "<Q", base + 0x3000)]),
        0x600: table(b"TCPA", 56, [(36, "<H", 1), (40, "<Q", 0x80), (48, "<Q", base + 0x3900)]),
        0x700: b"_SM_" + struct.pack("<18xHI3x", 0x90, base + 0x780),
        0x800: b"_SM3_" + struct.pack("<7xIQ", 0x90, base + 0x880),
        0x900: struct.pack("<III4x", 1, 1, 1),
        0xa00: struct.pack("<IIII", 1, 3, 48, 0),
        0xb00: struct.pack("<QQ", 1, 2) + 2 * event,
        0x1000: table(b"FACS", 64), 0x2000: struct.pack("<2sI8x", b"BM", 0x900),
        0x4100: table(b"DSDT", 64),
    }
    memory = bytearray(0x4200)
    for at, content in parts.items():
        memory[at:at + len(content)] = content
    old = bytearray(memory)  # ACPI 1.0: an RSDT
    struct.pack_into("<BI", old, 15, 0, base + 0x100)
    old[0x100:0x140] = table(b"RSDT", 44, [(36, "<I", base + 0x200), (40, "<I", base + 0x600)]) \
        .ljust(64, b"\0")
    old[0x624:0x626] = bytes(2)  # a client's TCPA
    places = struct.pack("<6H", 0, 0x700, 0x800, 0x900, 0xa00, 0xb00)
    return {"all": places + bytes(memory), "old": places + bytes(old),
            "none": struct.pack("<6H", *[none] * 6), "acpi": struct.pack("<6H", 0, *[none] * 5)
            + bytes(memory)}


def buddy_seeds():
    """fuzz_buddy.c reads calls of four bytes: which, order or CPU, frame or block."""
    def call(what, order=0, where=0):
        return struct.pack("<BBH", what, order, where)

    def region(frame, size):
        return call(0, size, frame)

    def allocate(order):
        return call(6, order)

    def free(block):
        return call(5, 0, block)

    def cpu(number):
        return call(1, number)

    drain = call(2)
    return {
        "one-region-all-orders": region(0, 180) + b"".join(allocate(o) for o in range(12))
                                 + free(0) * 12,
        "ragged-neighbours": region(5, 90) + region(1100, 60) + region(2040, 20)
                             + region(2100, 100) + b"".join(allocate(i % 4) for i in range(40))
                             + drain + b"".join(free(i) for i in range(30)),
        "tiny-region-takes-a-loan": region(100, 120) + allocate(3) + region(3000, 0)
                                    + region(3500, 1) + call(4, 0, 4000) + free(0),
        "three-cpus": region(0, 255) + b"".join(cpu(i % 3) + allocate(i % 5) + allocate(0)
                                                + free(i % 7) for i in range(60)),
        "wrong-frees": region(0, 200) + allocate(4) + allocate(0) + allocate(9)
                       + b"".join(call(3, i, i * 37) for i in range(40)) + drain,
        "below-a-limit": region(0, 150) + region(2500, 150)
                         + b"".join(call(4, i % 6, 200 * i) for i in range(1, 20)),
        "exhausted": region(16, 40) + allocate(0) * 300 + cpu(1) + allocate(0) + free(0) * 100
                     + cpu(0) + allocate(5),
    }


def black_box_seeds():
    def mark(step, state, name):
        return struct.pack("<II24s", step, state, name)

    def box(text, now=mark(31, 1, b"map"), last=mark(0, 1, b""), fit=1, version=1):
        return (bytes([fit]) + struct.pack("<8sII", b"BLACKBOX", version, 0) + now + last
                + struct.pack("<II", len(text), 0) + text)

    return {"good": box(b"line\n"), "empty": box(b""), "full": box(b"x" * 32680),
            "too-long": box(b"x" * 32681), "crc": box(b"line\n", fit=0),
            "version": box(b"", version=2), "state": box(b"", now=mark(1, 9, b"map")),
            "name": box(b"", now=mark(1, 1, b"x" * 24)), "last": box(b"", last=mark(5, 3, b"done"))}


def tcg_log_seeds():
    sha256 = 0xb
    first = struct.pack("<II20xI", 0, 3, 37) + struct.pack(
        "<16sIIIHHHHB", b"Spec ID Event03", 0, 0x02000200, 2, 4, 20, sha256, 32, 0)

    def event(pcr, kind, data):
        return (struct.pack("<IIIH20xH", pcr, kind, 2, 4, sha256) + bytes([pcr]) * 32
                + struct.pack("<I", len(data)) + data)

    events = [event(4, 4, bytes(4)), event(9, 13, b"kernel\0"), event(12, 13, b"")]
    log = first + b"".join(events)

    def last(offset):
        return struct.pack("<H", offset)
    return {"good": last(len(log) - len(events[-1])) + log, "cut": last(len(first)) + log[:-1],
            "only-first": last(0) + first, "behind": last(len(log)) + log,
            "many-digests": last(0) + first + struct.pack("<III", 9, 13, 0xffffffff) + bytes(40),
            "huge-data": last(len(first)) + first + events[0][:-8] + b"\xff" * 8}


SEEDS = {"mmap": mmap_seeds, "bootinfo": bootinfo_seeds, "elf": elf_seeds,
         "map_file": map_file_seeds, "options": options_seeds, "exit": exit_seeds,
         "firmware_tables": firmware_tables_seeds,
         "line_editor": line_editor_seeds, "command_line": command_line_seeds,
         "buddy": buddy_seeds, "smbios": smbios_seeds, "acpi_tables": acpi_tables_seeds,
         "tcg_log": tcg_log_seeds, "black_box": black_box_seeds}


def main(arguments):
    corpus = Path(arguments[0]) if arguments else TOP / "tests/fuzz/corpus"
    for target, seeds in SEEDS.items():
        (corpus / target).mkdir(parents=True, exist_ok=True)
        for name, content in seeds().items():
            (corpus / target / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
