#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tests/reproducible.sh [BUILD] [ESP]: builds a copy of the sources in a folder of another name and
# compares the unsigned BOOTX64.EFI, kernel.elf and the USB image with those of BUILD and ESP, byte by
# byte.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:-build}
esp=${2:-esp}

copy=$(mktemp -d "${TMPDIR:-/tmp}/firstlight-copy.XXXXXX")
trap 'rm -rf "$copy"' EXIT
cp -R Makefile kernel loader shared tests tools "$copy"
mkdir "$copy/esp"
cp -R "$esp/." "$copy/esp"
rm -rf "$copy/esp/EFI"

env -u BUILD -u ESP make -s -C "$copy" "-j$(nproc)" esp/EFI/BOOT/BOOTX64.EFI
cmp "$copy/esp/EFI/BOOT/BOOTX64.EFI" "$build/BOOTX64.unsigned.EFI"
cmp "$copy/build/kernel.elf" "$build/kernel.elf"

# Our loader may have been signed since, and a signature carries its time.
cp -R "$esp" "$copy/ours"
cp "$build/BOOTX64.unsigned.EFI" "$copy/ours/EFI/BOOT/BOOTX64.EFI"
tools/usb-image.sh "$copy/ours" "$copy/ours.img"
env -u BUILD -u ESP make -s -C "$copy" image
cmp "$copy/build/firstlight.img" "$copy/ours.img"
