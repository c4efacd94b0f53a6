#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/fetch-package.sh NAME SUITE PACKAGE FILE...: unpacks PACKAGE of Debian's SUITE into
# build/NAME and prints that folder. FILE, without its slash in front, is what the caller wants of
# it. Called by tools/NAME.sh.
#
# Installs nothing, runs nothing of the package: apt works on lists and a cache of its own, in a
# temporary folder, and checks Debian's signature as ever. Root or not makes no difference. Where the
# files are there already nothing is fetched; for a newer package remove the folder. Its file
# `version` names the package.
#
# In the environment: BUILD, another folder than build, as for make; DEBIAN_MIRROR, another mirror
# than the system's.
# Exit: 0 there, 1 could not be fetched (what to do has been printed).
set -euo pipefail

readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
    printf '%s\n' "${@/#/$name: }" >&2
    exit 1
}

name=$1 suite=$2 package=$3
shift 3
readonly name suite package wanted=("$@")

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" # BUILD is relative to it, as in make
folder=$(realpath -m "${BUILD:-build}/$name")

# Prints those of the wanted files that the unpacked package in the folder $1 lacks.
lacking() {
    local file
    for file in "${wanted[@]}"; do
        [ -s "$1/$file" ] || printf ' %s' "$file"
    done
}

# Where this system gets Debian from, as far as it says.
find_mirror() {
    local mirror
    mirror=$(apt-get indextargets 'Created-By: Packages' 2>/dev/null |
        sed -n '0,/^Repo-URI: .*\/debian\/$/ s/^Repo-URI: \(.*\/debian\/\)$/\1/p') || mirror=
    echo "${mirror:-http://deb.debian.org/debian/}"
}

# apt-get that knows the one suite and nothing of what is installed; its words go to stderr. A mirror
# that lags behind, or a wrong clock, is no reason to stop: an older package will do.
apt() {
    apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/none" \
        -o Dir::Etc::preferences="$work/none/no" -o Dir::Etc::preferencesparts="$work/none" \
        -o Dir::State="$work/state" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work/cache" -o APT::Architecture=amd64 -o APT::Architectures=amd64 \
        -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false \
        -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o APT::Update::Error-Mode=any "$@" >&2
}

fetch() {
    local mirror
    mirror=${DEBIAN_MIRROR:-$(find_mirror)}
    mkdir -p "$work"/{none,state/lists/partial,cache/archives/partial,deb,files}
    # The user as whom root's apt fetches.
    if [ "$(id -u)" -eq 0 ] && id _apt >/dev/null 2>&1; then
        chown _apt "$work/deb"
    fi
    : >"$work/status"
    echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"
    [ -r "$keyring" ] || fail "no $keyring: install the package debian-archive-keyring"
    apt update || fail "cannot read the list of $suite at $mirror (see above)." \
        "Is it reachable? DEBIAN_MIRROR=http://HOST/debian/ names another mirror."
    (cd "$work/deb" && apt download "$package") ||
        fail "$suite at $mirror has no package $package, or it could not be fetched (see above)." \
            "Debian may have renamed it: tools/$name.sh names suite and package."
    dpkg -x "$work"/deb/*.deb "$work/files"
    local missing
    missing=$(lacking "$work/files")
    [ -z "$missing" ] || fail "$package of $suite has no longer:$missing" \
        "Debian may have renamed them: tools/$name.sh and tests/guest/firmware.py name them."
    dpkg-deb -W "$work"/deb/*.deb | tr '\t' ' ' >"$work/files/version"
}

mkdir -p "$(dirname "$folder")"
exec {lock}>"$folder.lock"
flock "$lock"
if [ -n "$(lacking "$folder")" ] || [ ! -s "$folder/version" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work" "$folder.new"' EXIT
    chmod 755 "$work" # not only root's
    fetch
    rm -rf "$folder" "$folder.new"
    mv "$work/files" "$folder.new" # which may be a copy, and be interrupted
    mv "$folder.new" "$folder"
fi
echo "$folder"
