# SPDX-License-Identifier: GPL-2.0-only
"""A small report of schema 1 whose books balance, for the tests of report.py and boot.py."""

import copy
import json

MIB = 1 << 20

_REPORT = {
    "version": "0.1.0", "build": "00", "firmware": {"vendor": "EDK II", "revision": 1,
                                                    "secure_boot": False},
    "cpu": {"vendor": "AuthenticAMD", "nx": True, "pdpe1gb": True, "phys_bits": 40, "cpus": 1,
            "tsc_hz": 10**9},
    "efi_map": {"descriptors": 2, "descriptor_size": 48, "descriptor_version": 1,
                "exit_attempts": 1, "entries": [[7, 0, 160, 15], [7, MIB, 65280, 15]]},
    "ledger": [], "pins": [], "repairs": [],
    "mmap": [{"base": 0, "size": 0xa0000, "type": 0x1002, "reason": "low"},
             {"base": MIB, "size": MIB, "type": 0x1000, "reason": "kernel"},
             {"base": 2 * MIB, "size": 252 * MIB, "type": 1, "reason": "available"},
             {"base": 254 * MIB, "size": 2 * MIB, "type": 2, "reason": "runtime"}],
    "accounting": {"firmware_ram": 255 * MIB + 0xa0000, "usable": 252 * MIB, "kernel": MIB,
                   "loader": 0, "low": 0xa0000, "acpi": 0, "nvs": 0, "reserved": 2 * MIB,
                   "bad": 0, "dropped": 0},
    "areas": [{"base": 2 * MIB, "size": 252 * MIB}],
    "bump": {"start": 2 * MIB, "used_frames": 1},
    "page_tables": {"root": 2 * MIB, "frames": 7, "leaves_4k": 10, "leaves_2m": 120,
                    "leaves_1g": 0, "writable_executable": 0, "violations": 0},
    "buddy": {"total_frames": 64512 - 1 - 7 - 24, "free_frames": 64480,
              "metadata_bytes": 24 * 4096, "bring_up_ticks": 64000,
              "bring_up_touched_bytes": 8192, "free_blocks": [0, 0, 0, 0, 0, 2015] + [0] * 13},
    "nx": {"cpu": True, "efer_nxe": True, "xd_reserved": False},
    "stages": [{"name": "loader_entry", "tsc": 1}, {"name": "done", "tsc": 9}],
}


def report():
    return copy.deepcopy(_REPORT)


def line(content=None):
    return "@report " + json.dumps(content or _REPORT) + "\r\n"
