# SPDX-License-Identifier: GPL-2.0-only
"""A TPM 2.0 for one boot: swtpm with an empty state, QEMU's arguments for it."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


@contextlib.contextmanager
def running():
    """A new TPM for the block's time; yields the arguments that plug it into QEMU."""
    # Not in the boot's own folder: a socket's path has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="tpm-"))
    path = folder / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        # Bound here and inherited: QEMU can connect at once, nobody waits for a file.
        listener.bind(str(path))
        listener.listen()
        process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}",
             "--ctrl", f"type=unixio,fd={listener.fileno()}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, pass_fds=(listener.fileno(),))
    try:
        yield ["-chardev", f"socket,id=tpm,path={path}", "-tpmdev", "emulator,id=tpm,chardev=tpm",
               "-device", "tpm-crb,tpmdev=tpm"]
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
