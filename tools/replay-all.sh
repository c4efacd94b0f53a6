#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# replay-all.sh REPLAY MAPS: replays every map of a folder. A map that its header calls partial may
# be refused (exit 1 with one line); every other must come out with balanced books. A crash or a
# run of over 10 s is always a failure. Ends with `N passed, N failed`.
set -u

replay=$1
maps=$2
passed=0
failed=0

for map in "$maps"/*.map; do
    output=$(timeout 10 "$replay" "$map" 2>&1 >/dev/null)
    status=$?
    if [ "$status" -eq 0 ] || { [ "$status" -eq 1 ] && grep -q '^# partial' "$map"; }; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'replay-all: %s: exit %d: %s\n' "$map" "$status" "$output"
    fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
