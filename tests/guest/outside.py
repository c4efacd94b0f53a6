# SPDX-License-Identifier: GPL-2.0-only
"""Page tables and registers twice: as the kernel's monitor prints them (`vm leaves`, `vm regs`) and
as QEMU's own monitor does (`info tlb`, `info mem`, `info registers`). Both texts become the same
tuples here; script_outside.py compares them.

QEMU 7.2, target/i386/monitor.c: a line of `info tlb` is a leaf, `VIRT: PHYS XGPDACTUW` with '-' for
a clear bit, X for no-execute, P for a huge one; one of `info mem` is a range of equal rights,
`START-END SIZE urw`, rights of all levels taken together. Neither shows the PAT bit: raw_leaf()
reads the entries themselves.
"""

import fcntl
import os
import re
import select
import socket
import struct
import termios
import time
from typing import NamedTuple

import screen

PROMPT = "firstlight> "
PAGE_BYTES = {"4K": 1 << 12, "2M": 1 << 21, "1G": 1 << 30}


class Leaf(NamedTuple):
    virt: int
    phys: int
    huge: bool  # 2M or 1G
    write: bool
    execute: bool
    user: bool
    is_global: bool
    cache_disable: bool
    write_through: bool


class Range(NamedTuple):
    start: int
    end: int
    user: bool
    write: bool


_KERNEL_LEAF = re.compile(r"^0x([0-9a-f]{16}) 0x([0-9a-f]{16}) (4K|2M|1G) "
                          r"r([w-])([x-])([us])([g-]) (wb|wt|uc|wc)\s*$", re.M)
_QEMU_LEAF = re.compile(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([XGPDACTUW-]{9})\s*$", re.M)
_QEMU_RANGE = re.compile(r"^([0-9a-f]{16})-([0-9a-f]{16}) ([0-9a-f]{16}) ([u-])r([w-])\s*$", re.M)


def kernel_leaves(text):
    """[(Leaf, size name)] from `vm leaves`; its own count must agree."""
    leaves = []
    for virt, phys, size, write, execute, mode, is_global, cache in _KERNEL_LEAF.findall(text):
        leaves.append((Leaf(int(virt, 16), int(phys, 16), size != "4K", write == "w",
                            execute == "x", mode == "u", is_global == "g", cache == "uc",
                            cache in ("uc", "wt")), size))
    told = re.search(r"^(\d+) leaves\s*$", text, re.M)
    if not told or int(told[1]) != len(leaves):
        raise ValueError(f"{len(leaves)} lines of leaves, but: {told and told[0]!r}")
    return leaves


def qemu_leaves(text):
    return [Leaf(int(virt, 16), int(phys, 16), "P" in bits, "W" in bits, "X" not in bits,
                 "U" in bits, "G" in bits, "C" in bits, "T" in bits)
            for virt, phys, bits in _QEMU_LEAF.findall(text)]


def qemu_ranges(text):
    return [Range(int(start, 16), int(end, 16), user == "u", write == "w")
            for start, end, _, user, write in _QEMU_RANGE.findall(text)]


def join(leaves):
    """[Range] of neighbours with equal rights, from kernel_leaves()."""
    ranges = []
    for leaf, size in leaves:
        end = leaf.virt + PAGE_BYTES[size]
        last = ranges[-1] if ranges else None
        if last and (last.end, last.user, last.write) == (leaf.virt, leaf.user, leaf.write):
            ranges[-1] = last._replace(end=end)
        else:
            ranges.append(Range(leaf.virt, end, leaf.user, leaf.write))
    return ranges


def kernel_registers(text):
    return {name: int(value, 16)
            for name, value in re.findall(r"^([A-Z][A-Z0-9]*) +0x([0-9a-f]{16})", text, re.M)}


def qemu_registers(text):
    return {name: int(value, 16)
            for name, value in re.findall(r"\b(CR[0234]|EFER)=([0-9a-f]+)", text)}


def raw_leaf(read_word, root, virt):
    """(entry, level) of the leaf that maps `virt`, read word by word from physical memory."""
    table = root
    for level in (4, 3, 2, 1):
        entry = read_word(table + 8 * (virt >> 12 + 9 * (level - 1) & 511))
        if not entry & 1:
            raise ValueError(f"{virt:#x} is not mapped")
        if level == 1 or entry & 1 << 7:
            return entry, level
        table = entry & 0x000ffffffffff000
    raise ValueError("not reached")


class PromptGuest(screen.Guest):
    """A guest whose serial line is a pair of pipes: its monitor can be typed at. Arguments as
    Guest's, without -serial.

    The pipe holds all that one command prints. A full one stops QEMU's UART, and the kernel drops
    what a UART that stands still does not take.
    """

    PIPE_BYTES = 1 << 20

    def __init__(self, arguments, work):
        path = work / "serial"
        for end in ("in", "out"):
            os.mkfifo(f"{path}.{end}")
        self.input = os.open(f"{path}.in", os.O_RDWR)
        self.output = os.open(f"{path}.out", os.O_RDWR)
        fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, self.PIPE_BYTES)
        super().__init__([*arguments, "-chardev", f"pipe,id=serial,path={path}",
                          "-serial", "chardev:serial"], work)

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        os.close(self.input)
        os.close(self.output)

    def read(self, done, seconds):
        """What the guest prints until done(all of it)."""
        seen = b""
        deadline = time.monotonic() + seconds
        while not done(seen):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"not there: {seen[-300:]!r}")
            if select.select([self.output], [], [], 0.5)[0]:
                seen += os.read(self.output, 65536)
        return seen.decode("ascii", "replace").replace("\r", "")

    def read_to_prompt(self, seconds=90):
        """What the guest printed up to its next prompt."""
        return self.read(lambda seen: seen.endswith(PROMPT.encode()), seconds)

    def read_until(self, text, seconds=90):
        """What the guest printed up to some place behind `text`."""
        return self.read(lambda seen: text.encode() in seen, seconds)

    def flood(self, pieces, seconds, read=True):
        """Types `pieces` as fast as the guest takes them, for so long; reads what it prints, or lets
        it pile up. Returns the number of bytes."""
        sent = 0
        deadline = time.monotonic() + seconds
        for piece in pieces:
            while piece and time.monotonic() < deadline:
                readable, writable, _ = select.select([self.output] if read else [], [self.input],
                                                      [], 0.5)
                if readable:
                    os.read(self.output, 65536)
                if writable:
                    done = os.write(self.input, piece[:1024])
                    piece, sent = piece[done:], sent + done
            if piece:
                break
        return sent

    def wait_until_output_stands_still(self, still=3, seconds=120):
        """Waits until nobody reads and nothing more comes: the pipe is full."""
        deadline = time.monotonic() + seconds
        waiting, since = -1, time.monotonic()
        while time.monotonic() - since < still:
            now = struct.unpack("i", fcntl.ioctl(self.output, termios.FIONREAD, b"\0" * 4))[0]
            if now != waiting:
                waiting, since = now, time.monotonic()
            if time.monotonic() > deadline:
                raise AssertionError("the guest prints for ever")
            select.select([], [], [], 0.1)
        if waiting < self.PIPE_BYTES - 8192:
            raise AssertionError(f"only {waiting} bytes came")

    def read_what_piled_up(self, still=1):
        """Reads until nothing more comes for so long: the UART is no longer held up then."""
        while select.select([self.output], [], [], still)[0]:
            os.read(self.output, 65536)

    def type(self, line):
        """The answer to `line`, without its echo."""
        os.write(self.input, line.encode("latin-1") + b"\r")
        return self.read_to_prompt().split("\n", 1)[1].removesuffix(PROMPT)

    def qemu(self, line):
        """The answer of QEMU's own monitor."""
        return self.command("human-monitor-command", **{"command-line": line}).replace("\r", "")

    def write_memory(self, address, data):
        """Writes `data` to the guest's virtual memory by QEMU's GDB stub, which no page's rights
        stop; the guest goes on behind it."""
        path = self.work / "gdb.sock"
        self.qemu(f"gdbserver unix:{path},server=on,wait=off")
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(str(path))
            for request in (f"M{address:x},{len(data):x}:{data.hex()}", "D"):
                line.sendall(f"${request}#{sum(request.encode()) & 255:02x}".encode())
                answer = b"$T"
                while b"$T" in answer:  # that it stopped is told whenever it likes
                    answer = b""
                    while answer[-3:-2] != b"#":
                        answer += line.recv(1)
                    line.sendall(b"+")
                if b"$OK#" not in answer:
                    raise RuntimeError(f"{request}: {answer!r}")

    def physical_word(self, address):
        """Eight bytes of the guest's physical memory, as QEMU reads them."""
        return int(self.qemu(f"xp /1gx {address:#x}").split(":")[1], 16)
