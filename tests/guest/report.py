# SPDX-License-Identifier: GPL-2.0-only
"""Finds the `@report ` line (design.md section 7, schema 1) and checks that its books balance.

check() is the outside view: it adds up everything again from the tables in the report and believes
none of the kernel's sums.
"""

import json

from ktap import clean_lines

PREFIX = "@report "
FRAME = 4096
# Metadata bytes written at bring-up, at any RAM size: so many, or where memory is in hundreds of
# pieces so many for each area.
TOUCHED_MAX = 64 * 1024
TOUCHED_MAX_EACH = 1024
LOW_END = 0x100000
TYPE_AVAILABLE = 1
CLASSES = ("usable", "kernel", "loader", "low", "acpi", "nvs", "reserved", "bad", "dropped")
REQUIRED = ("version", "build", "firmware", "cpu", "efi_map", "ledger", "pins", "mmap", "repairs",
            "accounting", "areas", "bump", "page_tables", "buddy", "nx", "stages")


class ReportError(Exception):
    """There is no report, or it is no JSON object."""


def extract(text):
    """The object behind the last `@report ` in a serial log."""
    lines = [line for line in clean_lines(text) if PREFIX in line]
    if not lines:
        raise ReportError("no @report line")
    try:
        report = json.loads(lines[-1].split(PREFIX, 1)[1])
    except json.JSONDecodeError as error:
        raise ReportError(f"@report is no JSON: {error}") from error
    if not isinstance(report, dict):
        raise ReportError("@report is no JSON object")
    return report


def _check_classes(report):
    accounting = report["accounting"]
    total = sum(accounting[name] for name in CLASSES)
    if total != accounting["firmware_ram"]:
        yield (f"accounting: the classes add up to {total}, "
               f"firmware_ram is {accounting['firmware_ram']}")


def _check_usable(report):
    usable = report["accounting"]["usable"]
    available = sum(e["size"] for e in report["mmap"] if e["type"] == TYPE_AVAILABLE)
    areas = sum(a["size"] for a in report["areas"])
    if not usable == available == areas:
        yield f"usable {usable}, type-1 entries {available}, areas {areas}: not the same"


def _check_frames(report):
    """bump used + page tables + metadata + free + allocated; the buddy's total is the last two."""
    usable = report["accounting"]["usable"]
    buddy = report["buddy"]
    total = FRAME * (report["bump"]["used_frames"] + report["page_tables"]["frames"] +
                     buddy["total_frames"]) + buddy["metadata_bytes"]
    if total != usable:
        yield f"inside usable: parts add up to {total}, usable is {usable}"
    if not 0 < buddy["free_frames"] <= buddy["total_frames"]:
        yield f"buddy: {buddy['free_frames']} free of {buddy['total_frames']}"
    touched_max = max(TOUCHED_MAX, TOUCHED_MAX_EACH * len(report["areas"]))
    if buddy["bring_up_touched_bytes"] > touched_max:
        yield f"buddy: bring-up wrote {buddy['bring_up_touched_bytes']} bytes of metadata"
    in_lists = sum(count << order for order, count in enumerate(buddy["free_blocks"]))
    if in_lists > buddy["free_frames"]:
        yield f"buddy: free lists hold {in_lists} frames, {buddy['free_frames']} are free"


def _check_mmap(report):
    end = 0
    for entry in report["mmap"]:
        base, size = entry["base"], entry["size"]
        if base < end or size <= 0:
            yield f"mmap: entry at {base:#x} is empty, unsorted or overlaps"
        end = base + size
        if entry["type"] == TYPE_AVAILABLE and (base % FRAME or size % FRAME):
            yield f"mmap: type 1 at {base:#x} is not page-aligned"
        if entry["type"] == TYPE_AVAILABLE and base < LOW_END:
            yield f"mmap: type 1 at {base:#x}, below 1 MiB"


def _check_stages(report):
    stages = report["stages"]
    for before, after in zip(stages, stages[1:]):
        if after["tsc"] < before["tsc"]:
            yield f"stages: {after['name']} is earlier than {before['name']}"


def _check_write_xor_execute(report):
    tables = report["page_tables"]
    if report["nx"]["xd_reserved"]:
        if not tables["writable_executable"]:
            yield "page_tables: no NX, and yet no writable leaf is executable"
    elif tables["writable_executable"]:
        yield f"page_tables: {tables['writable_executable']} writable and executable leaves"


def _check_audit(report):
    violations = report["page_tables"]["violations"]
    if violations:
        yield f"page_tables: {violations} violations found by the kernel's audit"


def free_percent(report):
    """Free memory in percent of firmware RAM less runtime (reserved), ACPI and the first MiB."""
    accounting = report["accounting"]
    base = accounting["firmware_ram"] - sum(
        accounting[name] for name in ("reserved", "acpi", "nvs", "low"))
    return 100.0 * report["buddy"]["free_frames"] * FRAME / base


def is_efi_map_sorted(report):
    bases = [entry[1] for entry in report["efi_map"]["entries"]]
    return bases == sorted(bases)


# What a boot of the matrix may expect: name -> (what it is about, value from the report, comparison).
EXPECTATIONS = {
    "nx": ("cpu.nx", lambda r: bool(r["cpu"]["nx"]), lambda a, b: a == b),
    "xd_reserved": ("nx.xd_reserved", lambda r: bool(r["nx"]["xd_reserved"]), lambda a, b: a == b),
    "pdpe1gb": ("cpu.pdpe1gb", lambda r: bool(r["cpu"]["pdpe1gb"]), lambda a, b: a == b),
    "secure_boot": ("firmware.secure_boot", lambda r: r["firmware"]["secure_boot"],
                    lambda a, b: a is b),
    "cpus": ("cpu.cpus", lambda r: r["cpu"]["cpus"], lambda a, b: a == b),
    "efi_map_sorted": ("efi_map sorted", is_efi_map_sorted, lambda a, b: a == b),
    "descriptor_size": ("efi_map.descriptor_size", lambda r: r["efi_map"]["descriptor_size"],
                        lambda a, b: a == b),
    "leaves_1g_min": ("leaves_1g", lambda r: r["page_tables"]["leaves_1g"], lambda a, b: a >= b),
    "leaves_1g_max": ("leaves_1g", lambda r: r["page_tables"]["leaves_1g"], lambda a, b: a <= b),
    "leaves_2m_min": ("leaves_2m", lambda r: r["page_tables"]["leaves_2m"], lambda a, b: a >= b),
    "free_percent_min": ("free memory, percent", free_percent, lambda a, b: a >= b),
    "areas_end_max": ("end of the last area", lambda r: max(a["base"] + a["size"] for a in r["areas"]),
                      lambda a, b: a <= b),
    "firmware_ram_min": ("firmware_ram", lambda r: r["accounting"]["firmware_ram"],
                         lambda a, b: a >= b),
}


def _check_expectations(report, expect):
    for name, wanted in expect.items():
        label, value_of, holds = EXPECTATIONS[name]
        value = value_of(report)
        if not holds(value, wanted):
            yield f"{label} is {value}, expected {name}={wanted}"


def check(report, expect=None):
    """Everything that is wrong with `report`, as sentences."""
    missing = [key for key in REQUIRED if key not in report]
    if missing:
        return [f"report has no {', '.join(missing)}"]
    problems = []
    try:
        for checker in (_check_classes, _check_usable, _check_frames, _check_mmap, _check_stages,
                        _check_write_xor_execute, _check_audit):
            problems.extend(checker(report))
        problems.extend(_check_expectations(report, expect or {}))
    except (KeyError, TypeError, IndexError, ZeroDivisionError) as error:
        problems.append(f"report is not of schema 1: {error!r}")
    return problems
