# SPDX-License-Identifier: GPL-2.0-only
"""What a boot runs under: the OVMF of Debian 12; that of Debian's next release (tools/next-ovmf.sh),
which knows SD cards; or U-Boot, whose UEFI shares no code with EDK2.
"""

import functools
import shutil
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]
_fetching = threading.Lock()


class Flavour(NamedTuple):
    code: str
    variables: str = ""  # {trust}: "" or ".snakeoil"; nothing: no flash, the code is all
    next_release: bool = False
    machine: tuple = ()  # what it asks of QEMU


FLAVOURS = {
    "4M": Flavour("OVMF_CODE_4M.fd", "OVMF_VARS_4M{trust}.fd"),
    "2M": Flavour("OVMF_CODE.fd", "OVMF_VARS{trust}.fd"),
    "next": Flavour("OVMF_CODE_4M.fd", "OVMF_VARS_4M{trust}.fd", True),
    # Its variables are SMM's, and it has EFI_MEMORY_ATTRIBUTE_PROTOCOL. Of NX it is no stricter: in
    # both only its own images are mapped by their sections, all else is writable and executable.
    "next-smm": Flavour("OVMF_CODE_4M.secboot.strictnx.fd", "OVMF_VARS_4M{trust}.fd", True,
                        ("-machine", "smm=on", "-global",
                         "driver=cfi.pflash01,property=secure,value=on")),
    # Knows QEMU's pc only, of its disks virtio without a hint; needs 64 MiB.
    "u-boot": Flavour("/usr/lib/u-boot/qemu-x86_64/u-boot.rom"),
}


@functools.cache
def _fetched():
    """What came of tools/next-ovmf.sh, once: a network that hangs does so for one boot only."""
    return subprocess.run([TOP / "tools/next-ovmf.sh"], check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)


def next_folder():
    """Where the next release's package is unpacked; fetches it where it is not."""
    with _fetching:
        done = _fetched()
    if done.returncode:
        raise RuntimeError(f"no firmware of the next release:\n{done.stderr}")
    return Path(done.stdout.strip())


def _share(name):
    return next_folder() / "usr/share" if FLAVOURS[name].next_release else Path("/usr/share")


def version(name):
    """Package and version of what was fetched; empty for what is installed."""
    if not FLAVOURS[name].next_release:
        return ""
    return (next_folder() / "version").read_text("utf-8").strip()


def snakeoil(name):
    """.key and .pem of this path: the key that the flavour's snakeoil variables trust."""
    return _share(name) / "ovmf/PkKek-1-snakeoil"


def variables(name, secure):
    """The file of variables, with Secure Boot on or off."""
    file = FLAVOURS[name].variables.format(trust=".snakeoil" if secure else "")
    return _share(name) / "OVMF" / file


def arguments(boot, work):
    """QEMU's arguments for the firmware of `boot`, with its own copy of the variables in `work`."""
    flavour = FLAVOURS[boot.firmware]
    if not flavour.variables:
        return ["-bios", flavour.code, *flavour.machine]
    copy = work / "vars.fd"
    shutil.copy(boot.variables or variables(boot.firmware, boot.secure), copy)
    code = _share(boot.firmware) / "OVMF" / flavour.code
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,unit=1,file={copy}", *flavour.machine]
