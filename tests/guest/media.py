# SPDX-License-Identifier: GPL-2.0-only
"""What a boot is read from: USB images (tools/usb-image.sh) behind several controllers, started by
the firmware or by another boot manager, with a loader that is signed, badly signed or not.

Every image holds the words in \\firstlight\\cmdline.txt, behind the commented file of the tree; where
another program starts the loader it passes them instead, and cmdline.txt says `seed=1` before.
"""

import shutil
import subprocess
from pathlib import Path

import firmware

TOP = Path(__file__).resolve().parents[2]
SYSTEMD_BOOT = Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
BOOT_FILE = Path("EFI/BOOT/BOOTX64.EFI")
SECOND_STAGE = Path("EFI/BOOT/grubx64.efi")  # what shim starts
CHAINED_FILE = Path("firstlight/loader.efi")  # what another program starts
CHAINED_CMDLINE = "seed=1"

# Name -> QEMU's devices for the drive `esp`. An SD slot needs the next release's firmware: Debian
# 12's has no driver for it. That driver gives a card up which a busy host makes slow; by counted
# instructions, 4 ns each, the card is as fast every time (from 32 ns on it is never found).
CONTROLLERS = {
    "usb": ["-device", "qemu-xhci,id=xhci",
            "-device", "usb-storage,bus=xhci.0,drive=esp,removable=on,bootindex=0"],
    "ahci": ["-device", "ich9-ahci,id=ahci", "-device", "ide-hd,bus=ahci.0,drive=esp,bootindex=0"],
    "nvme": ["-device", "nvme,drive=esp,serial=1,bootindex=0"],
    "virtio": ["-device", "virtio-blk-pci,drive=esp,bootindex=0"],
    "sd": ["-device", "sdhci-pci", "-device", "sd-card,drive=esp",
           "-icount", "shift=2,sleep=off"],
}
# A stick or card is larger than its image: the second GPT is not at its end. QEMU's cards have a
# power of two.
REMOVABLE = ("usb", "sd")
STICK_BYTES = 128 << 20

GRUB_MODULES = ("part_gpt", "fat", "chain", "boot", "search", "search_fs_file")


def _run(*arguments):
    subprocess.run([str(a) for a in arguments], check=True, stdin=subprocess.DEVNULL,
                   capture_output=True)


def _write(tree, path, content):
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


# ---- who starts the loader ---------------------------------------------------------------------

def _by_firmware(tree, efi, words):
    _write(tree, BOOT_FILE, efi)
    cmdline = tree / "firstlight/cmdline.txt"
    _write(tree, "firstlight/cmdline.txt", cmdline.read_text() + words + "\n")


def _chained(tree, efi):
    _write(tree, CHAINED_FILE, efi)
    _write(tree, "firstlight/cmdline.txt", CHAINED_CMDLINE + "\n")


def _by_shell(tree, efi, words):
    """No BOOTX64.EFI: the firmware ends in its own shell, which runs startup.nsh."""
    _chained(tree, efi)
    _write(tree, "startup.nsh", f"fs0:\\firstlight\\loader.efi {words}\r\n")


def _by_grub(tree, efi, words):
    _chained(tree, efi)
    config = tree.parent / "grub.cfg"
    config.write_text(f"search --no-floppy --set=root --file /{CHAINED_FILE}\n"
                      f"chainloader /{CHAINED_FILE} {words}\nboot\n")
    (tree / BOOT_FILE).parent.mkdir(parents=True)
    _run("grub-mkimage", "-O", "x86_64-efi", "-p", "/", "-c", config, "-o", tree / BOOT_FILE,
         *GRUB_MODULES)


def _by_systemd_boot(tree, efi, words):
    _chained(tree, efi)
    _write(tree, BOOT_FILE, SYSTEMD_BOOT.read_bytes())
    _write(tree, "loader/loader.conf", "timeout 0\ndefault firstlight.conf\n")
    _write(tree, "loader/entries/firstlight.conf",
           f"title Firstlight\nefi /{CHAINED_FILE}\noptions {words}\n")


def _by_shim(tree, efi, words):
    """As docs/secure-boot.md has it: the loader is the second stage that shim looks for."""
    _by_firmware(tree, firmware.shim().read_bytes(), words)
    _write(tree, SECOND_STAGE, efi)


STARTERS = {"firmware": _by_firmware, "shell": _by_shell, "grub": _by_grub,
            "systemd-boot": _by_systemd_boot, "shim": _by_shim}


# ---- who signed it -----------------------------------------------------------------------------

def _snakeoil(work, flavour):
    """The key that the snakeoil variables of the firmware trust, without its pass phrase."""
    key, packed = work / "snakeoil.key", firmware.snakeoil(flavour)
    _run("openssl", "rsa", "-in", packed.with_suffix(".key"), "-passin", "pass:snakeoil",
         "-out", key)
    return key, packed.with_suffix(".pem")


def _signed(efi, work, key, certificate):
    unsigned, signed = work / "unsigned.efi", work / "signed.efi"
    unsigned.write_bytes(efi)
    _run(TOP / "tools/sign.sh", key, certificate, unsigned, signed)
    return signed.read_bytes()


def _by_snakeoil(efi, work, flavour):
    return _signed(efi, work, *_snakeoil(work, flavour))


def _changed_after(efi, work, flavour):
    """One bit, in the middle of what the signature covers."""
    signed = bytearray(_by_snakeoil(efi, work, flavour))
    signed[len(efi) // 2] ^= 1
    return bytes(signed)


def _by_own_key(efi, work, _):
    keys = firmware.own_keys(work)
    return _signed(efi, work, keys / "db.key", keys / "db.crt")


# mok: shim's list has the key (firmware.arguments); other-key: nobody knows it.
SIGNERS = {"unsigned": lambda efi, *_: efi, "signed": _by_snakeoil, "changed": _changed_after,
           "other-key": _by_own_key, "mok": _by_own_key}


def loader(boot, build, work):
    """The bytes of the loader of `build`, signed as `boot` says."""
    efi = Path(build.efi).read_bytes()
    return SIGNERS[boot.secure](efi, work, boot.firmware) if boot.secure else efi


# ---- the image ---------------------------------------------------------------------------------

def read(work, path):
    """The text of the file `path` on the image in the folder `work`."""
    return subprocess.run(["mtype", "-i", f"{work / 'esp.img'}@@1M", f"::/{path}"], check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


def arguments(boot, build, work):
    """QEMU's arguments for the medium of `boot`; makes its image in `work`."""
    tree, image = work / "tree", work / "esp.img"
    shutil.copytree(TOP / "esp/firstlight", tree / "firstlight")
    STARTERS[boot.start](tree, loader(boot, build, work), boot.words)
    _run(TOP / "tools/usb-image.sh", "--fat", boot.fat, tree, image)
    if boot.medium in REMOVABLE:
        with open(image, "r+b") as file:
            file.truncate(STICK_BYTES)
    shutil.rmtree(tree)
    return ["-drive", f"if=none,id=esp,format=raw,file={image}", *CONTROLLERS[boot.medium]]
