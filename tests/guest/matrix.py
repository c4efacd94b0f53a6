# SPDX-License-Identifier: GPL-2.0-only
"""The boot matrix as data: add a line to add a boot.

BOOTS run in `make test`: every value of every dimension at least once, and the pairs that have
bitten (few bytes of RAM with the big firmware, no NX with many pages, another compiler at 1 TiB).
full() is the product of the dimensions, for `make test-long`.
"""

from itertools import product

import media
from boot import Boot

# QEMU puts all RAM above 4 GiB at 1 TiB once there is about that much; 42 bits hold that.
TERABYTE = {"memory": "1T", "cpu": "max,phys-bits=42", "firmware": "2M", "medium": "kernel"}
UNSORTED = {"efi_map_sorted": False}  # OVMF lists RAM above 4 GiB before the holes below
CPUS = ("max", "qemu64", "qemu64,-nx", "max,-nx", "max,pdpe1gb=off")

SIZES = [
    Boot("q35-48M", memory="48M"),  # the smallest for this firmware and a disk
    Boot("q35-64M", memory="64M"),
    Boot("q35-256M", log_has=("firstlight: kernel entered", "firstlight: bootinfo accepted")),
    Boot("q35-1G", memory="1G", medium="usb"),
    Boot("q35-3G", memory="3G", expect=UNSORTED, medium="ahci", fat="16"),
    Boot("q35-5G", memory="5G", expect=UNSORTED, medium="nvme"),
    Boot("q35-1T", **TERABYTE, expect={"leaves_1g_min": 1000}),
    Boot("pc-48M", machine="pc", memory="48M"),
    Boot("pc-64M", machine="pc", memory="64M", medium="kernel"),
    Boot("pc-256M", machine="pc"),
    Boot("pc-1G", machine="pc", memory="1G", firmware="2M", medium="usb", fat="12"),
    Boot("pc-3G", machine="pc", memory="3G", medium="kernel"),
    Boot("pc-5G", machine="pc", memory="5G", expect=UNSORTED, medium="virtio"),
    Boot("pc-1T", machine="pc", **TERABYTE),
    Boot("q35-40M-2M-kernel", memory="40M", firmware="2M", medium="kernel"),
    # Everything under lock-down too, and the GDB stub refused.
    Boot("q35-256M-2M", firmware="2M", words="test=* exit lockdown gdb=ttyS1",
         log_has=("refused: the GDB stub: lockdown is on",)),
    Boot("q35-256M-kernel", medium="kernel", words="test=* exit gdb=ttyS0",
         log_has=("gdb: ttyS0 is the console: no debugger",)),
    Boot("q35-256M-2M-kernel", firmware="2M", medium="kernel"),
]

PROCESSORS = [
    Boot("q35-256M-qemu64", cpu="qemu64", medium="kernel"),
    Boot("q35-5G-qemu64", cpu="qemu64", memory="5G", expect={"leaves_2m_min": 2000}),
    Boot("q35-256M-qemu64-nonx", cpu="qemu64,-nx"),
    Boot("pc-3G-qemu64-nonx", machine="pc", cpu="qemu64,-nx", memory="3G", medium="kernel"),
    Boot("q35-48M-nonx", cpu="max,-nx", memory="48M"),
    Boot("q35-5G-nonx", cpu="max,-nx", memory="5G", medium="kernel"),
    Boot("q35-256M-no1g", cpu="max,pdpe1gb=off", medium="kernel"),
    Boot("q35-5G-no1g", cpu="max,pdpe1gb=off", memory="5G", expect={"leaves_2m_min": 2000}),
    Boot("q35-256M-smp2", smp=2),
    Boot("pc-1G-smp4", machine="pc", memory="1G", smp=4),
]

FIRMWARES_AND_DEVICES = [
    Boot("q35-256M-screen", screen=True),
    Boot("pc-256M-screen-kernel", machine="pc", screen=True, medium="kernel"),
    Boot("q35-256M-nxstack", nx_stack=True),
    Boot("q35-256M-nxstack-kernel", nx_stack=True, firmware="2M", medium="kernel"),
    Boot("q35-256M-noserial", serial=False),
    Boot("pc-256M-noserial-kernel", machine="pc", serial=False, medium="kernel"),
    Boot("q35-256M-noserial-screen", serial=False, screen=True),
]

# Where the log goes: two ISA ports and ACPI's word for the second, the command line's, PCI's only.
TWO_PORTS = ("-serial", "file:{work}/com1.log", "-serial", "file:{log}")
SERIAL_PORTS = [
    Boot("q35-spcr-com2", medium="kernel", firmware="2M",
         serial_arguments=(*TWO_PORTS, "-acpitable", "sig=SPCR,rev=2,data={data}/acpi/spcr-com2.bin"),
         log_has=("serial port: 0x2f8 (SPCR)", "firstlight: kernel entered", "] Firstlight ")),
    Boot("pc-ttys1", machine="pc", medium="kernel", firmware="2M", serial_arguments=TWO_PORTS,
         words="console=ttyS1,115200n8 maxcpus=1 test=* exit",
         log_has=("serial port: 0x2f8 (console=)", "firstlight: kernel entered")),
    Boot("q35-earlycon", medium="kernel", firmware="2M", serial_arguments=TWO_PORTS,
         words="earlycon=uart8250,io,0x2f8 test=* exit",
         log_has=("serial port: 0x2f8 (earlycon=)", "firstlight: kernel entered")),
    Boot("q35-pci-serial", medium="kernel", firmware="2M",
         serial_arguments=("-chardev", "file,id=log,path={log}", "-device",
                           "pci-serial,chardev=log"),
         words="earlycon=mmio32,0x100000 test=* exit",
         log_has=("(earlycon=) refused: there is RAM", " (PCI)", "firstlight: kernel entered")),
]

SECOND_COMPILER = [
    Boot("gcc-q35-256M", compiler="gcc"),
    Boot("gcc-pc-5G-qemu64-nonx", compiler="gcc", machine="pc", memory="5G", cpu="qemu64,-nx"),
    Boot("gcc-q35-1T", compiler="gcc", **TERABYTE),
]


def refused(file, *words, code="kernel-not-elf"):
    """The loader names what is wrong with \\bad\\`file` and is back in the firmware."""
    return Boot(f"refused-{file.removesuffix('.elf')}", words=f"kernel=\\bad\\{file} test=* exit",
                file=file, verdict=f"returned:{code}", log_has=words)


REFUSALS = [
    refused("empty.elf", "too short for an ELF header"),
    refused("header-only.elf", "program headers outside of the file"),
    refused("truncated.elf", "outside of the file"),
    refused("not-elf.elf", "not an ELF file"),
    refused("wrong-machine.elf", "not an x86-64 image"),
    refused("write-execute.elf", "segment both writable and executable"),
    refused("overlapping.elf", "load segments overlap"),
    refused("entry-outside.elf", "entry point outside of the executable segment"),
    refused("relocation-outside.elf", "relocation's target is outside of the segments"),
    Boot("refused-missing", words="kernel=\\no\\such.elf test=* exit",
         verdict="returned:kernel-not-found", log_has=("kernel=\\no\\such.elf cannot be read",)),
    Boot("refused-no-memory", words="mem=1M test=* exit", verdict="returned:no-memory",
         log_has=("no free range of",)),
]

# Who starts the loader, and whether the firmware lets it. The controllers are covered by SIZES.
CHAINED = {"medium": "virtio", "log_has": ("command line: seed=1 test=* exit",)}

SHIM = {"start": "shim", "medium": "virtio"}

STARTS = [
    Boot("start-shell", start="shell", **CHAINED),
    Boot("start-grub", start="grub", **CHAINED),
    Boot("start-systemd-boot", start="systemd-boot", **CHAINED),
    # Signed, unsigned and an outside kernel: script_boot.py.
    Boot("secure-changed", secure="changed", verdict="denied", medium="virtio"),
    Boot("shim-mok", **SHIM, secure="mok", tpm=True, words="gdb=ttyS1 test=* exit",
         log_has=("Secure Boot on", "refused: the GDB stub: Secure Boot is on",
                  "PCR 9 match, PCR 12 match")),
    Boot("shim-other-key", **SHIM, secure="other-key", verdict="denied"),
]

# The next release's firmware: from an SD card; with SMM, which takes 16 MiB, and a large NVS. (With
# more CPUs each write of a variable stops all of them, which takes the emulator half a minute.)
NEXT_SMM = {"firmware": "next-smm", "medium": "virtio",
            "expect": {"firmware_ram_min": 236 << 20}}

OTHER_FIRMWARE = [
    # Without NX this GetMemoryMap asks for three times the room that its map then takes.
    Boot("sd-q35-256M-nonx", firmware="next", medium="sd", cpu="max,-nx",
         log_has=("(1b36:0007, class 080501)",)),
    Boot("next-secure-signed", **NEXT_SMM, secure="signed", screen=True, tpm=True,
         log_has=("PCR 9 match, PCR 12 match",)),
    Boot("next-secure-unsigned", **NEXT_SMM, secure="unsigned", verdict="denied"),
    # Not EDK2: descriptors of 40 bytes, no splitter of consoles, load options of its own.
    Boot("u-boot", machine="pc", firmware="u-boot", medium="virtio", smp=4,
         log_has=("firmware: Das U-Boot",), expect={"descriptor_size": 40}),
]

# Ends other than a pass: the verdict itself is what is tested.
OTHER_ENDS = [
    Boot("dryrun", words="dryrun", verdict="returned:dry-run-ok"),
    Boot("dryrun-kernel", words="dryrun", medium="kernel", verdict="returned:dry-run-ok"),
    Boot("no-test-matches", words="test=no.such_test exit", verdict="nothing-ran"),
    Boot("test-buddy-200M", memory="1G", words="mem=768M test=mm.buddy.test_buddy exit",
         expect={"areas_end_max": 768 << 20, "free_percent_min": 75.0}),
    Boot("kernel-from-disk", words="kernel=\\bad\\good.elf test=* exit", file="good.elf"),
]

BOOTS = (SIZES + PROCESSORS + FIRMWARES_AND_DEVICES + SERIAL_PORTS + SECOND_COMPILER + REFUSALS
         + STARTS + OTHER_FIRMWARE + OTHER_ENDS)


def full():
    """Machine x memory x CPU x medium, as far as the firmware runs."""
    for machine, memory, cpu, medium in product(
            ("q35", "pc"), ("48M", "64M", "256M", "1G", "3G", "5G"), CPUS, ("disk", "kernel")):
        name = "-".join(("full", machine, memory, cpu.replace(",", "_"), medium))
        yield Boot(name, machine=machine, memory=memory, cpu=cpu, medium=medium)
    yield from full_firmware()
    yield from full_media()


def full_firmware():
    """Machine x memory x CPU under the other firmware, as far as it runs."""
    for machine, memory, cpu in product(("q35", "pc"), ("64M", "1G", "5G"), CPUS):
        name = "-".join((machine, memory, cpu.replace(",", "_")))
        yield Boot(f"next-{name}", machine=machine, memory=memory, cpu=cpu, firmware="next")
        if machine == "pc":
            yield Boot(f"u-boot-{name}", machine=machine, memory=memory, cpu=cpu,
                       firmware="u-boot", expect={"descriptor_size": 40})


def _firmware_for(medium):
    return "next" if medium == "sd" else "4M"


def full_media():
    """Machine x controller x FAT; every starter from every controller; every signer."""
    for machine, medium, fat in product(("q35", "pc"), media.CONTROLLERS, ("32", "16", "12")):
        yield Boot(f"media-{machine}-{medium}-fat{fat}", machine=machine, medium=medium, fat=fat,
                   firmware=_firmware_for(medium))
    for start, medium in product(("shell", "grub", "systemd-boot"), media.CONTROLLERS):
        if (start, medium) == ("shell", "sd"):
            continue  # the next release's firmware ends in its menu, not in its shell
        yield Boot(f"start-{start}-{medium}", start=start, firmware=_firmware_for(medium),
                   **{**CHAINED, "medium": medium})
    for secure in media.SIGNERS:
        if secure == "mok":
            continue  # the firmware knows no such key
        yield Boot(f"secure-{secure}-usb", secure=secure, medium="usb",
                   verdict="pass" if secure == "signed" else "denied")
        yield Boot(f"secure-{secure}-next", secure=secure, **NEXT_SMM,
                   verdict="pass" if secure == "signed" else "denied")
    # Unsigned by -kernel is refused too, as Not Found: no line to wait for that means it.
    yield Boot("secure-signed-kernel", secure="signed", medium="kernel")
