# SPDX-License-Identifier: GPL-2.0-only
"""Makes what a boot reads: FAT disks with an ESP, and kernel images that a loader must refuse."""

import struct
import subprocess
from pathlib import Path

DISK_BYTES = 64 << 20
ELF_HEADER_BYTES = 64
PHENTSIZE = 56
PT_LOAD, PT_DYNAMIC, PF_X, PF_W = 1, 2, 1, 2
DT_RELA = 7


def program_headers(elf):
    """Offsets of the program headers of the ELF64 file `elf` (bytes)."""
    (offset,) = struct.unpack_from("<Q", elf, 32)
    (count,) = struct.unpack_from("<H", elf, 56)
    return [offset + i * PHENTSIZE for i in range(count)]


def _loads(elf):
    return [at for at in program_headers(elf) if struct.unpack_from("<I", elf, at)[0] == PT_LOAD]


def _patched(elf, layout, at, value):
    changed = bytearray(elf)
    struct.pack_into(layout, changed, at, value)
    return bytes(changed)


def empty(_):
    return b""


def truncated(elf):
    return elf[:len(elf) // 2]


def header_only(elf):
    return elf[:ELF_HEADER_BYTES]


def not_elf(elf):
    return b"MZ" + elf[2:]


def wrong_machine(elf):
    return _patched(elf, "<H", 18, 183)  # AArch64


def write_execute(elf):
    """The first executable segment gets writable as well."""
    for at in _loads(elf):
        (flags,) = struct.unpack_from("<I", elf, at + 4)
        if flags & PF_X:
            return _patched(elf, "<I", at + 4, flags | PF_W)
    raise ValueError("no executable segment")


def overlapping(elf):
    """The second segment moves onto the first."""
    first, second = _loads(elf)[:2]
    (vaddr,) = struct.unpack_from("<Q", elf, first + 16)
    return _patched(elf, "<Q", second + 16, vaddr)


def entry_outside(elf):
    return _patched(elf, "<Q", 24, 1 << 40)


def _file_offset(elf, vaddr):
    for at in _loads(elf):
        offset, start, _, size = struct.unpack_from("<QQQQ", elf, at + 8)
        if start <= vaddr < start + size:
            return offset + vaddr - start
    raise ValueError(f"{vaddr:#x} is in no segment")


def relocation_outside(elf):
    """The first relocation's target moves far behind the image."""
    at = next(a for a in program_headers(elf)
              if struct.unpack_from("<I", elf, a)[0] == PT_DYNAMIC)
    (offset,) = struct.unpack_from("<Q", elf, at + 8)
    while struct.unpack_from("<Q", elf, offset)[0] != DT_RELA:
        offset += 16
    (rela,) = struct.unpack_from("<Q", elf, offset + 8)
    return _patched(elf, "<Q", _file_offset(elf, rela), 1 << 40)


def good(elf):
    return elf


BUILDERS = {
    "good.elf": good,
    "empty.elf": empty,
    "truncated.elf": truncated,
    "header-only.elf": header_only,
    "not-elf.elf": not_elf,
    "wrong-machine.elf": wrong_machine,
    "write-execute.elf": write_execute,
    "overlapping.elf": overlapping,
    "entry-outside.elf": entry_outside,
    "relocation-outside.elf": relocation_outside,
}


def _mtools(*arguments):
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def make_kernel(name, kernel):
    """The bytes of the variant `name` of the ELF file `kernel`."""
    return BUILDERS[name](Path(kernel).read_bytes())


def _put(disk, name, content):
    source = disk.with_suffix(".part")
    source.write_bytes(content)
    _mtools("mcopy", "-i", str(disk), str(source), f"::/{name}")
    source.unlink()


def make_disk(path, efi, words, extra=None):
    """A FAT32 disk without partitions: BOOTX64.EFI, cmdline.txt, and in \\bad the files `extra`
    (name -> bytes)."""
    path = Path(path)
    with open(path, "wb") as disk:
        disk.truncate(DISK_BYTES)
    _mtools("mformat", "-i", str(path), "-v", "FIRSTLIGHT", "-F", "-c", "1", "::")
    _mtools("mmd", "-i", str(path), "::/EFI", "::/EFI/BOOT", "::/firstlight", "::/bad")
    _put(path, "EFI/BOOT/BOOTX64.EFI", Path(efi).read_bytes())
    _put(path, "firstlight/cmdline.txt", words.encode() + b"\n")
    for name, content in (extra or {}).items():
        _put(path, f"bad/{name}", content)
    return path
