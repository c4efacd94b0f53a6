#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/sign.sh KEY CERT INPUT OUTPUT: a copy of the EFI program INPUT with an Authenticode signature
# by the key in the PEM file KEY, checked against the certificate in the PEM file CERT. OUTPUT
# appears whole or not at all. `make sign` calls it, and run-ovmf.sh --secure-boot. Needs sbsigntool.
set -euo pipefail

fail() {
    printf 'sign: %s\n' "$*" >&2
    exit 1
}

[ $# -eq 4 ] || fail "usage: tools/sign.sh KEY CERT INPUT OUTPUT"
key=$1 cert=$2 input=$3 output=$4
if [ -z "$key" ] || [ -z "$cert" ]; then
    fail "make sign needs KEY=file CERT=file (PEM); tools/make-keys makes a pair"
fi
for file in "$key" "$cert" "$input"; do
    [ -r "$file" ] || fail "cannot read $file"
done
command -v sbsign >/dev/null || fail "sbsign is missing: tools/deps.sh secure-boot installs it"

mkdir -p "$(dirname "$output")"
part=$output.part
trap 'rm -f "$part"' EXIT
# Both tools put ordinary remarks on stderr; they are shown where something failed.
if ! words=$(sbsign --key "$key" --cert "$cert" --output "$part" "$input" 2>&1) ||
    ! words+=$(sbverify --cert "$cert" "$part" 2>&1); then
    fail "$words"
fi
mv "$part" "$output"
