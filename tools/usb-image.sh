#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/usb-image.sh [--fat 32|16|12] FOLDER IMAGE: makes a disk image for a USB stick: GPT with a
# protective MBR and one EFI System Partition that holds what FOLDER holds. Needs mtools and
# sgdisk, no root, no loop device. The same FOLDER gives the same bytes: identities are fixed, the
# order is by name, and all times are SOURCE_DATE_EPOCH (or the constant below), in UTC.
#
#   0          protective MBR, GPT
#   1 MiB      the partition (aligned for flash)
#   end        second GPT, in the last 33 sectors of the image
#
# FAT32 is what UEFI 2.10, 13.3 asks of a system partition, and is read everywhere. FAT16 and FAT12
# it names for removable media; those images are 18 and 6 MiB (docs/real-pc.md says when). A FAT's
# width follows from its number of clusters alone, so each form stays well inside of its range:
# firmware that counts and firmware that believes the boot sector then see the same.
set -euo pipefail

readonly sector_bytes=512
readonly start_sector=2048 # 1 MiB
readonly sectors_per_mib=2048
readonly disk_guid=5B2C4A7E-3D1F-4E86-9A60-F1125719B001
readonly partition_guid=5B2C4A7E-3D1F-4E86-9A60-F1125719B002
readonly volume_serial=F1125719
readonly default_epoch=1704067200 # 2024-01-01 00:00 UTC

fail() {
    printf 'usb-image: %s\n' "$*" >&2
    exit 1
}

# Sets the size of the partition and its clusters by the width of the FAT.
choose_form() {
    case $1 in
    32) partition_mib=64 format=(-F -c 1) ;; # 129,000 clusters; FAT32 begins at 65,525
    16) partition_mib=16 format=(-c 4) ;;    # 8,100 clusters; FAT16 begins at 4,085
    12) partition_mib=4 format=(-c 4) ;;     # 2,000 clusters
    *) fail "--fat takes 32, 16 or 12, not '$1'" ;;
    esac
}

make_partition_table() {
    truncate -s "$((partition_mib + 2))M" "$1"
    sgdisk --clear --set-alignment=1 \
        --new="1:$start_sector:$((start_sector + partition_mib * sectors_per_mib - 1))" \
        --typecode=1:ef00 --change-name=1:FIRSTLIGHT --disk-guid="$disk_guid" \
        --partition-guid="1:$partition_guid" "$1" >/dev/null
}

make_file_system() {
    mformat -i "$1" -T "$((partition_mib * sectors_per_mib))" -h 255 -s 63 -H "$start_sector" \
        -v FIRSTLIGHT -N "$volume_serial" "${format[@]}" ::
}

# One call a name, in the order of the names: the order of a folder's entries on the host differs
# from machine to machine.
copy_files() {
    local name
    while IFS= read -r -d '' name; do
        name=${name#./}
        if [ -d "$1/$name" ]; then
            mmd -i "$2" "::/$name"
        else
            mcopy -i "$2" -Q "$1/$name" "::/$name"
        fi
    done < <(cd "$1" && find . -mindepth 1 -print0 | sort -z)
}

main() {
    local width=32
    if [ "${1:-}" = --fat ] && [ $# -ge 2 ]; then
        width=$2
        shift 2
    fi
    [ $# -eq 2 ] || fail "usage: tools/usb-image.sh [--fat 32|16|12] FOLDER IMAGE"
    local folder=$1 image=$2
    part=$2.part
    [ -d "$folder" ] || fail "no folder $folder"
    choose_form "$width"
    # sgdisk lives where only root's PATH leads; mtools would ask questions of its own.
    export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C TZ=UTC MTOOLSRC=/dev/null
    export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$default_epoch}
    local volume=$part@@$((start_sector * sector_bytes))

    rm -f "$part"
    trap 'rm -f "$part"' EXIT
    make_partition_table "$part"
    make_file_system "$volume"
    copy_files "$folder" "$volume" || fail "$folder does not go into a FAT$width image"
    mv "$part" "$image"
}

main "$@"
