# SPDX-License-Identifier: GPL-2.0-only
"""A real gdb, driven through its machine interface: a command's text goes in, its text comes out,
and a stop is waited for. Every wait ends after `seconds`.

GDB manual, "The GDB/MI Output Syntax": `~"text"` and `@"text"` are what a person would read, a
result record `N^done`, `N^running` or `N^error` ends command N, `*stopped` tells of a stop. A command
that lets the target run may say `^running` first and `^error` later.
"""

import os
import re
import select
import signal
import subprocess
import time

SECONDS = 30
_STREAM = re.compile(r'^[~@&]"(.*)"$')
_RESULT = re.compile(r'^(\d+)\^(done|running|connected|error|exit)(.*)$')
_ERROR = re.compile(r'msg="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r'\\([0-7]{3}|.)')
_NAMED = {"n": "\n", "t": "\t", "r": "\r"}


def _unescape(text):
    return _ESCAPE.sub(lambda m: chr(int(m[1], 8)) if m[1].isdigit() else _NAMED.get(m[1], m[1]),
                       text)


class GdbError(Exception):
    """What gdb answered with ^error."""


class Gdb:
    """with Gdb(arguments) as gdb: gdb.command("target remote ...")"""

    def __init__(self, arguments=(), environment=None):
        self.process = subprocess.Popen(
            ["gdb", "-nx", "-q", "--interpreter=mi3", *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {}), "DEBUGINFOD_URLS": ""})
        self.buffer = b""
        self.stops = []
        self.number = 0
        self.number_running = 0  # the command that let the target run
        self.late_errors = []
        self.transcript = []  # lines, for a failure
        for setting in ("confirm off", "pagination off", "width 0", "remotetimeout 20",
                        "mi-async on", "print address on"):
            self.command(f"set {setting}")

    def __enter__(self):
        return self

    def __exit__(self, *arguments):
        self.kill()

    def kill(self):
        """Ends gdb without a word to the target."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _line(self, deadline):
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError("gdb does not answer:\n" + "\n".join(self.transcript[-40:]))
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                raise AssertionError("gdb ended:\n" + "\n".join(self.transcript[-40:]))
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        text = line.decode("utf-8", "replace").rstrip("\r")
        self.transcript.append(text)
        if text.startswith("*stopped"):
            self.stops.append(text)
        match = _RESULT.match(text)
        if match and match[2] == "error" and int(match[1]) == self.number_running:
            self.late_errors.append(text)
        return text

    def command(self, text, seconds=SECONDS):
        """What gdb prints for the CLI command `text`; GdbError with its message where it fails."""
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        self.number += 1
        self.process.stdin.write(f'{self.number}-interpreter-exec console "{quoted}"\n'.encode())
        self.process.stdin.flush()
        self.transcript.append(f">>> {text}")
        deadline = time.monotonic() + seconds
        said = ""
        while True:
            line = self._line(deadline)
            if match := _STREAM.match(line):
                said += _unescape(match[1]) if line[0] != "&" else ""
            elif (match := _RESULT.match(line)) and int(match[1]) == self.number:
                if match[2] == "error":
                    message = _ERROR.search(match[3])
                    raise GdbError(_unescape(message[1]) if message else line)
                if match[2] == "running":
                    self.number_running = self.number
                return said

    def value(self, expression):
        """The expression as a number."""
        return int(re.search(r"= (-?\w+)", self.command(f"print/d {expression}"))[1])

    def wait_stop(self, seconds=SECONDS):
        """The *stopped record of the next stop that was not waited for yet."""
        deadline = time.monotonic() + seconds
        while not self.stops:
            self._line(deadline)
        return self.stops.pop(0)

    def refuse_to_run(self, text):
        """What gdb says instead of letting the target run with `text`."""
        seen = len(self.transcript)
        self.late_errors.clear()
        deadline = time.monotonic() + SECONDS
        try:
            self.command(text)
            while not self.late_errors:
                self._line(deadline)
        except GdbError:
            pass
        return "".join(_unescape(match[1]) for line in self.transcript[seen:]
                       if (match := _STREAM.match(line)))

    def resume(self, text="continue"):
        """Lets the target run; returns at once. Forgets stops that nobody waited for."""
        self.stops.clear()
        self.command(f"{text} &" if text == "continue" else text)

    def step(self, text="stepi"):
        """A command that runs the target and stops again; returns the stop."""
        self.stops.clear()
        self.command(text)
        return self.wait_stop()
