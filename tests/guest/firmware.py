# SPDX-License-Identifier: GPL-2.0-only
"""What a boot runs under: the OVMF of Debian 12; that of Debian's next release (tools/next-ovmf.sh),
which knows SD cards; or U-Boot, whose UEFI shares no code with EDK2. And shim (tools/shim.sh), which
a firmware with Microsoft's keys starts.
"""

import functools
import shutil
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

import secure_variables

TOP = Path(__file__).resolve().parents[2]
_fetching = threading.Lock()


class Flavour(NamedTuple):
    code: str
    variables: str = ""  # {trust}: whose keys, see variables(); nothing: no flash, the code is all
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
def _fetched(script):
    """What came of tools/`script`, once: a network that hangs does so for one boot only."""
    return subprocess.run([TOP / "tools" / script], check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)


def _fetched_folder(script, what):
    with _fetching:
        done = _fetched(script)
    if done.returncode:
        raise RuntimeError(f"no {what}:\n{done.stderr}")
    return Path(done.stdout.strip())


def next_folder():
    """Where the next release's package is unpacked; fetches it where it is not."""
    return _fetched_folder("next-ovmf.sh", "firmware of the next release")


def shim():
    """The file of shim, signed by Microsoft; fetches it where it is not."""
    return _fetched_folder("shim.sh", "shim") / "usr/lib/shim/shimx64.efi.signed"


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


def own_keys(work):
    """The folder of tools/make-keys in `work`; makes them where they are not."""
    keys = work / "keys"
    if not keys.exists():
        subprocess.run([TOP / "tools/make-keys", keys], check=True, stdin=subprocess.DEVNULL,
                       capture_output=True)
    return keys


def variables(name, secure, start="firmware"):
    """The file of variables: Secure Boot off, or on with Debian's keys; for shim, Microsoft's."""
    trust = "" if not secure else ".ms" if start == "shim" else ".snakeoil"
    return _share(name) / "OVMF" / FLAVOURS[name].variables.format(trust=trust)


def arguments(boot, work):
    """QEMU's arguments for the firmware of `boot`, with its own copy of the variables in `work`."""
    flavour = FLAVOURS[boot.firmware]
    if not flavour.variables:
        return ["-bios", flavour.code, *flavour.machine]
    copy = work / "vars.fd"
    shutil.copy(boot.variables or variables(boot.firmware, boot.secure, boot.start), copy)
    if boot.start == "shim":  # enrolled: the key that signs, else another one of the same owner
        enrolled = "db.cer" if boot.secure == "mok" else "KEK.cer"
        secure_variables.enrol_mok(copy, own_keys(work) / enrolled)
    code = _share(boot.firmware) / "OVMF" / flavour.code
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,unit=1,file={copy}", *flavour.machine]
