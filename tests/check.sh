#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check`: static analysis, most of it too slow for every test run. A line for each tool, its
# findings where it has any, and at last `N passed, N failed`. Zero findings is a pass; a suppression
# stands with its reason in the source, or here where a rule is off. Installs what is missing.
#
#   tests/check.sh [--quick]     --quick: only what takes seconds (a part of `make test`)
#
# Exit: 0 no finding, 1 findings or a missing tool.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${BUILD:-build}
esp=${ESP:-esp}
passed=0
failed=0

# step NAME COMMAND...: runs it, shows its output only where it fails.
step() {
    local name=$1 output start=$SECONDS
    shift
    if output=$("$@" 2>&1); then
        printf '  ok      %-18s %4d s\n' "$name" $((SECONDS - start))
        passed=$((passed + 1))
    else
        printf '  FAILED  %-18s %4d s\n%s\n' "$name" $((SECONDS - start)) "$output"
        failed=$((failed + 1))
    fi
}

# The words of a Makefile variable, without the shell's quotes, into the array `words`.
make_words() {
    mapfile -t words < <(make -s "BUILD=$build" "print-$1" | xargs -n 1 printf '%s\n')
    [ "${#words[@]}" -gt 0 ]
}

# each FILES FLAGS COMMAND...: the command for every unit of one Makefile variable, `{}` in it being
# the unit, and the flags of another variable behind it.
each() {
    local -a words files
    make_words "$1" || return 1
    files=("${words[@]}")
    make_words "$2" || return 1
    shift 2
    printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -I{} "$@" "${words[@]}"
}

# Its count of what it suppressed in headers of others is no finding.
tidy() {
    each "$1" "$2" clang-tidy --quiet {} -- -std=c11 2> >(grep -v '^[0-9]* warnings\? generated' >&2)
}

# What is off: rules that this tree does not follow (declarations at first use, { 0 }, a text that
# fills its array), and what comes from libc's and gnu-efi's headers (attributes, constants without
# suffix). sparse 0.6.4 knows _Atomic as a qualifier only, not as _Atomic(type).
sparse_all() {
    local -a options=(
        -std=c11 -Wsparse-all -Wsparse-error -Wno-declaration-after-statement
        -Wno-universal-initializer -Wno-init-cstring -Wno-unknown-attribute -Wno-undef
        -Wno-constant-suffix '-D_Atomic(type)=type'
    )
    each "$1" "$2" sparse {} "${options[@]}"
}

# comparePointers: linker symbols are the two ends of one object; cppcheck takes them for two.
cppcheck_all() {
    cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,portability \
        --suppress=missingIncludeSystem --suppress=comparePointers -j "$(nproc)" -I. -Ikernel \
        -Ikernel/arch/x86_64/include -Ikernel/arch/x86_64 -Iloader kernel loader shared tools
}

# gcc's path analysis over the kernel, warnings as errors; objects go to a folder of their own.
analyzer() {
    local -a words
    make_words KERNEL_C || return 1
    words=("${words[@]/#/$build/analyzer/kernel/}")
    make -s "-j$(nproc)" "BUILD=$build/analyzer" "KERNEL_CC=gcc -fanalyzer" "${words[@]/%.c/.o}"
}

# clang's path analysis over what only the host runs (clang-tidy has it for kernel and loader). From
# scratch: a finding does not keep the object from being made, and what is made is not looked at.
scan() {
    local -a words
    rm -rf "$build/scan"
    build=$build/scan make_words HOST_ONLY_O || return 1
    # shellcheck disable=SC2016  # scan-build sets CC for the command that it runs
    scan-build --use-cc=clang --status-bugs -o "$build/scan/reports" \
        sh -c 'exec make -s SANITIZE= HOST_CC="$CC" "$@"' sh "-j$(nproc)" "BUILD=$build/scan" \
        "${words[@]}"
}

spelling() {
    codespell --quiet-level=2 --ignore-words-list=ue,te,nd,ot,ist \
        README.md CONTRIBUTING.md CHANGELOG.md CAVEATS.md docs kernel loader shared tools tests \
        --skip='tests/data/*,tests/fuzz/corpus/*,*/__pycache__/*'
}

quick() {
    step codespell spelling
    step cppcheck cppcheck_all
    step "sparse kernel" sparse_all KERNEL_C KERNEL_FLAGS
    step "sparse loader" sparse_all LOADER_C LOADER_SPARSE_FLAGS
}

slow() {
    step build make -s "-j$(nproc)" "BUILD=$build" "ESP=$esp" all
    step gates python3 tests/gates.py --build "$build" --esp "$esp"
    step "gcc -fanalyzer" analyzer
    step "clang-tidy kernel" tidy KERNEL_C KERNEL_FLAGS
    step "clang-tidy loader" tidy LOADER_C LOADER_FLAGS
    step "scan-build host" scan
}

case "${1:-}" in
--quick) quick ;;
'')
    tools/deps.sh check || exit 1
    quick
    slow
    ;;
*)
    echo 'usage: tests/check.sh [--quick]' >&2
    exit 1
    ;;
esac
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
