#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# replay-all.sh REPLAY FOLDER...: replays every map of the folders, on a CPU with and on one without
# 1 GiB pages. A map that its header calls partial may be refused (exit 1 with one line); every
# other must come out with balanced books. A crash or a run of over 10 s is always a failure.
# Says which run took longest, and ends with `N passed, N failed`.
set -u

replay=$1
shift
passed=0
failed=0
longest_us=0
slowest=none

replay_one() { # map, option or nothing
    local map=$1 output status began=${EPOCHREALTIME/[.,]/} spent
    output=$(timeout 10 "$replay" ${2:+"$2"} "$map" 2>&1 >/dev/null)
    status=$?
    spent=$((${EPOCHREALTIME/[.,]/} - began))
    if [ "$spent" -gt "$longest_us" ]; then
        longest_us=$spent
        slowest="$map${2:+ $2}"
    fi
    if [ "$status" -eq 0 ] || { [ "$status" -eq 1 ] && grep -q '^# partial' "$map"; }; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'replay-all: %s%s: exit %d: %s\n' "$map" "${2:+ $2}" "$status" "$output"
    fi
}

for folder in "$@"; do
    for map in "$folder"/*.map; do
        replay_one "$map"
        replay_one "$map" --no-1g
    done
done
printf 'slowest: %d ms, %s\n' "$((longest_us / 1000))" "$slowest"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
