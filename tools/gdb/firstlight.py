# SPDX-License-Identifier: GPL-2.0-only
"""gdb commands for Firstlight: gdb -x tools/gdb/firstlight.py (Python 3.11 of Debian 12's gdb 13).

    fl start         from reset (QEMU's stub): runs to kernel_main with symbols in place
    fl loader        where the loader's image is; from reset: runs to its call of ExitBootServices
    fl kernel        the same for a machine that stands in the kernel already (either stub)
    fl memmap        the kernel's memory map, as its monitor prints it
    fl pt ADDR       the page-table entries on the way to ADDR
    fl buddy         totals of the page-frame allocator

Nothing tells gdb where firmware put the loader and where the loader put the kernel, so this looks:

  * UEFI 2.10, 18.4.2: EFI_SYSTEM_TABLE_POINTER, with a signature, on a boundary of 4 MiB. Until it
    is there the machine runs in slices of real time. From its table comes ExitBootServices(), and
    whoever calls that is the loader: its image begins at the last `MZ` page below the caller.
  * The loader's last instruction on the firmware's tables (handoff_enter in loader/handoff.S) jumps
    with the kernel's entry in r9. It is found by its bytes in BOOTX64.EFI, so it needs no symbols.
  * The kernel's text has no relocations: the page that begins like the ELF's text, at or below RIP,
    is where the image is.

BUILD and ESP in the environment name other folders than build and esp, as for make.
"""

import os
import signal
import struct
import threading
import time

import gdb

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PHYS_OFFSET = 0xffff800000000000
PAGE = 4096
ADDRESS_MASK = 0x000ffffffffff000
SYSTEM_TABLE_SIGNATURE = b"IBI SYST"
POINTER_STEP = 4 << 20
SLICE_SECONDS = 0.2
START_SECONDS = 120
BOOT_SERVICES_OFFSET = 96        # in EFI_SYSTEM_TABLE, 64 bits (UEFI 2.10, 4.3)
EXIT_BOOT_SERVICES_OFFSET = 232  # in EFI_BOOT_SERVICES (UEFI 2.10, 4.4)
IMAGE_LIMIT = 4 << 20            # neither loader nor kernel text is larger
# handoff_enter: cli; cld; mov (%rcx),%r11; mov 8(%rcx),%r8; ...; jmp *%r11
HANDOFF_START = bytes.fromhex("fafc4c8b194c8b41084c8b5110")
HANDOFF_JUMP = bytes.fromhex("41ffe3")


def in_tree(variable, default, name):
    folder = os.environ.get(variable, default)
    return os.path.join(TOP, folder, name)


def elf_path():
    return in_tree("BUILD", "build", "kernel.elf")


def say(text):
    gdb.write(text + "\n")


def read(address, count):
    return bytes(gdb.selected_inferior().read_memory(address, count))


def read_u64(address):
    return struct.unpack("<Q", read(address, 8))[0]


def register(name):
    return int(gdb.parse_and_eval(f"${name}")) & (1 << 64) - 1


# ---- finding -----------------------------------------------------------------------------------

def run_for(seconds):
    """Lets the machine run for a while: Ctrl-C is what stops it, as a person's would."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()
    try:
        gdb.execute("continue", to_string=True)
    finally:
        timer.cancel()


def find_system_table():
    """Address of the firmware's system table, or None while there is none."""
    for address in range(POINTER_STEP, 1 << 32, POINTER_STEP):
        try:
            if read(address, 8) == SYSTEM_TABLE_SIGNATURE:
                table = read_u64(address + 8)
                if read(table, 8) == SYSTEM_TABLE_SIGNATURE:
                    return table
        except gdb.MemoryError:
            pass
    return None


def wait_for_system_table():
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        table = find_system_table()
        if table is not None:
            return table
        run_for(SLICE_SECONDS)
        if register("rip") >= PHYS_OFFSET:
            raise gdb.GdbError("the kernel runs already: `fl kernel` finds it")
    raise gdb.GdbError(f"no firmware came up within {START_SECONDS} s")


def run_to(address):
    """Runs to `address` with a hardware breakpoint: the memory may not be there yet."""
    if register("rip") == address:
        return  # gdb would step over its own breakpoint: `fl start` behind `fl loader`
    point = gdb.Breakpoint(f"*{address:#x}", type=gdb.BP_HARDWARE_BREAKPOINT, internal=True)
    point.silent = True
    try:
        gdb.execute("continue", to_string=True)
    finally:
        point.delete()
    if register("rip") != address:
        raise gdb.GdbError(f"stopped at {register('rip'):#x} and not at {address:#x}")


def image_below(address):
    """Base of the PE image that `address` is in."""
    page = address & ~(PAGE - 1)
    for base in range(page, max(page - IMAGE_LIMIT, 0), -PAGE):
        try:
            if read(base, 2) == b"MZ":
                return base
        except gdb.MemoryError:
            break
    raise gdb.GdbError(f"no PE image around {address:#x}")


def pe_sections(image):
    """(RVA, offset in the file, bytes there) of a PE file's sections."""
    header, = struct.unpack_from("<I", image, 0x3c)
    count, = struct.unpack_from("<H", image, header + 6)
    optional_bytes, = struct.unpack_from("<H", image, header + 20)
    for i in range(count):
        entry = header + 24 + optional_bytes + 40 * i
        rva, size, offset = struct.unpack_from("<3I", image, entry + 12)
        yield rva, offset, size


def handoff_jump_rva():
    """Where in the loaded image handoff_enter jumps, from the file it was loaded from."""
    with open(in_tree("ESP", "esp", "EFI/BOOT/BOOTX64.EFI"), "rb") as file:
        image = file.read()
    start = image.find(HANDOFF_START)
    if start < 0 or image.find(HANDOFF_START, start + 1) >= 0:
        raise gdb.GdbError("handoff_enter is not in BOOTX64.EFI once")
    jump = image.index(HANDOFF_JUMP, start)
    for rva, offset, size in pe_sections(image):
        if offset <= jump < offset + size:
            return rva + jump - offset
    raise gdb.GdbError("handoff_enter is in no section of BOOTX64.EFI")


def find_loader():
    """Runs to the loader's call of ExitBootServices(); the base of its image."""
    boot_services = read_u64(wait_for_system_table() + BOOT_SERVICES_OFFSET)
    run_to(read_u64(boot_services + EXIT_BOOT_SERVICES_OFFSET))
    base = image_below(read_u64(register("rsp")))
    expected = base + handoff_jump_rva()
    if read(expected, len(HANDOFF_JUMP)) != HANDOFF_JUMP:
        raise gdb.GdbError(f"the image at {base:#x} is not this tree's BOOTX64.EFI")
    return base


def elf_text(count):
    """The first bytes of the ELF's text, and its entry."""
    with open(elf_path(), "rb") as file:
        image = file.read()
    entry, table = struct.unpack_from("<2Q", image, 24)
    size, number = struct.unpack_from("<2H", image, 54)
    for i in range(number):
        kind, flags, offset = struct.unpack_from("<2IQ", image, table + i * size)
        if kind == 1 and flags & 1:
            return image[offset:offset + count], entry
    raise gdb.GdbError(f"no text in {elf_path()}")


def kernel_below(address):
    """Base of the kernel image that `address` is in."""
    text, _ = elf_text(64)
    page = address & ~(PAGE - 1)
    for base in range(page, max(page - IMAGE_LIMIT, PHYS_OFFSET - PAGE), -PAGE):
        try:
            if read(base, len(text)) == text:
                return base
        except gdb.MemoryError:
            break
    raise gdb.GdbError(f"{address:#x} is not in the text of {elf_path()}")


def load_symbols(base):
    gdb.execute(f"symbol-file {elf_path()} -o {base:#x}", to_string=True)
    say(f"kernel at {base:#x}")


# ---- commands ----------------------------------------------------------------------------------

class Command(gdb.Command):
    """One of the `fl` commands: the subclass has `run(argument)`."""

    def __init__(self, name):
        self.__doc__ = type(self).__doc__
        super().__init__(f"fl {name}", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        try:
            self.run(argument.strip())
        except gdb.MemoryError as error:
            raise gdb.GdbError(str(error)) from error


class Start(Command):
    """From reset (QEMU's stub) to kernel_main, with the kernel's symbols in place."""

    def run(self, _):
        base = find_loader()
        say(f"loader at {base:#x}")
        run_to(base + handoff_jump_rva())
        _, entry = elf_text(1)
        load_symbols(register("r9") - entry)
        run_to(int(gdb.parse_and_eval("(unsigned long)&kernel_main")) & (1 << 64) - 1)
        gdb.execute("frame")


class Loader(Command):
    """Where the loader's image is; runs to its call of ExitBootServices."""

    def run(self, _):
        say(f"loader at {find_loader():#x}")


class Kernel(Command):
    """Finds the kernel that the machine stands in, and loads its symbols there."""

    def run(self, _):
        load_symbols(kernel_below(register("rip")))


def reason_names():
    """The words behind enum mmap_reason, from its members' names."""
    kind = gdb.lookup_type("enum mmap_reason")
    return {field.enumval: field.name.removeprefix("MMAP_REASON_").lower().replace("_", "-")
            for field in kind.fields()}


def bootinfo():
    """The kernel's copy of the bootinfo, as a value of struct bootinfo; with its address."""
    phys = int(gdb.parse_and_eval("'kernel/mm/mm_init.c'::state.bootinfo.value"))
    if phys == 0:
        raise gdb.GdbError("the kernel has no memory map yet: go on behind mm_init()")
    address = PHYS_OFFSET + phys
    pointer = gdb.lookup_type("struct bootinfo").pointer()
    return gdb.Value(address).cast(pointer).dereference(), address


class Memmap(Command):
    """The kernel's memory map, as its monitor's `memmap` prints it."""

    def run(self, _):
        info, address = bootinfo()
        names = reason_names()
        say("            base               end        KiB   type reason")
        count = int(info["mmap"]["count"])
        for i in range(count):
            entry = address + int(info["mmap"]["offset"]) + i * int(info["mmap"]["entry_size"])
            base, size, kind = struct.unpack("<QQI", read(entry, 20))
            reason, = struct.unpack("<I", read(address + int(info["reasons"]["offset"]) + 4 * i, 4))
            say(f"0x{base:016x} 0x{base + size:016x} {size // 1024:10} {kind:#6x} "
                f"{names.get(reason, '?')}")
        say(f"{count} entries")


def table_entry(table, index):
    """Entry of a page table by its physical address: through the direct map, or, before there is
    one, through the firmware's identity map."""
    direct = PHYS_OFFSET if register("rip") >= PHYS_OFFSET else 0
    return read_u64(direct + table + 8 * index)


class Pt(Command):
    """The page-table entries on the way to ADDR, an expression."""

    TABLES = (("PML4", 39, None), ("PDPT", 30, "1G"), ("PD", 21, "2M"), ("PT", 12, "4K"))
    BITS = ((0, "P"), (1, "W"), (2, "U"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"), (7, "PS/PAT"),
            (8, "G"), (63, "NX"))

    def run(self, argument):
        if not argument:
            raise gdb.GdbError("fl pt ADDR")
        address = int(gdb.parse_and_eval(argument).cast(gdb.lookup_type("unsigned long")))
        table = register("cr3") & ADDRESS_MASK
        say(f"CR3 0x{table:016x}")
        for depth, (name, shift, size) in enumerate(self.TABLES):
            index = address >> shift & 511
            entry = table_entry(table, index)
            bits = " ".join(word for bit, word in self.BITS if entry >> bit & 1)
            say(f"{'   ' * depth}+- {name}[{index}] 0x{entry:016x} {bits or 'not present'}")
            if not entry & 1:
                say(f"0x{address:016x} is not mapped")
                return
            table = entry & ADDRESS_MASK
            if size and (size == "4K" or entry & 0x80):
                offset = (1 << shift) - 1
                say(f"0x{address:016x} -> 0x{(table & ~offset) + (address & offset):016x} {size}")
                return


class Buddy(Command):
    """Totals of the page-frame allocator, and its calls by order."""

    def run(self, _):
        buddy = gdb.parse_and_eval("'kernel/mm/mm_init.c'::buddy")
        caches = [buddy["caches"][cpu]["stacks"] for cpu in range(int(buddy["cpu_count"]))]
        first, last = buddy["frees"].type.range()
        say("order  allocations        frees")
        for order in range(first, last + 1):
            calls = [int(buddy[what][order]) + sum(int(stacks[order][what]) for stacks in caches)
                     for what in ("allocations", "frees")]
            say(f"{order:5} {calls[0]:12} {calls[1]:12}")
        cached = sum(int(stacks[order]["count"]) << order for stacks in caches
                     for order in range(first, last + 1))
        shards = [int(buddy["shards"][i]["free_frames"]) for i in range(int(buddy["shard_count"]))]
        untouched = int(buddy["untouched_frames"])
        for i, frames in enumerate(shards):
            say(f"shard {i}: {frames * 4} KiB free")
        say(f"cached: {cached * 4} KiB\nnever touched: {untouched * 4} KiB")
        total = int(buddy["total_frames"])
        free = sum(shards) + cached + untouched
        say(f"total {total}, free {free}, allocated {total - free} frames; "
            f"metadata {int(buddy['metadata_frames'])} frames beside them")


class Prefix(gdb.Command):
    """Firstlight: fl start | loader | kernel | memmap | pt ADDR | buddy"""

    def __init__(self):
        super().__init__("fl", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, argument, from_tty):
        say(self.__doc__)


gdb.execute("set pagination off")
gdb.execute("set confirm off")
Prefix()
for command, name in ((Start, "start"), (Loader, "loader"), (Kernel, "kernel"), (Memmap, "memmap"),
                      (Pt, "pt"), (Buddy, "buddy")):
    command(name)
