#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds the documents to the sources. Prints KTAP; the last line is `N passed, N failed`.

    docs.py [--list] [PATTERN]

What is checked: the picture of the address space and the tables of docs/memory-map.md against
kernel/mm/addr.h and shared/; the singletons of docs/architecture.md and its list of what the
loader compiles of the kernel; the suites of self-tests in docs/testing.md; that every message which
loader or kernel can show during a boot stands in docs/real-pc.md or docs/debugging.md; that links
lead somewhere and lines keep to 100 columns; that docs/commands.md is what the table of commands
says (build/host/command-reference prints it). --list prints the messages that the sources hold.
"""

import argparse
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
LINE_LIMIT = 100
PICTURE_NAMES = {"PHYS_OFFSET", "MMIO_POOL_START", "MMIO_POOL_END", "USER_END_VADDR",
                 "USER_BRK_START", "USER_STACK_START", "LOW_REMAP_END", "LOW_MEMORY_END"}
MESSAGE_DOCUMENTS = ("docs/real-pc.md", "docs/debugging.md")
# Printed by whoever asked for it (prompt, tests, measures), not by a boot.
QUIET_FOLDERS = ("kernel/monitor/", "kernel/selftest/", "kernel/bench/")

# Function that shows a message -> which of its arguments is the format.
MESSAGE_FUNCTIONS = {"efi_console_print": 0, "boot_refuse": 3, "boot_stop": 2, "deny": 2, "warn": 1, "pr_emerg": 0,
                     "pr_err": 0, "pr_warn": 0, "pr_info": 0, "panic": 0, "console_printf": 0,
                     "printk": 1, "refuse": 1}
# Files whose functions return the text of a fault that such a message then carries.
FAULT_FILES = ("loader/elf_image.c", "loader/efi_map.c", "kernel/bootinfo.c")

_LITERAL = re.compile(r'"((?:\\.|[^"\\])*)"')
_CONVERSION = re.compile(r"%[-+ #0]*[0-9*]*(?:\.[0-9*]+)?[a-z]+|%%")


def read(name):
    return (TOP / name).read_text("utf-8")


def documents():
    return sorted([*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")])


# ---- the sources -------------------------------------------------------------------------------

def constants(text):
    """NAME -> value of the object-like macros that are arithmetic."""
    found = {}
    for name, body in re.findall(r"^#define\s+(\w+)[ \t]+(.+)$", text, re.M):
        body = re.sub(r"/\*.*?\*/", "", body)
        body = re.sub(r"UINT64_C\((\w+)\)", r"\1", body)
        body = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)U?\b", r"\1", body)
        try:
            found[name] = eval(body, {"__builtins__": {}}, found)  # pylint: disable=eval-used
        except (NameError, SyntaxError, TypeError):
            pass
    return found


def enum_members(text, name):
    """(member, value or None) of `enum name`, without the closing count."""
    body = re.search(rf"enum {name} \{{(.*?)\}}", text, re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    members = re.findall(r"(\w+)\s*(?:=\s*(\w+))?\s*,", body)
    return [(m, int(v, 0) if v else None) for m, v in members if not m.endswith("_COUNT")]


def names_by_member(text):
    """MMAP_REASON_X -> its printed name, and the same for repairs."""
    return dict(re.findall(r"\[(MMAP_\w+)\]\s*=\s*\"([^\"]+)\"", text))


def split_arguments(text, start):
    """The arguments of the call whose opening parenthesis is just before `start`."""
    arguments, depth, at, begin = [], 1, start, start
    while depth:
        if text[at] == '"':
            at = _LITERAL.match(text, at).end()
            continue
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(text[at], 0)
        if (depth == 1 and text[at] == ",") or depth == 0:
            arguments.append(text[begin:at])
            begin = at + 1
        at += 1
    return arguments


def format_of(argument):
    """The text of a format with every conversion as %, or None where it is no literal."""
    argument = re.sub(r"\bPRI\w+|\bFIRSTLIGHT_VERSION\b", '"%s"', argument)
    argument = re.sub(r"\bFMT\w+", '"u"', argument)  # follows a "%" or a "%#"
    if not argument.strip().startswith('"'):
        return None
    return _CONVERSION.sub("%", "".join(_LITERAL.findall(argument)).replace('\\"', '"')
                           .replace("\\\\", "\\").replace("\\n", ""))


def messages():
    """(file, format) of everything that a boot can show; conversions read %."""
    call = re.compile(rf"\b({'|'.join(MESSAGE_FUNCTIONS)})\(")
    for folder in ("loader", "kernel"):
        for path in sorted((TOP / folder).rglob("*.c")):
            name = str(path.relative_to(TOP))
            if name.startswith(QUIET_FOLDERS):
                continue
            text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
            for match in call.finditer(text):
                arguments = split_arguments(text, match.end())
                index = MESSAGE_FUNCTIONS[match[1]]
                form = format_of(arguments[index]) if index < len(arguments) else None
                if form and re.search(r"[a-z]{3}", form.replace("%s", "")):
                    yield name, form
            if name in FAULT_FILES:
                yield from ((name, fault) for fault in re.findall(r'return "([^"]+)";', text))


# ---- the checks --------------------------------------------------------------------------------

def check_address_space_picture():
    """Each address in the picture is the value of the constant that stands beside it."""
    values = constants(read("kernel/mm/addr.h"))
    picture = re.search(r"## Address space.*?```(.*?)```", read("docs/memory-map.md"), re.S)[1]
    rows = re.findall(r"^([0-9a-f]{4}(?:_[0-9a-f]{4}){3})\s+(\w+)", picture, re.M)
    seen = [int(address.replace("_", ""), 16) for address, _ in rows]
    if seen != sorted(seen, reverse=True):
        yield "the addresses do not go from high to low"
    for (address, name), value in zip(rows, seen):
        if values.get(name) != value:
            yield f"{address} is not {name} ({values.get(name, -1):#x})"
    for name in sorted(PICTURE_NAMES - {name for _, name in rows}):
        yield f"{name} is not in the picture"
    tebibytes = values["DIRECT_MAP_SIZE"] >> 40
    if f"{tebibytes} TiB" not in picture:
        yield f"the direct map has {tebibytes} TiB, the picture does not say so"


def table_after(document, heading):
    """Cells of the first table behind `heading`, without its two head lines."""
    section = read(document).split(heading, 1)[1]
    lines = [line for line in section.split("\n## ")[0].split("\n") if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in lines[2:]]


def check_mmap_types():
    members = enum_members(read("shared/multiboot2_mmap.h"), "multiboot2_mmap_type")
    ours = [(name, number) for number, name, *_ in table_after("docs/memory-map.md", "## Types")]
    theirs = [(member, f"0x{value:x}" if value >= 0x1000 else str(value))
              for member, value in members]
    if ours != theirs:
        yield f"types are {theirs}, the table has {ours}"


def check_names(heading, enum):
    header = read("shared/multiboot2_mmap.h")
    names = names_by_member(read("shared/mmap_names.h"))
    theirs = [names[member] for member, _ in enum_members(header, enum)]
    ours = [row[0] for row in table_after("docs/memory-map.md", heading)]
    if ours != theirs:
        yield f"{enum} is {theirs}, the table has {ours}"


def check_reasons_in_order():
    return check_names("## Reasons", "mmap_reason")


def check_repairs_in_order():
    return check_names("## Repairs", "mmap_repair_kind")


_OBJECT = re.compile(r"^(?!const |typedef |extern |_Static_assert|#|\}|\s|/)([^\n(=;]*?)\b(\w+)[ \t]*"
                     r"(?:\[[^\n]*?\])*[ \t]*(?:ALIGNED\(\d+\)[^;=]*)?(?:=|;)", re.M)
_NAMELESS = re.compile(r"^static struct \{.*?^\} (\w+)", re.M | re.S)


def variables(text):
    """Names of the file-level variables in C text that can change: all that starts at column 0."""
    for match in _OBJECT.finditer(text):
        type_of_object = match[1].rsplit("*", 1)[-1]
        if match[1].strip() and "const" not in type_of_object.split():
            yield match[2]
    yield from _NAMELESS.findall(text)


def check_singletons():
    """File-level variables that are not constant, against the list in docs/architecture.md."""
    listed = {(row[0], name.strip("` ")) for row in
              table_after("docs/architecture.md", "## Mutable state") for name in row[1].split(",")}
    found = set()
    for folder in ("loader", "kernel"):
        for path in sorted((TOP / folder).rglob("*.c")):
            text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
            found |= {(str(path.relative_to(TOP)), name) for name in variables(text)}
    for name, variable in sorted(found - listed):
        yield f"{name}: {variable} is not in the list"
    for name, variable in sorted(listed - found):
        yield f"{name}: {variable} is in the list, but not in the source"


def check_what_the_loader_compiles():
    """The list in the picture of the layers against LOADER_SHARED_C of the Makefile."""
    makefile = read("Makefile").replace("\\\n", " ")
    theirs = set(re.findall(r"kernel/([\w/*]+)\.c", re.search(r"^LOADER_SHARED_C :=(.*)$", makefile,
                                                             re.M)[1]))
    picture = read("docs/architecture.md").split("LOADER_SHARED_C in the Makefile):")[1]
    ours = {folder + name.strip() for folder, names in
            re.findall(r"([\w/]*)\{(.*?)\}\.c", picture.split("```")[0], re.S)
            for name in names.split(",")}
    yield from (f"{name} is in one of the two only" for name in sorted(ours ^ theirs))


def check_self_test_suites():
    """The list in docs/testing.md against kernel/selftest."""
    theirs = {name for path in (TOP / "kernel/selftest").glob("*.c") for name in
              re.findall(r'^KTEST_SUITE\(\w+, "([^"]+)"', path.read_text("utf-8"), re.M)}
    listed = re.search(r"^Suites: (.*?)\.\n", read("docs/testing.md"), re.M | re.S)[1]
    ours = set(re.findall(r"`([^`]+)`", listed))
    yield from (f"{name} is in one of the two only" for name in sorted(ours ^ theirs))


def check_every_message_is_explained():
    """A message counts where all its fixed parts stand in one table row or line, in order."""
    lines = [line for document in MESSAGE_DOCUMENTS for line in read(document).split("\n")]
    for name, form in sorted(set(messages())):
        parts = [re.escape(part.strip()) for part in form.split("%") if part.strip()]
        pattern = re.compile(".*".join(parts))
        if not any(pattern.search(line) for line in lines):
            yield f"{name}: {form}"


def check_every_error_code_has_an_anchor():
    """docs/errors.md has the codes of the loader, each forced by tests/loader/errors_test.c."""
    codes = set()
    for path in sorted((TOP / "loader").glob("*.c")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
        for call, index in (("boot_refuse", 2), ("boot_stop", 1), ("deny", 1)):
            for match in re.finditer(rf"\b{call}\(", text):
                code = format_of(split_arguments(text, match.end())[index])
                codes |= {code} if code else set()
    anchors = re.findall(r"^## (.*)$", read("docs/errors.md"), re.M)
    for code in sorted(codes ^ set(anchors)):
        yield f"{code}: {'no anchor' if code in codes else 'no such code'}"
    forced = re.findall(r'^    \{ "([\w-]+)",', read("tests/loader/errors_test.c"), re.M)
    for code in sorted(codes ^ set(forced)):
        yield f"{code}: {'not forced by a test' if code in codes else 'no such code in a test'}"
    if not codes:
        yield "no code was found"


def check_command_reference():
    """docs/commands.md is what the table of the monitor's commands says."""
    program = TOP / os.environ.get("BUILD", "build") / "host/command-reference"
    made = subprocess.run([program], stdout=subprocess.PIPE, check=True, text=True).stdout
    if made != read("docs/commands.md"):
        yield "docs/commands.md is not what the table says: make command-reference"


def check_links_lead_somewhere():
    for document in documents():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                yield f"{document.relative_to(TOP)}: {target}"


def check_lines_are_short():
    """Tables may be wider: Markdown has no way to break them."""
    for document in documents():
        for number, line in enumerate(document.read_text("utf-8").split("\n"), 1):
            if len(line) > LINE_LIMIT and not line.lstrip().startswith("|") and "](" not in line:
                inside = document.read_text("utf-8").split("\n")[:number - 1]
                if sum(text.startswith("```") for text in inside) % 2 == 0:
                    yield f"{document.relative_to(TOP)}:{number}: {len(line)} columns"


def main():
    parser = argparse.ArgumentParser(description="checks the documents")
    parser.add_argument("--list", action="store_true", help="print the messages of the sources")
    parser.add_argument("pattern", nargs="?", default="*")
    arguments = parser.parse_args()
    if arguments.list:
        for name, form in sorted(set(messages())):
            print(f"{name}: {form}")
        return 0
    checks = [(name.removeprefix("check_"), function) for name, function in globals().items()
              if name.startswith("check_") and not function.__code__.co_argcount]
    checks = [check for check in checks if fnmatch(check[0], arguments.pattern)]
    print(f"KTAP version 1\n1..{len(checks)}")
    failed = 0
    for number, (name, function) in enumerate(checks, 1):
        try:
            findings = list(function())
        except (OSError, TypeError, IndexError, ValueError,
                subprocess.CalledProcessError) as error:
            findings = [repr(error)]
        for line in findings[:60]:
            print(f"# {line}")
        failed += bool(findings)
        print(f"{'not ok' if findings else 'ok'} {number} docs.{name}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed or not checks else 0


if __name__ == "__main__":
    sys.exit(main())
