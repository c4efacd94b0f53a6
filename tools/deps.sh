#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/deps.sh [run|test|check|display|secure-boot]: installs the Debian 12 packages that are missing, and only
# those; prints nothing where there is nothing to do. Needs only bash, coreutils, dpkg and apt.
#
#   run      what building and booting in QEMU needs (the default)
#   test     run, and what tests/run.sh needs
#   check    test, and what make check needs
#   display  run, and QEMU's window
#   secure-boot  run, and what signs
#
# Exit: 0 all there, 1 could not be installed (the line to run as root has been printed).
set -euo pipefail

# One line a package: why it is here.
run_packages=(
    make                # the build
    clang               # kernel, loader (PE/COFF target) and host tools
    lld                 # ld.lld for the kernel, lld-link for the loader
    gnu-efi             # UEFI headers only
    binutils            # objcopy
    libc6-dev           # host tools
    qemu-system-x86     # the machine
    ovmf                # its firmware
    mtools              # makes the FAT image that QEMU boots from
    gdisk               # makes its partition table (make image)
    console-setup-linux # the screen's font (Terminus)
)
test_packages=(
    libclang-rt-14-dev # sanitizers, fuzzers
    llvm               # coverage
    gcc                # second kernel compiler
    gdb                # drives both debug stubs
    python3            # boot matrix, gates
    clang-format       # gates
    shellcheck shfmt   # gates
    # make check-quick
    cppcheck codespell sparse
    dosfstools         # fsck.vfat looks at the USB image
    sbsigntool openssl # Secure Boot: signed and wrongly signed loaders
    swtpm              # measured boot: a TPM for QEMU
    u-boot-qemu        # a UEFI that is not EDK2
    # Other boot managers that start the loader.
    grub-efi-amd64-bin systemd-boot-efi
)
check_packages=(
    clang-tidy  # make check
    clang-tools # scan-build
)
display_packages=(qemu-system-gui)
signing_packages=(sbsigntool openssl)

# Sets `missing` to those of the arguments that are not installed.
find_missing() {
    local installed package
    # dpkg-query fails where it does not know a package: that one is missing, then.
    installed=$(dpkg-query -W -f='|${Package} ${db:Status-Status}|' "$@" 2>/dev/null || true)
    missing=()
    for package in "$@"; do
        [[ $installed == *"|$package installed|"* ]] || missing+=("$package")
    done
}

# Runs a command as root: directly, or through sudo. A password is only asked for on a terminal.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ] && [ -t 2 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_become_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null || return 1
    { [ -t 0 ] && [ -t 2 ]; } || sudo -n true 2>/dev/null
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >&2
}

install_packages() {
    # Lists may be absent (a fresh container) or stale (the version named is gone).
    if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
        apt install --no-install-recommends "$@" && return
    fi
    apt update && apt install --no-install-recommends "$@"
}

case "${1:-run}" in
run) wanted=("${run_packages[@]}") ;;
test) wanted=("${run_packages[@]}" "${test_packages[@]}") ;;
check) wanted=("${run_packages[@]}" "${test_packages[@]}" "${check_packages[@]}") ;;
display) wanted=("${run_packages[@]}" "${display_packages[@]}") ;;
secure-boot) wanted=("${run_packages[@]}" "${signing_packages[@]}") ;;
*)
    echo "usage: tools/deps.sh [run|test|check|display|secure-boot]" >&2
    exit 1
    ;;
esac

find_missing "${wanted[@]}"
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "deps: this is no Debian; please install what these packages hold: ${missing[*]}" >&2
    exit 1
fi
by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
if ! can_become_root; then
    printf 'deps: missing packages; please run as root:\n%s\n' "$by_hand" >&2
    exit 1
fi
echo "deps: installing ${missing[*]}" >&2
if ! install_packages "${missing[@]}"; then
    printf 'deps: apt-get failed; to try by hand, run as root:\n%s\n' "$by_hand" >&2
    exit 1
fi
