#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check`: the static analysis that is too slow for every test run. Zero findings is a pass; a
# suppression stands in the source with its reason. Exit: 0 no finding, 1 findings or a missing tool.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${BUILD:-build}
esp=${ESP:-esp}
findings=0

# step NAME COMMAND...: runs it, shows its output only where it fails.
step() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        printf '  ok      %s\n' "$name"
    else
        printf '  FAILED  %s\n%s\n' "$name" "$output"
        findings=$((findings + 1))
    fi
}

# The words of a Makefile variable, without the shell's quotes, into the array `words`.
make_words() {
    mapfile -t words < <(make -s "print-$1" | xargs -n 1 printf '%s\n')
}

# tidy FILES FLAGS: clang-tidy over the units of one Makefile variable with the flags of another.
tidy() {
    local -a words files
    make_words "$1"
    files=("${words[@]}")
    make_words "$2"
    printf '%s\0' "${files[@]}" |
        xargs -0 -P "$(nproc)" -I{} clang-tidy --quiet {} -- -std=c11 "${words[@]}"
}

# Linker symbols are the two ends of one object; cppcheck takes them for two.
cppcheck_all() {
    cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,portability \
        --suppress=missingIncludeSystem --suppress=comparePointers -j "$(nproc)" -I. -Ikernel -Ikernel/arch/x86_64/include \
        -Ikernel/arch/x86_64 -Iloader kernel loader shared
}

# gcc's path analysis over the kernel, warnings as errors; objects go to a folder of their own.
analyzer() {
    local -a words objects
    make_words KERNEL_C
    mapfile -t objects < <(printf "$build/analyzer/kernel/%s\n" "${words[@]/%.c/.o}")
    make -s "-j$(nproc)" "BUILD=$build/analyzer" "KERNEL_CC=gcc -fanalyzer" "${objects[@]}"
}

spelling() {
    codespell --quiet-level=2 --ignore-words-list=ue,te,nd,ot,ist \
        README.md CONTRIBUTING.md CHANGELOG.md CAVEATS.md docs kernel loader shared tools tests \
        --skip='tests/data/*,tests/fuzz/corpus/*,*/__pycache__/*'
}

step gates python3 tests/gates.py --build "$build" --esp "$esp"
step "clang-tidy kernel" tidy KERNEL_C KERNEL_FLAGS
step "clang-tidy loader" tidy LOADER_C LOADER_FLAGS
step cppcheck cppcheck_all
step "gcc -fanalyzer" analyzer
step codespell spelling
[ "$findings" -eq 0 ]
