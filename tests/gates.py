#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Quick rules about the sources and what was built, each one KTAP line. A missing tool fails.

    gates.py [--build DIR] [--esp DIR] [PATTERN]
"""

import argparse
import os
import re
import shlex
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

import pe_file

TOP = Path(__file__).resolve().parents[1]
FOLDERS = ("kernel", "loader", "shared", "tests", "tools", ".ci")
SINGLE_FILES = ("Makefile", "run-ovmf.sh")
C_SUFFIXES = (".c", ".h")
SOURCE_SUFFIXES = C_SUFFIXES + (".S", ".lds", ".sh", ".py", ".mk")
LONG_HOME = {"kernel/lib/format.c"}  # takes printf's own %ld and %lld from its arguments
INLINE_ASM_HOME = {"kernel/arch/x86_64/include/arch/cpu.h", "kernel/arch/x86_64/include/arch/io.h"}
EFI_LIMIT_BYTES = 384 << 10

_COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def sources(*suffixes):
    """Our files by suffix, as paths below TOP. What a build or Python makes is not ours."""
    found = [TOP / name for name in SINGLE_FILES]
    for folder in FOLDERS:
        found += [p for p in (TOP / folder).rglob("*") if "__pycache__" not in p.parts]
    return sorted(p.relative_to(TOP) for p in found if p.is_file() and
                  (not suffixes or p.suffix in suffixes))


def code_only(path):
    """The C text of `path` with comments and strings blanked, lines kept."""
    return _COMMENT_OR_STRING.sub(lambda m: '""' + "\n" * m[0].count("\n"),
                                  (TOP / path).read_text("utf-8"))


def matches(paths, pattern):
    for path in paths:
        for number, line in enumerate(code_only(path).split("\n"), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()}"


def command(*arguments, stdin=None):
    """Output lines of a tool where it fails, else nothing. A missing tool is a finding."""
    try:
        done = subprocess.run(arguments, cwd=TOP, input=stdin, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        return [f"{arguments[0]} is not installed"]
    if done.returncode == 0:
        return []
    return done.stdout.splitlines() or [f"{arguments[0]} failed with {done.returncode}"]


def gate_every_file_has_spdx_and_a_head(_):
    for path in sources(*SOURCE_SUFFIXES):
        head = (TOP / path).read_text("utf-8").split("\n")[:3]
        if not any("SPDX-License-Identifier: GPL-2.0-only" in line for line in head):
            yield f"{path}: no SPDX line"


def gate_c_is_formatted(_):
    return command("clang-format", "--dry-run", "-Werror", *map(str, sources(*C_SUFFIXES)))


def scripts():
    shebang = b"#!/usr/bin/env bash"
    return [str(p) for p in sources() if (TOP / p).read_bytes().startswith(shebang)]


def gate_scripts_pass_shellcheck(_):
    return command("shellcheck", *scripts())


def gate_scripts_are_formatted(_):
    return command("shfmt", "-i", "4", "-d", *scripts())


def gate_inline_assembly_stays_in_two_headers(_):
    pattern = re.compile(r"\b(__)?asm(__)?\s*(volatile|__volatile__|goto)?\s*\(")
    paths = [p for p in sources(*C_SUFFIXES)
             if p.parts[0] in ("kernel", "loader", "shared") and str(p) not in INLINE_ASM_HOME]
    return matches(paths, pattern)


def gate_kernel_includes_nothing_of_the_loader(_):
    by_folder = {}
    for path in sources(".h"):
        by_folder.setdefault(path.parts[0], set()).add(path.name)
    loader_headers = by_folder["loader"] - by_folder["kernel"]
    for path in sources(*C_SUFFIXES, ".S"):
        if path.parts[0] not in ("kernel", "shared"):
            continue
        for line in (TOP / path).read_text("utf-8").split("\n"):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if match and (match[1].startswith("loader/") or match[1] in loader_headers):
                yield f"{path}: {line.strip()}"


def gate_shared_includes_shared_only(_):
    for path in sources(".h"):
        if path.parts[0] != "shared":
            continue
        for line in (TOP / path).read_text("utf-8").split("\n"):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if match and not match[1].startswith("shared/"):
                yield f"{path}: {line.strip()}"


def make_variable(name):
    done = subprocess.run(["make", "-s", f"print-{name}"], cwd=TOP, check=True, text=True,
                          capture_output=True)
    return shlex.split(done.stdout)


def gate_loader_units_have_no_long(_):
    """`long` has 32 bits in the loader and 64 in the kernel."""
    pattern = re.compile(r"(?<!\w)long(?!\w)")
    units = [Path(p) for p in make_variable("LOADER_C")]
    headers = [p for p in sources(".h") if p.parts[0] in ("loader", "shared")]
    return matches([p for p in units + headers
                    if (TOP / p).exists() and str(p) not in LONG_HOME], pattern)


def header_flags():
    """Compiler flags by world; the warnings of the sources hold for a header alone as well."""
    warn = make_variable("WARN")
    flags = {world: warn + make_variable(f"{world}_FLAGS") for world in ("KERNEL", "LOADER", "HOST")}
    # The whole loader on the host: its own seam first, and UEFI's types.
    flags["FAKE_EFI"] = ["-Itests/fake/efi/include", *flags["HOST"], "-fshort-wchar",
                         "-isystem", "/usr/include/efi", "-isystem", "/usr/include/efi/x86_64"]
    return flags


# The longest folder that fits decides.
WORLDS_BY_FOLDER = {
    "kernel": ("KERNEL",), "shared": ("KERNEL", "LOADER"), "loader": ("LOADER",),
    "tests": ("HOST",), "tools": ("HOST",), "tests/fake/efi": ("FAKE_EFI",),
    "tests/loader": ("FAKE_EFI",),
    "tests/guest": ("LOADER",),
}


def worlds_of(path):
    folders = [f for f in WORLDS_BY_FOLDER if str(path).startswith(f + "/")]
    return WORLDS_BY_FOLDER[max(folders, key=len)]


def include_line(path):
    """A seam header is found by its name below include/, any other by its path."""
    text = str(path)
    return f"#include <{text.split('/include/')[1]}>" if "/include/" in text else \
        f'#include "{text}"'


def gate_every_header_compiles_alone(_):
    flags = header_flags()

    def compile_one(job):
        path, world = job
        own_folder = [] if "/include/" in str(path) else ["-I", str(path.parent)]
        return command("clang", *flags[world], *own_folder, "-fsyntax-only", "-x", "c", "-",
                       stdin=include_line(path) + "\n")
    jobs = [(path, world) for path in sources(".h") for world in worlds_of(path)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(compile_one, jobs):
            yield from lines


def gate_loader_file_is_small(arguments):
    size = (arguments.esp / "EFI/BOOT/BOOTX64.EFI").stat().st_size
    print(f"# BOOTX64.EFI: {size} bytes of {EFI_LIMIT_BYTES}")
    if size > EFI_LIMIT_BYTES:
        yield f"BOOTX64.EFI has {size} bytes, more than {EFI_LIMIT_BYTES}"


def gate_font_is_in_the_loader_once(arguments):
    """The loader draws with the font inside the kernel image (loader/kernel_blob.S)."""
    image = (arguments.esp / "EFI/BOOT/BOOTX64.EFI").read_bytes()
    count = image.count((arguments.build / "font.psf").read_bytes())
    if count != 1:
        yield f"BOOTX64.EFI has the font {count} times"


def gate_loader_follows_the_pe_rules(arguments):
    """Sections R, RX or RW, NX_COMPAT, relocations, no time, checksum, .sbat: see pe_file.py."""
    return pe_file.findings((arguments.esp / "EFI/BOOT/BOOTX64.EFI").read_bytes())


def gate_kernel_segments_are_write_xor_execute(arguments):
    image = (arguments.build / "kernel.elf").read_bytes()
    (offset,) = struct.unpack_from("<Q", image, 32)
    (count,) = struct.unpack_from("<H", image, 56)
    loads = 0
    for i in range(count):
        kind, flags = struct.unpack_from("<II", image, offset + 56 * i)
        loads += kind == 1
        if kind == 1 and flags & 3 == 3:
            yield f"segment {i} is writable and executable"
    if not loads:
        yield "no segment to load"


def run_gate(function, arguments):
    try:
        return list(function(arguments))
    except (OSError, subprocess.CalledProcessError, struct.error) as error:
        return [repr(error)]


def main():
    parser = argparse.ArgumentParser(description="rules about the sources and the build")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--esp", type=Path, default=Path("esp"))
    parser.add_argument("pattern", nargs="?", default="*")
    arguments = parser.parse_args()
    os.chdir(TOP)
    gates = [(name.removeprefix("gate_"), function) for name, function in globals().items()
             if name.startswith("gate_")]
    gates = [gate for gate in gates if fnmatch(gate[0], arguments.pattern)]
    print(f"KTAP version 1\n1..{len(gates)}")
    failed = 0
    for number, (name, function) in enumerate(gates, 1):
        findings = run_gate(function, arguments)
        for line in findings[:60]:
            print(f"# {line}")
        failed += bool(findings)
        print(f"{'not ok' if findings else 'ok'} {number} gates.{name}", flush=True)
    print(f"{len(gates) - failed} passed, {failed} failed")
    return 1 if failed or not gates else 0


if __name__ == "__main__":
    sys.exit(main())
