# SPDX-License-Identifier: GPL-2.0-only
"""A TPM 2.0 for one boot: swtpm with an empty state, QEMU's arguments for it."""

import contextlib
import shutil
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

# TPM_ALG_ID and TPM2_* codes (TPM 2.0 Library, part 2).
BANKS = {"sha1": 0x0004, "sha256": 0x000b, "sha384": 0x000c, "sha512": 0x000d}
STARTUP, SHUTDOWN, PCR_ALLOCATE = 0x144, 0x145, 0x12b
NO_SESSIONS, SESSIONS = 0x8001, 0x8002
PLATFORM = 0x4000000c
EMPTY_PASSWORD = struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)  # TPM_RS_PW


@contextlib.contextmanager
def _swtpm(folder, *arguments, pass_fds=()):
    process = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}",
                                *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, pass_fds=pass_fds)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _submit(line, tag, code, body):
    """One command; raises where the TPM refuses."""
    line.sendall(struct.pack(">HII", tag, 10 + len(body), code) + body)
    answer = line.recv(4096)
    (result,) = struct.unpack_from(">I", answer, 6)
    if result != 0:
        raise RuntimeError(f"the TPM answers {result:#x} to command {code:#x}")
    return answer


def _allocate(folder, banks):
    """Switches on the PCR banks `banks` and no others, as a firmware's set-up would: it is in the
    TPM's state, and in force from its next start."""
    ours, theirs = socket.socketpair()
    with ours, theirs, _swtpm(folder, "--fd", str(theirs.fileno()), "--flags", "not-need-init",
                              pass_fds=(theirs.fileno(),)) as process:
        ours.settimeout(30)
        _submit(ours, NO_SESSIONS, STARTUP, struct.pack(">H", 0))
        selections = b"".join(
            struct.pack(">HB", algorithm, 3) + (b"\xff" * 3 if name in banks else b"\0" * 3)
            for name, algorithm in BANKS.items())
        answer = _submit(ours, SESSIONS, PCR_ALLOCATE,
                         struct.pack(">I", PLATFORM) + EMPTY_PASSWORD
                         + struct.pack(">I", len(BANKS)) + selections)
        if answer[14] != 1:  # behind the size of the parameters
            raise RuntimeError("the TPM does not switch its PCR banks")
        _submit(ours, NO_SESSIONS, SHUTDOWN, struct.pack(">H", 0))
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def running(banks=()):
    """A new TPM for the block's time; yields the arguments that plug it into QEMU. `banks`: the
    PCR banks that are on (names of BANKS), the TPM's own choice where it is empty."""
    # Not in the boot's own folder: a socket's path has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="tpm-"))
    path = folder / "socket"
    try:
        if banks:
            _allocate(folder, banks)
        with socket.socket(socket.AF_UNIX) as listener:
            # Bound here and inherited: QEMU can connect at once, nobody waits for a file.
            listener.bind(str(path))
            listener.listen()
            with _swtpm(folder, "--ctrl", f"type=unixio,fd={listener.fileno()}",
                        pass_fds=(listener.fileno(),)):
                yield ["-chardev", f"socket,id=tpm,path={path}",
                       "-tpmdev", "emulator,id=tpm,chardev=tpm",
                       "-device", "tpm-crb,tpmdev=tpm"]
    finally:
        shutil.rmtree(folder)
