#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tests/reproducible.sh [BUILD] [ESP]: builds a copy of the sources in a folder of another name and
# compares BOOTX64.EFI and kernel.elf with those in BUILD and ESP, byte by byte, and the USB images
# of both.
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
cmp "$copy/build/BOOTX64.unsigned.EFI" "$build/BOOTX64.unsigned.EFI"
cmp "$copy/build/kernel.elf" "$build/kernel.elf"
cmp "$copy/esp/EFI/BOOT/BOOTX64.EFI" "$esp/EFI/BOOT/BOOTX64.EFI"

env -u BUILD -u ESP make -s -C "$copy" image
make -s "BUILD=$build" "ESP=$esp" image
cmp "$copy/build/firstlight.img" "$build/firstlight.img"
