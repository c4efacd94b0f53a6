#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tests/reproducible.sh [BUILD] [ESP]: builds a copy of the sources in a folder of another name and
# compares BOOTX64.EFI and kernel.elf with those in BUILD and ESP, byte by byte.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:-build}
esp=${2:-esp}

copy=$(mktemp -d "${TMPDIR:-/tmp}/firstlight-copy.XXXXXX")
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/esp/EFI/BOOT"
cp -R Makefile kernel loader shared tests tools "$copy"

env -u BUILD -u ESP make -s -C "$copy" "-j$(nproc)" esp/EFI/BOOT/BOOTX64.EFI
cmp "$copy/esp/EFI/BOOT/BOOTX64.EFI" "$esp/EFI/BOOT/BOOTX64.EFI"
cmp "$copy/build/kernel.elf" "$build/kernel.elf"
