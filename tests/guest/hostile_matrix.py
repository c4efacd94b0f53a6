# SPDX-License-Identifier: GPL-2.0-only
"""Boots under firmware that misbehaves, as data: add a line to add a boot.

`faults` are words of tests/guest/hostile/hostile_plan.c. A boot passes where Firstlight ends as
`verdict` says and has made no call that UEFI forbids (the wrapper prints `hostile: called ...`).
"""

from dataclasses import dataclass

from boot import Boot

# run_hostile.py: QEMU ended by the guest's reset, without a verdict.
RESET = "reset or power-off before a verdict"
FORBIDDEN = "hostile: called"
ALL_KEYS = tuple(f"exit attempt {n}: map key 0x" for n in range(1, 9))
PIECES = {"free_percent_min": 95.0}  # what the shape itself takes away
TESTS = "test=* exit"
# EFI_OUT_OF_RESOURCES is 9, EFI_WRITE_PROTECTED is 8.
NOT_KEPT = "warning: black box: the firmware does not keep the variable (0x800000000000000"


@dataclass(frozen=True)
class HostileBoot(Boot):
    """`type_on`: a byte goes to the serial line as soon as this text is on it. Between the text
    `waits_from` and the end there are at least `waits_seconds`. `screen_from`: before the byte is
    typed the screen shows the serial line's text from this line on."""
    firmware: str = "2M"
    medium: str = "kernel"
    compiler: str = "hostile"
    faults: str = ""
    type_on: str = ""
    screen_from: str = ""
    waits_from: str = ""
    waits_seconds: float = 0.0


def hostile(faults, words=TESTS, **fields):
    """A boot named after its faults."""
    name = "hostile-" + faults.replace(",", "+").replace(":", "-")
    for field in ("memory", "cpu"):
        if field in fields:
            name += f"-{fields[field].replace(',', '_')}"
    return HostileBoot(name, faults=faults, words=f"hostile={faults} {words}", **fields)


def stopped(faults, code, *log_has):
    """The loader stops: what it says is on its own screen, until a byte comes."""
    return hostile(faults, verdict=RESET, type_on="or at a byte on the serial line", seconds=25,
                   log_has=(*log_has, "stopped: ", f"error {code}: docs/errors.md#{code}"),
                   screen=True, screen_from="firstlight: leaving boot services")


MAPS = [
    hostile("none"),
    hostile("shuffle"),
    hostile("reverse", memory="5G", expect={"efi_map_sorted": False}),
    hostile("split:6000,shuffle"),
    hostile("double,shuffle"),
    hostile("nest,shuffle", expect=PIECES),
    hostile("nest-low", expect=PIECES),
    hostile("junk,shuffle", expect=PIECES),
    hostile("split:2000,double,nest,junk,shuffle", memory="5G", expect=PIECES),
    hostile("stride:56", expect={"descriptor_size": 56}),
    hostile("stride:64,premerge", expect={"descriptor_size": 64}),
    hostile("stride:4096", expect={"descriptor_size": 4096}),
    hostile("stride:44", verdict="returned:bad-memory-map"),
    hostile("stride:32", verdict="returned:bad-memory-map"),
    hostile("unset-stride", verdict="returned:bad-memory-map"),
    hostile("creep:2"),
    hostile("creep:30", verdict="returned:bad-memory-map", log_has=("grows with every look",)),
    hostile("overrun", verdict="returned:exit-refused", log_has=("past the end of its buffer",)),
    hostile("lie", verdict="returned:exit-refused", log_has=("claims more bytes",)),
]

EXITS = [
    hostile("refuse:1"),
    hostile("refuse:3,grow:20", log_has=("left boot services: 4 attempts",)),
    hostile("refuse:7", log_has=("left boot services: 8 attempts",)),
    # Stall() at a tenth makes the loader take 3 s for the 30 that it says.
    hostile("refuse:1000,stall-tenth", verdict=RESET,
            waits_from="reset in 30 seconds", waits_seconds=2.0,
            log_has=ALL_KEYS + ("stopped: ExitBootServices refused every key",
                                "reset in 30 seconds")),
    stopped("refuse:1000", "exit-failed", *ALL_KEYS),
    stopped("take-back", "last-map", "last memory map contradicts its allocations"),
    stopped("give:60", "late-memory", "memory that appeared at the exit does not fit"),
    hostile("exit-error,stall-tenth", verdict=RESET,
            log_has=("failed with an error that it must not return",)),
    hostile("refuse:3,grow:200,stall-tenth", verdict=RESET, log_has=("wants a larger buffer",)),
]

MEMORY = [
    hostile("fragment", expect=PIECES),
    # More pieces than the kernel has areas: the largest 512 stay, a third of the RAM is dropped.
    hostile("fragment", memory="3G", log_has=("too-many-areas",),
            expect={"free_percent_min": 60.0, "firmware_ram_min": 3060 << 20, "leaves_1g_min": 0}),
    hostile("no-low", memory="5G"),
    hostile("scarce:2048"),
    hostile("scarce:256", verdict="returned:no-memory"),
    hostile("fail-one:1"),
    hostile("fail-one:4"),
    # A key on the serial line ends the wait; without one it is 30 s long, a tenth of that here.
    hostile("fail-pages:3", "wait=30", verdict="returned:no-memory", seconds=25,
            type_on="a key returns to the firmware, else 30 seconds do"),
    hostile("fail-pages:3,stall-tenth", "wait=30", verdict="returned:no-memory",
            waits_from="a key returns to the firmware", waits_seconds=2.0),
    hostile("fail-pages:1", memory="5G", verdict="returned:no-memory"),
    hostile("fail-pool:4", verdict="returned:no-memory"),
    # What Microsoft's signing rules announce; only the next release has the protocol for it.
    hostile("strict-nx", firmware="next-smm", screen=True,
            log_has=("hostile: strict-nx: memory is writable or executable, never both",),
            expect={"firmware_ram_min": 236 << 20}),
]

CONSOLES_AND_CPU = [
    hostile("no-conout,no-conin"),
    hostile("conout-error,watchdog", log_has=("firstlight: leaving boot services",
                                              "firstlight: kernel entered")),
    hostile("no-gop", screen=True),
    hostile("blt-only", log_has=("screen: none: only the firmware can draw on it",
                                 "] screen: none")),
    # Where the kernel lies: memory that the firmware gave out, and draws on.
    hostile(f"gop-base:{2 << 20}", screen=True, log_has=("warning: screen: not usable: EFAULT",)),
    hostile("no-nxe"),
    hostile("no-nxe", cpu="max,-nx"),
    hostile("cr4-min"),
    hostile("cr4-max,fill-variables", "blackbox=efi test=* exit",
            log_has=("hostile: filled the store of variables", NOT_KEPT + "9)")),
    hostile("stall-error,protect-variables", "blackbox=efi test=* exit",
            log_has=(NOT_KEPT + "8)",)),
    hostile("unterminated"),
    hostile("odd-options"),
    hostile("no-tables", expect={"cpus": 0}),  # 0: without ACPI nobody knows
    hostile("secure-boot", words="kernel=\\kernel.elf test=* exit",
            verdict="returned:secure-boot"),
]

BOOTS = MAPS + EXITS + MEMORY + CONSOLES_AND_CPU
