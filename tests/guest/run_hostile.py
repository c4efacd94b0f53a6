#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the boots under hostile firmware (hostile_matrix.py) and prints KTAP.

    run_hostile.py [--build DIR] [--esp DIR] [--logs DIR] [--jobs N] [--list] [PATTERN ...]

Like run_matrix.py, but for HOSTILE.EFI, with a serial line that can be typed on, a screen that can
be read, and with the check that no forbidden call was made. A failed boot's folder stays in LOGS/hostile/NAME.
"""

import argparse
import shutil
import socket
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import boot as boot_module
import hostile_matrix
import run_matrix
import screen


def parse_arguments():
    parser = argparse.ArgumentParser(description="boots under hostile firmware")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--esp", type=Path, default=Path("esp"))
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="print the names, boot nothing")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    arguments = parser.parse_args()
    arguments.logs = arguments.logs or arguments.build / "test-logs"
    return arguments


class SerialLine:
    """COM1 as a socket; QEMU itself keeps the log. Knows when a text was first seen."""

    def __init__(self, folder):
        self.folder = tempfile.TemporaryDirectory()  # a socket's path has 107 bytes at most
        self.path = Path(self.folder.name) / "com1"
        self.log = folder / "serial.log"
        self.socket = None
        self.seen_at = None
        self.waited = 0.0  # seconds from the watched text to the last look
        self.rows = None  # what the screen showed when it was last read
        self.screen_is_right = False

    def arguments(self):
        return ["-chardev", f"socket,id=com1,path={self.path},server=on,wait=off,"
                            f"logfile={self.log}", "-serial", "chardev:com1"]

    def text(self):
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def watch(self, wanted):
        """Notes when `wanted` appears, and how long ago that is; call it often."""
        if self.seen_at is None and wanted and wanted in self.text():
            self.seen_at = time.monotonic()
        if self.seen_at is not None:
            self.waited = time.monotonic() - self.seen_at

    def type_byte(self):
        if self.socket is None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(str(self.path))
            self.socket.sendall(b" ")

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.folder.cleanup()


def read_screen(guest, boot, line, font):
    """Reads the screen until it shows what it must; a screen that is being drawn cannot be read."""
    if line.screen_is_right:
        return
    picture = guest.picture()
    try:
        line.rows = screen.read_rows(picture, font)
    except ValueError as error:
        line.rows = [str(error)]
    line.screen_is_right = screen.shows_log_from(boot.screen_from, line.text(), line.rows,
                                                 screen.grid_of(picture, font)[0])


def wait(guest, boot, line, font):
    """Waits for the end as boot.py names it, typing where the boot wants it."""
    deadline = time.monotonic() + boot.seconds
    process = guest.process
    while process.poll() is None:
        text = line.text()
        line.watch(boot.waits_from)
        if match := boot_module.RETURN_LINE.search(text):
            return f"returned:{match[1]}"
        if time.monotonic() > deadline:
            return f"no end within {boot.seconds} s"
        if boot.type_on and boot.type_on in text:
            if boot.screen_from:
                read_screen(guest, boot, line, font)
            if line.screen_is_right or not boot.screen_from:
                line.type_byte()
        time.sleep(0.1)
    if match := boot_module.RETURN_LINE.search(line.text()):
        return f"returned:{match[1]}"
    if process.returncode == 0:
        return hostile_matrix.RESET
    return boot_module.STATUS_VERDICT.get(process.returncode,
                                          f"QEMU failed with {process.returncode}")


def boot_once(boot, build, font, folder):
    """Boots; returns how it ended, its serial line, and the seconds it took."""
    line = SerialLine(folder)
    arguments = boot_module.qemu_arguments(replace(boot, serial=False), build, folder)
    started = time.monotonic()
    try:
        with open(folder / "qemu.log", "wb") as output, \
                screen.Guest([*arguments, *line.arguments()], Path(line.folder.name),
                             output) as guest:
            end = wait(guest, boot, line, font)
    finally:
        line.close()
    return end, line, time.monotonic() - started


def judge(boot, end, line):
    """The Outcome by boot.py's rules and those of hostile_matrix.py."""
    text = line.text()
    outcome = boot_module.judge(boot, end, text)
    outcome.problems += [row.strip() for row in text.splitlines()
                         if hostile_matrix.FORBIDDEN in row]
    if "hostile: started with: " not in text:
        outcome.problems.append("HOSTILE.EFI did not start")
    if boot.screen_from and not line.screen_is_right:
        outcome.problems += ["the screen does not show the serial line:", *(line.rows or [])]
    if line.waited < boot.waits_seconds:
        outcome.problems.append(f"waited {line.waited:.1f} s, must wait {boot.waits_seconds} s")
    return outcome


def run_one(boot, build, font, folder):
    folder.mkdir(parents=True)
    try:
        end, line, seconds = boot_once(boot, build, font, folder)
        outcome = judge(boot, end, line)
    except Exception:  # pylint: disable=broad-except  # the other boots go on
        return boot_module.Outcome(boot, problems=traceback.format_exc().splitlines())
    outcome.seconds = seconds
    if outcome.ok():
        (folder / "vars.fd").unlink(missing_ok=True)
    return outcome


def main():
    arguments = parse_arguments()
    selected = run_matrix.select(hostile_matrix.BOOTS, arguments.patterns)
    if arguments.list:
        print("\n".join(b.name for b in selected))
        return 0
    build = boot_module.Build(arguments.build / "guest/HOSTILE.EFI",
                              arguments.build / "kernel.stripped.elf")
    font = screen.read_psf1((arguments.build / "font.psf").read_bytes())
    root = arguments.logs / "hostile"
    shutil.rmtree(root, ignore_errors=True)
    failed = 0
    print(f"KTAP version 1\n1..{len(selected)}", flush=True)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        futures = [pool.submit(run_one, b, build, font, root / b.name) for b in selected]
        for number, future in enumerate(futures, 1):
            outcome = future.result()
            run_matrix.show(number, outcome, root / outcome.boot.name)
            failed += not outcome.ok()
    print(f"{len(selected) - failed} passed, {failed} failed")
    return 1 if failed or not selected else 0


if __name__ == "__main__":
    sys.exit(main())
