# SPDX-License-Identifier: GPL-2.0-only
"""One boot: from its description (a Boot) to QEMU's arguments, to what came out, to a verdict.

Deliberately not run-ovmf.sh: the matrix varies what that script fixes, and the script has tests of
its own (test_run_ovmf.py, script_boot.py). QEMU facts behind the arguments: docs/testing.md.
"""

import contextlib
import json
import re
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import firmware
import images
import ktap
import media
import report as report_module
import tpm

TESTS = Path(__file__).resolve().parents[1]
RETURN_LINE = re.compile(r"firstlight: returned to firmware: ([\w.-]*)\r?\n")
# The firmware's boot manager about an image that Secure Boot keeps out, or shim; both then wait for a
# key.
DENIED_LINE = re.compile(r"BdsDxe: failed to load Boot[0-9A-F]{4} [^\n]*: Access Denied"
                         r"|Verification failed: \(0x1A\) Security Violation")


class Build(NamedTuple):
    """What there is to boot: the loader with its kernel inside, and that kernel's ELF file."""
    efi: Path
    kernel: Path


# The kernel's warning: pages of data can be executed.
NO_NX = "this CPU has no NX"
# (value << 1) | 1 for what the guest writes to isa-debug-exit.
STATUS_VERDICT = {33: "pass", 35: "failed", 37: "panic", 39: "nothing-ran"}


@dataclass(frozen=True)
class Boot:
    """One line of the matrix. `verdict` is pass, failed, panic, nothing-ran, `returned:CODE` for a
    loader that goes back to the firmware, or `denied` where Secure Boot does not start it."""
    name: str
    machine: str = "q35"
    memory: str = "256M"
    cpu: str = "max"
    smp: int = 1
    firmware: str = "4M"  # firmware.FLAVOURS
    variables: Path = None  # the file of another boot, to go on from; none: as Debian has them
    # FAT32 without partitions on virtio; kernel: -kernel BOOTX64.EFI; or the USB image behind one
    # of media.CONTROLLERS
    medium: str = "disk"
    fat: str = "32"  # of the USB image: 32, 16, 12
    start: str = "firmware"  # what starts the loader on the USB image: media.STARTERS
    secure: str = ""  # Secure Boot is on, and the loader on the USB image is: media.SIGNERS
    screen: bool = False
    serial: bool = True
    # In the place of `-serial file:LOG`: {log} is that file, {work} the boot's folder, {data} tests/data
    serial_arguments: tuple = ()
    tpm: bool = False  # a TPM 2.0 with empty PCRs
    tpm_banks: tuple = ()  # the PCR banks that are on (tpm.BANKS); empty: as the TPM comes
    nx_stack: bool = False  # the firmware maps its stack no-execute, by 4 KiB pages
    compiler: str = "clang"
    words: str = "test=* exit"
    file: str = ""  # extra file on the ESP: a name of images.BUILDERS, stored as \bad\NAME
    verdict: str = "pass"
    log_has: tuple = ()  # texts that must stand in the serial log
    expect: dict = field(default_factory=dict)  # of the report, see report.EXPECTATIONS
    seconds: int = 90  # a hang ends here; a good boot takes about five

    def memory_mib(self):
        number, unit = int(self.memory[:-1]), self.memory[-1]
        return number * {"M": 1, "G": 1024, "T": 1024 * 1024}[unit]


@dataclass
class Outcome:
    """What a boot left behind."""
    boot: Boot
    seconds: float = 0.0
    problems: list = field(default_factory=list)
    cases: list = field(default_factory=list)  # names that ran in the guest
    log: Path = None

    def ok(self):
        return not self.problems


def default_expectations(boot):
    """What follows from the machine alone; the boot's own `expect` is put on top."""
    has_nx = "-nx" not in boot.cpu
    has_1g = boot.cpu.startswith("max") and "pdpe1gb=off" not in boot.cpu
    expect = {"nx": has_nx, "xd_reserved": not has_nx, "pdpe1gb": has_1g,
              "descriptor_size": 48, "cpus": boot.smp, "secure_boot": boot.secure in ("signed", "mok"),
              # The VGA hole and what the firmware keeps reserved is less than a MiB.
              "firmware_ram_min": (boot.memory_mib() - 2) << 20}
    if not has_1g:
        expect["leaves_1g_max"] = 0
    elif boot.memory_mib() >= 3 * 1024:
        expect["leaves_1g_min"] = 1
    if boot.memory_mib() >= 256:
        expect["free_percent_min"] = 99.0
    return {**expect, **boot.expect}


def _memory_arguments(boot):
    arguments = ["-m", boot.memory]
    if boot.memory_mib() > 4096:
        # Not reserved: a machine larger than the host starts, and pays only for what it touches.
        arguments += ["-object", f"memory-backend-ram,id=ram,size={boot.memory},reserve=off",
                      "-machine", "memory-backend=ram"]
    return arguments


def _words(boot):
    """A boot that is to be refused does not wait for a key, unless it says how long."""
    waits = not boot.verdict.startswith("returned:") or "wait=" in boot.words
    return boot.words if waits else f"{boot.words} wait=0"


def _medium_arguments(boot, build, work):
    if boot.medium == "kernel":
        if boot.secure:
            (work / "loader.efi").write_bytes(media.loader(boot, build, work))
            build = build._replace(efi=work / "loader.efi")
        return ["-kernel", str(build.efi), "-append", boot.words]
    if boot.medium in media.CONTROLLERS:
        return media.arguments(boot, build, work)
    extra = {boot.file: images.make_kernel(boot.file, build.kernel)} if boot.file else {}
    disk = images.make_disk(work / "esp.img", build.efi, boot.words, extra)
    return ["-drive", f"if=none,id=esp,format=raw,file={disk}",
            "-device", "virtio-blk-pci,drive=esp,bootindex=0"]


def qemu_arguments(boot, build, work):
    """The command line for `boot` of `build`; makes the files it names in `work`."""
    boot = replace(boot, words=_words(boot))
    arguments = ["qemu-system-x86_64", "-accel", "tcg", "-machine", boot.machine,
                 "-cpu", boot.cpu, "-smp", str(boot.smp), *_memory_arguments(boot),
                 "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                 "-net", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                 *firmware.arguments(boot, work), *_medium_arguments(boot, build, work)]
    if boot.serial_arguments:
        names = {"log": work / "serial.log", "work": work, "data": TESTS / "data"}
        arguments += [argument.format(**names) for argument in boot.serial_arguments]
    elif boot.serial:
        arguments += ["-serial", f"file:{work / 'serial.log'}"]
    if boot.screen:
        arguments += ["-device", "VGA"]
    if boot.nx_stack:
        arguments += ["-fw_cfg", "name=opt/ovmf/PcdSetNxForStack,string=yes"]
    return arguments


def _serial_text(work):
    log = work / "serial.log"
    return log.read_text("utf-8", "replace") if log.exists() else ""


def _told_end(text):
    """The end that a line of the serial log tells of, or None."""
    if match := RETURN_LINE.search(text):
        return f"returned:{match[1]}"
    return "denied" if DENIED_LINE.search(text) else None


def _wait(process, work, seconds):
    """Waits for the end: a verdict, or `returned:CODE`, or a word on what went wrong."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if end := _told_end(_serial_text(work)):
            return end
        if time.monotonic() > deadline:
            return f"no end within {seconds} s"
        time.sleep(0.1)
    if end := _told_end(_serial_text(work)):
        return end
    if process.returncode == 0:
        return "reset or power-off before a verdict"
    return STATUS_VERDICT.get(process.returncode, f"QEMU failed with {process.returncode}")


def _run(arguments, work, seconds):
    with open(work / "qemu.log", "wb") as output:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT)
        try:
            return _wait(process, work, seconds)
        finally:
            process.kill()
            process.wait()


PLAN = re.compile(r"plan: \d+ areas, (\d+) frames for the bootinfo, (\d+) for page tables, "
                  r"(\d+) for metadata, (\d+) free")
TAKEN = re.compile(r"After mapping all physical memory, Firstlight used: (\d+) KB")
BUDDY = re.compile(r"initialized buddy allocator: (\d+) frames free, (\d+) for metadata")
BOOKS = re.compile(r"books: usable \d+ = bump (\d+) \+ page tables (\d+)")
FRAME_KB = 4


def check_plan(text):
    """What the loader tried out before the exit is what came about in the kernel's mm_init(), to the
    frame: the loader plans with the whole bootinfo block, the kernel copies what is used of it, and
    the frames between are free. Yields problems."""
    found = [pattern.search(text) for pattern in (PLAN, TAKEN, BUDDY, BOOKS)]
    if None in found:
        yield "no plan by the loader, or no word of the kernel on what it took"
        return
    block, tables, metadata, free = (int(n) for n in found[0].groups())
    copy = int(found[3][1])
    real_tables = int(found[1][1]) // FRAME_KB - copy
    real_free, real_metadata = (int(n) for n in found[2].groups())
    if copy > block:
        yield f"plan: {block} frames for the bootinfo; the kernel took {copy}"
    if tables != real_tables:
        yield f"plan: {tables} frames for page tables; the kernel took {real_tables}"
    # What is left begins elsewhere, by the frames of the block: rarely with another 2 MiB.
    if abs(metadata - real_metadata) > 1:
        yield f"plan: {metadata} frames of metadata; the kernel has {real_metadata}"
    more = copy + real_tables + real_metadata + real_free - block - tables - metadata - free
    if more != 0:
        yield f"plan: {free} frames free; the kernel has {real_free}, {more} more than planned"


def _check_guest_output(boot, text, outcome):
    result = ktap.parse(text)
    if (NO_NX in text) != ("-nx" in boot.cpu):
        outcome.problems.append(f"{NO_NX!r}: to be said exactly where it is so")
    outcome.cases = result.names()
    outcome.problems += result.problems
    outcome.problems += [f"failed in the guest: {name}" for name in result.failed]
    if not result.passed:
        outcome.problems.append("no self-test passed")
    outcome.problems += check_plan(text)
    try:
        outcome.problems += report_module.check(report_module.extract(text),
                                                default_expectations(boot))
    except report_module.ReportError as error:
        outcome.problems.append(str(error))


def _doubled_lines(text):
    """Lines of the loader that a serial line has twice: by the firmware's console and by itself."""
    lines = [line for line in ktap.clean_lines(text) if line.startswith("firstlight: ")]
    return [f"twice on the serial line: {line}" for line, after in zip(lines, lines[1:])
            if line == after]


def judge(boot, end, text):
    """The Outcome for a boot that ended as `end` with `text` on its serial line."""
    outcome = Outcome(boot)
    if end != boot.verdict:
        outcome.problems.append(f"ended with: {end}; expected: {boot.verdict}")
    outcome.problems += [f"serial log lacks {wanted!r}" for wanted in boot.log_has
                         if wanted not in text]
    outcome.problems += _doubled_lines(text)
    if boot.verdict == "denied" and "firstlight: " in text:
        outcome.problems.append("the loader ran before it was denied")
    if boot.verdict == "pass" and boot.serial:
        _check_guest_output(boot, text, outcome)
    return outcome


def _check_medium(outcome, text):
    """The report that the loader wrote to the medium is there, and is of this boot."""
    where = f"report on the medium {outcome.boot.medium}"
    try:
        written = json.loads(media.read(outcome.log.parent, "firstlight/report-000.json"))
        told = report_module.extract(text)
        outcome.problems += [f"{where}: {key} is not the kernel's"
                             for key in ("build", "firmware", "ledger", "pins", "repairs")
                             if written[key] != told[key]]
    except (subprocess.CalledProcessError, ValueError, KeyError,
            report_module.ReportError) as error:
        outcome.problems.append(f"{where}: {error!r}")


def run(boot, build, work):
    """Boots `build` as `boot` says, with its files in the new folder `work`."""
    work.mkdir(parents=True)
    started = time.monotonic()
    with tpm.running(boot.tpm_banks) if boot.tpm else contextlib.nullcontext([]) as plugged:
        end = _run([*qemu_arguments(boot, build, work), *plugged], work, boot.seconds)
    outcome = judge(boot, end, _serial_text(work))
    outcome.log = work / "serial.log"
    if boot.verdict == "pass" and boot.medium in media.CONTROLLERS:
        _check_medium(outcome, _serial_text(work))
    outcome.seconds = time.monotonic() - started
    return outcome
