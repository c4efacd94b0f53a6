#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/blob-offset.sh KERNEL STRIPPED SYMBOL: prints where the byte at SYMBOL of the ELF file KERNEL
# lies in the file STRIPPED, which is KERNEL without symbols. The build uses it, so that what loader
# and kernel both need is in BOOTX64.EFI once.
set -euo pipefail

kernel=$1 stripped=$2 symbol=$3

address=$(nm "$kernel" | while read -r value _ name; do
    [ "$name" != "$symbol" ] || echo $((16#$value))
done)
[ -n "$address" ] || {
    echo "$0: $kernel has no symbol $symbol" >&2
    exit 1
}

# LOAD, offset in the file, virtual address, physical address, size in the file ...
readelf -lW "$stripped" | while read -r kind offset virt _ size _; do
    if [ "$kind" = LOAD ] && [ "$address" -ge $((virt)) ] &&
        [ "$address" -lt $((virt + size)) ]; then
        echo $((address - virt + offset))
    fi
done
